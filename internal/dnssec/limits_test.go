package dnssec

import (
	"fmt"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// ledger is a Ledger that counts.
type ledger struct {
	mu      sync.Mutex
	results map[Digest]bool
	checked int
	failed  int
	hits    int
}

func newLedger() *ledger { return &ledger{results: make(map[Digest]bool)} }

func (l *ledger) Known(d Digest) (good, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	good, known = l.results[d]
	if known {
		l.hits++
	}
	return good, known
}

func (l *ledger) Meanwhile(d Digest) (good, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	good, known = l.results[d]
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

// badSignatures returns invalid signatures with the key tag of s.
func badSignatures(t *testing.T, n int, s *signer, rrs []dns.RR) []*dns.RRSIG {
	t.Helper()
	sigs := make([]*dns.RRSIG, n)
	for i := range sigs {
		sigs[i] = s.rrsig(t, rrs, func(sig *dns.RRSIG) { sig.OrigTtl = uint32(1000 + i) })
		sigs[i].OrigTtl++
	}
	return sigs
}

// TestFailedPerRRset checks that MaxFailedPerRRset invalid signatures end the search
// (CVE-2023-50387), whether their results are known or not.
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

// TestUnusableSignaturesCostNothing checks that expired signatures need no signature
// check, and that MaxCandidates limits them.
func TestUnusableSignaturesCostNothing(t *testing.T) {
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

// TestLedgerHit checks that a known signature needs no budget, and that its validity
// period and its names are checked nevertheless.
func TestLedgerHit(t *testing.T) {
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
	if l.checked != 1 || l.hits != 2 {
		t.Errorf("%d checks and %d hits", l.checked, l.hits)
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

// inTurn is Turns whose steps have to wait while another query makes the same check.
type inTurn struct{ meanwhile func() }

func (t inTurn) Do(step func() bool) (result, ok bool) {
	t.meanwhile()
	return step(), true
}

// TestCheckedMeanwhile checks that a signature that another query checked while this one waited
// is not computed again, and that its result counts.
func TestCheckedMeanwhile(t *testing.T) {
	good := newSigner(t, "example.", dns.ED25519)
	keys, f := newKeys(keySet(t, good))
	if f != nil {
		t.Fatal(f)
	}
	set := good.set(t, []string{"www.example. 300 A 192.0.2.1"})
	forged := good.set(t, []string{"www.example. 300 A 192.0.2.2"})
	forged.RRs = set.RRs
	for _, tc := range []struct {
		name string
		set  RRset
		want Reason
	}{
		{name: "verifies", set: set},
		{name: "does not verify", set: forged, want: SignatureInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLedger()
			authenticate := func(turns Turns) {
				v := verifierAt(now)
				v.Ledger, v.Budget = l, NewBudget(turns)
				_, f := v.Authenticate(tc.set, &Keys{zone: "example.", keys: keys})
				wantReason(t, f, tc.want)
			}
			authenticate(inTurn{func() { authenticate(nil) }})
			if l.checked != 1 {
				t.Errorf("%d computed, want 1", l.checked)
			}
		})
	}
}

// TestDigest checks that the Digest depends on the zone, the key, the signature and
// the data (hickory-dns 123592: a cache key of the data only).
func TestDigest(t *testing.T) {
	a := newKey("a.example.", []byte{1, 1, 3, 15, 1})
	digest := func(k *key, signature, signed string) Digest {
		return (&signedData{signature: []byte(signature), signed: []byte(signed)}).digest(k)
	}
	digests := map[Digest]string{}
	for name, d := range map[string]Digest{
		"as it is":              digest(a, "signature", "data"),
		"another zone":          digest(newKey("b.example.", a.rdata), "signature", "data"),
		"another key":           digest(newKey("a.example.", []byte{1, 1, 3, 15, 2}), "signature", "data"),
		"other flags":           digest(newKey("a.example.", []byte{1, 0, 3, 15, 1}), "signature", "data"),
		"other data":            digest(a, "signature", "atad"),
		"the border moved":      digest(a, "signatured", "ata"),
		"the other border":      digest(a, "signatur", "edata"),
		"name into the key":     digest(newKey("example.", append([]byte("\x01a"), a.rdata...)), "signature", "data"),
		"no signature, no data": digest(a, "", ""),
	} {
		if other, ok := digests[d]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		digests[d] = name
	}
}

// collisions returns signers whose DNSKEY has the key tag of good. Their public keys
// do not belong to their private keys.
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

// TestKeysPerTag checks MaxKeysPerTag for the keys compared with a DS
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
		_, f := v.Keys(set, anchorsFor(good))
		wantReason(t, f, want)
		wanted := 1 // only the key that matches the DS
		if want != ReasonNone {
			wanted = 0
		}
		if l.checked != wanted {
			t.Errorf("%d colliding keys: %d computed for the keys, want %d", n, l.checked, wanted)
		}
	}
}

// TestCollidingKey checks that a second key with the same tag costs one failed check
// in all, and that more such keys exceed the limit.
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

// TestDSLimit checks that whether one of many DS records authenticates a key does not
// depend on their order (RFC 4035, section 5.2: "at least one"). Only records that name a
// key by its tag and algorithm and do not match it are limited.
func TestDSLimit(t *testing.T) {
	good := newSigner(t, "example.", dns.ED25519)
	var signers []*signer
	for range MaxDNSKEY {
		signers = append(signers, newSigner(t, "example.", dns.ED25519))
	}
	signers[MaxDNSKEY-1] = good // the last DS is of the key that signs
	keys := keySet(t, signers...)
	keys.Sigs = []*dns.RRSIG{good.rrsig(t, keys.RRs)}
	gone := func(i int) *dns.DS { return dsOf(newSigner(t, "example.", dns.ED25519), dns.SHA256) }
	otherAlgorithm := func(i int) *dns.DS {
		ds := dsOf(good, dns.SHA256)
		ds.Algorithm = dns.ECDSAP256SHA256
		return ds
	}
	otherDigest := func(i int) *dns.DS {
		ds := wrongDigest(dsOf(good, dns.SHA256))
		ds.Digest = fmt.Sprintf("%064x", i)
		return ds
	}
	for _, tc := range []struct {
		name string
		n    int // DS records before that of the key that signs
		ds   func(i int) *dns.DS
		want Reason
	}{
		{name: "of keys that are gone", n: MaxDS, ds: gone},
		{name: "of many keys that are gone", n: 12 * MaxDS, ds: gone},
		{name: "of the tag with another algorithm", n: 12 * MaxDS, ds: otherAlgorithm},
		{name: "of keys that do not sign", n: MaxDNSKEY - 1, ds: func(i int) *dns.DS { return dsOf(signers[i], dns.SHA256) }},
		{name: "doubled", n: MaxDS, ds: func(int) *dns.DS { return dsOf(signers[0], dns.SHA256) }},
		{name: "that do not match, at the limit", n: MaxDS - 1, ds: otherDigest},
		{name: "that do not match, over the limit", n: MaxDS, ds: otherDigest, want: DNSKEYLimitExceeded},
	} {
		set := DSSet{zone: "example."}
		for i := range tc.n {
			set.records = append(set.records, tc.ds(i))
		}
		set.records = append(set.records, dsOf(good, dns.SHA256))
		for _, noMatch := range []Reason{DNSKEYNoDSMatch, DNSKEYNoAnchorMatch} {
			set.noMatch = noMatch
			want := tc.want
			if noMatch == DNSKEYNoAnchorMatch { // no limit on trust anchors
				want = ReasonNone
			}
			_, f := verifierAt(now).Keys(keys, set)
			if got := reasonOf(f); got != want {
				t.Errorf("%d %s, %s: %v, want %v", tc.n, tc.name, noMatch, f, want)
			}
		}
	}
}

func TestDNSKEYLimit(t *testing.T) {
	s := newSigner(t, "example.", dns.ED25519)
	for n, want := range map[int]Reason{MaxDNSKEY: ReasonNone, MaxDNSKEY + 1: DNSKEYLimitExceeded} {
		signers := []*signer{s}
		for len(signers) < n {
			signers = append(signers, newSigner(t, "example.", dns.ED25519))
		}
		l := newLedger()
		v := verifierAt(now)
		v.Ledger = l
		_, f := v.Keys(keySet(t, signers...), anchorsFor(s))
		wantReason(t, f, want)
		if want != ReasonNone && l.checked > 0 {
			t.Error("computed a signature over too many keys")
		}
	}
}
