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

// start is when most tests begin.
var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

var strict = dnssec.Policy{}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pair is a DNSKEY with its private key.
type pair struct {
	rr      *dns.DNSKEY
	private crypto.Signer
}

func newPair(t testing.TB, zone string, edits ...func(*dns.DNSKEY)) *pair {
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
	return &pair{rr, private.(crypto.Signer)}
}

func algorithm(a uint8) func(*dns.DNSKEY) { return func(k *dns.DNSKEY) { k.Algorithm = a } }
func zsk(k *dns.DNSKEY)                   { k.Flags = dns.ZONE }

// revoked returns the key with the REVOKE bit.
func (p *pair) revoked() *pair {
	c := *p.rr
	c.Flags |= dns.REVOKE
	return &pair{&c, p.private}
}

func (p *pair) ds() *dns.DS { return p.rr.ToDS(dns.SHA256) }

// as signs with the tag of another key.
func (p *pair) as(tag uint16) signing {
	return func(t testing.TB, sig *dns.RRSIG, rrs []dns.RR) {
		t.Helper()
		sig.Algorithm, sig.KeyTag = p.rr.Algorithm, tag
		must(t, sig.Sign(p.private, rrs))
	}
}

type signing func(t testing.TB, sig *dns.RRSIG, rrs []dns.RR)

// published is a DNSKEY RRset: its keys, who signs it, and for how long.
type published struct {
	keys       []*pair
	by         []*pair
	more       []signing // odd signatures
	ttl        uint32    // 10800 if zero
	begin, end time.Time // two days before and thirty after if zero
}

func (p published) set(t testing.TB, zone string, now time.Time) dnssec.RRset {
	t.Helper()
	if p.ttl == 0 {
		p.ttl = 10800
	}
	if p.begin.IsZero() {
		p.begin, p.end = now.Add(-2*day), now.Add(30*day)
	}
	set := dnssec.RRset{Name: zone, Type: dns.TypeDNSKEY}
	for _, k := range p.keys {
		rr := dns.Copy(k.rr)
		rr.Header().Ttl = p.ttl
		set.RRs = append(set.RRs, rr)
	}
	for _, k := range p.by {
		p.more = append(p.more, k.as(k.rr.KeyTag()))
	}
	for _, sign := range p.more {
		sig := &dns.RRSIG{
			Hdr:         dns.RR_Header{Name: zone, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: p.ttl},
			TypeCovered: dns.TypeDNSKEY, SignerName: zone, OrigTtl: p.ttl,
			Inception: uint32(p.begin.Unix()), Expiration: uint32(p.end.Unix()),
		}
		sign(t, sig, set.RRs)
		set.Sigs = append(set.Sigs, sig)
	}
	return set
}

// story plays what happens to one zone, under a clock that moves.
type story struct {
	t      testing.TB
	z      *Zone
	now    time.Time
	names  map[string]*pair
	events []Event
}

// tell begins with the configured anchors.
func tell(t testing.TB, zone string, names map[string]*pair, anchors ...*dns.DS) *story {
	t.Helper()
	z, err := New(zone, anchors)
	must(t, err)
	return &story{t: t, z: z, now: start, names: names}
}

// sees lets time pass and shows the zone an RRset. The want is the states of all keys
// by their names, like "a=valid b=addpend", and the reason of the failure if there is.
func (s *story) sees(after time.Duration, p published, want string, reason ...dnssec.Reason) {
	s.t.Helper()
	s.now = s.now.Add(after)
	events, f := s.z.Update(s.now, p.set(s.t, s.z.Name, s.now), strict)
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
	s.keeps()
}

// keeps checks that what is known survives the state file.
func (s *story) keeps() {
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

func (s *story) states() string {
	var words []string
	for i := range s.z.Keys {
		k := &s.z.Keys[i]
		word := fmt.Sprintf("%d", k.Tag())
		for name, p := range s.names {
			if k.is(p.rr) {
				word = name
			}
		}
		words = append(words, word+"="+k.State.String())
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// next checks how long the zone waits after the last try.
func (s *story) next(want time.Duration) {
	s.t.Helper()
	if at, ok := s.z.NextQuery(s.now); !ok || !at.Equal(s.now.Add(want)) {
		s.t.Errorf("at %v: next query after %v (%v), want %v", s.now, at.Sub(s.now), ok, want)
	}
}

func keys(p ...*pair) []*pair { return p }
