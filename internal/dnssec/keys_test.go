package dnssec

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestKeys(t *testing.T) {
	v := verifierAt(now)
	ksk, zsk := newSigner(t, "example.", dns.ED25519), newSigner(t, "example.", dns.ED25519, func(k *dns.DNSKEY) { k.Flags &^= dns.SEP })
	keys := keysOf(t, v, ksk, zsk)
	if keys.Zone() != "example." || keys.TTL() != 3600 || !keys.Expires().Equal(now.AddDate(0, 0, 14)) {
		t.Errorf("zone %s, TTL %d, expires %v", keys.Zone(), keys.TTL(), keys.Expires())
	}
	if _, f := v.Authenticate(zsk.set(t, []string{"www.example. 300 A 192.0.2.1"}), keys); f != nil {
		t.Error(f)
	}
	// The SEP flag is not used (RFC 4034, section 2.1.1).
	keysOf(t, v, zsk, ksk)
}

// TestKeysMatchingDS checks that a key that matches a DS has to sign the RRset (RFC
// 4035, section 5.2).
func TestKeysMatchingDS(t *testing.T) {
	ksk, zsk := newSigner(t, "example.", dns.ED25519), newSigner(t, "example.", dns.ED25519)
	unrelated := newSigner(t, "example.", dns.ED25519)
	other := newSigner(t, "other.", dns.ED25519)
	set := keySet(t, ksk, zsk)
	byZSK, unsigned, byParent := set, set, set
	byZSK.Sigs = []*dns.RRSIG{zsk.rrsig(t, set.RRs)}
	unsigned.Sigs = nil
	byParent.Sigs = []*dns.RRSIG{newSigner(t, ".", dns.ED25519).rrsig(t, set.RRs)}
	expanded := set
	expanded.Sigs = []*dns.RRSIG{ksk.rrsig(t, set.RRs, func(sig *dns.RRSIG) { sig.Labels = 0 })}
	ds := func(s *signer, edit func(*dns.DS)) DSSet {
		set := anchorsFor(s)
		edit(set.records[0])
		set.noMatch = DNSKEYNoDSMatch
		return set
	}
	tests := []struct {
		name string
		set  RRset
		ds   DSSet
		want Reason
	}{
		{name: "valid", set: set, ds: anchorsFor(ksk)},
		{name: "one of two DS matches", set: set, ds: anchorsFor(unrelated, ksk)},
		{name: "signed by a key without a DS", set: byZSK, ds: anchorsFor(ksk), want: DNSKEYMissing},
		{name: "DS of a key that did not sign", set: set, ds: anchorsFor(zsk), want: DNSKEYMissing},
		{name: "no signature", set: unsigned, ds: anchorsFor(ksk), want: SignatureMissing},
		{name: "signed by the parent", set: byParent, ds: anchorsFor(ksk), want: SignatureSignerInvalid},
		{name: "from a wildcard", set: expanded, ds: anchorsFor(ksk), want: SignatureLabelsInvalid},
		{name: "anchor of an unrelated key", set: set, ds: anchorsFor(unrelated), want: DNSKEYNoAnchorMatch},
		{name: "no anchor", set: set, ds: TrustAnchors("example.", nil), want: DNSKEYNoAnchorMatch},
		{name: "anchor of another zone", set: set, ds: anchorsFor(other), want: ResponseMalformed},
		{name: "no DS set", set: set, want: ResponseMalformed},
		{name: "DS with another digest", set: set, ds: ds(ksk, func(ds *dns.DS) { ds.Digest = strings.Repeat("0", 64) }), want: DNSKEYNoDSMatch},
		{name: "DS with a digest cut short", set: set, ds: ds(ksk, func(ds *dns.DS) { ds.Digest = ds.Digest[:40] }), want: DNSKEYNoDSMatch},
		{name: "DS without a digest", set: set, ds: ds(ksk, func(ds *dns.DS) { ds.Digest = "" }), want: DNSKEYNoDSMatch},
		{name: "DS with another tag", set: set, ds: ds(ksk, func(ds *dns.DS) { ds.KeyTag ^= 1 }), want: DNSKEYNoDSMatch},
		{name: "DS with another algorithm", set: set, ds: ds(ksk, func(ds *dns.DS) { ds.Algorithm = dns.ED448 }), want: DNSKEYNoDSMatch},
		{name: "digest in the other case", set: set, ds: ds(ksk, func(ds *dns.DS) { ds.Digest = strings.ToUpper(ds.Digest) })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			keys, f := verifierAt(now).Keys(tt.set, tt.ds)
			wantReason(t, f, tt.want)
			if (keys == nil) != (f != nil) {
				t.Errorf("keys %v and failure %v", keys, f)
			}
		})
	}
}

// TestSiblingDS checks that the DS of one zone does not authenticate the keys of
// another, even with the same digest.
func TestSiblingDS(t *testing.T) {
	parent := newTestZone(t, "example.", dns.ED25519)
	child := newSigner(t, "a.example.", dns.ED25519)
	record := child.key.ToDS(dns.SHA256)
	record.Hdr.Name = "b.example."
	section := parent.signed(t, []dns.RR{record})
	ds, ok := parent.authenticated(t, section)[0].DSSet()
	if !ok {
		t.Fatal("no DS set")
	}
	_, f := verifierAt(now).Keys(keySet(t, child), ds)
	wantReason(t, f, ResponseMalformed)
	moved := keySet(t, child)
	moved.Name = "b.example."
	if _, f = verifierAt(now).Keys(moved, ds); f == nil {
		t.Error("the keys of a.example. are those of b.example.")
	}
}

// TestUnusableKeys checks that a key that matches a DS but is unusable is bogus, each
// with its reason (CVE-2025-8677).
func TestUnusableKeys(t *testing.T) {
	tests := []struct {
		name      string
		algorithm uint8
		edit      func(*dns.DNSKEY)
		want      Reason
	}{
		{name: "ZONE flag", algorithm: dns.ED25519, edit: func(k *dns.DNSKEY) { k.Flags &^= dns.ZONE }, want: DNSKEYZoneFlagMissing},
		{name: "REVOKE flag", algorithm: dns.ED25519, edit: func(k *dns.DNSKEY) { k.Flags |= dns.REVOKE }, want: DNSKEYRevoked},
		{name: "protocol 2", algorithm: dns.ED25519, edit: func(k *dns.DNSKEY) { k.Protocol = 2 }, want: DNSKEYProtocolInvalid},
		{name: "protocol 255", algorithm: dns.ED25519, edit: func(k *dns.DNSKEY) { k.Protocol = 255 }, want: DNSKEYProtocolInvalid},
		{name: "Ed25519 cut short", algorithm: dns.ED25519, edit: func(k *dns.DNSKEY) { k.PublicKey = "AAAA" }, want: DNSKEYMalformed},
		{name: "empty key", algorithm: dns.ED25519, edit: func(k *dns.DNSKEY) { k.PublicKey = "" }, want: DNSKEYMalformed},
		{name: "P-256 off the curve", algorithm: dns.ECDSAP256SHA256, edit: func(k *dns.DNSKEY) { k.PublicKey = strings.Repeat("AAAA", 21) + "AA==" }, want: DNSKEYMalformed},
		{name: "RSA exponent of 1", algorithm: dns.RSASHA256, edit: func(k *dns.DNSKEY) { k.PublicKey = "AQH" + strings.Repeat("//", 128) + "/" }, want: DNSKEYMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad := newSigner(t, "example.", tt.algorithm, tt.edit)
			good := newSigner(t, "example.", dns.ED25519)
			_, f := verifierAt(now).Keys(keySet(t, bad), anchorsFor(bad))
			wantReason(t, f, tt.want)
			// It is ignored if a usable key has a DS as well.
			if _, f := verifierAt(now).Keys(keySet(t, good, bad), anchorsFor(bad, good)); f != nil {
				t.Errorf("beside a good key: %v", f)
			}
			// It verifies nothing as a zone signing key.
			keys := keysOf(t, verifierAt(now), good, bad)
			_, f = verifierAt(now).Authenticate(bad.set(t, []string{"www.example. 300 A 192.0.2.1"}), keys)
			wantReason(t, f, tt.want)
		})
	}
}

// TestKeyTag checks the key tags printed in RFCs, and that REVOKE adds 128 to the
// tag.
func TestKeyTag(t *testing.T) {
	for _, v := range readVectors(t) {
		for _, rr := range append(append([]dns.RR{}, v.chain...), v.keys...) {
			key, ok := rr.(*dns.DNSKEY)
			if !ok {
				continue
			}
			set, f := newKeys(RRset{Name: key.Hdr.Name, Type: dns.TypeDNSKEY, RRs: []dns.RR{key}})
			if f != nil {
				t.Fatal(f)
			}
			if set[0].tag != key.KeyTag() {
				t.Errorf("%s: tag %d, want %d", v.name, set[0].tag, key.KeyTag())
			}
		}
	}
	rdata := []byte{1, 1, 3, 13, 0xff, 0xff, 0xff, 0xff, 0xff}
	before := keyTag(rdata)
	rdata[1] |= dns.REVOKE
	if got := keyTag(rdata); got != before+dns.REVOKE {
		t.Errorf("tag %d, revoked %d", before, got)
	}
	if got := keyTag([]byte{0xff, 0xff, 0xff, 0xff}); got != 0xffff {
		t.Errorf("the carry makes %d", got)
	}
}

// TestOriginalTTL checks that OriginalTTL does not count down with the TTL.
func TestOriginalTTL(t *testing.T) {
	ksk := newSigner(t, "example.", dns.ED25519)
	set := keySet(t, ksk)
	for _, rr := range set.RRs {
		rr.Header().Ttl = 7
	}
	keys, f := verifierAt(now).Keys(set, anchorsFor(ksk))
	wantReason(t, f, ReasonNone)
	if keys.OriginalTTL() != 3600 || keys.TTL() != 7 {
		t.Errorf("original TTL %d, TTL %d", keys.OriginalTTL(), keys.TTL())
	}
}
