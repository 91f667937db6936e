package dnssec

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestNSEC3Limits checks the limits on records, hashes and SHA-1 blocks
// (CVE-2023-50868).
func TestNSEC3Limits(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	nodata := func(n int) []n3 {
		set := []n3{{match: "www.example.", types: "A RRSIG"}}
		for _, name := range numberedNames("x%d.example.", n-1) {
			set = append(set, n3{match: name})
		}
		return set
	}
	for n, want := range map[int]Reason{MaxNSEC3PerProof: ReasonNone, MaxNSEC3PerProof + 1: LimitExceeded} {
		got := z.nsec3Denial(t, NewBudget(nil), nodata(n)...).NoData("www.example.", dns.TypeMX)
		if got.Reason != want {
			t.Errorf("%d records: %v", n, got)
		}
	}

	deep := strings.Repeat("a.", MaxHashes) + "example."
	budget := NewBudget(nil)
	d := z.nsec3Denial(t, budget, n3{match: "www.example.", types: "A"})
	wantFinding(t, d.NameError(deep), Bogus, LimitExceeded)
	if left := budget.hashes.Load(); left != -1 {
		t.Errorf("%d hashes are left", left)
	}

	// 150 iterations with the longest salt: 5 blocks for each of them, more for the
	// first hash.
	budget = NewBudget(nil)
	d = z.nsec3Denial(t, budget, n3{match: "www.example.", types: "A", iterations: MaxIterations, salt: strings.Repeat("ab", 255)})
	wantFinding(t, d.NameError(strings.Repeat("a.", 30)+"example."), Bogus, LimitExceeded)
	if spent := MaxHashes - budget.hashes.Load(); spent > MaxHashBlocks/(5*MaxIterations)+1 {
		t.Errorf("%d hashes of 755 blocks were computed", spent)
	}
}

// TestHashesAreComputedOnce checks that several proofs hash a name once.
func TestHashesAreComputedOnce(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	budget := NewBudget(nil)
	d := z.nsec3Denial(t, budget, n3{match: "example.", types: "NS SOA"}, n3{cover: "x.example."}, n3{cover: "*.example."})
	for range 5 {
		wantFinding(t, d.NameError("x.example."), Secure, ReasonNone)
	}
	if spent := MaxHashes - budget.hashes.Load(); spent != 3 {
		t.Errorf("%d hashes, want 3", spent)
	}
}

func TestSHA1Blocks(t *testing.T) {
	for octets, want := range map[int]int{0: 1, 55: 1, 56: 2, 64: 2, 119: 2, 120: 3, 275: 5} {
		if got := sha1Blocks(octets); got != want {
			t.Errorf("%d octets are %d blocks, want %d", octets, got, want)
		}
	}
}

// TestNSEC3ClosestEncloserSearchEnds checks that the search ends if no record matches
// the apex. The parent of the root is the root.
func TestNSEC3ClosestEncloserSearchEnds(t *testing.T) {
	for _, zone := range []string{".", "example.", "a.example."} {
		z := newTestZone(t, zone, dns.ED25519)
		d := z.nsec3Denial(t, NewBudget(nil), n3{cover: "unrelated.example."})
		for _, name := range []string{"x.", "x.y.a.example.", "a.example.", "."} {
			for _, q := range []question{nameError(name), noData(name, dns.TypeA), delegation(name)} {
				if _, f := q.of(d); f.Status != Bogus {
					t.Errorf("%s proves %s of %s: %v", zone, q.proof, name, f)
				}
			}
		}
	}
}
