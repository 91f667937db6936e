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

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/rollover"
	"github.com/miekg/dns"
)

// rollovers follows the keys of the zones with trust anchors by RFC 5011, and keeps
// what it learns in a state file. Only the watcher uses it, but for states.
type rollovers struct {
	path    string
	zones   map[string]*rollover.Zone
	resting map[string]*rollover.Zone // no longer configured: what was revoked stays so if they come back
	memory  bool                      // the file can't be written, which was told
	states  atomic.Pointer[[]rollover.KeyState]
}

// newRollovers goes on from the state file. A zone that is not in it begins with the
// anchors of the set, and so does one whose keys are all revoked, if the set has
// others for it by now. A broken file is an error: to begin anew would trust again
// what was revoked.
func newRollovers(path string, set *anchorSet) (*rollovers, error) {
	r := &rollovers{path: path, zones: make(map[string]*rollover.Zone), resting: make(map[string]*rollover.Zone)}
	kept, err := rollover.Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("auto-trust-anchor: %w; mend the file, or remove it to begin with the configured trust anchors", err)
	}
	for _, z := range kept {
		r.resting[z.Name] = z
	}
	return r, r.follow(set)
}

// follow goes on with the zones that have configured anchors, and with no others.
func (r *rollovers) follow(set *anchorSet) error {
	for zone, z := range r.zones {
		if _, configured := set.positive[zone]; !configured {
			r.resting[zone] = z
			delete(r.zones, zone)
		}
	}
	for _, zone := range set.zones() {
		if z, known := r.resting[zone]; known {
			r.zones[zone] = z
			delete(r.resting, zone)
		}
		if err := r.begin(zone, set.positive[zone]); err != nil {
			return fmt.Errorf("auto-trust-anchor: %w", err)
		}
	}
	r.publish()
	return nil
}

// publish makes the states of all keys known to others than the watcher.
func (r *rollovers) publish() {
	var states []rollover.KeyState
	for _, z := range r.zones {
		states = append(states, z.States()...)
	}
	r.states.Store(&states)
}

func (r *rollovers) begin(zone string, configured []anchor) error {
	known := r.zones[zone]
	if known != nil && !known.Deleted() {
		return nil
	}
	var fresh []*dns.DS
	for _, a := range configured {
		if known == nil || !known.Knows(a.ds) {
			fresh = append(fresh, a.ds)
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

// apply puts what was learned in the place of what is configured. A zone whose keys
// are all revoked has no trust anchor (RFC 5011, section 5).
func (r *rollovers) apply(set *anchorSet) error {
	if r == nil {
		return nil
	}
	if err := r.follow(set); err != nil {
		return err
	}
	for zone, z := range r.zones {
		var anchors []anchor
		for _, ds := range z.Anchors() {
			anchors = append(anchors, anchor{ds: ds, place: r.path})
		}
		set.positive[zone] = anchors
		if len(anchors) == 0 {
			delete(set.positive, zone)
		}
	}
	return nil
}

// followKeys asks for the keys of the zones that are due, and takes over what changed.
func (v *Validator) followKeys() {
	changed := false
	for _, zone := range slices.Sorted(maps.Keys(v.rollovers.zones)) {
		z := v.rollovers.zones[zone]
		if next, ok := z.NextQuery(v.now()); ok && !v.now().Before(next) {
			v.followZone(z)
			changed = true
		}
	}
	if !changed {
		return
	}
	v.rollovers.publish()
	v.saveRollovers()
	_ = v.useAnchors(v.configured) // it was used before
}

func (v *Validator) followZone(z *rollover.Zone) {
	q, cancel := v.backgroundQuery(z.Name, dns.TypeDNSKEY)
	defer cancel()
	msg, err := q.fetch(z.Name, dns.TypeDNSKEY, usual)
	if err != nil {
		z.Failed(v.now())
		if !errors.Is(err, errNoRoute) { // a matter of the private zones here
			v.log.Warningf("the keys of %s can't be followed: %v", z.Name, err)
		}
		return
	}
	set, _ := findSet(dnssec.GroupRRsets(msg.Answer), z.Name, dns.TypeDNSKEY)
	if set.Name == "" {
		set = dnssec.RRset{Name: z.Name, Type: dns.TypeDNSKEY}
	}
	events, failure := z.Update(q.verifier.Now, set, v.policy)
	for _, e := range events {
		if e.Cause == rollover.Resolved {
			v.log.Infof("trust anchor: %s", e)
		} else {
			v.log.Warningf("trust anchor: %s", e)
		}
	}
	if failure != nil {
		v.log.Warningf("the keys of %s can't be followed: %s", z.Name, failure)
	}
}

// saveRollovers writes the state file. Where that fails the plugin runs from memory,
// and says so: after a restart it would begin with what the file has.
func (v *Validator) saveRollovers() {
	r := v.rollovers
	err := r.save()
	switch {
	case err != nil && !r.memory:
		v.log.Errorf("auto-trust-anchor: %v; going on from memory, a restart begins again with what the file has", err)
	case err == nil && r.memory:
		v.log.Infof("auto-trust-anchor: %s is written again", r.path)
	}
	r.memory = err != nil
}

// saving is held while a state file is read and written: blocks may share one.
var saving sync.Mutex

// save writes the zones, and what the file has of others: another block's, and those
// that are not configured at the time.
func (r *rollovers) save() error {
	saving.Lock()
	defer saving.Unlock()
	all := maps.Clone(r.resting)
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
