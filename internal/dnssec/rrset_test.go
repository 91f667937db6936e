package dnssec

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestGroupRRsets(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	a := records(t, "www.example. 300 A 192.0.2.1", "WWW.Example. 300 A 192.0.2.2")
	mx := records(t, "www.example. 300 MX 10 mail.example.")
	sigA, sigMX := z.rrsig(t, a), z.rrsig(t, mx)
	sigAAAA := z.rrsig(t, records(t, "www.example. 300 AAAA 2001:db8::1"))
	sigOther := z.rrsig(t, records(t, "other.example. 300 A 192.0.2.3"))
	chaos := records(t, "www.example. 300 CH TXT x")[0]
	chaosSig := dns.Copy(sigA).(*dns.RRSIG)
	chaosSig.Hdr.Class = dns.ClassCHAOS
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: dns.ClassINET}}

	section := []dns.RR{sigMX, a[0], chaos, mx[0], sigAAAA, a[1], opt, sigA, sigOther, chaosSig, a[0]}
	sets := GroupRRsets(section)
	if len(sets) != 2 || sets[0].Type != dns.TypeA || sets[1].Type != dns.TypeMX {
		t.Fatalf("got %v, want A and MX in the order of the section", sets)
	}
	if got := sets[0]; got.Name != "www.example." || !slices.Equal(got.RRs, []dns.RR{a[0], a[1], a[0]}) || !slices.Equal(got.Sigs, []*dns.RRSIG{sigA}) {
		t.Errorf("A: %v", got)
	}
	if got := sets[1]; !slices.Equal(got.RRs, mx) || !slices.Equal(got.Sigs, []*dns.RRSIG{sigMX}) {
		t.Errorf("MX: %v", got)
	}
	if got := GroupRRsets([]dns.RR{sigA, sigMX}); len(got) != 0 {
		t.Errorf("signatures of nothing make %v", got)
	}
}

// TestGroupNSECAtZoneCut checks that the NSEC records of both sides of a zone cut are two
// RRsets (RFC 4035, section 2.3), each with its own signature.
func TestGroupNSECAtZoneCut(t *testing.T) {
	parent, child := newTestZone(t, "example.", dns.ED25519), newTestZone(t, "sub.example.", dns.ED25519)
	above := records(t, "sub.example. 300 NSEC z.example. NS DS RRSIG NSEC")
	apex := records(t, "SUB.example. 300 NSEC sub.example. NS SOA RRSIG NSEC DNSKEY")
	sigAbove, sigApex := parent.rrsig(t, above), child.rrsig(t, apex)
	many := records(t, "example. 300 SOA ns.example. host.example. 1 2 3 4 5")
	for i := range 2 * maxLinearSearch {
		many = append(many, records(t, fmt.Sprintf("n%d.example. 300 A 192.0.2.1", i))...)
	}
	for _, tt := range []struct {
		name    string
		section []dns.RR
	}{
		{name: "the parent's first", section: []dns.RR{above[0], sigAbove, apex[0], sigApex}},
		{name: "the child's first", section: []dns.RR{sigApex, sigAbove, apex[0], above[0]}},
		{name: "the parent's alone", section: []dns.RR{sigAbove, above[0]}},
		{name: "the child's alone", section: []dns.RR{apex[0], sigApex}},
		{name: "among many RRsets", section: slices.Concat(many, []dns.RR{above[0], apex[0], sigApex, sigAbove})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := 0
			for _, set := range GroupRRsets(tt.section) {
				if set.Type != dns.TypeNSEC {
					continue
				}
				found++
				keys := parent.keys
				if set.RRs[0] == apex[0] {
					keys = child.keys
				}
				if _, f := verifierAt(now).Authenticate(set, keys); f != nil || len(set.RRs) != 1 || len(set.Sigs) != 1 {
					t.Errorf("%d records and %d signatures of %s: %v", len(set.RRs), len(set.Sigs), keys.Zone(), f)
				}
			}
			want := 0
			for _, rr := range tt.section {
				if rr.Header().Rrtype == dns.TypeNSEC {
					want++
				}
			}
			if found != want {
				t.Errorf("%d NSEC RRsets, want %d", found, want)
			}
		})
	}
}

// TestNSECByAnotherTypesSignature checks that a signature that covers another type of
// the same owner name does not authenticate an NSEC (hickory-dns 123590).
func TestNSECByAnotherTypesSignature(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	sig := z.rrsig(t, records(t, "www.example. 300 A 192.0.2.1"))
	for _, edit := range []func(*dns.RRSIG){
		func(*dns.RRSIG) {},
		func(sig *dns.RRSIG) { sig.TypeCovered = dns.TypeNSEC },
	} {
		s := dns.Copy(sig).(*dns.RRSIG)
		edit(s)
		set := GroupRRsets(append(records(t, "www.example. 300 NSEC z.example. A"), s))[0]
		if _, f := verifierAt(now).Authenticate(set, z.keys); f == nil {
			t.Error("the NSEC is authentic by the signature of the A record")
		}
	}
}

func TestDuplicatesAndOrder(t *testing.T) {
	z := newTestZone(t, "example.", dns.ECDSAP256SHA256)
	lines := []string{"www.example. 300 TXT b", "www.example. 300 TXT a", "www.example. 300 TXT aa", `www.example. 300 TXT "\255"`, `www.example. 300 TXT ""`}
	set := z.set(t, lines)
	for range 3 {
		set.RRs = append(set.RRs, set.RRs[0])
		slices.Reverse(set.RRs)
		if _, f := verifierAt(now).Authenticate(set, z.keys); f != nil {
			t.Errorf("%d records: %v", len(set.RRs), f)
		}
	}
	set.RRs = set.RRs[1:2]
	if _, f := verifierAt(now).Authenticate(set, z.keys); f == nil {
		t.Error("one record of five is authentic")
	}
}

// TestSeveralTargets checks that a signed CNAME or DNAME RRset with several targets
// is rejected.
func TestSeveralTargets(t *testing.T) {
	z := newTestZone(t, "example.", dns.ECDSAP256SHA256)
	for _, tt := range []struct {
		name  string
		lines []string
		want  Reason
	}{
		{name: "one CNAME", lines: []string{"a.example. 300 CNAME b.example."}},
		{name: "the same CNAME twice", lines: []string{"a.example. 300 CNAME b.example.", "a.example. 300 CNAME B.example."}},
		{name: "two CNAMEs", lines: []string{"a.example. 300 CNAME b.example.", "a.example. 300 CNAME c.example."}, want: CNAMEChainInvalid},
		{name: "two DNAMEs", lines: []string{"a.example. 300 DNAME b.example.", "a.example. 300 DNAME c.example."}, want: CNAMEChainInvalid},
		{name: "two MXs", lines: []string{"a.example. 300 MX 1 b.example.", "a.example. 300 MX 1 c.example."}},
	} {
		_, f := verifierAt(now).Authenticate(z.set(t, tt.lines), z.keys)
		wantReason(t, f, tt.want)
	}
}

func TestSigners(t *testing.T) {
	set := RRset{Sigs: []*dns.RRSIG{{SignerName: "Example."}, {SignerName: "a.example."}, {SignerName: "example."}}}
	if got := set.Signers(); !slices.Equal(got, []string{"example.", "a.example."}) {
		t.Errorf("the signers are %q", got)
	}
}

func TestAuthenticatedTTL(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	tests := []struct {
		name                    string
		received, sig, original uint32
		left                    time.Duration
		want                    uint32
	}{
		{name: "received", received: 100, sig: 200, original: 300, left: time.Hour, want: 100},
		{name: "of the RRSIG", received: 300, sig: 100, original: 200, left: time.Hour, want: 100},
		{name: "original", received: 300, sig: 200, original: 100, left: time.Hour, want: 100},
		{name: "a TTL that was raised on the way", received: 86400, sig: 86400, original: 60, left: time.Hour, want: 60},
		{name: "time left", received: 300, sig: 300, original: 300, left: 42 * time.Second, want: 42},
		{name: "last second", received: 300, sig: 300, original: 300, left: 0, want: 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := z.set(t, []string{"www.example. 300 A 192.0.2.1", "www.example. 300 A 192.0.2.2"}, func(sig *dns.RRSIG) {
				sig.OrigTtl, sig.Hdr.Ttl, sig.Expiration = tt.original, tt.sig, serial(now.Add(tt.left))
			})
			set.RRs[0].Header().Ttl, set.RRs[1].Header().Ttl = 90000, tt.received
			a, f := verifierAt(now).Authenticate(set, z.keys)
			if f != nil {
				t.Fatal(f)
			}
			if a.TTL() != tt.want {
				t.Errorf("got %d, want %d", a.TTL(), tt.want)
			}
			if want := now.Add(tt.left); !a.Expires().Equal(want) {
				t.Errorf("expires %v, want %v", a.Expires(), want)
			}
			if a.Signer() != "example." || a.Signature() != set.Sigs[0] || a.RRset().Name != "www.example." {
				t.Errorf("signer %s, signature %v, RRset %v", a.Signer(), a.Signature(), a.RRset())
			}
		})
	}
}

// TestExpiresWithinSkew checks that an expired signature within the skew still has an
// expiration that limits the TTL.
func TestExpiresWithinSkew(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	set := z.set(t, []string{"www.example. 300 A 192.0.2.1"}, func(sig *dns.RRSIG) { sig.Expiration = serial(now.Add(-time.Minute)) })
	v := verifierAt(now)
	v.Policy.Skew = Skew{Min: 5 * time.Minute, Max: time.Hour}
	a, f := v.Authenticate(set, z.keys)
	if f != nil {
		t.Fatal(f)
	}
	if !a.Expires().After(now) || a.Expires().After(now.Add(3*time.Hour)) {
		t.Errorf("expires %v", a.Expires())
	}
	if a.TTL() > uint32(a.Expires().Sub(now)/time.Second) {
		t.Errorf("TTL %d is longer than to %v", a.TTL(), a.Expires())
	}
}

func TestExpanded(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	tests := []struct {
		name, owner string
		labels      uint8
		encloser    string
		want        bool
	}{
		{name: "not expanded", owner: "www.example.", labels: 2},
		{name: "expanded", owner: "www.example.", labels: 1, encloser: "example.", want: true},
		{name: "several labels", owner: "a.b.c.example.", labels: 2, encloser: "c.example.", want: true},
		{name: "the wildcard itself", owner: "*.example.", labels: 1},
		{name: "a wildcard name from the wildcard above", owner: "*.a.example.", labels: 1, encloser: "example.", want: true},
		{name: "asterisk inside", owner: "a.*.example.", labels: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := z.set(t, []string{tt.owner + " 300 A 192.0.2.1"}, func(sig *dns.RRSIG) { sig.Labels = tt.labels })
			a, f := verifierAt(now).Authenticate(set, z.keys)
			if f != nil {
				t.Fatal(f)
			}
			if encloser, ok := a.Expanded(); encloser != tt.encloser || ok != tt.want {
				t.Errorf("got %q, %v", encloser, ok)
			}
		})
	}
}
