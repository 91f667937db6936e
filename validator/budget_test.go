package validator

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// collide returns Ed25519 keys with the key tag of another key. The tag is a sum of 16-bit
// words, so that their order does not matter.
func collide(key *dns.DNSKEY, n int) []string {
	raw, err := base64.StdEncoding.DecodeString(key.PublicKey)
	if err != nil {
		panic(err)
	}
	var lines []string
	for i := range n {
		shift := 2 * (i + 1)
		moved := append(append([]byte{}, raw[shift%len(raw):]...), raw[:shift%len(raw)]...)
		if i >= len(raw)/2-1 { // all rotations are used up
			moved[0], moved[2] = moved[2], moved[0]
			moved[1], moved[3] = moved[3], moved[1]
		}
		lines = append(lines, fmt.Sprintf("@ DNSKEY %d 3 %d %s", key.Flags, key.Algorithm, base64.StdEncoding.EncodeToString(moved)))
	}
	return lines
}

// keyTrapWorld has a zone as in CVE-2023-50387: its keys have the same tag, and its answers
// have many signatures that no key verifies.
func keyTrapWorld(t *testing.T, keys, sigs int) *testzone.World {
	t.Helper()
	var recs []string
	for i := range 30 {
		recs = append(recs, fmt.Sprintf("www TYPE%d \\# 1 00", 65280+i))
	}
	w := newWorld(t, testzone.Spec{Name: "trap.", Algorithm: dns.ED25519, Records: append(recs, "www A 192.0.2.1")})
	z := w.Zone("trap.")
	lines := append(collide(z.ZSK.DNSKEY, keys), collide(z.KSK.DNSKEY, keys)...)
	for _, k := range []*testzone.Key{z.ZSK, z.KSK} {
		lines = append(lines, fmt.Sprintf("@ DNSKEY %d 3 %d %s", k.DNSKEY.Flags, k.DNSKEY.Algorithm, k.DNSKEY.PublicKey))
	}
	if err := z.Replace(lines...); err != nil {
		t.Fatal(err)
	}
	if err := z.Resign("trap.", dns.TypeDNSKEY); err != nil {
		t.Fatal(err)
	}
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype != dns.TypeDNSKEY && strings.HasSuffix(q.Question[0].Name, "trap.") {
			a.Answer, a.Ns = manySignatures(a.Answer, sigs), manySignatures(a.Ns, sigs)
		}
		return a
	})
	return w
}

// manySignatures replaces each signature by n that do not verify.
func manySignatures(section []dns.RR, n int) []dns.RR {
	var out []dns.RR
	for _, rr := range section {
		sig, ok := rr.(*dns.RRSIG)
		if !ok {
			out = append(out, rr)
			continue
		}
		for i := range n {
			forged := dns.Copy(sig).(*dns.RRSIG)
			flip(forged)
			forged.OrigTtl += uint32(i)
			out = append(out, forged)
		}
	}
	return out
}

// TestKeyTrap: the signatures and questions for one query are bounded, whatever the zone
// has.
func TestKeyTrap(t *testing.T) {
	for _, tc := range []struct {
		keys, sigs int
		name       string
		qtype      uint16
	}{
		{keys: 2, sigs: 1, name: "www.trap.", qtype: dns.TypeA},
		{keys: 2, sigs: 100, name: "www.trap.", qtype: dns.TypeA},
		{keys: 15, sigs: 100, name: "www.trap.", qtype: dns.TypeA},
		{keys: 15, sigs: 100, name: "no.trap.", qtype: dns.TypeA},
		{keys: 15, sigs: 100, name: "www.trap.", qtype: dns.TypeANY},
		{keys: 2, sigs: 7, name: "www.trap.", qtype: dns.TypeANY},
	} {
		w := keyTrapWorld(t, tc.keys, tc.sigs)
		var seen tally
		m := ask(t, newTestValidator(t, w, tallied(&seen)), tc.name, tc.qtype, withDO)
		time.Sleep(5 * time.Millisecond)
		if good, bad := seen.signatures(); m.Rcode != servfail || good+bad > dnssec.MaxSignatureCost/8 || bad > dnssec.MaxFailed || bad == 0 {
			t.Errorf("%+v: %d good and %d bad signatures were computed\n%v", tc, good, bad, m.MsgHdr)
		}
		if q := askedInAll(w); q > 3+2*maxQuestions {
			t.Errorf("%+v: %d questions", tc, q)
		}
	}
}

// TestKeyTrapAside: other keys with the tag of the key that signed do no harm.
func TestKeyTrapAside(t *testing.T) {
	w := keyTrapWorld(t, 1, 1)
	w.Intercept(nil)
	if m := ask(t, newTestValidator(t, w), "www.trap.", dns.TypeA, withDO); !m.AuthenticatedData {
		t.Errorf("%s", m)
	}
}

// TestANYOfManyTypes: RRsets beyond the limit are left out (RFC 8482, section 4.1).
func TestANYOfManyTypes(t *testing.T) {
	w := keyTrapWorld(t, 0, 1)
	w.Intercept(nil)
	m := ask(t, newTestValidator(t, w), "www.trap.", dns.TypeANY, withDO)
	if !m.AuthenticatedData || len(m.Answer) != 2*maxRRsets {
		t.Errorf("%d records, %v", len(m.Answer), m.MsgHdr)
	}
}

// TestManyQuestions: a chain of more zones than one query may ask about fails, but no zone
// is kept as bogus. Later queries go on from what was proven.
func TestManyQuestions(t *testing.T) {
	var specs []testzone.Spec
	zone := "example."
	for range 20 {
		specs = append(specs, testzone.Spec{Name: zone, Algorithm: dns.ED25519, CSK: true, Records: []string{"www A 192.0.2.1"}})
		zone = "z." + zone
	}
	w := newWorld(t, specs...)
	v := newTestValidator(t, w)
	now := fakeClock(v)
	name := "www." + specs[len(specs)-1].Name
	m := ask(t, v, name, dns.TypeA, withDO)
	if m.Rcode != servfail || edeOf(m) != dns.ExtendedErrorCodeDNSBogus || !strings.HasPrefix(testzone.ExtendedError(m).ExtraText, "limit_exceeded: ") {
		t.Errorf("%s", m)
	}
	if n := askedInAll(w); n > 3+2*maxQuestions {
		t.Errorf("%d questions", n)
	}
	for _, zone := range v.cache.cuts.Keys() {
		if c, _ := v.cache.cuts.Peek(zone); c.finding.Reason == dnssec.LimitExceeded || c.finding.Status == dnssec.Bogus {
			t.Errorf("%s is kept as %v", zone, c.finding)
		}
	}
	for range 10 {
		now.advance(time.Minute)
		m = ask(t, v, name, dns.TypeA, withDO)
	}
	if !m.AuthenticatedData {
		t.Errorf("after %d questions:\n%s", askedInAll(w), m)
	}
}

// TestAnotherBudget: that one query runs out of its budget does not fail another one that
// waits for the same zone.
func TestAnotherBudget(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	w.SetDelay(30 * time.Millisecond)
	poor := v.newQuery(t.Context(), newQuestion("www.csk.example.", dns.TypeA, withDO))
	poor.ahead.asked.Store(maxQuestions)
	go poor.cutAt("csk.example.")
	time.Sleep(5 * time.Millisecond)
	if m := ask(t, v, "www.csk.example.", dns.TypeA, withDO); !m.AuthenticatedData {
		t.Errorf("%s", m)
	}
}

// TestLongChains: CNAME chains at the limit and beyond it, and a loop.
func TestLongChains(t *testing.T) {
	recs := []string{"end A 192.0.2.1", "c0 CNAME end", "loop CNAME pool", "pool CNAME loop"}
	for i := 1; i < 14; i++ {
		recs = append(recs, fmt.Sprintf("c%d CNAME c%d", i, i-1))
	}
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ED25519, Records: recs})
	for _, tc := range []struct {
		name string
		want outcome
	}{
		{name: "c10.example.", want: outcome{ad: true, ede: noCode}},
		{name: "c11.example.", want: outcome{rcode: servfail, reason: dnssec.CNAMEChainInvalid, ede: ede6}},
	} {
		if got := observe(t, newTestValidator(t, w), tc.name, dns.TypeA); got != tc.want {
			t.Errorf("%s: %+v %s", tc.name, got, got.reason)
		}
	}
	intercept(w, testzone.Question{Name: "loop.example.", Type: dns.TypeA}, func(a *dns.Msg) *dns.Msg {
		one := w.Answer(newQuestion("loop.example.", dns.TypeCNAME, withDO))
		two := w.Answer(newQuestion("pool.example.", dns.TypeCNAME, withDO))
		a.Rcode, a.Answer = dns.RcodeSuccess, append(one.Answer, two.Answer...)
		return a
	})
	want := outcome{rcode: servfail, reason: dnssec.CNAMEChainInvalid, ede: ede6}
	if got := observe(t, newTestValidator(t, w), "loop.example.", dns.TypeA); got != want {
		t.Errorf("a loop: %+v %s", got, got.reason)
	}
}
