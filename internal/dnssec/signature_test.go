package dnssec

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestSignatureChecks violates one rule of RFC 4035, section 5.3.1, at a time. The
// signature is valid for the changed fields.
func TestSignatureChecks(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	www := []string{"www.example. 300 A 192.0.2.1"}
	day := uint32(86400)
	tests := []struct {
		name  string
		lines []string
		edit  func(*dns.RRSIG)
		want  Reason
	}{
		{name: "nothing broken", lines: www, want: ReasonNone},
		{name: "owner of the RRSIG", lines: www, edit: func(sig *dns.RRSIG) { sig.Hdr.Name = "www2.example." }, want: SignatureMissing},
		{name: "class of the RRSIG", lines: www, edit: func(sig *dns.RRSIG) { sig.Hdr.Class = dns.ClassCHAOS }, want: SignatureMissing},
		{name: "type covered", lines: www, edit: func(sig *dns.RRSIG) { sig.TypeCovered = dns.TypeAAAA }, want: SignatureMissing},
		{name: "signer is another zone", lines: www, edit: func(sig *dns.RRSIG) { sig.SignerName = "other." }, want: SignatureSignerInvalid},
		{name: "signer is a zone above", lines: www, edit: func(sig *dns.RRSIG) { sig.SignerName = "." }, want: SignatureSignerInvalid},
		{name: "signer is a zone below", lines: www, edit: func(sig *dns.RRSIG) { sig.SignerName = "www.example." }, want: SignatureSignerInvalid},
		{name: "RRset of another zone", lines: []string{"www.other. 300 A 192.0.2.1"}, want: SignatureSignerInvalid},
		{name: "RRset above the zone", lines: []string{". 300 NS ns.example."}, want: SignatureSignerInvalid},
		{name: "text suffix that is no label", lines: []string{"notexample. 300 A 192.0.2.1"}, want: SignatureSignerInvalid},
		{name: "escaped dot before the suffix", lines: []string{`not\.example. 300 A 192.0.2.1`}, want: SignatureSignerInvalid},
		{name: "SOA below the apex", lines: []string{"a.example. 300 SOA ns.example. h.example. 1 2 3 4 5"}, want: SignatureSignerInvalid},
		{name: "NS below the apex", lines: []string{"a.example. 300 NS ns.example."}, want: SignatureSignerInvalid},
		{name: "DNSKEY below the apex", lines: []string{"a.example. 300 DNSKEY 256 3 15 AQID"}, want: SignatureSignerInvalid},
		{name: "SOA at the apex", lines: []string{"example. 300 SOA ns.example. h.example. 1 2 3 4 5"}},
		{name: "NS at the apex", lines: []string{"example. 300 NS ns.example."}},
		{name: "DS at the apex", lines: []string{"example. 300 DS 1 15 2 AABBCC"}, want: SignatureSignerInvalid},
		{name: "NSEC3 at the apex", lines: []string{"example. 300 NSEC3 1 0 0 - " + strings.Repeat("0", 32)}, want: SignatureSignerInvalid},
		{name: "NSEC3 two labels below the apex", lines: []string{strings.Repeat("0", 32) + ".a.example. 300 NSEC3 1 0 0 - " + strings.Repeat("0", 32)}, want: SignatureSignerInvalid},
		{name: "one label too many", lines: www, edit: func(sig *dns.RRSIG) { sig.Labels = 3 }, want: SignatureLabelsInvalid},
		{name: "255 labels", lines: www, edit: func(sig *dns.RRSIG) { sig.Labels = 255 }, want: SignatureLabelsInvalid},
		{name: "asterisk counted as a label", lines: []string{"*.example. 300 A 192.0.2.1"}, edit: func(sig *dns.RRSIG) { sig.Labels = 2 }, want: SignatureLabelsInvalid},
		{name: "less labels than the signer", lines: www, edit: func(sig *dns.RRSIG) { sig.Labels = 0 }, want: SignatureLabelsInvalid},
		{name: "expired", lines: www, edit: func(sig *dns.RRSIG) { sig.Inception -= 30 * day; sig.Expiration -= 30 * day }, want: SignatureExpired},
		{name: "not yet valid", lines: www, edit: func(sig *dns.RRSIG) { sig.Inception += 30 * day; sig.Expiration += 30 * day }, want: SignatureNotYetValid},
		{name: "expiration before inception", lines: www, edit: func(sig *dns.RRSIG) { sig.Inception, sig.Expiration = sig.Expiration, sig.Inception }, want: SignatureExpiredBeforeValid},
		{name: "key tag of no key", lines: www, edit: func(sig *dns.RRSIG) { sig.KeyTag ^= 1 }, want: DNSKEYMissing},
		{name: "algorithm of no key", lines: www, edit: func(sig *dns.RRSIG) { sig.Algorithm = dns.ED448 }, want: DNSKEYMissing},
		{name: "algorithm not accepted", lines: www, edit: func(sig *dns.RRSIG) { sig.Algorithm = dns.PRIVATEDNS }, want: SignatureAlgorithmUnsupported},
		{name: "SHA-1 without allow-sha1", lines: www, edit: func(sig *dns.RRSIG) { sig.Algorithm = dns.RSASHA1 }, want: SignatureAlgorithmUnsupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			edits := []func(*dns.RRSIG){}
			if tt.edit != nil {
				edits = append(edits, tt.edit)
			}
			set := GroupRRsets(z.signed(t, records(t, tt.lines...), edits...))[0]
			_, f := verifierAt(now).Authenticate(set, z.keys)
			wantReason(t, f, tt.want)
		})
	}
}

// TestSignedData changes the signed data or the signature.
func TestSignedData(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	tests := []struct {
		name   string
		change func(*RRset)
	}{
		{name: "another address", change: func(s *RRset) { s.RRs = records(t, "www.example. 300 A 192.0.2.2") }},
		{name: "a record more", change: func(s *RRset) { s.RRs = append(s.RRs, records(t, "www.example. 300 A 192.0.2.2")...) }},
		{name: "no octets", change: func(s *RRset) { s.Sigs[0].Signature = "" }},
		{name: "not base64", change: func(s *RRset) { s.Sigs[0].Signature = "!" }},
		{name: "too short", change: func(s *RRset) { s.Sigs[0].Signature = base64.StdEncoding.EncodeToString(make([]byte, 63)) }},
		{name: "original TTL", change: func(s *RRset) { s.Sigs[0].OrigTtl = 301 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := z.set(t, []string{"www.example. 300 A 192.0.2.1"})
			tt.change(&set)
			_, f := verifierAt(now).Authenticate(set, z.keys)
			wantReason(t, f, SignatureInvalid)
		})
	}
	if _, f := verifierAt(now).Authenticate(RRset{Name: "www.example.", Type: dns.TypeA}, z.keys); reasonOf(f) != ResponseMalformed {
		t.Errorf("an RRset without records: %v", f)
	}
}

// TestTwoSignatures checks that one valid signature is enough (RFC 6840, section
// 5.11), and that the failure of two invalid ones is that of the later check.
func TestTwoSignatures(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	good := z.set(t, []string{"www.example. 300 A 192.0.2.1"})
	bad := map[string]*dns.RRSIG{
		"expired":           z.rrsig(t, good.RRs, func(sig *dns.RRSIG) { sig.Expiration = sig.Inception }),
		"other signer":      z.rrsig(t, good.RRs, func(sig *dns.RRSIG) { sig.SignerName = "other." }),
		"unknown algorithm": z.rrsig(t, good.RRs, func(sig *dns.RRSIG) { sig.Algorithm = 200 }),
		"no key":            z.rrsig(t, good.RRs, func(sig *dns.RRSIG) { sig.KeyTag ^= 1 }),
		"wrong":             z.rrsig(t, records(t, "www.example. 300 A 192.0.2.2")),
	}
	for name, sig := range bad {
		for _, sigs := range [][]*dns.RRSIG{{sig, good.Sigs[0]}, {good.Sigs[0], sig}} {
			set := good
			set.Sigs = sigs
			a, f := verifierAt(now).Authenticate(set, z.keys)
			if f != nil {
				t.Fatalf("%s beside a good one: %v", name, f)
			}
			if a.Signature() != good.Sigs[0] {
				t.Errorf("%s: authentic by %v", name, a.Signature())
			}
		}
	}
	for _, sigs := range [][]*dns.RRSIG{{bad["expired"], bad["other signer"]}, {bad["other signer"], bad["expired"]}} {
		set := good
		set.Sigs = sigs
		_, f := verifierAt(now).Authenticate(set, z.keys)
		wantReason(t, f, SignatureExpired)
	}
}

// TestCrossZoneWildcard checks that a zone can't sign an expansion from a wildcard
// above its apex (CVE-2026-44690): the key of sub.example. signs with Labels 1, as if
// for *.example.
func TestCrossZoneWildcard(t *testing.T) {
	z := newTestZone(t, "sub.example.", dns.ED25519)
	for labels, want := range map[uint8]Reason{0: SignatureLabelsInvalid, 1: SignatureLabelsInvalid, 2: ReasonNone, 3: ReasonNone, 4: SignatureLabelsInvalid} {
		set := z.set(t, []string{"www.sub.example. 300 A 192.0.2.1"}, func(sig *dns.RRSIG) { sig.Labels = labels })
		_, f := verifierAt(now).Authenticate(set, z.keys)
		if reasonOf(f) != want {
			t.Errorf("%d labels: got %v, want %v", labels, f, want)
		}
	}
	// The same for a name outside the zone.
	set := z.set(t, []string{"www.example. 300 A 192.0.2.1"}, func(sig *dns.RRSIG) { sig.Labels = 1 })
	_, f := verifierAt(now).Authenticate(set, z.keys)
	wantReason(t, f, SignatureSignerInvalid)
}

// TestRootZone checks names with no label and with one label.
func TestRootZone(t *testing.T) {
	z := newTestZone(t, ".", dns.ED25519)
	for _, lines := range [][]string{
		{". 300 NS a.root-servers.net."}, {"com. 300 DS 1 13 2 AABBCC"}, {"com. 300 NSEC org. NS DS RRSIG NSEC"},
		{"*. 300 A 192.0.2.1"}, {". 300 NSEC aaa. NS SOA RRSIG NSEC DNSKEY"},
	} {
		if _, f := verifierAt(now).Authenticate(z.set(t, lines), z.keys); f != nil {
			t.Errorf("%s: %v", lines[0], f)
		}
	}
	_, f := verifierAt(now).Authenticate(z.set(t, []string{". 300 DS 1 13 2 AABBCC"}), z.keys)
	wantReason(t, f, SignatureSignerInvalid)
	expanded := z.set(t, []string{"nosuch. 300 A 192.0.2.1"}, func(sig *dns.RRSIG) { sig.Labels = 0 })
	a, f := verifierAt(now).Authenticate(expanded, z.keys)
	if f != nil {
		t.Fatal(f)
	}
	if encloser, ok := a.Expanded(); !ok || encloser != "." {
		t.Errorf("expanded from the wildcard at %q", encloser)
	}
}

// TestFailureText checks the token, and that the detail names the signature.
func TestFailureText(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	set := z.set(t, []string{"WWW.example. 300 A 192.0.2.1"}, func(sig *dns.RRSIG) { sig.Expiration = serial(now) - 60 })
	_, f := verifierAt(now).Authenticate(set, z.keys)
	if f == nil {
		t.Fatal("authentic")
	}
	for _, part := range []string{"signature_expired: ", "RRSIG A www.example. by example. (tag ", "2026-11-20T11:59:00Z"} {
		if !strings.Contains(f.Error(), part) {
			t.Errorf("%q has no %q", f.Error(), part)
		}
	}
	if got := fail(SignatureMissing, "").Error(); got != "signature_missing: "+SignatureMissing.Text() {
		t.Errorf("without detail: %q", got)
	}
}
