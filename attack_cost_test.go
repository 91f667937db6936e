package dnssecval

import (
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// countingLedger remembers nothing, so that each signature costs.
type countingLedger struct{ computed, looked atomic.Int32 }

func (l *countingLedger) Known(dnssec.Digest) (good, known bool) {
	l.looked.Add(1)
	return false, false
}

func (l *countingLedger) Checked(dnssec.Digest, uint8, bool) { l.computed.Add(1) }

func header(name string, rtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rtype, Class: dns.ClassINET, Ttl: 60}
}

// cost judges an answer with nothing known beside the chain, and returns what it took.
func cost(tb testing.TB, v *Validator, name string, qtype uint16, msg *dns.Msg) (Result, *countingLedger, time.Duration) {
	tb.Helper()
	q := v.newQuery(tb.Context(), new(client), newQuestion(name, qtype, withDO))
	counted := new(countingLedger)
	q.verifier.Ledger = counted
	start := time.Now()
	r := q.judgeResponse(msg)
	return r, counted, time.Since(start)
}

// overTheWire packs and unpacks a message, so that it is one that can come.
func overTheWire(tb testing.TB, m *dns.Msg) *dns.Msg {
	tb.Helper()
	m.Compress = true
	wire, err := m.Pack()
	if err != nil {
		tb.Fatal(err)
	}
	out := new(dns.Msg)
	if err := out.Unpack(wire); err != nil {
		tb.Fatal(err)
	}
	tb.Logf("%d octets, %d records", len(wire), len(out.Answer)+len(out.Ns))
	return out
}

// collidingKeys returns DNSKEY records with the tag and the worst cost of a check:
// 4096 bits, and an exponent of 64.
func collidingKeys(zone string, n int, tag uint16) []dns.RR {
	var keys []dns.RR
	for i := 0; len(keys) < n; i++ {
		public := append([]byte{8}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
		modulus := make([]byte, 512)
		for j := range modulus {
			modulus[j] = byte(j*7 + i + 1)
		}
		modulus[0], modulus[511] = 0xff, 0xff
		key := &dns.DNSKEY{Hdr: header(zone, dns.TypeDNSKEY), Flags: 256, Protocol: 3, Algorithm: dns.RSASHA512}
		for hi := 0; hi < 3; hi++ { // the tag is a sum: a few steps reach any
			key.PublicKey = base64.StdEncoding.EncodeToString(append(public, modulus...))
			diff := tag - key.KeyTag()
			at := 101 // odd offset of public: the high octets of the sum
			v := uint16(modulus[at])<<8 | uint16(modulus[at+1])
			v += diff
			modulus[at], modulus[at+1] = byte(v>>8), byte(v)
			key.PublicKey = base64.StdEncoding.EncodeToString(append(public, modulus...))
		}
		if key.KeyTag() == tag {
			keys = append(keys, key)
		}
	}
	return keys
}

// collidingWorld is a zone whose keys collide, properly signed by its KSK.
func collidingWorld(t testing.TB, n int) *testzone.World {
	t.Helper()
	w, err := testzone.New(time.Now(), testzone.Spec{Name: "trap.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, key := range collidingKeys("trap.", n, 4711) {
		lines = append(lines, key.String())
	}
	set, _ := w.Zone("trap.").RRset("trap.", dns.TypeDNSKEY)
	for _, rr := range set.RRs {
		lines = append(lines, rr.String())
	}
	if err := w.Zone("trap.").Replace(lines...); err != nil {
		t.Fatal(err)
	}
	if err := w.Zone("trap.").Resign("trap.", dns.TypeDNSKEY); err != nil {
		t.Fatal(err)
	}
	return w
}

func badSignature(name string, covered uint16, signer string, tag uint16, i int) *dns.RRSIG {
	signature := make([]byte, 512)
	signature[0], signature[1], signature[511] = 0x0f, byte(i>>8), byte(i)
	return &dns.RRSIG{Hdr: header(name, dns.TypeRRSIG), TypeCovered: covered, Algorithm: dns.RSASHA512, Labels: uint8(dns.CountLabel(name)), OrigTtl: 60,
		Expiration: uint32(time.Now().Add(time.Hour).Unix()), Inception: uint32(time.Now().Add(-time.Hour).Unix()), KeyTag: tag, SignerName: signer,
		Signature: base64.StdEncoding.EncodeToString(signature)}
}

// KeyTrap (CVE-2023-50387): whatever collides, the first RRset that fails is the last.
func TestAttackKeyTrap(t *testing.T) {
	for _, c := range []struct{ keys, sets, signatures int }{{4, 1, 100}, {28, 1, 100}, {4, 12, 8}, {4, 24, 4}} {
		w := collidingWorld(t, c.keys)
		v := newTestValidator(t, w)
		ask(t, v, "www.trap.", dns.TypeA, withDO) // the chain is known
		msg := new(dns.Msg).SetReply(newQuestion("trap.", dns.TypeANY, withDO))
		for i := range c.sets {
			rtype := uint16(65280 + i)
			msg.Answer = append(msg.Answer, &dns.RFC3597{Hdr: header("trap.", rtype), Rdata: "00"})
			for j := range c.signatures {
				msg.Answer = append(msg.Answer, badSignature("trap.", rtype, "trap.", 4711, j))
			}
		}
		r, counted, took := cost(t, v, "trap.", dns.TypeANY, overTheWire(t, msg))
		t.Logf("%+v: %d computed, %d looked up, %v, %v", c, counted.computed.Load(), counted.looked.Load(), took, r.Finding)
		if r.Status != dnssec.Bogus {
			t.Errorf("%+v: %v", c, r.Finding)
		}
		if n := int(counted.computed.Load()); n > dnssec.MaxFailedPerRRset {
			t.Errorf("%+v: %d signatures computed", c, n)
		}
	}
}

// NSEC3 at the limit of the iterations, with the longest salt and names.
func TestAttackNSEC3Hashes(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Denial: testzone.NSEC3, Iterations: dnssec.MaxIterations,
		Salt: strings.Repeat("ab", 255), Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	ask(t, v, "www.example.", dns.TypeA, withDO)
	name := strings.Repeat("x.", 120) + "example."
	a := w.Answer(newQuestion(name, dns.TypeA, withDO))
	r, counted, took := cost(t, v, name, dns.TypeA, a)
	t.Logf("%d signatures, %v, %v", counted.computed.Load(), took, r.Finding)
	if took > 50*time.Millisecond {
		t.Errorf("took %v", took)
	}
}

// bigAnswers are the worst answers of 64 KiB for what is looked at before anything
// is verified: none of them has a signature that is worth computing.
func bigAnswers() map[string]*dns.Msg {
	fill := func(each func(i int) dns.RR) *dns.Msg {
		m := new(dns.Msg).SetReply(newQuestion("www.bank.", dns.TypeANY, withDO))
		size := 100
		for i := 0; ; i++ {
			rr := each(i)
			size += dns.Len(rr) - len(rr.Header().Name) + 2
			if size > dns.MaxMsgSize {
				return m
			}
			m.Answer = append(m.Answer, rr)
		}
	}
	names := fill(func(i int) dns.RR {
		return &dns.RFC3597{Hdr: header(fmt.Sprintf("%04d.www.bank.", i), 65280), Rdata: ""}
	})
	authority := names.Copy()
	authority.Answer, authority.Ns = nil, authority.Answer
	return map[string]*dns.Msg{
		"types": fill(func(i int) dns.RR { return &dns.RFC3597{Hdr: header("www.bank.", uint16(1000+i)), Rdata: ""} }),
		"types with signatures": fill(func(i int) dns.RR {
			if i%2 == 0 {
				return &dns.RFC3597{Hdr: header("www.bank.", uint16(1000+i)), Rdata: ""}
			}
			return &dns.RRSIG{Hdr: header("www.bank.", dns.TypeRRSIG), TypeCovered: uint16(1000 + i - 1), SignerName: "."}
		}),
		"names":            names,
		"names, authority": authority,
		"signers": fill(func(i int) dns.RR {
			if i == 0 {
				return &dns.A{Hdr: header("www.bank.", dns.TypeA), A: net.IPv4(192, 0, 2, 1)}
			}
			return &dns.RRSIG{Hdr: header("www.bank.", dns.TypeRRSIG), TypeCovered: dns.TypeA, SignerName: fmt.Sprintf("%04d.", i)}
		}),
		"records of one RRset": fill(func(i int) dns.RR {
			return &dns.A{Hdr: header("www.bank.", dns.TypeA), A: net.IPv4(10, 0, byte(i>>8), byte(i))}
		}),
	}
}

// The time for an answer that nothing is computed for must not grow with the square
// of its size.
func TestAttackBigAnswers(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "bank.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	ask(t, v, "www.bank.", dns.TypeA, withDO)
	for name, m := range bigAnswers() {
		r, counted, took := cost(t, v, "www.bank.", dns.TypeANY, overTheWire(t, m))
		t.Logf("%s: %d computed, %v, %v", name, counted.computed.Load(), took, r.Reason)
		if r.Status != dnssec.Bogus {
			t.Errorf("%s: %v", name, r.Finding)
		}
	}
}

// Twenty times the RRsets take about twenty times as long to put together, not 400 times.
func TestAttackManyRRsets(t *testing.T) {
	fastest := func(n int) time.Duration {
		var section []dns.RR
		for i := range n {
			section = append(section, &dns.RFC3597{Hdr: header(fmt.Sprintf("%05d.www.bank.", i), 65280)})
		}
		best := time.Hour
		for range 10 {
			start := time.Now()
			dnssec.GroupRRsets(section)
			best = min(best, time.Since(start))
		}
		return best
	}
	var few, many time.Duration
	for range 5 { // other work on the machine can only make the ratio larger now and then
		if few, many = fastest(1000), fastest(20000); many <= 100*few {
			return
		}
	}
	t.Errorf("%v for 1000, %v for 20000", few, many)
}

func BenchmarkAttackBigAnswers(b *testing.B) {
	for name, m := range bigAnswers() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				dnssec.GroupRRsets(m.Answer)
				dnssec.GroupRRsets(m.Ns)
			}
		})
	}
}

// The text of an Extended DNS Error must not make of a short question, whose sender
// may be another one, a long answer.
func TestAttackLongExplanation(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	name := strings.Repeat(strings.Repeat(`\255`, 60)+".", 3) + "example."
	forge(w, name, dns.TypeA, func(a *dns.Msg) {
		a.Rcode, a.Ns = dns.RcodeSuccess, nil
		a.Answer = []dns.RR{&dns.A{Hdr: header(name, dns.TypeA), A: net.IPv4(192, 0, 2, 1)}}
	})
	q := newQuestion(name, dns.TypeA, withDO)
	m := exchange(t, newExplainer(v, v), q)
	if m.Rcode != dns.RcodeServerFailure || edeOf(m) == noCode {
		t.Fatalf("%v", m)
	}
	if m.Len() > q.Len()+300 {
		t.Errorf("%d octets for a question of %d", m.Len(), q.Len())
	}
}

// BenchmarkAttackKeyTrap is the dearest answer: all the signatures that a query may
// cost, with the dearest keys.
func BenchmarkAttackKeyTrap(b *testing.B) {
	w := collidingWorld(b, 4)
	file := filepath.Join(b.TempDir(), "anchors")
	if err := os.WriteFile(file, []byte(strings.Join(w.Anchors("."), "\n")), 0o600); err != nil {
		b.Fatal(err)
	}
	conf, err := parse(caddy.NewTestController("dns", "dnssecval . {\nvalidate\ntrust-anchor "+file+"\n}"), "dnssecval")
	if err != nil {
		b.Fatal(err)
	}
	v, _, err := conf.validator("dnssecval")
	if err != nil {
		b.Fatal(err)
	}
	v.Next = w
	own := &block{zones: []string{"."}, stanzas: []*stanza{{directive: "forward", from: ".", handler: w}}}
	v.routes = &routes{own: own, blocks: []*block{own}}
	msg := new(dns.Msg).SetReply(newQuestion("trap.", dns.TypeANY, withDO))
	for i := range 24 {
		rtype := uint16(65280 + i)
		msg.Answer = append(msg.Answer, &dns.RFC3597{Hdr: header("trap.", rtype), Rdata: "00"})
		for j := range 4 {
			msg.Answer = append(msg.Answer, badSignature("trap.", rtype, "trap.", 4711, j))
		}
	}
	cost(b, v, "trap.", dns.TypeANY, msg)
	for b.Loop() {
		cost(b, v, "trap.", dns.TypeANY, msg)
	}
}
