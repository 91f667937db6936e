package dnssec

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// dsOf returns a DS of the key. If miekg/dns does not implement the digest type, it
// has the SHA-256 digest.
func dsOf(s *signer, digestType uint8) *dns.DS {
	ds := s.key.ToDS(digestType)
	if ds == nil {
		ds = s.key.ToDS(dns.SHA256)
		ds.DigestType = digestType
	}
	return ds
}

// wrongDigest replaces the digest by zeros.
func wrongDigest(ds *dns.DS) *dns.DS {
	ds.Digest = strings.Repeat("0", len(ds.Digest))
	return ds
}

// TestDigestTypes checks that only the strongest digest type of a key counts, and
// that SHA-1 is ignored if there is a stronger one (RFC 4509, section 3).
func TestDigestTypes(t *testing.T) {
	a, b := newSigner(t, "example.", dns.ED25519), newSigner(t, "example.", dns.ED25519)
	set := keySet(t, a, b)
	tests := []struct {
		name string
		ds   []*dns.DS
		want Reason
	}{
		{name: "SHA-1", ds: []*dns.DS{dsOf(a, dns.SHA1)}},
		{name: "SHA-256", ds: []*dns.DS{dsOf(a, dns.SHA256)}},
		{name: "SHA-384", ds: []*dns.DS{dsOf(a, dns.SHA384)}},
		{name: "all three", ds: []*dns.DS{dsOf(a, dns.SHA1), dsOf(a, dns.SHA256), dsOf(a, dns.SHA384)}},
		{name: "good SHA-1 beside wrong SHA-256", ds: []*dns.DS{dsOf(a, dns.SHA1), wrongDigest(dsOf(a, dns.SHA256))}, want: DNSKEYNoDSMatch},
		{name: "good SHA-1 after wrong SHA-384", ds: []*dns.DS{wrongDigest(dsOf(a, dns.SHA384)), dsOf(a, dns.SHA1)}, want: DNSKEYNoDSMatch},
		{name: "good SHA-1 beside SHA-256 of another key", ds: []*dns.DS{dsOf(a, dns.SHA1), wrongDigest(dsOf(b, dns.SHA256))}, want: DNSKEYNoDSMatch},
		{name: "good SHA-256 beside wrong SHA-384", ds: []*dns.DS{dsOf(a, dns.SHA256), wrongDigest(dsOf(a, dns.SHA384))}, want: DNSKEYNoDSMatch},
		{name: "good SHA-256 beside SHA-384 of another key", ds: []*dns.DS{dsOf(a, dns.SHA256), wrongDigest(dsOf(b, dns.SHA384))}},
		{name: "good SHA-1 beside an unknown digest", ds: []*dns.DS{dsOf(a, dns.SHA1), dsOf(a, dns.GOST94)}},
		{name: "an unknown digest type with a SHA-256 digest", ds: []*dns.DS{dsOf(a, 7), wrongDigest(dsOf(a, dns.SHA256))}, want: DNSKEYNoDSMatch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 {
				dsSet := DSSet{zone: "example.", records: tt.ds, noMatch: DNSKEYNoDSMatch}
				if f := dsSet.Supported(Policy{}); f.Status != Secure {
					t.Errorf("not supported: %v", f)
				}
				_, f := verifierAt(now).Keys(set, dsSet)
				wantReason(t, f, tt.want)
				slices.Reverse(tt.ds)
			}
		})
	}
}

// TestSHA1OfUnsupportedAlgorithm checks that a DS with an algorithm that is not
// accepted does not cause SHA-1 to be ignored.
func TestSHA1OfUnsupportedAlgorithm(t *testing.T) {
	s := newSigner(t, "example.", dns.ED25519)
	unsupported := dsOf(s, dns.SHA256)
	unsupported.Algorithm = 200
	set := DSSet{zone: "example.", records: []*dns.DS{unsupported, dsOf(s, dns.SHA1)}}
	if _, f := verifierAt(now).Keys(keySet(t, s), set); f != nil {
		t.Error(f)
	}
}

// TestSupported checks that a zone is insecure only if no DS is supported (RFC 4035,
// section 5.2; RFC 6840, section 5.2; RFC 9905).
func TestSupported(t *testing.T) {
	ds := func(algorithm, digestType uint8) *dns.DS {
		return &dns.DS{Algorithm: algorithm, DigestType: digestType, KeyTag: uint16(algorithm), Digest: "AA"}
	}
	tests := []struct {
		name   string
		ds     []*dns.DS
		policy Policy
		status Status
		reason Reason
	}{
		{name: "relied on", ds: []*dns.DS{ds(13, 2)}, status: Secure},
		{name: "RSAMD5", ds: []*dns.DS{ds(1, 2)}, status: Insecure, reason: AlgorithmUnsupported},
		{name: "DSA", ds: []*dns.DS{ds(3, 1), ds(6, 1)}, status: Insecure, reason: AlgorithmUnsupported},
		{name: "GOST", ds: []*dns.DS{ds(12, 2), ds(23, 5)}, status: Insecure, reason: AlgorithmUnsupported},
		{name: "private", ds: []*dns.DS{ds(253, 2), ds(254, 2)}, status: Insecure, reason: AlgorithmUnsupported},
		{name: "reserved", ds: []*dns.DS{ds(0, 2), ds(255, 2)}, status: Insecure, reason: AlgorithmUnsupported},
		{name: "SHA-1 by default", ds: []*dns.DS{ds(5, 2), ds(7, 2)}, status: Insecure, reason: AlgorithmUnsupported},
		{name: "SHA-1 if allowed", ds: []*dns.DS{ds(5, 2)}, policy: Policy{AllowSHA1: true}, status: Secure},
		{name: "GOST digest", ds: []*dns.DS{ds(13, 3)}, status: Insecure, reason: DigestUnsupported},
		{name: "unknown digest types", ds: []*dns.DS{ds(13, 200), ds(8, 0)}, status: Insecure, reason: DigestUnsupported},
		{name: "digest and algorithm, neither together", ds: []*dns.DS{ds(13, 3), ds(12, 2)}, status: Insecure, reason: DigestUnsupported},
		{name: "one of many relied on", ds: []*dns.DS{ds(1, 2), ds(13, 3), ds(8, 2)}, status: Secure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := DSSet{zone: "example.", records: tt.ds}
			wantFinding(t, set.Supported(tt.policy), tt.status, tt.reason)
		})
	}
}

// TestDSSet checks that only a DS RRset that was not expanded is a DSSet.
func TestDSSet(t *testing.T) {
	parent := newTestZone(t, "example.", dns.ED25519)
	line := "a.example. 300 DS 1 13 2 " + strings.Repeat("AB", 32)
	if set, ok := parent.authenticated(t, parent.signed(t, records(t, line)))[0].DSSet(); !ok || set.zone != "a.example." || len(set.records) != 1 {
		t.Errorf("%v, %v", set, ok)
	}
	expanded := parent.signed(t, records(t, line), func(sig *dns.RRSIG) { sig.Labels = 1 })
	if _, ok := parent.authenticated(t, expanded)[0].DSSet(); ok {
		t.Error("a DS expanded from a wildcard is accepted")
	}
	other := parent.signed(t, records(t, strings.Replace(line, " DS ", " CDS ", 1)))
	if _, ok := parent.authenticated(t, other)[0].DSSet(); ok {
		t.Error("a CDS is accepted")
	}
}

func TestTrustAnchor(t *testing.T) {
	s := newSigner(t, "Example.", dns.ED25519)
	edited := func(edit func(*dns.DNSKEY)) *dns.DNSKEY {
		key := *s.key
		edit(&key)
		return &key
	}
	editedDS := func(edit func(*dns.DS)) *dns.DS {
		ds := dsOf(s, dns.SHA256)
		edit(ds)
		return ds
	}
	tests := []struct {
		name string
		rr   dns.RR
		err  string
	}{
		{name: "DS", rr: dsOf(s, dns.SHA256)},
		{name: "DS with SHA-1", rr: dsOf(s, dns.SHA1)},
		{name: "DNSKEY", rr: s.key},
		{name: "DNSKEY without SEP", rr: edited(func(k *dns.DNSKEY) { k.Flags &^= dns.SEP })},
		{name: "other type", rr: &dns.CDS{DS: *dsOf(s, dns.SHA256)}, err: "not"},
		{name: "DS of algorithm 5", rr: editedDS(func(ds *dns.DS) { ds.Algorithm = 5 }), err: "allow-sha1"},
		{name: "DS of algorithm 12", rr: editedDS(func(ds *dns.DS) { ds.Algorithm = 12 }), err: "algorithm 12"},
		{name: "DS of digest type 3", rr: editedDS(func(ds *dns.DS) { ds.DigestType = 3 }), err: "digest type 3"},
		{name: "DS cut short", rr: editedDS(func(ds *dns.DS) { ds.Digest = ds.Digest[2:] }), err: "64 hexadecimal"},
		{name: "DS that is not hexadecimal", rr: editedDS(func(ds *dns.DS) { ds.Digest = "x" + ds.Digest[1:] }), err: "64 hexadecimal"},
		{name: "DNSKEY of algorithm 7", rr: edited(func(k *dns.DNSKEY) { k.Algorithm = 7 }), err: "allow-sha1"},
		{name: "revoked", rr: edited(func(k *dns.DNSKEY) { k.Flags |= dns.REVOKE }), err: "revoked"},
		{name: "no zone key", rr: edited(func(k *dns.DNSKEY) { k.Flags = 0 }), err: "zone key"},
		{name: "protocol", rr: edited(func(k *dns.DNSKEY) { k.Protocol = 1 }), err: "protocol"},
		{name: "cut short", rr: edited(func(k *dns.DNSKEY) { k.PublicKey = "AAAA" }), err: "can't be used"},
		{name: "not base64", rr: edited(func(k *dns.DNSKEY) { k.PublicKey = "!" }), err: "base64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ds, err := TrustAnchor(tt.rr, Policy{})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			must(t, err)
			if _, f := verifierAt(now).Keys(keySet(t, &signer{key: anchoredKey(tt.rr, s.key), sign: s.sign}), TrustAnchors("EXAMPLE.", []*dns.DS{ds})); f != nil {
				t.Error(f)
			}
		})
	}
}

func anchoredKey(rr dns.RR, otherwise *dns.DNSKEY) *dns.DNSKEY {
	if key, ok := rr.(*dns.DNSKEY); ok {
		return key
	}
	return otherwise
}

// TestRootAnchors checks that the DS records of the root that IANA publishes are
// valid trust anchors.
func TestRootAnchors(t *testing.T) {
	for tag, digest := range map[uint16]string{
		20326: "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
		38696: "683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
	} {
		if _, err := TrustAnchor(records(t, fmt.Sprintf(". 1 DS %d 8 2 %s", tag, digest))[0], Policy{}); err != nil {
			t.Error(err)
		}
	}
}
