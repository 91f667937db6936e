package dnssec

import (
	"fmt"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// records parses zone file lines, and returns the records as a message would have
// them.
func records(t testing.TB, lines ...string) []dns.RR {
	t.Helper()
	var rrs []dns.RR
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil || rr == nil {
			t.Fatalf("%q: %v", line, err)
		}
		rr.Header().Ttl = max(rr.Header().Ttl, 1)
		rrs = append(rrs, roundTrip(t, rr))
	}
	return rrs
}

// roundTrip packs and unpacks rr.
func roundTrip(t testing.TB, rr dns.RR) dns.RR {
	t.Helper()
	wire := make([]byte, dns.MaxMsgSize)
	end, err := dns.PackRR(rr, wire, 0, nil, false)
	if err != nil {
		t.Fatalf("%s: %v", rr, err)
	}
	rr, _, err = dns.UnpackRR(wire[:end], 0)
	must(t, err)
	return rr
}

// testZone is a zone with one key, which is authenticated.
type testZone struct {
	*signer
	name string
	keys *Keys
}

func newTestZone(t testing.TB, name string, algorithm uint8) *testZone {
	t.Helper()
	s := newSigner(t, name, algorithm)
	v := verifierAt(now)
	v.Policy.AllowSHA1 = true
	return &testZone{signer: s, name: name, keys: keysOf(t, v, s)}
}

func verifierAt(t time.Time) *Verifier { return &Verifier{Now: t, Budget: NewBudget(nil)} }

// keysOf authenticates the DNSKEY RRset with all keys. The first one signs it and has
// a trust anchor.
func keysOf(t testing.TB, v *Verifier, signers ...*signer) *Keys {
	t.Helper()
	set := keySet(t, signers...)
	keys, f := v.Keys(set, anchorsFor(signers[0]))
	if f != nil {
		t.Fatalf("the keys of %s: %v", set.Name, f)
	}
	return keys
}

// keySet returns the DNSKEY RRset, signed by the first key.
func keySet(t testing.TB, signers ...*signer) RRset {
	t.Helper()
	var rrs []dns.RR
	for _, s := range signers {
		rrs = append(rrs, s.key)
	}
	return RRset{Name: dns.CanonicalName(signers[0].key.Hdr.Name), Type: dns.TypeDNSKEY, RRs: rrs, Sigs: []*dns.RRSIG{signers[0].rrsig(t, rrs)}}
}

// anchorsFor returns trust anchors for the keys.
func anchorsFor(signers ...*signer) DSSet {
	var set []*dns.DS
	for _, s := range signers {
		set = append(set, s.key.ToDS(dns.SHA256))
	}
	return TrustAnchors(signers[0].key.Hdr.Name, set)
}

// signed returns the records and a signature for each RRset.
func (s *signer) signed(t testing.TB, rrs []dns.RR, edits ...func(*dns.RRSIG)) []dns.RR {
	t.Helper()
	section := append([]dns.RR(nil), rrs...)
	for _, set := range GroupRRsets(rrs) {
		section = append(section, s.rrsig(t, set.RRs, edits...))
	}
	return section
}

// set returns the single RRset of the lines, with its signature.
func (s *signer) set(t testing.TB, lines []string, edits ...func(*dns.RRSIG)) RRset {
	t.Helper()
	sets := GroupRRsets(s.signed(t, records(t, lines...), edits...))
	if len(sets) != 1 {
		t.Fatalf("%d RRsets, want 1", len(sets))
	}
	return sets[0]
}

// authenticated returns the RRsets of a section. All have to be authenticated.
func (z *testZone) authenticated(t testing.TB, section []dns.RR) []*Authenticated {
	t.Helper()
	var all []*Authenticated
	for _, set := range GroupRRsets(section) {
		a, f := verifierAt(now).Authenticate(set, z.keys)
		if f != nil {
			t.Fatalf("%s: %v", set, f)
		}
		all = append(all, a)
	}
	return all
}

// reasonOf returns the reason of a failure, or ReasonNone.
func reasonOf(f *Failure) Reason {
	if f == nil {
		return ReasonNone
	}
	return f.Reason
}

func wantReason(t testing.TB, f *Failure, want Reason) {
	t.Helper()
	if got := reasonOf(f); got != want {
		t.Errorf("got %v (%v), want %v", got, f, want)
	}
}

func wantFinding(t testing.TB, got Finding, status Status, reason Reason) {
	t.Helper()
	if got.Status != status || got.Reason != reason {
		t.Errorf("got %v, %v (%s), want %v, %v", got.Status, got.Reason, got.Detail, status, reason)
	}
}

// numberedNames formats the numbers from 0 to n-1.
func numberedNames(format string, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf(format, i)
	}
	return lines
}
