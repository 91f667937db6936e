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
	// The SEP flag says nothing (RFC 4034, section 2.1.1).
	keysOf(t, v, zsk, ksk)
}

// TestEntryPoints: the keys have to be signed by a key that the parent vouches for,
// and nothing but that key will do (RFC 4035, section 5.2).
func TestEntryPoints(t *testing.T) {
	ksk, zsk := newSigner(t, "example.", dns.ED25519), newSigner(t, "example.", dns.ED25519)
	stranger := newSigner(t, "example.", dns.ED25519)
	other := newSigner(t, "other.", dns.ED25519)
	set := keySet(t, ksk, zsk)
	byZSK, unsigned, byParent := set, set, set
	byZSK.Sigs = []*dns.RRSIG{zsk.rrsig(t, set.RRs)}
	unsigned.Sigs = nil
	byParent.Sigs = []*dns.RRSIG{newSigner(t, ".", dns.ED25519).rrsig(t, set.RRs)}
	expanded := set
	expanded.Sigs = []*dns.RRSIG{ksk.rrsig(t, set.RRs, func(sig *dns.RRSIG) { sig.Labels = 0 })}
	ds := func(s *signer, edit func(*dns.DS)) DSSet {
		set := vouchFor(s)
		edit(set.records[0])
		set.noMatch = DNSKEYNoDSMatch
		return set
	}
	tests := []struct {
		name    string
		set     RRset
		vouched DSSet
		want    Reason
	}{
		{name: "as it should be", set: set, vouched: vouchFor(ksk)},
		{name: "one of two DS fits", set: set, vouched: vouchFor(stranger, ksk)},
		{name: "signed by a key that no DS names", set: byZSK, vouched: vouchFor(ksk), want: DNSKEYMissing},
		{name: "the DS names the key that did not sign", set: set, vouched: vouchFor(zsk), want: DNSKEYMissing},
		{name: "no signature", set: unsigned, vouched: vouchFor(ksk), want: SignatureMissing},
		{name: "signed by the parent", set: byParent, vouched: vouchFor(ksk), want: SignatureSignerInvalid},
		{name: "from a wildcard", set: expanded, vouched: vouchFor(ksk), want: SignatureLabelsInvalid},
		{name: "anchor of no key", set: set, vouched: vouchFor(stranger), want: DNSKEYNoAnchorMatch},
		{name: "no anchor", set: set, vouched: TrustAnchors("example.", nil), want: DNSKEYNoAnchorMatch},
		{name: "anchor of another zone", set: set, vouched: vouchFor(other), want: ResponseMalformed},
		{name: "nothing vouches", set: set, want: ResponseMalformed},
		{name: "DS with another digest", set: set, vouched: ds(ksk, func(ds *dns.DS) { ds.Digest = strings.Repeat("0", 64) }), want: DNSKEYNoDSMatch},
		{name: "DS with a digest cut short", set: set, vouched: ds(ksk, func(ds *dns.DS) { ds.Digest = ds.Digest[:40] }), want: DNSKEYNoDSMatch},
		{name: "DS without a digest", set: set, vouched: ds(ksk, func(ds *dns.DS) { ds.Digest = "" }), want: DNSKEYNoDSMatch},
		{name: "DS with another tag", set: set, vouched: ds(ksk, func(ds *dns.DS) { ds.KeyTag ^= 1 }), want: DNSKEYNoDSMatch},
		{name: "DS with another algorithm", set: set, vouched: ds(ksk, func(ds *dns.DS) { ds.Algorithm = dns.ED448 }), want: DNSKEYNoDSMatch},
		{name: "digest in the other case", set: set, vouched: ds(ksk, func(ds *dns.DS) { ds.Digest = strings.ToUpper(ds.Digest) })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			keys, f := verifierAt(now).Keys(tt.set, tt.vouched)
			wantReason(t, f, tt.want)
			if (keys == nil) != (f != nil) {
				t.Errorf("keys %v and failure %v", keys, f)
			}
		})
	}
}

// TestSiblingDS: the DS of one zone does not vouch for the keys of another, even if
// it holds the very same digest.
func TestSiblingDS(t *testing.T) {
	parent := newTestZone(t, "example.", dns.ED25519)
	child := newSigner(t, "a.example.", dns.ED25519)
	ds := child.key.ToDS(dns.SHA256)
	ds.Hdr.Name = "b.example."
	section := parent.signed(t, []dns.RR{ds})
	vouched, ok := parent.authenticated(t, section)[0].DSSet()
	if !ok {
		t.Fatal("no DS set")
	}
	_, f := verifierAt(now).Keys(keySet(t, child), vouched)
	wantReason(t, f, ResponseMalformed)
	moved := keySet(t, child)
	moved.Name = "b.example."
	if _, f = verifierAt(now).Keys(moved, vouched); f == nil {
		t.Error("the keys of a.example. are those of b.example.")
	}
}

// TestUnusableKeys: a key that the DS stands for and that may not sign is bogus, each
// with its reason, and never skipped as if it were not there (CVE-2025-8677).
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
			_, f := verifierAt(now).Keys(keySet(t, bad), vouchFor(bad))
			wantReason(t, f, tt.want)
			// Beside a good one that has a DS as well it does no harm.
			if _, f := verifierAt(now).Keys(keySet(t, good, bad), vouchFor(bad, good)); f != nil {
				t.Errorf("beside a good key: %v", f)
			}
			// As a zone signing key it is of no use either.
			keys := keysOf(t, verifierAt(now), good, bad)
			_, f = verifierAt(now).Authenticate(bad.set(t, []string{"www.example. 300 A 192.0.2.1"}), keys)
			wantReason(t, f, tt.want)
		})
	}
}

// TestKeyTag has the tags that the RFCs print beside their keys, and the change that
// REVOKE makes to the root's (20326 to 20454).
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
