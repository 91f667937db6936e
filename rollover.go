package dnssecval

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/rollover"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// rollovers follows the keys of the zones with trust anchors by RFC 5011, and keeps what it
// learns in a state file. Only the goroutine of the watcher uses it, except for states.
type rollovers struct {
	path         string
	policy       validator.Policy
	zones        map[string]*rollover.Zone
	unconfigured map[string]*rollover.Zone           // zones of the file without configured anchors: their revoked keys stay revoked
	unwritable   bool                                // the file can't be written, which was logged
	states       atomic.Pointer[[]rollover.KeyState] // of all keys, for other goroutines
}

// newRollovers goes on from the state file. A zone that is not in it begins with the anchors
// of the set, and so does one whose keys are all revoked, if the set has others for it by
// now. A broken file is an error: beginning anew would trust again what was revoked.
func newRollovers(path string, set *anchor.Set, policy validator.Policy) (*rollovers, error) {
	r := &rollovers{path: path, policy: policy, zones: make(map[string]*rollover.Zone), unconfigured: make(map[string]*rollover.Zone)}
	kept, err := rollover.Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("auto-trust-anchor: %w; mend the file, or remove it to begin with the configured trust anchors", err)
	}
	for _, z := range kept {
		r.unconfigured[z.Name] = z
	}
	return r, r.follow(set)
}

// follow goes on with the zones that have configured anchors, and with no others.
func (r *rollovers) follow(set *anchor.Set) error {
	for zone, z := range r.zones {
		if len(set.Anchors(zone)) == 0 {
			r.unconfigured[zone] = z
			delete(r.zones, zone)
		}
	}
	for _, zone := range set.Zones() {
		if z, known := r.unconfigured[zone]; known {
			r.zones[zone] = z
			delete(r.unconfigured, zone)
		}
		if err := r.begin(zone, set.Anchors(zone)); err != nil {
			return fmt.Errorf("auto-trust-anchor: %w", err)
		}
	}
	r.publish()
	return nil
}

// publish makes the states of all keys known to other goroutines.
func (r *rollovers) publish() {
	var states []rollover.KeyState
	for _, z := range r.zones {
		states = append(states, z.States()...)
	}
	r.states.Store(&states)
}

// begin follows the keys of a zone from its configured anchors on, unless keys are followed
// already that are not all revoked.
func (r *rollovers) begin(zone string, configured []anchor.Anchor) error {
	known := r.zones[zone]
	if known != nil && !known.Deleted() {
		return nil
	}
	var fresh []*dns.DS
	for _, a := range configured {
		if known == nil || !known.Knows(a.DS) {
			fresh = append(fresh, a.DS)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	z, err := rollover.New(zone, fresh)
	if err != nil {
		return err
	}
	if known != nil {
		z.Keys = append(z.Keys, known.Keys...) // revoked for ever
	}
	r.zones[zone] = z
	return nil
}

// apply replaces what is configured by what was learned. A zone whose keys are all revoked
// has no trust anchor (RFC 5011, section 5).
func (r *rollovers) apply(set *anchor.Set) error {
	if r == nil {
		return nil
	}
	if err := r.follow(set); err != nil {
		return err
	}
	for zone, z := range r.zones {
		var anchors []anchor.Anchor
		for _, ds := range z.AnchorsReliedOn(r.policy) {
			anchors = append(anchors, anchor.Anchor{DS: ds, Source: r.path})
		}
		set.Replace(zone, anchors)
	}
	return nil
}

// leftOut returns a warning for each trusted key of the state file that is not relied on,
// such as one that a later version of the program took over. It fails if a zone has no
// other: nothing in the zone could be validated.
func (r *rollovers) leftOut() (warnings []string, err error) {
	for _, zone := range slices.Sorted(maps.Keys(r.zones)) {
		z := r.zones[zone]
		var left []string
		others := false
		for i := range z.Keys {
			switch k := &z.Keys[i]; {
			case !k.State.Trusted():
			case k.ReliedOn(r.policy):
				others = true
			default:
				left = append(left, fmt.Sprintf("auto-trust-anchor: %s: the key of %s with tag %d is left out: algorithm %s, or the digest type, is not relied on; it stays in the file. The zone is validated by its other keys, and fails once it is signed by this key alone",
					r.path, zone, k.Tag(), dnssec.AlgorithmName(k.Algorithm())))
			}
		}
		if len(left) > 0 && !others {
			return nil, fmt.Errorf("auto-trust-anchor: %s: no trusted key of %s is of an algorithm and digest type that is relied on; use the version or the words that it was written with, or remove it to begin with the configured trust anchors", r.path, zone)
		}
		warnings = append(warnings, left...)
	}
	return warnings, nil
}

// followKeys asks for the keys of the zones that are due, and takes over what changed.
func (t *trust) followKeys() {
	changed := false
	for _, zone := range slices.Sorted(maps.Keys(t.rollovers.zones)) {
		z := t.rollovers.zones[zone]
		if next, ok := z.NextQuery(t.now()); ok && !t.now().Before(next) {
			t.followZone(z)
			changed = true
		}
	}
	if !changed {
		return
	}
	t.rollovers.publish()
	t.saveRollovers()
	_ = t.use(t.configured) // the same configuration succeeded before
}

// followZone asks for the keys of a zone, and logs what changed.
func (t *trust) followZone(z *rollover.Zone) {
	ctx, _, cancel := t.background(z.Name, dns.TypeDNSKEY)
	defer cancel()
	msg, err := t.engines[0].Fetch(ctx, z.Name, dns.TypeDNSKEY)
	if err != nil {
		z.Failed(t.now())
		if !errors.Is(err, validator.ErrNoRoute) { // logged as a private zone when it is asked for
			t.log.Warningf("the keys of %s can't be followed: %v", z.Name, err)
		}
		return
	}
	events, failure := z.Update(t.judgedAt(), keysIn(msg, z.Name), t.words.policy)
	for _, e := range events {
		if e.Cause == rollover.Resolved {
			t.log.Infof("trust anchor: %s", e)
		} else {
			t.log.Warningf("trust anchor: %s", e)
		}
	}
	if failure != nil {
		t.log.Warningf("the keys of %s can't be followed: %s", z.Name, failure)
	}
}

// keysIn returns the DNSKEY RRset of a zone in a response, an empty one if there is none.
func keysIn(msg *dns.Msg, zone string) dnssec.RRset {
	for _, set := range dnssec.GroupRRsets(msg.Answer) {
		if set.Name == zone && set.Type == dns.TypeDNSKEY {
			return set
		}
	}
	return dnssec.RRset{Name: zone, Type: dns.TypeDNSKEY}
}

// judgedAt returns the time at which signatures are judged.
func (t *trust) judgedAt() time.Time {
	if !t.words.override.IsZero() {
		return t.words.override
	}
	return t.now()
}

// saveRollovers writes the state file. If that fails the plugin goes on from memory,
// and logs it: after a restart it begins with what the file has.
func (t *trust) saveRollovers() {
	r := t.rollovers
	err := r.save()
	switch {
	case err != nil && !r.unwritable:
		t.log.Errorf("auto-trust-anchor: %v; going on from memory, a restart begins again with what the file has", err)
	case err == nil && r.unwritable:
		t.log.Infof("auto-trust-anchor: %s is written again", r.path)
	}
	r.unwritable = err != nil
}

// saving is locked while a state file is read and written, since blocks may share one.
var saving sync.Mutex

// save writes the zones, and what the file has of others: another block's, and those
// that are not configured at the time.
func (r *rollovers) save() error {
	saving.Lock()
	defer saving.Unlock()
	all := maps.Clone(r.unconfigured)
	if kept, err := rollover.Read(r.path); err == nil {
		for _, z := range kept {
			all[z.Name] = z
		}
	}
	maps.Copy(all, r.zones)
	zones := make([]*rollover.Zone, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		zones = append(zones, all[name])
	}
	return rollover.Write(r.path, zones, time.Now())
}
