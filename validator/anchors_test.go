package validator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestAnchors: the deepest trust anchor at or above a name counts.
func TestAnchors(t *testing.T) {
	w := newWorld(t, append(richSpecs(), testzone.Spec{Name: "below.island.example.", Algorithm: dns.ED25519, Records: richRecords})...)
	breakZone(t, w, "alg13.example.", testzone.DropAllSignatures())
	of := func(zones ...string) (lines []string) {
		for _, zone := range zones {
			lines = append(lines, w.AnchorKeys(zone)...)
		}
		return lines
	}
	root := w.Anchors(".")
	with := func(lines []string) []string { return append(slices.Clone(root), lines...) }
	stranger := newWorld(t, testzone.Spec{Name: "csk.example.", Algorithm: dns.ED25519, CSK: true})
	other := stranger.Anchors("csk.example.")
	secure, disabled := outcome{ad: true, ede: noCode}, outcome{reason: dnssec.NegativeTrustAnchor, ede: 33}
	noMatch := outcome{rcode: servfail, reason: dnssec.DNSKEYNoAnchorMatch, ede: ede9}
	for _, tc := range []struct {
		what, name string
		anchors    []string // zone-file lines
		negative   []string // zones
		want       outcome
	}{
		{what: "DNSKEY instead of DS", name: "www.example.", anchors: of("."), want: secure},
		{what: "built-in anchors of another root", name: "www.example.", anchors: of("island.example."), want: noMatch},
		{what: "island", name: "www.island.example.", anchors: with(of("island.example.")), want: secure},
		{what: "zone below an island", name: "www.below.island.example.", anchors: with(of("island.example.")), want: secure},
		{what: "island below an unsigned zone", name: "www.below.unsigned.example.", anchors: with(of("below.unsigned.example.")), want: secure},
		{what: "beside the island", name: "www.unsigned.example.", anchors: with(of("below.unsigned.example.")), want: outcome{reason: dnssec.DelegationInsecure, ede: noCode}},
		{what: "nested", name: "www.csk.example.", anchors: with(of("csk.example.")), want: secure},
		{what: "nested, of another key", name: "www.csk.example.", anchors: with(other), want: noMatch},
		{what: "an anchor is of its zone alone", name: "www.example.", anchors: with(other), want: secure},
		{what: "negative", name: "www.alg13.example.", anchors: root, negative: []string{"alg13.example."}, want: disabled},
		{what: "negative, above", name: "www.alg13.example.", anchors: root, negative: []string{"test", "EXAMPLE."}, want: disabled},
		{what: "beside the negative one", name: "www.alg14.example.", anchors: root, negative: []string{"alg13.example."}, want: secure},
		{what: "name that ends alike", name: "www.alg13.example.", anchors: root, negative: []string{"lg13.example."},
			want: outcome{rcode: servfail, reason: dnssec.SignatureMissing, ede: ede10}},
		{what: "below a negative one", name: "www.csk.example.", anchors: with(of("csk.example.")), negative: []string{"example."}, want: secure},
		{what: "both for a zone", name: "www.csk.example.", anchors: with(of("csk.example.")), negative: []string{"csk.example."}, want: disabled},
		{what: "negative for all", name: "www.example.", anchors: root, negative: []string{"."}, want: disabled},
	} {
		v := newTestValidator(t, w, trusting(tc.anchors...), negative(tc.negative...))
		if got := observe(t, v, tc.name, dns.TypeA); got != tc.want {
			t.Errorf("%s, %s: %+v %s, want %+v", tc.what, tc.name, got, got.reason, tc.want)
		}
	}
}

// TestNegativeAnchorEnds: nothing that was found by a negative trust anchor is used when its
// time is over.
func TestNegativeAnchorEnds(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.DropAllSignatures())
	end := time.Now().Add(time.Hour)
	set := anchorSet(t, w.Anchors(".")...)
	set.Disable(anchor.Negative{Until: end}, "csk.example.")
	v := newTestValidator(t, w, func(_ testing.TB, o *Options) { o.Anchors = set })
	now := fakeClock(v)
	for range 2 {
		if got := observe(t, v, "www.csk.example.", dns.TypeA); got.rcode != dns.RcodeSuccess || got.ad || got.reason != dnssec.NegativeTrustAnchor {
			t.Errorf("before its end: %+v", got)
		}
		observe(t, v, "csk.example.", dns.TypeDNSKEY)
	}
	now.advance(time.Hour)
	if got := observe(t, v, "www.csk.example.", dns.TypeA); got.rcode != servfail || got.reason != dnssec.SignatureMissing {
		t.Errorf("after its end: %+v %s", got, got.reason)
	}
}

// TestUnsupportedAnchors: a zone whose trust anchors are all of algorithms or digest types that
// are not relied on is bogus. It would be insecure if these were DS records (RFC 4035, section
// 5.2). Beside one that is relied on they do not matter.
func TestUnsupportedAnchors(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}},
		testzone.Spec{Name: "old.example.", Algorithm: dns.RSASHA1, Bits: 1024, Records: []string{"www A 192.0.2.1"}})
	good := w.Anchors("example.")[0]
	edited := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	ahead, digest, sha1 := edited(" 13 2 ", " 18 2 "), edited(" 13 2 ", " 13 6 "), w.Anchors("old.example.")[0]
	for _, test := range []struct {
		name, asked string
		lines       []string
		opts        []option
		want        dnssec.Reason
	}{
		{name: "algorithm", asked: "www.example.", lines: []string{ahead}, want: dnssec.DNSKEYNoAnchorMatch},
		{name: "digest type", asked: "www.example.", lines: []string{digest}, want: dnssec.DNSKEYNoAnchorMatch},
		{name: "both", asked: "www.example.", lines: []string{ahead, digest}, want: dnssec.DNSKEYNoAnchorMatch},
		{name: "beside a good one", asked: "www.example.", lines: []string{ahead, digest, good}},
		{name: "SHA-1", asked: "www.old.example.", lines: []string{sha1}, want: dnssec.DNSKEYNoAnchorMatch},
		{name: "SHA-1 that is allowed", asked: "www.old.example.", lines: []string{sha1}, opts: []option{allowSHA1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := anchorSet(t, w.Anchors(".")...)
			var anchors []anchor.Anchor
			for _, line := range test.lines {
				rr, err := dns.NewRR(line)
				if err != nil {
					t.Fatal(err)
				}
				anchors = append(anchors, anchor.Anchor{DS: rr.(*dns.DS), Source: "test"})
			}
			set.Replace(anchors[0].Zone(), anchors)
			v := newTestValidator(t, w, append(test.opts, func(_ testing.TB, o *Options) { o.Anchors = set })...)
			if got := judged(t, v, test.asked, typeA); got.Reason != test.want || got.Status != test.want.Status() {
				t.Errorf("%s, %s", got.Status, got.Finding)
			}
		})
	}
}
