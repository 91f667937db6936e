package dnssecval

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/coredns/coredns/plugin/metrics/vars"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

const (
	startDelay      = 2 * time.Second  // until the first question: listeners and upstreams come up meanwhile
	watchInterval   = 10 * time.Second // between looks at the files
	rereadInterval  = time.Hour        // between looks at files that did not change
	proveInterval   = 30 * time.Second // while an anchor's zone is not proven
	provedInterval  = 10 * time.Minute // once it is
	recheckInterval = 5 * time.Minute  // between looks below negative trust anchors
	signalInterval  = 24 * time.Hour   // between key tag signals (RFC 8145, section 5.1)
)

// watcher looks after the trust anchors of a block. It has one goroutine, and asks
// the upstream at most a few questions a minute.
type watcher struct {
	*Validator
	reread, prove, recheck, tell time.Time // when each is due
	negative                     []string  // zones that are still to be rechecked
}

// watch reads changed files, follows and proves the keys of the anchors, and looks for
// negative trust anchors that are no longer needed, until stop.
func (v *Validator) watch(stop <-chan struct{}) {
	select {
	case <-time.After(startDelay):
	case <-stop:
		return
	}
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	w := &watcher{Validator: v}
	for {
		v.guarded(w.look)
		select {
		case <-tick.C:
		case <-stop:
			return
		}
	}
}

// look does what is due.
func (w *watcher) look() {
	w.lookAtSources()
	if w.rollovers != nil {
		w.followKeys()
	}
	w.tellEnded()
	if now := time.Now(); now.After(w.prove) {
		w.prove = now.Add(proveInterval) // should it panic
		w.prove = now.Add(w.proveAnchors())
	}
	w.recheckNext()
	if now := time.Now(); w.signal && now.After(w.tell) {
		w.tell = now.Add(signalInterval)
		w.signalKeyTags()
	}
}

// lookAtSources reads the files that changed, and now and then those that did not:
// root-anchors.xml says since when and until when its keys are valid.
func (w *watcher) lookAtSources() {
	if now := w.sources.fingerprint(); now != w.seen {
		w.seen = now
		if w.reloadAnchors() {
			w.metrics.reloaded(w.servers(), "good")
		}
		w.prove = time.Time{}
		return
	}
	if now := time.Now(); now.After(w.reread) {
		w.reread = now.Add(rereadInterval)
		if configured, _, err := w.sources.load(w.now()); err == nil {
			_ = w.useAnchors(configured)
		}
	}
}

// recheckNext looks below one negative trust anchor: each may take as long as a client
// waits.
func (w *watcher) recheckNext() {
	if now := time.Now(); len(w.negative) == 0 && now.After(w.recheck) {
		w.recheck = now.Add(recheckInterval)
		w.negative = w.negativeZones()
	}
	if len(w.negative) > 0 {
		zone := w.negative[0]
		w.negative = w.negative[1:]
		w.recheckNegative(zone)
	}
}

// guarded survives a panic: what upstreams answer is not to end the process here
// either.
func (v *Validator) guarded(f func()) {
	defer func() {
		if p := recover(); p != nil {
			vars.Panic.Inc()
			v.log.Errorf("recovered from panic while looking after the trust anchors: %v\n%s", p, debug.Stack())
		}
	}()
	f()
}

// reloadAnchors takes what the files say now, and what the keys that are followed did.
// If a file is bad nothing changes, and it returns false.
func (v *Validator) reloadAnchors() bool {
	configured, warnings, err := v.sources.load(v.now())
	if err == nil {
		err = v.useAnchors(configured)
	}
	if err != nil {
		v.metrics.reloaded(v.servers(), "bad")
		v.log.Errorf("the trust anchors stay as they are: %v", err)
		return false
	}
	for _, warning := range warnings {
		v.log.Warning(warning)
	}
	return true
}

// useAnchors takes what is configured, and what the keys that are followed did: that
// counts also while a file is bad.
func (v *Validator) useAnchors(configured *anchorSet) error {
	set := configured.clone()
	if err := v.rollovers.apply(set); err != nil {
		return err
	}
	v.configured = configured
	if reflect.DeepEqual(set, v.anchors.Load()) {
		return nil
	}
	v.anchors.Store(set)
	v.cache.failed.Purge()
	v.publishAnchors()
	v.log.Infof("trust anchors from now on: %s", set)
	return nil
}

// publishAnchors tells the metrics.
func (v *Validator) publishAnchors() {
	for _, server := range v.servers() {
		v.metrics.trusts(server, v.onServer(server))
	}
}

func (v *Validator) servers() []string { return slices.Sorted(maps.Keys(v.besides)) }

// String lists the anchors as the log has them: ". 20326 (built in) 38696 (built in)".
func (s *anchorSet) String() string {
	var b strings.Builder
	for _, zone := range s.zones() {
		fmt.Fprintf(&b, "%s ", zone)
		for _, a := range s.positive[zone] {
			fmt.Fprintf(&b, "%d (%s) ", a.ds.KeyTag, a.place)
		}
	}
	for _, zone := range s.negativeZones() {
		fmt.Fprintf(&b, "not %s ", zone)
	}
	return strings.TrimSpace(b.String())
}

// proveAnchors finds out whether each zone can be proven from its anchors, so that
// this is not left to the clients, and returns when to try again.
func (v *Validator) proveAnchors() time.Duration {
	wait := provedInterval
	for _, zone := range v.anchors.Load().zones() {
		q, cancel := v.backgroundQuery(zone, dns.TypeDNSKEY)
		if _, ok := v.routes.handler(q.ctx, zone, dns.TypeDNSKEY); !ok {
			cancel()
			continue // a matter of the private zones here, told when one is asked for
		}
		c := q.cutAt(zone)
		cancel()
		told, failed := v.unproven.Load(zone)
		switch {
		case c.finding.Status == dnssec.Secure:
			v.unproven.Delete(zone)
			if failed || v.proved.first(zone) {
				v.log.Infof("trust anchors: %s; key %d signs for %s now", v.anchors.Load(), c.keys.SignedBy(), zone)
			}
		case c.finding.Status == dnssec.Bogus:
			wait = proveInterval
			if told != any(q.anchors) {
				v.log.Errorf("no trust anchor of %s holds, names below fail until one does: %s%s", zone, sentence(c.finding), v.hint(zone, c.finding.Reason))
			}
			v.unproven.Store(zone, q.anchors)
			v.cache.cuts.Remove(zone) // clients are not to wait because nobody answered us
		}
	}
	v.publishAnchors()
	return wait
}

// hint names the likely cause, where there is one: the clock if the root's signatures
// are out of their time, a state file that slept through a rollover.
func (v *Validator) hint(zone string, r dnssec.Reason) string {
	switch {
	case !v.override.IsZero() && (r == dnssec.SignatureExpired || r == dnssec.SignatureNotYetValid):
		return "; signatures are judged at the time of override-date"
	case zone == dnsname.Root && (r == dnssec.SignatureExpired || r == dnssec.SignatureNotYetValid):
		return fmt.Sprintf("; this machine's clock says %s, which is likely wrong", v.now().UTC().Format(time.RFC3339))
	case v.rollovers != nil && r == dnssec.DNSKEYNoAnchorMatch:
		return fmt.Sprintf("; if %s was not used for long, remove it to begin with the configured trust anchors", v.rollovers.path)
	default:
		return ""
	}
}

// anchorState is a trust anchor as the metric has it.
type anchorState struct {
	zone  string
	tag   uint16
	state string
}

// anchorStates returns the anchors, and of zones whose keys are followed all keys.
func (v *Validator) anchorStates() (states []anchorState) {
	followed := map[string]bool{}
	if v.rollovers != nil {
		for _, k := range *v.rollovers.states.Load() {
			followed[k.Zone] = true
			states = append(states, anchorState{k.Zone, k.KeyTag, k.State.String()})
		}
	}
	set := v.anchors.Load()
	for _, zone := range set.zones() {
		state := "valid"
		if _, failed := v.unproven.Load(zone); failed {
			state = "unproven"
		}
		for _, a := range set.positive[zone] {
			if !followed[zone] {
				states = append(states, anchorState{zone, a.ds.KeyTag, state})
			}
		}
	}
	return states
}

// backgroundQuery is a query that no client asked.
func (v *Validator) backgroundQuery(name string, qtype uint16) (*query, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	return v.newQuery(ctx, ownWriter{}, newRequest(name, qtype)), cancel
}

// tellEnded tells once of each negative trust anchor that has come to its end.
func (v *Validator) tellEnded() {
	for zone, n := range v.anchors.Load().negative {
		end := n.until.Format(time.RFC3339)
		if !n.counts(v.now()) && v.proved.first("end of "+zone+" "+end) {
			v.log.Infof("the negative trust anchor of %s ended %s", zone, end)
			v.publishAnchors()
		}
	}
}

// negativeZones returns the zones whose negative trust anchors are to be rechecked.
func (v *Validator) negativeZones() (zones []string) {
	for zone, n := range v.anchors.Load().negative {
		if zone != dnsname.Root && n.counts(v.now()) {
			zones = append(zones, zone)
		}
	}
	return zones
}

// recheckNegative looks whether a zone below a negative trust anchor validates again
// (RFC 7646, section 2), and tells once if so. The anchor stays: it is the operator's.
func (v *Validator) recheckNegative(zone string) {
	set := v.anchors.Load()
	if n, there := set.negative[zone]; !there || !n.counts(v.now()) {
		return
	}
	without := set.clone()
	delete(without.negative, zone)
	if v.validatesWith(without, zone) && v.proved.first("not "+zone) {
		v.log.Warningf("%s validates again: its negative trust anchor is no longer needed", zone)
	}
}

// validatesWith looks at a zone with other anchors, in a cache of its own and
// without a word in the log.
func (v *Validator) validatesWith(set *anchorSet, zone string) bool {
	other := v.withOwnView()
	other.Next, other.routes, other.home, other.told = v.Next, v.routes, v.home, nil
	other.anchors = new(trustAnchors)
	other.anchors.Store(set)
	q, cancel := other.backgroundQuery(zone, dns.TypeSOA)
	defer cancel()
	a := q.asking()
	a.ask()
	return a.msg != nil && q.judgeResponse(a.msg).Status == dnssec.Secure
}

// signalKeyTags asks for the name that tells the root's operators which keys are
// trusted here (RFC 8145, section 5).
func (v *Validator) signalKeyTags() {
	set := v.anchors.Load()
	for _, zone := range set.zones() {
		tags := make([]string, 0, len(set.positive[zone]))
		for _, a := range set.positive[zone] {
			tags = append(tags, fmt.Sprintf("%04x", a.ds.KeyTag))
		}
		slices.Sort(tags)
		name := "_ta-" + strings.Join(slices.Compact(tags), "-") + "."
		if zone != dnsname.Root {
			name += zone
		}
		q, cancel := v.backgroundQuery(name, dns.TypeNULL)
		q.asking().ask()
		cancel()
	}
}
