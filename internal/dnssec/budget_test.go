package dnssec

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// TestSignaturesPerQuery checks that MaxSignatures and MaxFailed apply to all RRsets
// of a query together.
func TestSignaturesPerQuery(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	for _, tc := range []struct{ bad, checked, failed int }{
		{bad: 0, checked: MaxSignatures},
		{bad: 1, checked: 2*MaxFailed - 1, failed: MaxFailed}, // the last valid signature is not checked
		{bad: 2, checked: MaxFailed, failed: MaxFailed},
	} {
		l := newLedger()
		v := verifierAt(now)
		v.Ledger = l
		var f *Failure
		for i := range MaxSignatures + 1 {
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
			for range 20 {
				if _, f := b.verifySignature(func() bool { return true }); f == nil {
					signatures.Add(1)
				}
				if b.spendHash(1) == nil {
					hashes.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if got := fmt.Sprint(signatures.Load(), hashes.Load()); got != fmt.Sprint(MaxSignatures, MaxHashes) {
		t.Errorf("signatures and hashes: %s", got)
	}
	for range 100 {
		_, f := b.verifySignature(func() bool { return true })
		wantReason(t, f, LimitExceeded)
	}
}

// TestSharedKeysAndBudget verifies with shared keys, budget and Ledger concurrently.
func TestSharedKeysAndBudget(t *testing.T) {
	z := newTestZone(t, "example.", dns.ECDSAP256SHA256)
	set := z.set(t, []string{"www.example. 300 A 192.0.2.1"})
	budget, l := NewBudget(nil), newLedger()
	budget.signatures.Store(10)
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
