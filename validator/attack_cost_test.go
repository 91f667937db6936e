package validator

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// countingLedger counts and remembers nothing, so that each signature is computed.
type countingLedger struct{ computed, looked atomic.Int32 }

func (l *countingLedger) Known(dnssec.Digest) (good, known bool) {
	l.looked.Add(1)
	return false, false
}

func (l *countingLedger) Meanwhile(dnssec.Digest) (good, known bool) { return false, false }

func (l *countingLedger) Checked(dnssec.Digest, uint8, bool) { l.computed.Add(1) }

func header(name string, rtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rtype, Class: dns.ClassINET, Ttl: 60}
}

// cost judges a response without known signatures, and returns what was computed and the
// time.
func cost(tb testing.TB, v *Validator, name string, qtype uint16, msg *dns.Msg) (Result, *countingLedger, time.Duration) {
	tb.Helper()
	q := v.newQuery(tb.Context(), newQuestion(name, qtype, withDO))
	counted := new(countingLedger)
	q.verifier.Ledger = counted
	start := time.Now()
	r := q.judgeResponse(msg)
	return *r, counted, time.Since(start)
}

// overTheWire packs and unpacks a message.
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

// bigAnswers returns answers of 64 KiB that take most time before a signature is computed.
// No signature in them has to be computed.
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

// No signature of a big answer is computed.
func TestAttackBigAnswers(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "bank.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	ask(t, v, "www.bank.", dns.TypeA, withDO)
	for name, m := range bigAnswers() {
		r, counted, took := cost(t, v, "www.bank.", dns.TypeANY, overTheWire(t, m))
		t.Logf("%s: %d computed, %v, %v", name, counted.computed.Load(), took, r.Reason)
		if n := counted.computed.Load(); r.Status != dnssec.Bogus || n > 0 {
			t.Errorf("%s: %d computed, %v", name, n, r.Finding)
		}
	}
}

// Twenty times the records take about twenty times as long to group, or to join with those of
// another response, not 400 times.
func TestAttackManyRecords(t *testing.T) {
	section := func(n int) (rrs []dns.RR) {
		for i := range n {
			rrs = append(rrs, &dns.RFC3597{Hdr: header(fmt.Sprintf("%05d.www.bank.", i), 65280)})
		}
		return rrs
	}
	for name, f := range map[string]func(section []dns.RR){
		"group": func(section []dns.RR) { dnssec.GroupRRsets(section) },
		"join":  func(section []dns.RR) { joined(slices.Clone(section[len(section)/2:]), section[:len(section)/2]) },
	} {
		took := func(section []dns.RR) time.Duration {
			start := time.Now()
			f(section)
			return time.Since(start)
		}
		thousand, more := section(1000), section(20000)
		few, many := time.Hour, time.Hour
		for i := 0; i < 200 && many > 100*few || i == 0; i++ { // other work on the machine makes single times longer
			few, many = min(few, took(thousand)), min(many, took(more))
		}
		if many > 100*few {
			t.Errorf("%s: %v for 1000, %v for 20000", name, few, many)
		}
	}
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

// The text of an Extended DNS Error must not make a long answer of a short question, which
// may have a forged source address.
func TestAttackLongExplanation(t *testing.T) {
	name := strings.Repeat(strings.Repeat(`\255`, 60)+".", 3) + "example."
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{name + " A 192.0.2.1"}})
	v := newTestValidator(t, w)
	forge(w, name, dns.TypeA, func(a *dns.Msg) {
		a.Rcode, a.Ns = dns.RcodeSuccess, nil
		a.Answer = []dns.RR{&dns.A{Hdr: header(name, dns.TypeA), A: net.IPv4(192, 0, 2, 1)}}
	})
	q := newQuestion(name, dns.TypeA, withDO)
	m, _ := v.Resolve(t.Context(), q)
	if m.Rcode != servfail || edeOf(m) == noCode {
		t.Fatalf("%v", m)
	}
	if m.Len() > q.Len()+300 {
		t.Errorf("%d octets for a question of %d", m.Len(), q.Len())
	}
}
