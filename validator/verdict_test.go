package validator

import (
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestMostSpecificReason: if a signature of the RRset itself fails that is the reason, not
// what failed in the search for a zone cut, and the question is asked again. If the zone is
// broken that is the reason, and the question is not asked again.
func TestMostSpecificReason(t *testing.T) {
	all := func(b testzone.Breakage) []testzone.Breakage { return []testzone.Breakage{b} }
	for _, tc := range []struct {
		what      string
		breakages []testzone.Breakage
		reason    dnssec.Reason
		detail    string
		inherited bool
	}{
		{what: "the key is gone", breakages: all(testzone.RemoveZSK()), reason: dnssec.DNSKEYMissing, detail: "RRSIG A www.child.test. by child.test. "},
		{what: "all signatures expired but that of the keys", breakages: []testzone.Breakage{testzone.Expired("www.child.test.", typeA), testzone.Expired("www.child.test.", dns.TypeNSEC)},
			reason: dnssec.SignatureExpired, detail: "RRSIG A www.child.test. by child.test. "},
		{what: "the signature is bad, and the denial of a cut another way", breakages: []testzone.Breakage{testzone.Expired("www.child.test.", typeA), testzone.FlipSignatureBit("www.child.test.", dns.TypeNSEC)},
			reason: dnssec.SignatureExpired, detail: "RRSIG A www.child.test. by child.test. "},
		{what: "the signature is bad, and no denial of a cut comes", breakages: []testzone.Breakage{testzone.FlipSignatureBit("www.child.test.", typeA), testzone.DropDenial()},
			reason: dnssec.SignatureInvalid, detail: "RRSIG A www.child.test. by child.test. "},
		{what: "the signature is bad alone", breakages: all(testzone.FlipSignatureBit("www.child.test.", typeA)), reason: dnssec.SignatureInvalid, detail: "RRSIG A www.child.test. by child.test. "},
		{what: "no signature, and no denial of a cut", breakages: []testzone.Breakage{testzone.DropSignatures("www.child.test.", typeA), testzone.DropDenial()},
			reason: dnssec.DenialMissing, detail: "", inherited: true},
		{what: "the zone's keys are not those of the DS", breakages: all(testzone.WrongDSTag()), reason: dnssec.DNSKEYNoDSMatch, detail: "DNSKEY child.test. ", inherited: true},
	} {
		w := newWorld(t, testzone.Spec{Name: "test.", Algorithm: dns.ECDSAP256SHA256},
			testzone.Spec{Name: "child.test.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1"}})
		breakZone(t, w, "child.test.", tc.breakages...)
		v := newTestValidator(t, w)
		got := judged(t, v, "www.child.test.", typeA)
		if got.Status != dnssec.Bogus || got.Reason != tc.reason || !strings.HasPrefix(got.Detail, tc.detail) || got.inherited != tc.inherited {
			t.Errorf("%s: %s, inherited: %t", tc.what, got, got.inherited)
		}
		want := int(efforts)
		if tc.inherited {
			want = 1
		}
		if n := asked(w, "www.child.test.", typeA); n != want {
			t.Errorf("%s: asked for %d times, want %d", tc.what, n, want)
		}
	}
}

// TestDenialBesideAnchor: the NSEC of the parent at a name with a trust anchor or a
// negative one is the parent's, and denies names of the parent.
func TestDenialBesideAnchor(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "test.", Algorithm: dns.ECDSAP256SHA256},
		testzone.Spec{Name: "child.test.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1"}})
	for what, opt := range map[string]option{"negative": negative("child.test."), "positive": trusting(append(w.Anchors("."), w.Anchors("child.test.")...)...)} {
		v := newTestValidator(t, w, opt)
		if got := judged(t, v, "none.test.", typeA); got.Status != dnssec.Secure {
			t.Errorf("%s: %s", what, got)
		}
	}
}
