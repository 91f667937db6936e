package dnssec

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// TestSignaturesPerQuery checks that MaxSignatureCost and MaxFailed apply to all RRsets
// of a query together.
func TestSignaturesPerQuery(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	for _, tc := range []struct{ bad, checked, failed int }{
		{bad: 0, checked: MaxSignatureCost},
		{bad: 1, checked: 2*MaxFailed - 1, failed: MaxFailed}, // the last valid signature is not checked
		{bad: 2, checked: MaxFailed, failed: MaxFailed},
	} {
		l := newLedger()
		v := verifierAt(now)
		v.Ledger = l
		var f *Failure
		for i := range MaxSignatureCost + 1 {
			set := z.set(t, []string{fmt.Sprintf("www%d.example. 300 A 192.0.2.1", i)})
			set.Sigs = append(badSignatures(t, tc.bad, z.signer, set.RRs), set.Sigs...)
			_, f = v.Authenticate(set, z.keys)
		}
		wantReason(t, f, LimitExceeded)
		if l.checked != tc.checked || l.failed != tc.failed {
			t.Errorf("%d bad signatures for an RRset: %d computed and %d failed, want %d and %d", tc.bad, l.checked, l.failed, tc.checked, tc.failed)
		}
	}
}

// TestBudgetInParallel checks that goroutines that share a budget do not exceed it.
func TestBudgetInParallel(t *testing.T) {
	b := NewBudget(nil)
	var signatures, hashes atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if _, f := b.verifySignature(1, func() bool { return true }); f == nil {
					signatures.Add(1)
				}
				if b.spendHash(1) == nil {
					hashes.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if got := fmt.Sprint(signatures.Load(), hashes.Load()); got != fmt.Sprint(MaxSignatureCost, MaxHashes) {
		t.Errorf("signatures and hashes: %s", got)
	}
	for range 100 {
		_, f := b.verifySignature(1, func() bool { return true })
		wantReason(t, f, LimitExceeded)
	}
}

// TestSharedKeysAndBudget verifies with shared keys, budget and Ledger concurrently.
func TestSharedKeysAndBudget(t *testing.T) {
	z := newTestZone(t, "example.", dns.ECDSAP256SHA256)
	set := z.set(t, []string{"www.example. 300 A 192.0.2.1"})
	budget, l := NewBudget(nil), newLedger()
	budget.cost.Store(10)
	var good atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			v := Verifier{Now: now, Budget: budget, Ledger: l}
			other := set
			other.Sigs = []*dns.RRSIG{dns.Copy(set.Sigs[0]).(*dns.RRSIG)}
			if _, f := v.Authenticate(other, z.keys); f == nil {
				good.Add(1)
			}
		})
	}
	wg.Wait()
	if l.checked > 10 || int(good.Load()) != l.checked+l.hits {
		t.Errorf("%d checks, %d hits, %d good", l.checked, l.hits, good.Load())
	}
}

// TestSignatureCost checks how many valid signatures a query may have, by algorithm. What
// the most expensive ones take is no more than before there were costs: 32 checks.
func TestSignatureCost(t *testing.T) {
	for _, tc := range []struct {
		algorithm uint8
		bits      int
		want      int
	}{
		{algorithm: dns.RSASHA256, bits: 2048, want: 256},
		{algorithm: dns.RSASHA256, bits: 4096, want: 85},
		{algorithm: dns.ECDSAP256SHA256, want: 256},
		{algorithm: dns.ED25519, want: 256},
		{algorithm: dns.ED448, want: 64},
		{algorithm: dns.ECDSAP384SHA384, want: 32},
	} {
		key := &dns.DNSKEY{Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET}, Flags: 256, Protocol: 3, Algorithm: tc.algorithm}
		if tc.bits > 0 {
			if _, err := key.Generate(tc.bits); err != nil {
				t.Fatal(err)
			}
		} else {
			key = newSigner(t, "example.", tc.algorithm).key
		}
		k, ok := parseKey(key)
		if !ok {
			t.Fatalf("algorithm %d: no key", tc.algorithm)
		}
		b, n := NewBudget(nil), 0
		for ; ; n++ {
			if _, f := b.verifySignature(k.cost(), func() bool { return true }); f != nil {
				break
			}
		}
		if n != tc.want {
			t.Errorf("%s, %d bits: %d checks, want %d", AlgorithmName(tc.algorithm), tc.bits, n, tc.want)
		}
	}
	if got := costOfRSA(maxModulusBits, maxExponentBits); got < 8 {
		t.Errorf("the largest RSA key costs %d, less than one of P-384", got)
	}
}
