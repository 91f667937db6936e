package dnssecval

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/coredns/coredns/plugin/metrics/vars"
	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

const (
	startDelay      = 2 * time.Second  // until the first question, while listeners and upstreams start
	watchInterval   = 10 * time.Second // between looks at the files
	rereadInterval  = time.Hour        // between looks at files that did not change
	proveInterval   = 30 * time.Second // between proofs of the anchors' zones while one fails
	provedInterval  = 10 * time.Minute // once all succeed
	recheckInterval = 5 * time.Minute  // between looks below negative trust anchors
	signalInterval  = 24 * time.Hour   // between key tag signals (RFC 8145, section 5.1)
)

// watcher checks the trust anchors of a block at intervals, in one goroutine. It sends the
// upstream at most a few questions a minute.
type watcher struct {
	*trust
	reread, prove, recheck, signal time.Time // when each is due
	negative                       []string  // zones that are still to be rechecked in this round
}

// watch reads changed files, follows and proves the keys of the anchors, and looks for
// negative trust anchors that are no longer needed, until stop is closed.
func (t *trust) watch(stop <-chan struct{}) {
	select {
	case <-time.After(startDelay):
	case <-stop:
		return
	}
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	w := &watcher{trust: t}
	for {
		t.guarded(w.look)
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
	w.logEnded()
	if now := time.Now(); now.After(w.prove) {
		w.prove = now.Add(proveInterval) // also if it panics
		w.prove = now.Add(w.proveAnchors())
	}
	w.recheckNext()
	if now := time.Now(); w.words.signal && now.After(w.signal) {
		w.signal = now.Add(signalInterval)
		w.signalKeyTags()
	}
}

// lookAtSources reads the files that changed, and once an hour those that did not.
func (w *watcher) lookAtSources() {
	if now := w.sources.Fingerprint(); now != w.seen {
		w.seen = now
		if w.reload() {
			w.metrics.countReload(w.servers, "good")
		}
		w.prove = time.Time{}
		return
	}
	if now := time.Now(); now.After(w.reread) {
		w.reread = now.Add(rereadInterval)
		w.reloadInTime()
	}
}

// recheckNext rechecks one negative trust anchor. It does one at a time, since each may take
// as long as a client's question.
func (w *watcher) recheckNext() {
	if now := time.Now(); len(w.negative) == 0 && now.After(w.recheck) {
		w.recheck = now.Add(recheckInterval)
		w.negative = w.disabledZones()
	}
	if len(w.negative) > 0 {
		zone := w.negative[0]
		w.negative = w.negative[1:]
		w.recheckNegative(zone)
	}
}

// guarded survives a panic of f: a response of an upstream must not end the process.
func (t *trust) guarded(f func()) {
	defer func() {
		if p := recover(); p != nil {
			vars.Panic.Inc()
			t.log.Errorf("recovered from panic while looking after the trust anchors: %v\n%s", p, debug.Stack())
		}
	}()
	f()
}

// background returns a context for questions that no client asked.
func (b *block) background(name string, qtype uint16) (context.Context, *dns.Msg, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), validator.Patience)
	request := new(dns.Msg).SetQuestion(name, qtype)
	request.SetEdns0(probeSize, true)
	return context.WithValue(ctx, clientKey{}, b.newClient(ctx, ownWriter{}, request)), request, cancel
}

// proveAnchors finds out whether each zone can be proven from its anchors before clients
// depend on it, and returns when to try again.
func (t *trust) proveAnchors() time.Duration {
	wait := provedInterval
	set := t.set()
	for _, zone := range set.Zones() {
		ctx, _, cancel := t.background(zone, dns.TypeDNSKEY)
		if _, ok := t.exchanger().lookup(ctx, zone, dns.TypeDNSKEY); !ok {
			cancel()
			continue // what can't be asked is logged as a private zone, once a client asks for it
		}
		finding, tag := t.engines[0].Zone(ctx, zone)
		cancel()
		logged, failed := t.unproven.Load(zone)
		switch {
		case finding.Status == dnssec.Secure:
			t.unproven.Delete(zone)
			if failed || t.logged.first(zone) {
				t.log.Infof("trust anchors: %s; key %d signs for %s now", set, tag, zone)
			}
		case finding.Status == dnssec.Bogus:
			wait = proveInterval
			if logged != any(set) {
				t.log.Errorf("no trust anchor of %s holds, names below fail until one does: %s%s", zone, finding, t.hint(zone, finding.Reason))
			}
			t.unproven.Store(zone, set)
		}
	}
	t.publish()
	return wait
}

// hint names the likely cause of a failure, if there is one: the clock, if the signatures
// of the root are not valid now, or a state file that missed a rollover.
func (t *trust) hint(zone string, r dnssec.Reason) string {
	switch {
	case !t.words.override.IsZero() && (r == dnssec.SignatureExpired || r == dnssec.SignatureNotYetValid):
		return "; signatures are judged at the time of override-date"
	case zone == dnsname.Root && (r == dnssec.SignatureExpired || r == dnssec.SignatureNotYetValid):
		return fmt.Sprintf("; this machine's clock says %s, which is likely wrong", t.now().UTC().Format(time.RFC3339))
	case t.rollovers != nil && r == dnssec.DNSKEYNoAnchorMatch:
		return fmt.Sprintf("; if %s was not used for long, remove it to begin with the configured trust anchors", t.rollovers.path)
	default:
		return ""
	}
}

// logEnded logs once of each negative trust anchor that it has ended.
func (t *trust) logEnded() {
	set := t.set()
	for _, zone := range set.NegativeZones() {
		n, _ := set.Negative(zone)
		end := n.Until.Format(time.RFC3339)
		if !n.InForce(t.now()) && t.logged.first("end of "+zone+" "+end) {
			t.log.Infof("the negative trust anchor of %s ended %s", zone, end)
			t.publish()
		}
	}
}

// disabledZones returns the zones whose negative trust anchors are to be rechecked.
func (t *trust) disabledZones() (zones []string) {
	set := t.set()
	for _, zone := range set.NegativeZones() {
		if n, _ := set.Negative(zone); zone != dnsname.Root && n.InForce(t.now()) {
			zones = append(zones, zone)
		}
	}
	return zones
}

// recheckNegative looks whether a zone below a negative trust anchor validates again (RFC
// 7646, section 2), and logs it once. The anchor stays: it is the operator's.
func (t *trust) recheckNegative(zone string) {
	set := t.set()
	if n, there := set.Negative(zone); !there || !n.InForce(t.now()) {
		return
	}
	without := set.Clone()
	without.Enable(zone)
	if t.validatesWith(without, zone) && t.logged.first("not "+zone) {
		t.log.Warningf("%s validates again: its negative trust anchor is no longer needed", zone)
	}
}

// recheckCapacity is enough for one zone and those above it.
const recheckCapacity = 256

// validatesWith reports whether the SOA of a zone is secure with other anchors. It uses a
// validator with empty caches that logs nothing.
func (t *trust) validatesWith(set *anchor.Set, zone string) bool {
	options := t.words.options(set)
	options.Capacity, options.NoSynthesis, options.ReportOnly = recheckCapacity, true, true
	options.Topology, options.Clock = t.exchanger(), t.block.clock
	options.Observe = func(ctx context.Context) validator.Observer {
		return &observer{block: t.block, counters: t.countersOf(ctx), quiet: true}
	}
	fresh, err := validator.New(t.exchanger(), options)
	if err != nil {
		return false
	}
	ctx, request, cancel := t.background(zone, dns.TypeSOA)
	defer cancel()
	_, result := fresh.Resolve(ctx, request)
	return result.Status == dnssec.Secure
}

// signalKeyTags asks for the names that tell the operators of zones which keys are trusted
// here (RFC 8145, section 5).
func (t *trust) signalKeyTags() {
	set := t.set()
	for _, zone := range set.Zones() {
		name := signalName(zone, set.Anchors(zone))
		ctx, _, cancel := t.background(name, dns.TypeNULL)
		_, _ = t.engines[0].Fetch(ctx, name, dns.TypeNULL) // the question is the signal, whatever the answer
		cancel()
	}
}

// signalName returns the name that signals the key tags of a zone's trust anchors (RFC
// 8145, section 5.1).
func signalName(zone string, anchors []anchor.Anchor) string {
	tags := make([]string, 0, len(anchors))
	for _, a := range anchors {
		tags = append(tags, fmt.Sprintf("%04x", a.DS.KeyTag))
	}
	slices.Sort(tags)
	name := "_ta-" + strings.Join(slices.Compact(tags), "-") + "."
	if zone != dnsname.Root {
		name += zone
	}
	return name
}
