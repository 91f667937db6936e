package dnssec

import (
	"fmt"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// BenchmarkVerify compares the bare signature check with Authenticate, for each
// algorithm.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range []uint8{dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519, dns.ED448} {
		z := newTestZone(b, "example.", alg)
		set := z.set(b, []string{"www.example. 300 A 192.0.2.1", "www.example. 300 A 192.0.2.2"})
		k := z.keys.keys[0]
		var data signedData
		if !data.prepare(set) || !data.decode(set.Sigs[0].Signature) {
			b.Fatal(set)
		}
		data.forSignature(set.Sigs[0])
		b.Run(AlgorithmName(alg)+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !k.verify(data.signed, data.signature) {
					b.Fatal("bad")
				}
			}
		})
		b.Run(AlgorithmName(alg)+"/Authenticate", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v := Verifier{Now: now, Budget: NewBudget(nil)}
				if _, f := v.Authenticate(set, z.keys); f != nil {
					b.Fatal(f)
				}
			}
		})
	}
}

// allKnown is a Ledger in which every signature is known to be valid.
type allKnown struct{}

func (allKnown) Known(Digest) (good, known bool)     { return true, true }
func (allKnown) Meanwhile(Digest) (good, known bool) { return true, true }
func (allKnown) Checked(Digest, uint8, bool)         {}

// BenchmarkKnown authenticates an RRset whose signature is known to the Ledger.
func BenchmarkKnown(b *testing.B) {
	z := newTestZone(b, "example.", dns.ECDSAP256SHA256)
	set := z.set(b, []string{"example. 300 SOA ns.example. admin.example. 1 2 3 4 5"})
	b.ReportAllocs()
	for b.Loop() {
		v := Verifier{Now: now, Budget: NewBudget(nil), Ledger: allKnown{}}
		if _, f := v.Authenticate(set, z.keys); f != nil {
			b.Fatal(f)
		}
	}
}

// BenchmarkDenial proves a name error from authenticated records.
func BenchmarkDenial(b *testing.B) {
	for _, kind := range []struct {
		name       string
		denial     testzone.Denial
		iterations uint16
	}{{"NSEC", testzone.NSEC, 0}, {"NSEC3", testzone.NSEC3, 0}, {"NSEC3 with 10 iterations", testzone.NSEC3, 10}} {
		w, err := testzone.New(now, testzone.Spec{Name: "example.", Algorithm: dns.ED25519, Denial: kind.denial, Iterations: kind.iterations,
			Records: []string{"a A 192.0.2.1", "m A 192.0.2.1", "z A 192.0.2.1"}})
		must(b, err)
		msg := w.Answer(new(dns.Msg).SetQuestion("no.such.example.", dns.TypeA).SetEdns0(1232, true))
		var sets []*Authenticated
		for _, set := range GroupRRsets(msg.Ns) {
			sets = append(sets, &Authenticated{set: set, signer: "example.", sig: set.Sigs[0]})
		}
		b.Run(kind.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v := Verifier{Now: now, Budget: NewBudget(nil)}
				if f := v.Denial("example.", sets).NameError("no.such.example."); f.Status != Secure {
					b.Fatal(f)
				}
			}
		})
	}
}

// BenchmarkSpans searches a thousand spans for those that deny a name.
func BenchmarkSpans(b *testing.B) {
	s := NewSpans("example.")
	z := newTestZone(b, "example.", dns.ED25519)
	for i := range 1000 {
		rr := records(b, fmt.Sprintf("n%04d.example. 300 NSEC n%04d.example. A", i, i+1))
		s.Insert(z.authenticated(b, z.signed(b, rr))[0])
	}
	b.ReportAllocs()
	for b.Loop() {
		budget := NewBudget(nil)
		if s.Denial(s.About("n0500a.example.", budget), budget).NameError("n0500a.example.").Status == Secure {
			b.Fatal("a wildcard that nothing denies")
		}
	}
}
