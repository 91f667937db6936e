package dnssecval

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// builtin are the trust anchors of the root zone: KSK-2017 and its successor
// KSK-2024, which signs since 2026-10-11.
var builtin = []string{
	". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
	". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
}

// anchorSet is the trust anchors and negative trust anchors of a block. The one
// that is deepest at or above a name counts (RFC 6840, appendix C.1); of a positive
// and a negative one for the same zone the negative (RFC 7646, section 2).
//
// A set is not changed once it is in use: trustAnchors has the one that counts.
type anchorSet struct {
	positive map[string][]anchor
	negative map[string]negativeAnchor
}

// trustAnchors is the anchors of a block, which are replaced when a file changes or
// a key rolls over. A query uses those of its beginning.
type trustAnchors struct{ atomic.Pointer[anchorSet] }

type negativeAnchor struct {
	until time.Time // zero: without end
}

// scope is the anchor that counts for a name, and what it says: Secure for a trust
// anchor, Insecure for a negative one, Indeterminate where there is none.
type scope struct {
	zone    string
	finding dnssec.Finding
}

func newAnchorSet() *anchorSet {
	return &anchorSet{positive: make(map[string][]anchor), negative: make(map[string]negativeAnchor)}
}

// clone returns a set that can be changed.
func (s *anchorSet) clone() *anchorSet {
	return &anchorSet{positive: maps.Clone(s.positive), negative: maps.Clone(s.negative)}
}

// scope finds the anchor that counts for a name now.
func (s *anchorSet) scope(name string, now time.Time) scope {
	for zone := name; ; zone = dnsname.Parent(zone) {
		if n, ok := s.negative[zone]; ok && n.counts(now) {
			return scope{zone, dnssec.Finding{Status: dnssec.Insecure, Reason: dnssec.NegativeTrustAnchor, Detail: "negative trust anchor " + zone}}
		}
		if _, ok := s.positive[zone]; ok {
			return scope{zone, dnssec.Proven}
		}
		if zone == dnsname.Root {
			return scope{zone, dnssec.Finding{Status: dnssec.Indeterminate, Reason: dnssec.TrustAnchorMissing}}
		}
	}
}

// of returns the trust anchors of a zone, if they count.
func (s *anchorSet) of(zone string, now time.Time) (dnssec.DSSet, bool) {
	records, ok := s.positive[zone]
	if !ok || s.scope(zone, now).finding.Status != dnssec.Secure {
		return dnssec.DSSet{}, false
	}
	vouching := make([]*dns.DS, len(records))
	for i, a := range records {
		vouching[i] = a.ds
	}
	return dnssec.TrustAnchors(zone, vouching), true
}

// anchor is one trust anchor and where it is from.
type anchor struct {
	ds    *dns.DS
	place string // file:line, or "built in"
}

func (a anchor) zone() string { return dnsname.Canonical(a.ds.Hdr.Name) }

// builtinAnchors panics if a line above can't be read: a test calls it.
func builtinAnchors() []anchor {
	anchors := make([]anchor, 0, len(builtin))
	for _, line := range builtin {
		rr, err := dns.NewRR(line)
		if err != nil {
			panic(err)
		}
		anchors = append(anchors, anchor{ds: rr.(*dns.DS), place: "built in"})
	}
	return anchors
}

// trust takes the anchors of files: for a zone they replace the built-in ones. A
// set that trusts a built-in root key trusts its built-in successors too, since a
// file with KSK-2017 alone is all over the place; the warnings name their lines.
func (s *anchorSet) trust(anchors []anchor) (warnings []string) {
	for _, a := range anchors {
		s.positive[a.zone()] = append(s.positive[a.zone()], a)
	}
	root, known := s.positive[dnsname.Root], builtinAnchors()
	if len(root) == 0 {
		s.positive[dnsname.Root] = known
		return nil
	}
	successor := false
	for i, key := range known {
		if contains(root, key.ds) {
			successor = true
		} else if successor {
			s.positive[dnsname.Root] = append(s.positive[dnsname.Root], key)
			warnings = append(warnings, fmt.Sprintf("the trust anchors of the root lack the successor of a key that they have; trusting it all the same, add the line %q", builtin[i]))
		}
	}
	return warnings
}

func contains(set []anchor, ds *dns.DS) bool {
	return slices.ContainsFunc(set, func(other anchor) bool {
		return other.ds.KeyTag == ds.KeyTag && other.ds.Algorithm == ds.Algorithm && other.ds.DigestType == ds.DigestType &&
			strings.EqualFold(other.ds.Digest, ds.Digest)
	})
}

// zones returns the zones with trust anchors, in canonical order.
func (s *anchorSet) zones() []string {
	return slices.SortedFunc(maps.Keys(s.positive), dnsname.Compare)
}

// negativeZones returns the zones with negative trust anchors, in canonical order.
func (s *anchorSet) negativeZones() []string {
	return slices.SortedFunc(maps.Keys(s.negative), dnsname.Compare)
}

// inForce counts the negative trust anchors that have not ended.
func (s *anchorSet) inForce(now time.Time) (count int) {
	for _, n := range s.negative {
		if n.counts(now) {
			count++
		}
	}
	return count
}

func (n negativeAnchor) counts(now time.Time) bool { return n.until.IsZero() || now.Before(n.until) }
