package dnssec

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// ledger counts the signatures that were computed, and remembers what came of them.
type ledger struct {
	mu      sync.Mutex
	results map[Digest]bool
	checked int
	failed  int
	spared  int
}

func newLedger() *ledger { return &ledger{results: make(map[Digest]bool)} }

func (l *ledger) Known(d Digest) (good, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	good, known = l.results[d]
	if known {
		l.spared++
	}
	return good, known
}

func (l *ledger) Checked(d Digest, _ uint8, good bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.checked++
	l.results[d] = good
	if !good {
		l.failed++
	}
}

// badSignatures are wrong signatures that look like those of the keys.
func badSignatures(t *testing.T, n int, s *signer, rrs []dns.RR) []*dns.RRSIG {
	t.Helper()
	sigs := make([]*dns.RRSIG, n)
	for i := range sigs {
		sigs[i] = s.rrsig(t, rrs, func(sig *dns.RRSIG) { sig.OrigTtl = uint32(1000 + i) })
		sigs[i].OrigTtl++
	}
	return sigs
}

// TestFailedPerRRset: one wrong signature beside a good one is no harm, and two are the
// end (CVE-2023-50387): whether they were computed now or before, so that the verdict
// does not depend on it.
func TestFailedPerRRset(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	good := z.set(t, []string{"www.example. 300 A 192.0.2.1"})
	for n, want := range map[int]Reason{0: ReasonNone, MaxFailedPerRRset - 1: ReasonNone, MaxFailedPerRRset: LimitExceeded, 100: LimitExceeded} {
		set := good
		set.Sigs = append(badSignatures(t, n, z.signer, good.RRs), good.Sigs...)
		l := newLedger()
		computed := min(n+1, MaxFailedPerRRset)
		for range 2 {
			v := verifierAt(now)
			v.Ledger = l
			_, f := v.Authenticate(set, z.keys)
			wantReason(t, f, want)
			if l.checked != computed {
				t.Errorf("%d bad signatures: %d computed, want %d", n, l.checked, computed)
			}
		}
	}
}

// TestUnusableSignaturesAreFree: expired ones and those of other signers cost nothing,
// but no more than so many are looked at.
func TestUnusableSignaturesAreFree(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	good := z.set(t, []string{"www.example. 300 A 192.0.2.1"})
	expired := z.rrsig(t, good.RRs, func(sig *dns.RRSIG) { sig.Expiration = sig.Inception })
	for n, want := range map[int]Reason{MaxCandidates - 1: ReasonNone, MaxCandidates: LimitExceeded} {
		l := newLedger()
		v := verifierAt(now)
		v.Ledger = l
		set := good
		set.Sigs = nil
		for range n {
			set.Sigs = append(set.Sigs, expired)
		}
		set.Sigs = append(set.Sigs, good.Sigs...)
		_, f := v.Authenticate(set, z.keys)
		wantReason(t, f, want)
		if wanted := map[Reason]int{ReasonNone: 1}[want]; l.checked != wanted {
			t.Errorf("%d computed, want %d", l.checked, wanted)
		}
	}
}

// TestSignaturesPerQuery: the budget spans RRsets: so many checks, and so many of them
// that fail.
func TestSignaturesPerQuery(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	for _, tc := range []struct{ bad, checked, failed int }{
		{bad: 0, checked: MaxSignatures},
		{bad: 1, checked: 2*MaxFailed - 1, failed: MaxFailed}, // the last good one is not computed
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

// TestLedgerSparesTheSecond: what has verified costs nothing again, even without any
// budget left; time and names are checked again all the same.
func TestLedgerSparesTheSecond(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	set := z.set(t, []string{"www.example. 300 A 192.0.2.1"})
	l := newLedger()
	v := verifierAt(now)
	v.Ledger = l
	for range 3 {
		if _, f := v.Authenticate(set, z.keys); f != nil {
			t.Fatal(f)
		}
	}
	if l.checked != 1 || l.spared != 2 {
		t.Errorf("computed %d times, spared %d times", l.checked, l.spared)
	}
	v.Budget = &Budget{}
	if _, f := v.Authenticate(set, z.keys); f != nil {
		t.Errorf("without budget: %v", f)
	}
	later := verifierAt(now.AddDate(1, 0, 0))
	later.Ledger = l
	_, f := later.Authenticate(set, z.keys)
	wantReason(t, f, SignatureExpired)
	bad := set
	bad.RRs = records(t, "www.example. 300 A 192.0.2.2")
	v.Budget = NewBudget(nil)
	_, f = v.Authenticate(bad, z.keys)
	wantReason(t, f, SignatureInvalid)
	checked := l.checked
	_, f = v.Authenticate(bad, z.keys)
	wantReason(t, f, SignatureInvalid)
	if l.checked != checked {
		t.Error("a signature that failed was computed again")
	}
}

// TestLedgerKeepsZonesApart: the same signature over the same data is another one
// for another zone's key (hickory-dns 123592: a cache key of the data only).
func TestLedgerKeepsZonesApart(t *testing.T) {
	data, signature := []byte("data"), []byte("signature")
	a := newKey("a.example.", []byte{1, 1, 3, 15, 1})
	digests := map[Digest]string{}
	for name, d := range map[string]Digest{
		"as it is":              new(signedData).digest(a, signature, data),
		"another zone":          new(signedData).digest(newKey("b.example.", a.rdata), signature, data),
		"another key":           new(signedData).digest(newKey("a.example.", []byte{1, 1, 3, 15, 2}), signature, data),
		"other flags":           new(signedData).digest(newKey("a.example.", []byte{1, 0, 3, 15, 1}), signature, data),
		"other data":            new(signedData).digest(a, signature, []byte("atad")),
		"the border moved":      new(signedData).digest(a, []byte("signatured"), []byte("ata")),
		"the other border":      new(signedData).digest(a, []byte("signatur"), []byte("edata")),
		"name into the key":     new(signedData).digest(newKey("example.", append([]byte("\x01a"), a.rdata...)), signature, data),
		"no signature, no data": new(signedData).digest(a, nil, nil),
	} {
		if other, ok := digests[d]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		digests[d] = name
	}
}

// collisions are keys with the tag of the good one. Their public keys are made up.
func collisions(t *testing.T, n int, good *signer) []*signer {
	t.Helper()
	set, f := newKeys(keySet(t, good))
	if f != nil {
		t.Fatal(f)
	}
	want := set[0].tag
	var all []*signer
	for len(all) < n {
		s := newSigner(t, "example.", dns.ED25519)
		raw, f := newKeys(keySet(t, s))
		if f != nil {
			t.Fatal(f)
		}
		if tagged := withTag(raw[0].rdata, want); tagged != "" {
			s.key.PublicKey = tagged
			all = append(all, s)
		}
	}
	return all
}

// TestKeysPerTag: no more keys than so many of one tag are compared with a DS
// (CVE-2023-50387).
func TestKeysPerTag(t *testing.T) {
	good := newSigner(t, "example.", dns.ED25519)
	others := collisions(t, MaxKeysPerTag, good)
	for n, want := range map[int]Reason{MaxKeysPerTag - 1: ReasonNone, MaxKeysPerTag: DNSKEYLimitExceeded} {
		set := keySet(t, append(append([]*signer{}, others[:n]...), good)...)
		set.Sigs = []*dns.RRSIG{good.rrsig(t, set.RRs)}
		l := newLedger()
		v := verifierAt(now)
		v.Ledger = l
		_, f := v.Keys(set, vouchFor(good))
		wantReason(t, f, want)
		wanted := 1 // only the key that the DS stands for
		if want != ReasonNone {
			wanted = 0
		}
		if l.checked != wanted {
			t.Errorf("%d colliding keys: %d computed for the keys, want %d", n, l.checked, wanted)
		}
	}
}

// TestCollidingKey: a second key of the tag costs a check that fails, and that only
// until one of them has signed something. More of them are an attack.
func TestCollidingKey(t *testing.T) {
	good := newSigner(t, "example.", dns.ED25519)
	others := collisions(t, MaxKeysPerTag, good)
	for n, want := range map[int]Reason{1: ReasonNone, MaxFailedPerRRset: LimitExceeded, MaxKeysPerTag: LimitExceeded} {
		keys, f := newKeys(keySet(t, append(append([]*signer{}, others[:n]...), good)...))
		if f != nil {
			t.Fatal(f)
		}
		l := newLedger()
		for i := range 20 {
			v := verifierAt(now)
			v.Ledger = l
			set := good.set(t, []string{fmt.Sprintf("www%d.example. 300 A 192.0.2.1", i)})
			_, f = v.Authenticate(set, &Keys{zone: "example.", keys: keys})
			wantReason(t, f, want)
		}
		if wanted := map[Reason]int{ReasonNone: 1, LimitExceeded: 20 * MaxFailedPerRRset}[want]; l.failed != wanted {
			t.Errorf("%d colliding keys: %d failed, want %d", n, l.failed, wanted)
		}
	}
}

func TestDSAndDNSKEYLimits(t *testing.T) {
	s := newSigner(t, "example.", dns.ED25519)
	for n, want := range map[int]Reason{MaxDS - 1: ReasonNone, MaxDS: DNSKEYLimitExceeded} {
		vouched := vouchFor(s)
		for i := range n {
			ds := wrong(dsOf(s, dns.SHA256))
			ds.KeyTag = uint16(i)
			vouched.records = append([]*dns.DS{ds}, vouched.records...)
		}
		_, f := verifierAt(now).Keys(keySet(t, s), vouched)
		wantReason(t, f, ReasonNone) // of trust anchors as many as are configured count
		vouched.noMatch = DNSKEYNoDSMatch
		_, f = verifierAt(now).Keys(keySet(t, s), vouched)
		wantReason(t, f, want)
	}
	for n, want := range map[int]Reason{MaxDNSKEY: ReasonNone, MaxDNSKEY + 1: DNSKEYLimitExceeded} {
		signers := []*signer{s}
		for len(signers) < n {
			signers = append(signers, newSigner(t, "example.", dns.ED25519))
		}
		l := newLedger()
		v := verifierAt(now)
		v.Ledger = l
		_, f := v.Keys(keySet(t, signers...), vouchFor(s))
		wantReason(t, f, want)
		if want != ReasonNone && l.checked > 0 {
			t.Error("computed a signature over too many keys")
		}
	}
}

// TestBudgetInParallel: goroutines that share a budget get no more out of it than one.
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

// TestSharedKeysAndBudget has several goroutines verify with the same keys.
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
	if l.checked > 10 || int(good.Load()) != l.checked+l.spared {
		t.Errorf("%d computed, %d spared, %d good", l.checked, l.spared, good.Load())
	}
}
