package dnssec

import (
	"slices"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

func TestVectors(t *testing.T) {
	for _, v := range readVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			shown, got := v.validate()
			if got.Status.String() != v.status || got.Reason.String() != v.reason {
				t.Errorf("got %v, %v (%s), want %s, %s", got.Status, got.Reason, got.Detail, v.status, v.reason)
			}
			if v.shows != "" && shownWords[shown] != v.shows {
				t.Errorf("shows %s, want %s", shownWords[shown], v.shows)
			}
			if v.status == "secure" {
				checkMutations(t, v, slices.Concat(keySections, proofSections)...)
			}
		})
	}
}

var shownWords = map[Delegation]string{
	DelegationUnproven: "unproven", DelegationUnsigned: "unsigned", NotDelegation: "not-delegation", NoSuchName: "no-such-name",
}

// validate authenticates the keys of a vector from the trust anchor, and checks its
// proof.
func (v *vector) validate() (Delegation, Finding) {
	verifier := verifierAt(v.time)
	verifier.Policy = v.policy
	zones, f := v.zoneKeys(verifier)
	if f.Status != Secure || v.proof == "keys" {
		return DelegationUnproven, f
	}
	if v.proof == "positive" || v.proof == "wildcard" {
		return DelegationUnproven, v.validateAnswer(verifier, zones)
	}
	denial, f := v.denial(verifier, zones, v.qname)
	switch {
	case denial == nil:
		return DelegationUnproven, f
	case v.proof == "nodata":
		return DelegationUnproven, denial.NoData(v.qname, v.qtype)
	case v.proof == "nxdomain":
		return DelegationUnproven, denial.NameError(v.qname)
	default:
		return denial.Delegation(v.qname)
	}
}

// zoneKeys authenticates the keys of all zones in the authentication chain, starting
// with the one with the fewest labels.
func (v *vector) zoneKeys(verifier *Verifier) (map[string]*Keys, Finding) {
	zones := make(map[string]*Keys)
	if len(v.keys) > 0 {
		return v.trustedKeys(zones)
	}
	sets := GroupRRsets(v.chain)
	slices.SortStableFunc(sets, func(a, b RRset) int { return dnsname.Labels(a.Name) - dnsname.Labels(b.Name) })
	for _, set := range sets {
		if set.Type != dns.TypeDNSKEY {
			continue
		}
		ds, f := v.dsSet(verifier, set.Name, sets, zones)
		if f.Status != Secure {
			return zones, f
		}
		if f := ds.Supported(verifier.Policy); f.Status != Secure {
			return zones, f
		}
		keys, failure := verifier.Keys(set, ds)
		if failure != nil {
			return zones, failure.Finding()
		}
		zones[set.Name] = keys
	}
	if len(zones) == 0 {
		return zones, finding(DNSKEYUnavailable, "")
	}
	return zones, Proven
}

// trustedKeys trusts the keys of the vector. Each DS has to match one of them.
func (v *vector) trustedKeys(zones map[string]*Keys) (map[string]*Keys, Finding) {
	sets := GroupRRsets(v.keys)
	for _, set := range sets {
		if set.Type != dns.TypeDNSKEY {
			continue
		}
		keys, f := newKeys(set)
		if f != nil {
			return zones, f.Finding()
		}
		zones[set.Name] = &Keys{zone: set.Name, keys: keys}
	}
	for _, set := range sets {
		for _, rr := range set.RRs {
			ds, ok := rr.(*dns.DS)
			if !ok {
				continue
			}
			match := func(k *key) bool { return k.tag == ds.KeyTag && k.matches(ds) }
			if keys := zones[set.Name]; keys == nil || !slices.ContainsFunc(keys.keys, match) {
				return zones, finding(DNSKEYNoDSMatch, "")
			}
		}
	}
	return zones, Proven
}

// dsSet returns the trust anchors of a zone or the DS RRset of its parent zone.
func (v *vector) dsSet(verifier *Verifier, zone string, sets []RRset, zones map[string]*Keys) (DSSet, Finding) {
	var anchors []*dns.DS
	for _, rr := range v.anchor {
		if dnsname.Canonical(rr.Header().Name) != zone {
			continue
		}
		switch rr := rr.(type) {
		case *dns.DS:
			anchors = append(anchors, rr)
		case *dns.DNSKEY:
			anchors = append(anchors, rr.ToDS(dns.SHA256))
		}
	}
	if len(anchors) > 0 {
		return TrustAnchors(zone, anchors), Proven
	}
	for _, set := range sets {
		if set.Type == dns.TypeDS && set.Name == zone {
			a, f := authenticateBy(verifier, set, zones)
			if f != nil {
				return DSSet{}, f.Finding()
			}
			if ds, ok := a.DSSet(); ok {
				return ds, Proven
			}
		}
	}
	return DSSet{}, finding(DSUnavailable, zone)
}

// authenticateBy authenticates an RRset by the first signer whose keys are known.
func authenticateBy(verifier *Verifier, set RRset, zones map[string]*Keys) (*Authenticated, *Failure) {
	for _, name := range set.Signers() {
		if keys := zones[name]; keys != nil {
			return verifier.Authenticate(set, keys)
		}
	}
	return nil, fail(SignatureMissing, set.String())
}

func (v *vector) validateAnswer(verifier *Verifier, zones map[string]*Keys) Finding {
	sets := GroupRRsets(v.answer)
	if len(sets) != 1 || sets[0].Name != v.qname || sets[0].Type != v.qtype {
		return finding(ResponseMalformed, "the answer is not one RRset of the question")
	}
	a, f := authenticateBy(verifier, sets[0], zones)
	if f != nil {
		return f.Finding()
	}
	encloser, expanded := a.Expanded()
	switch {
	case !expanded && v.proof == "wildcard":
		return finding(ResponseMalformed, "not expanded from a wildcard")
	case !expanded:
		return Proven
	}
	denial, finding := v.denial(verifier, zones, v.qname)
	if denial == nil {
		finding.Reason = WildcardDenialMissing
		return finding
	}
	return denial.WildcardAnswer(v.qname, encloser)
}

// denial returns the authenticated part of the authority section as the Denial of the
// closest zone that signed any of it.
func (v *vector) denial(verifier *Verifier, zones map[string]*Keys, name string) (*Denial, Finding) {
	var sets []*Authenticated
	var failed *Failure
	zone := ""
	for _, set := range GroupRRsets(v.authority) {
		a, f := authenticateBy(verifier, set, zones)
		if f != nil {
			failed = laterFailure(failed, f)
			continue
		}
		sets = append(sets, a)
		if dnsname.IsSubdomain(name, a.Signer()) && len(a.Signer()) > len(zone) {
			zone = a.Signer()
		}
	}
	if zone == "" {
		return nil, laterFailure(fail(DenialMissing, ""), failed).Finding()
	}
	return verifier.Denial(zone, sets), Proven
}

// TestVectorsAreComplete checks that there is a vector for each proof and that all
// fields are set.
func TestVectorsAreComplete(t *testing.T) {
	proofs := make(map[string]int)
	for _, v := range readVectors(t) {
		proofs[v.proof]++
		if v.qtype == 0 || v.status == "" || v.reason == "" || v.time.IsZero() {
			t.Errorf("%s lacks a field", v.name)
		}
	}
	for _, proof := range []string{"keys", "positive", "wildcard", "nodata", "nxdomain", "ds"} {
		if proofs[proof] == 0 {
			t.Errorf("no vector with the proof %s", proof)
		}
	}
}
