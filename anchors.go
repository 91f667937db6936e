package dnssecval

import (
	"fmt"
	"slices"
	"strings"
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
type anchorSet struct {
	positive map[string][]*dns.DS
	negative map[string]negativeAnchor
	now      func() time.Time
}

type negativeAnchor struct {
	until time.Time // zero: without end
}

// scope is the anchor that counts for a name, and what it says: Secure for a trust
// anchor, Insecure for a negative one, Indeterminate where there is none.
type scope struct {
	zone    string
	finding dnssec.Finding
}

func newAnchorSet(now func() time.Time) *anchorSet {
	return &anchorSet{positive: make(map[string][]*dns.DS), negative: make(map[string]negativeAnchor), now: now}
}

// scope finds the anchor for a name.
func (s *anchorSet) scope(name string) scope {
	for zone := name; ; zone = dnsname.Parent(zone) {
		if n, ok := s.negative[zone]; ok && (n.until.IsZero() || s.now().Before(n.until)) {
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
func (s *anchorSet) of(zone string) (dnssec.DSSet, bool) {
	records, ok := s.positive[zone]
	if !ok || s.scope(zone).finding.Status != dnssec.Secure {
		return dnssec.DSSet{}, false
	}
	return dnssec.TrustAnchors(zone, records), true
}

// anchor is one line of an anchor file.
type anchor struct {
	ds    *dns.DS
	place string // file:line
}

func (a anchor) zone() string { return dnsname.Canonical(a.ds.Hdr.Name) }

// builtinAnchors panics if a line above can't be read: a test calls it.
func builtinAnchors() []*dns.DS {
	anchors := make([]*dns.DS, 0, len(builtin))
	for _, line := range builtin {
		rr, err := dns.NewRR(line)
		if err != nil {
			panic(err)
		}
		anchors = append(anchors, rr.(*dns.DS))
	}
	return anchors
}

// trust takes the anchors of files: for a zone they replace the built-in ones. A
// set that trusts a built-in root key trusts its built-in successors too, since a
// file with KSK-2017 alone is all over the place; the warnings name their lines.
func (s *anchorSet) trust(anchors []anchor) (warnings []string) {
	for _, a := range anchors {
		s.positive[a.zone()] = append(s.positive[a.zone()], a.ds)
	}
	root, known := s.positive[dnsname.Root], builtinAnchors()
	if len(root) == 0 {
		s.positive[dnsname.Root] = known
		return nil
	}
	successor := false
	for i, ds := range known {
		if contains(root, ds) {
			successor = true
		} else if successor {
			s.positive[dnsname.Root] = append(s.positive[dnsname.Root], ds)
			warnings = append(warnings, fmt.Sprintf("the trust anchors of the root lack the successor of a key that they have; trusting it all the same, add the line %q", builtin[i]))
		}
	}
	return warnings
}

func contains(set []*dns.DS, ds *dns.DS) bool {
	return slices.ContainsFunc(set, func(other *dns.DS) bool {
		return other.KeyTag == ds.KeyTag && other.Algorithm == ds.Algorithm && other.DigestType == ds.DigestType &&
			strings.EqualFold(other.Digest, ds.Digest)
	})
}

// each calls f for every trust anchor, by zone.
func (s *anchorSet) each(f func(zone string, ds *dns.DS)) {
	zones := make([]string, 0, len(s.positive))
	for zone := range s.positive {
		zones = append(zones, zone)
	}
	slices.SortFunc(zones, dnsname.Compare)
	for _, zone := range zones {
		for _, ds := range s.positive[zone] {
			f(zone, ds)
		}
	}
}
