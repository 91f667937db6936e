package dnssecval

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestAnchors: the anchor that is deepest at or above a name counts.
func TestAnchors(t *testing.T) {
	w := newWorld(t, append(richSpecs(), testzone.Spec{Name: "below.island.example.", Algorithm: dns.ED25519, Records: richRecords})...)
	breakZone(t, w, "alg13.example.", testzone.DropAllSignatures())
	root := "trust-anchor " + anchorFile(t, w.Anchors(".")...)
	of := func(zones ...string) string {
		var lines []string
		for _, zone := range zones {
			lines = append(lines, w.AnchorKeys(zone)...)
		}
		return "trust-anchor " + anchorFile(t, lines...)
	}
	stranger := newWorld(t, testzone.Spec{Name: "csk.example.", Algorithm: dns.ED25519, CSK: true})
	other := "trust-anchor " + anchorFile(t, stranger.Anchors("csk.example.")...)
	for _, tc := range []struct {
		what, name string
		lines      []string
		want       outcome
	}{
		{"DNSKEY instead of DS", "www.example.", []string{of(".")}, outcome{ad: true, ede: noCode}},
		{"built-in anchors of another root", "www.example.", []string{of("island.example.")},
			outcome{rcode: servfail, reason: dnssec.DNSKEYNoAnchorMatch, ede: ede9}},
		{"island", "www.island.example.", []string{root, of("island.example.")}, outcome{ad: true, ede: noCode}},
		{"zone below an island", "www.below.island.example.", []string{root, of("island.example.")}, outcome{ad: true, ede: noCode}},
		{"island below an unsigned zone", "www.below.unsigned.example.", []string{root, of("below.unsigned.example.")}, outcome{ad: true, ede: noCode}},
		{"beside the island", "www.unsigned.example.", []string{root, of("below.unsigned.example.")}, outcome{reason: dnssec.DelegationInsecure, ede: noCode}},
		{"nested", "www.csk.example.", []string{root, of("csk.example.")}, outcome{ad: true, ede: noCode}},
		{"nested, of another key", "www.csk.example.", []string{root, other}, outcome{rcode: servfail, reason: dnssec.DNSKEYNoAnchorMatch, ede: ede9}},
		{"an anchor is of its zone alone", "www.example.", []string{root, other}, outcome{ad: true, ede: noCode}},
		{"negative", "www.alg13.example.", []string{root, "negative-trust-anchor alg13.example"}, outcome{reason: dnssec.NegativeTrustAnchor, ede: 33}},
		{"negative, above", "www.alg13.example.", []string{root, "negative-trust-anchor test EXAMPLE."}, outcome{reason: dnssec.NegativeTrustAnchor, ede: 33}},
		{"beside the negative one", "www.alg14.example.", []string{root, "negative-trust-anchor alg13.example"}, outcome{ad: true, ede: noCode}},
		{"name that ends alike", "www.alg13.example.", []string{root, "negative-trust-anchor lg13.example"}, outcome{rcode: servfail, reason: dnssec.SignatureMissing, ede: ede10}},
		{"below a negative one", "www.csk.example.", []string{root, of("csk.example."), "negative-trust-anchor example"}, outcome{ad: true, ede: noCode}},
		{"both for a zone", "www.csk.example.", []string{root, of("csk.example."), "negative-trust-anchor csk.example"}, outcome{reason: dnssec.NegativeTrustAnchor, ede: 33}},
		{"negative for all", "www.example.", []string{root, "negative-trust-anchor ."}, outcome{reason: dnssec.NegativeTrustAnchor, ede: 33}},
	} {
		if got := observe(t, newTestValidator(t, w, tc.lines...), tc.name, dns.TypeA); got != tc.want {
			t.Errorf("%s, %s: %+v %s, want %+v", tc.what, tc.name, got, got.reason, tc.want)
		}
	}
}

// TestNegativeAnchorEnds: nothing of it is kept when its time is over.
func TestNegativeAnchorEnds(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.DropAllSignatures())
	end := time.Now().Add(time.Hour).UTC()
	v := newTestValidator(t, w, "negative-trust-anchor csk.example until "+end.Format(time.RFC3339))
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

// TestKeyInTwoZones: RSA keys of testzone are the same in all zones. What a key
// signed for one zone is nothing in another.
func TestKeyInTwoZones(t *testing.T) {
	alg := dns.RSASHA256
	w := newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: alg, Bits: 1024, Records: richRecords},
		testzone.Spec{Name: "sub.example.", Algorithm: alg, Bits: 1024, Records: richRecords})
	v := newTestValidator(t, w)
	for _, name := range []string{"www.example.", "www.sub.example.", "no.sub.example."} {
		if m := ask(t, v, name, dns.TypeA, withDO); !m.AuthenticatedData {
			t.Errorf("%s:\n%s", name, m)
		}
	}
	// The parent's denial for a name of the child, and its keys as those of the child.
	intercept(w, testzone.Question{Name: "txt.sub.example.", Type: dns.TypeA}, func(a *dns.Msg) *dns.Msg {
		b := w.Answer(newQuestion("sub.example.", dns.TypeDS, withDO))
		c := w.Answer(newQuestion("txt.example.", dns.TypeA, withDO))
		a.Rcode, a.Answer, a.Ns = dns.RcodeNameError, nil, append(b.Ns, c.Ns...)
		return a
	})
	if m := ask(t, v, "txt.sub.example.", dns.TypeA, withDO); m.Rcode != servfail {
		t.Errorf("a denial of the parent:\n%s", m)
	}
	intercept(w, testzone.Question{Name: "sub.example.", Type: dns.TypeDNSKEY}, func(a *dns.Msg) *dns.Msg {
		b := w.Answer(newQuestion("example.", dns.TypeDNSKEY, withDO))
		for _, rr := range b.Answer {
			rr.Header().Name = "sub.example."
			if sig, ok := rr.(*dns.RRSIG); ok {
				sig.SignerName, sig.Labels = "sub.example.", 2
			}
		}
		a.Answer = b.Answer
		return a
	})
	if got := judged(t, newTestValidator(t, w), "www.sub.example.", dns.TypeA); got.Reason != dnssec.SignatureInvalid {
		t.Errorf("keys of the parent: %s", got)
	}
}

func TestBuiltinAnchors(t *testing.T) {
	if got := builtinAnchors(); len(got) != 2 || got[0].ds.KeyTag != 20326 || got[1].ds.KeyTag != 38696 {
		t.Errorf("%v", got)
	}
}
