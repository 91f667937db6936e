package validator

import (
	"slices"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Report is what was found about a question, and about each zone and RRset on the way to
// its answer.
type Report struct {
	Finding
	Name    string // canonical
	Type    uint16
	At      time.Time     // the time at which signatures were judged
	Message *dns.Msg      // the response that was judged
	Zones   []ZoneReport  // in canonical order, so that parents come first
	RRsets  []RRsetReport // of the answer, and the NSEC and NSEC3 RRsets of the authority section
	Missing string        // the name, at the end of aliases, that has no RRset of the type; empty if it has
	Anchors []*dns.DS     // the trust anchors
}

// ZoneReport is what was found about a zone.
type ZoneReport struct {
	Finding
	Name    string
	Parent  string        // the next zone above it in the report; empty for the first
	Anchors []*dns.DS     // the trust anchors of the zone; it has no DS then
	DS      RRsetReport   // from the parent zone
	Denial  []RRsetReport // the NSEC and NSEC3 RRsets that came instead of DS records
	DNSKEY  RRsetReport
	Keys    []KeyReport // the records of DNSKEY
}

// RRsetReport is an RRset as it came, and what was found about each of its signatures.
type RRsetReport struct {
	Finding
	Name       string // canonical
	Type       uint16
	RRs        []dns.RR
	Signatures []SignatureReport
}

// String returns the type and the owner name.
func (r *RRsetReport) String() string { return dns.Type(r.Type).String() + " " + r.Name }

// SignatureReport is what was found about one RRSIG. The finding is Indeterminate if the
// signature was not checked, since the keys of its signer are not known.
type SignatureReport struct {
	Finding
	RRSIG   *dns.RRSIG
	Expires time.Time // until when what it proves may be used; zero unless it is Secure
}

// Failed returns the zone that is at fault for a Bogus report, and the records that failed,
// as they came.
func (r *Report) Failed() (zone string, records []dns.RR) {
	if r.Status != dnssec.Bogus {
		return "", nil
	}
	for _, z := range r.Zones {
		if z.Status == dnssec.Bogus {
			return z.Name, slices.Concat(r.unmatched(z), r.about(z.DS), r.about(z.DNSKEY), r.aboutAny(z.Denial))
		}
	}
	for _, set := range r.RRsets {
		if set.Status == dnssec.Bogus {
			return r.ZoneOf(set), r.about(set)
		}
	}
	return r.zoneOf(container(r.Name, r.Type)), r.aboutAny(r.RRsets)
}

// unmatched returns the DS records of a zone, or its trust anchors, if none of them matches
// a key.
func (r *Report) unmatched(z ZoneReport) (records []dns.RR) {
	switch r.Reason {
	case dnssec.DNSKEYNoDSMatch:
		return z.DS.RRs
	case dnssec.DNSKEYNoAnchorMatch:
		for _, ds := range z.Anchors {
			records = append(records, ds)
		}
	}
	return records
}

// about returns the signatures of an RRset that failed for the reason of the report, or, if
// there are none, the records of a bogus RRset.
func (r *Report) about(set RRsetReport) (records []dns.RR) {
	for _, sig := range set.Signatures {
		if sig.Reason == r.Reason {
			records = append(records, sig.RRSIG)
		}
	}
	if len(records) == 0 && set.Status == dnssec.Bogus {
		return set.RRs
	}
	return records
}

// aboutAny does the same for the RRsets of a denial, which fails as a whole.
func (r *Report) aboutAny(sets []RRsetReport) (records []dns.RR) {
	for _, set := range sets {
		records = append(records, r.about(set)...)
	}
	if len(records) > 0 {
		return records
	}
	for _, set := range sets {
		records = append(records, set.RRs...)
	}
	return records
}

// ZoneOf returns the zone of the report that an RRset is in: that of its signer, or else the
// closest one.
func (r *Report) ZoneOf(set RRsetReport) string {
	for _, sig := range set.Signatures {
		if signer := dnsname.Canonical(sig.RRSIG.SignerName); r.zoneOf(signer) == signer {
			return signer
		}
	}
	return r.zoneOf(container(set.Name, set.Type))
}

// zoneOf returns the closest zone of the report at or above a name.
func (r *Report) zoneOf(name string) string {
	closest := dnsname.Root
	for _, z := range r.Zones {
		if dnsname.IsSubdomain(name, z.Name) {
			closest = z.Name
		}
	}
	return closest
}
