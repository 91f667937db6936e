package dnssecval

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/rollover"
	"github.com/miekg/dns"
)

// rollovers follows the keys of the zones with trust anchors by RFC 5011, and keeps
// what it learns in a state file. Only the watcher
// uses it, but for states.
type rollovers struct {
	path   string
	zones  map[string]*rollover.Zone
	memory bool // the file can't be written, which was told
	states atomic.Pointer[[]rollover.KeyState]
}

// newRollovers goes on from the state file. A zone that is not in it begins with the
// anchors of the set, and so does one whose keys are all revoked, if the set has
// others for it by now. A broken file is an error: to begin anew would trust again
// what was revoked.
func newRollovers(path string, set *anchorSet) (*rollovers, error) {
	r := &rollovers{path: path, zones: make(map[string]*rollover.Zone)}
	kept, err := rollover.Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("auto-trust-anchor: %w; mend the file, or remove it to begin with the configured trust anchors", err)
	}
	for _, z := range kept {
		if _, configured := set.positive[z.Name]; configured {
			r.zones[z.Name] = z
		}
	}
	for _, zone := range set.zones() {
		if err := r.begin(zone, set.positive[zone]); err != nil {
			return nil, fmt.Errorf("auto-trust-anchor: %w", err)
		}
	}
	r.publish()
	return r, nil
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
	if err == nil {
		r.zones[zone] = z
	}
	return err
}

// apply puts what was learned in the place of what is configured. A zone whose keys
// are all revoked has no trust anchor (RFC 5011, section 5).
func (r *rollovers) apply(set *anchorSet) {
	if r == nil {
		return
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
	v.reloadAnchors()
}

func (v *Validator) followZone(z *rollover.Zone) {
	q, cancel := v.backgroundQuery(z.Name, dns.TypeDNSKEY)
	defer cancel()
	msg, err := q.fetch(z.Name, dns.TypeDNSKEY, usual)
	if err != nil {
		z.Failed(v.now())
		v.log.Warningf("the keys of %s can't be followed: %v", z.Name, err)
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
	zones := make([]*rollover.Zone, 0, len(r.zones))
	for _, name := range slices.Sorted(maps.Keys(r.zones)) {
		zones = append(zones, r.zones[name])
	}
	err := rollover.Write(r.path, zones, time.Now())
	switch {
	case err != nil && !r.memory:
		v.log.Errorf("auto-trust-anchor: %v; going on from memory, a restart begins again with what the file has", err)
	case err == nil && r.memory:
		v.log.Infof("auto-trust-anchor: %s is written again", r.path)
	}
	r.memory = err != nil
}
