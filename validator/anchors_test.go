package validator

import (
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

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
