package validator

import (
	"sync"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	lru "github.com/hashicorp/golang-lru/v2"
)

// delegations counts, for each zone, where questions led that asked for a name below it which
// was not known: into a signed delegation, an unsigned one, or none. It decides what is asked
// for ahead. It proves nothing.
type delegations struct {
	mu    sync.Mutex
	zones *lru.Cache[string, delegationCount]
}

// delegationCount is the count of one zone. It decays: when a window is full all numbers are
// halved.
type delegationCount struct{ asked, delegated, signed uint8 }

const (
	delegationWindow = 64   // questions after which the numbers of a zone are halved
	delegationZones  = 1024 // zones that are counted; others begin anew
)

// newDelegations returns an empty count.
func newDelegations() (*delegations, error) {
	zones, err := lru.New[string, delegationCount](delegationZones)
	return &delegations{zones: zones}, err
}

// note counts what is at a name below a zone. A failure shows nothing and is not counted.
func (d *delegations) note(zone string, found *cut) {
	if found != nil && found.finding.Status == dnssec.Bogus {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	count, _ := d.zones.Get(zone)
	if count.asked++; count.asked == delegationWindow {
		count = delegationCount{count.asked / 2, count.delegated / 2, count.signed / 2}
	}
	if found != nil && found.beginsZone() {
		count.delegated++
	}
	if found != nil && found.delegation == dnssec.DelegationSigned {
		count.signed++
	}
	d.zones.Add(zone, count)
}

// expected is what is likely to be at the next name below a zone.
type expected struct {
	cut  bool // a zone cut: its DS is asked for ahead
	keys bool // a signed zone: its DNSKEY is asked for ahead too
}

// next returns what is likely below a zone. Below the root everything is a zone, and nearly
// all are signed. Below the top level nearly everything is a zone, and whether it is signed is
// a matter of the top level. Further down only what was seen tells.
//
// A DNSKEY too many costs one question, one too few costs the client a round trip: it is asked
// for from one signed delegation in three. A zone of which nothing is known may be signed.
func (d *delegations) next(zone string) expected {
	labels := dnsname.Labels(zone)
	if labels == 0 {
		return expected{cut: true, keys: true}
	}
	d.mu.Lock()
	count, _ := d.zones.Get(zone)
	d.mu.Unlock()
	asked, delegated, signed := int(count.asked), int(count.delegated), int(count.signed)
	return expected{
		cut:  labels == 1 || asked >= 3 && 2*delegated > asked,
		keys: 3*(signed+1) >= asked+2,
	}
}
