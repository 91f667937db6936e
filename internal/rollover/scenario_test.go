package rollover

import (
	"crypto"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// start is the time at which most tests start.
var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

var strictPolicy = dnssec.Policy{}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testKey is a DNSKEY with its private key.
type testKey struct {
	rr      *dns.DNSKEY
	private crypto.Signer
}

func newTestKey(t testing.TB, zone string, edits ...func(*dns.DNSKEY)) *testKey {
	t.Helper()
	rr := &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 10800},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
	}
	for _, edit := range edits {
		edit(rr)
	}
	bits := map[uint8]int{dns.RSASHA256: 2048, dns.ECDSAP384SHA384: 384}[rr.Algorithm]
	if bits == 0 {
		bits = 256
	}
	private, err := rr.Generate(bits)
	must(t, err)
	return &testKey{rr, private.(crypto.Signer)}
}

func algorithm(a uint8) func(*dns.DNSKEY) { return func(k *dns.DNSKEY) { k.Algorithm = a } }
func zsk(k *dns.DNSKEY)                   { k.Flags = dns.ZONE }

// revoked returns the key with the REVOKE bit.
func (p *testKey) revoked() *testKey {
	c := *p.rr
	c.Flags |= dns.REVOKE
	return &testKey{&c, p.private}
}

func (p *testKey) ds() *dns.DS { return p.rr.ToDS(dns.SHA256) }

// signWithTag signs with the key tag of another key.
func (p *testKey) signWithTag(tag uint16) signing {
	return func(t testing.TB, sig *dns.RRSIG, rrs []dns.RR) {
		t.Helper()
		sig.Algorithm, sig.KeyTag = p.rr.Algorithm, tag
		must(t, sig.Sign(p.private, rrs))
	}
}

type signing func(t testing.TB, sig *dns.RRSIG, rrs []dns.RR)

// dnskeySet describes a DNSKEY RRset and its signatures.
type dnskeySet struct {
	keys                  []*testKey
	signers               []*testKey
	extraSigs             []signing // signatures other than those of signers
	ttl                   uint32    // default 10800
	inception, expiration time.Time // default two days before and thirty days after now
}

func (p dnskeySet) set(t testing.TB, zone string, now time.Time) dnssec.RRset {
	t.Helper()
	if p.ttl == 0 {
		p.ttl = 10800
	}
	if p.inception.IsZero() {
		p.inception, p.expiration = now.Add(-2*day), now.Add(30*day)
	}
	set := dnssec.RRset{Name: zone, Type: dns.TypeDNSKEY}
	for _, k := range p.keys {
		rr := dns.Copy(k.rr)
		rr.Header().Ttl = p.ttl
		set.RRs = append(set.RRs, rr)
	}
	for _, k := range p.signers {
		p.extraSigs = append(p.extraSigs, k.signWithTag(k.rr.KeyTag()))
	}
	for _, sign := range p.extraSigs {
		sig := &dns.RRSIG{
			Hdr:         dns.RR_Header{Name: zone, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: p.ttl},
			TypeCovered: dns.TypeDNSKEY, SignerName: zone, OrigTtl: p.ttl,
			Inception: uint32(p.inception.Unix()), Expiration: uint32(p.expiration.Unix()),
		}
		sign(t, sig, set.RRs)
		set.Sigs = append(set.Sigs, sig)
	}
	return set
}

// scenario is a sequence of updates of one zone.
type scenario struct {
	t      testing.TB
	z      *Zone
	now    time.Time
	names  map[string]*testKey
	events []Event
}

// newScenario starts with the configured trust anchors.
func newScenario(t testing.TB, zone string, names map[string]*testKey, anchors ...*dns.DS) *scenario {
	t.Helper()
	z, err := New(zone, anchors)
	must(t, err)
	return &scenario{t: t, z: z, now: start, names: names}
}

// update updates the zone after some time. It checks the states of all keys, as in
// "a=valid b=addpend", and the reason of the failure.
func (s *scenario) update(after time.Duration, p dnskeySet, want string, reason ...dnssec.Reason) {
	s.t.Helper()
	s.now = s.now.Add(after)
	events, f := s.z.Update(s.now, p.set(s.t, s.z.Name, s.now), strictPolicy)
	s.events = events
	switch {
	case f == nil && len(reason) > 0:
		s.t.Errorf("at %v: no failure, want %v", s.now, reason[0])
	case f != nil && (len(reason) == 0 || f.Reason != reason[0]):
		s.t.Errorf("at %v: %v, want %v", s.now, f, reason)
	}
	if got := s.states(); got != want {
		s.t.Errorf("at %v: %s, want %s", s.now, got, want)
	}
	s.checkRoundTrip()
}

// checkRoundTrip writes the state file and continues with the zone that is read back.
func (s *scenario) checkRoundTrip() {
	s.t.Helper()
	text, err := Format([]*Zone{s.z}, s.now)
	must(s.t, err)
	zones, err := Parse("state", text)
	must(s.t, err)
	again, err := Format(zones, s.now)
	must(s.t, err)
	if string(again) != string(text) {
		s.t.Errorf("read back\n%s\nwritten\n%s", again, text)
	}
	s.z = zones[0]
}

func (s *scenario) states() string {
	var words []string
	for i := range s.z.Keys {
		k := &s.z.Keys[i]
		word := fmt.Sprintf("%d", k.Tag())
		for name, p := range s.names {
			if k.sameKeyAs(p.rr) {
				word = name
			}
		}
		words = append(words, word+"="+k.State.String())
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// wantNextQuery checks the time from the last update to the next query.
func (s *scenario) wantNextQuery(want time.Duration) {
	s.t.Helper()
	if at, ok := s.z.NextQuery(s.now); !ok || !at.Equal(s.now.Add(want)) {
		s.t.Errorf("at %v: next query after %v (%v), want %v", s.now, at.Sub(s.now), ok, want)
	}
}

func keys(p ...*testKey) []*testKey { return p }
