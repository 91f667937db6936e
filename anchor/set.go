// Package anchor has sets of DNSSEC trust anchors (RFC 4033, section 2) and negative
// trust anchors (RFC 7646), and reads them from zone-file lines, IANA's
// root-anchors.xml, directories and globs. The root's own are built in.
package anchor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Set is the trust anchors and negative trust anchors that count together. The
// deepest one at or above a name counts for it (RFC 6840, appendix C.1); of a trust
// anchor and a negative one for the same zone the negative (RFC 7646, section 2). Root and
// NewSet make sets.
//
// A Set in use by a validator must not be changed: change a Clone instead.
type Set struct {
	positive map[string][]Anchor // by canonical zone name
	negative map[string]Negative

	noBuiltinNegative bool
}

// Anchor is one trust anchor.
type Anchor struct {
	DS     *dns.DS
	Source string // file:line, or "built in"
}

// UnsupportedError is the error about a record of which nothing but the algorithm or the
// digest type is the matter: it is not relied on by this version, or by the rules.
type UnsupportedError = dnssec.UnsupportedError

// New returns the trust anchor for a DS or DNSKEY record. It fails if the rules do not
// accept the record: an UnsupportedError, or one about a revoked key or a record that
// can't be read. The source may be any text.
func New(record dns.RR, source string, rules Rules) (Anchor, error) {
	ds, err := dnssec.TrustAnchor(record, rules.policy())
	if err != nil {
		return Anchor{}, err
	}
	return Anchor{DS: ds, Source: source}, nil
}

// Zone returns the canonical name of the anchor's zone.
func (a Anchor) Zone() string { return dnsname.Canonical(a.DS.Hdr.Name) }

// Negative is a negative trust anchor.
type Negative struct {
	Until time.Time // zero: without end
}

// InForce reports whether the negative trust anchor has not ended yet.
func (n Negative) InForce(now time.Time) bool { return n.Until.IsZero() || now.Before(n.Until) }

// Kind is what the anchor that counts for a name says of it.
type Kind uint8

const (
	None     Kind = iota // no anchor at or above the name
	Positive             // a trust anchor: the zone has to be secure
	Disabled             // a negative trust anchor: nothing is validated
)

// NewSet returns the set of some trust anchors, which are checked already (New, Parse and
// ReadFiles do so). They replace the built-in ones of their zones. A set with a
// built-in root key but without its successor gets the successor too, since files with
// KSK-2017 alone are common; each warning names the line that is missing.
func NewSet(anchors []Anchor) (set *Set, warnings []string) {
	set = &Set{positive: make(map[string][]Anchor), negative: make(map[string]Negative)}
	for _, a := range anchors {
		set.positive[a.Zone()] = append(set.positive[a.Zone()], a)
	}
	return set, set.completeRoot()
}

// completeRoot adds the built-in anchors of the root that the set should have.
func (s *Set) completeRoot() (warnings []string) {
	configured := s.positive[dnsname.Root]
	if len(configured) == 0 {
		s.positive[dnsname.Root] = builtin()
		return nil
	}
	successor := false
	for i, key := range builtin() {
		if contains(configured, key.DS) {
			successor = true
		} else if successor {
			s.positive[dnsname.Root] = append(s.positive[dnsname.Root], key)
			warnings = append(warnings, fmt.Sprintf("the trust anchors of the root lack the successor of a key that they have; trusting it all the same, add the line %q", rootLines[i]))
		}
	}
	return warnings
}

// contains reports whether a trust anchor is among the anchors.
func contains(anchors []Anchor, ds *dns.DS) bool {
	return slices.ContainsFunc(anchors, func(a Anchor) bool {
		return a.DS.KeyTag == ds.KeyTag && a.DS.Algorithm == ds.Algorithm && a.DS.DigestType == ds.DigestType &&
			strings.EqualFold(a.DS.Digest, ds.Digest)
	})
}

// Clone returns a copy that can be changed.
func (s *Set) Clone() *Set {
	return &Set{positive: maps.Clone(s.positive), negative: maps.Clone(s.negative), noBuiltinNegative: s.noBuiltinNegative}
}

// Replace sets the trust anchors of a zone; without any the zone has none.
func (s *Set) Replace(zone string, anchors []Anchor) {
	zone = dnsname.Canonical(zone)
	if len(anchors) == 0 {
		delete(s.positive, zone)
		return
	}
	s.positive[zone] = anchors
}

// Disable adds negative trust anchors.
func (s *Set) Disable(n Negative, zones ...string) {
	for _, zone := range zones {
		s.negative[dnsname.Canonical(zone)] = n
	}
}

// Enable removes the negative trust anchor of a zone.
func (s *Set) Enable(zone string) { delete(s.negative, dnsname.Canonical(zone)) }

// Closest returns the zone of the anchor that counts for a canonical name, and of
// which kind the anchor is. With None the zone is the root.
func (s *Set) Closest(name string, now time.Time) (zone string, kind Kind) {
	for zone = name; ; zone = dnsname.Parent(zone) {
		if n, ok := s.negative[zone]; ok && n.InForce(now) {
			return zone, Disabled
		}
		if _, ok := s.positive[zone]; ok {
			return zone, Positive
		}
		if zone == dnsname.Root {
			return zone, None
		}
	}
}

// Anchors returns the trust anchors of a zone, by its canonical name. The slice must not be
// changed.
func (s *Set) Anchors(zone string) []Anchor { return s.positive[zone] }

// Negative returns the negative trust anchor of a zone, by its canonical name, whether it is in
// force or not.
func (s *Set) Negative(zone string) (n Negative, ok bool) {
	n, ok = s.negative[zone]
	return n, ok
}

// Zones returns the zones with trust anchors, in canonical order.
func (s *Set) Zones() []string { return slices.SortedFunc(maps.Keys(s.positive), dnsname.Compare) }

// NegativeZones returns the zones with negative trust anchors, in canonical order.
func (s *Set) NegativeZones() []string {
	return slices.SortedFunc(maps.Keys(s.negative), dnsname.Compare)
}

// String lists the anchors as a log has them: ". 20326 (built in) 38696 (built in)".
func (s *Set) String() string {
	var b strings.Builder
	for _, zone := range s.Zones() {
		fmt.Fprintf(&b, "%s ", zone)
		for _, a := range s.positive[zone] {
			fmt.Fprintf(&b, "%d (%s) ", a.DS.KeyTag, a.Source)
		}
	}
	for _, zone := range s.NegativeZones() {
		fmt.Fprintf(&b, "not %s ", zone)
	}
	return strings.TrimSpace(b.String())
}
