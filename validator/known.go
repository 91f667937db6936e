package validator

import (
	"slices"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// Stats is how many entries the caches have.
type Stats struct{ Zones, Signatures, Failures, Denials int }

// Stats counts the entries of the caches.
func (v *Validator) Stats() Stats {
	s := Stats{Zones: v.cache.cuts.Len(), Signatures: v.cache.verdicts.Len(), Failures: v.cache.failed.Len()}
	if v.denials != nil {
		s.Denials = v.denials.Len()
	}
	return s
}

// KnownZone is what is known of a zone.
type KnownZone struct {
	Finding
	Name    string
	Expires time.Time
}

// KnownZones returns the zones that were used last, at most so many, and how many there
// are. It asks nobody.
func (v *Validator) KnownZones(most int) (zones []KnownZone, all int) {
	anchors, now := v.anchors.Load(), v.options.Clock()
	for _, c := range slices.Backward(v.cache.cuts.Values()) {
		if !now.Before(c.expires) || c.anchors != anchors || !c.isZone() {
			continue
		}
		if all++; all <= most {
			zones = append(zones, KnownZone{c.finding, c.name, c.expires})
		}
	}
	return zones, all
}

// ZoneOf returns the closest known zone that holds the RRset of a canonical name and type.
// It asks nobody.
func (v *Validator) ZoneOf(name string, qtype uint16) (zone string, ok bool) {
	name, anchors, now := container(name, qtype), v.anchors.Load(), v.options.Clock()
	scope := scopeOf(anchors, name, now)
	if scope.finding.Status != dnssec.Secure {
		return scope.zone, true
	}
	for n := dnsname.Labels(name); n >= dnsname.Labels(scope.zone); n-- {
		c := v.cache.cut(dnsname.Ancestor(name, n), anchors, now)
		if c != nil && c.isZone() {
			return c.name, true
		}
	}
	return "", false
}

// isZone reports whether a zone is known to begin at the name, of whatever status.
func (c *cut) isZone() bool {
	unknown := c.finding.Status == dnssec.Bogus && c.delegation == dnssec.DelegationUnsigned
	return c.beginsZone() && !c.inherited && !unknown
}
