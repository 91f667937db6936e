package dnssec

import (
	"testing"

	"github.com/miekg/dns"
)

// TestRevokes checks that only a signature by the revoked key itself, over the RRset
// that has it with the REVOKE bit, revokes it (RFC 5011, section 2.1).
func TestRevokes(t *testing.T) {
	revoke := func(k *dns.DNSKEY) { k.Flags |= dns.REVOKE }
	for _, algorithm := range []uint8{dns.RSASHA256, dns.ECDSAP256SHA256, dns.ED25519} {
		old, other := newSigner(t, "example.", algorithm), newSigner(t, "example.", dns.ED25519)
		revoked := &signer{key: dns.Copy(old.key).(*dns.DNSKEY), sign: old.sign}
		revoke(revoked.key)
		stolen := newSigner(t, "example.", algorithm)
		copied := &signer{key: revoked.key, sign: stolen.sign}
		set := keySet(t, revoked, other)
		signed := func(sigs ...*dns.RRSIG) RRset {
			s := set
			s.Sigs = sigs
			return s
		}
		without := keySet(t, other)
		without.Sigs = []*dns.RRSIG{revoked.rrsig(t, without.RRs)}
		oldTag := func(sig *dns.RRSIG) { sig.KeyTag = old.key.KeyTag() }
		wildcard := func(sig *dns.RRSIG) { sig.Labels = 0 }
		late := func(sig *dns.RRSIG) {
			sig.Expiration = serial(now.AddDate(0, 0, -1))
			sig.Inception = sig.Expiration - 60
		}
		a := set
		a.Type = dns.TypeA
		tests := []struct {
			name string
			set  RRset
			key  *dns.DNSKEY
			want Reason
		}{
			{name: "signed by itself", set: signed(revoked.rrsig(t, set.RRs)), key: revoked.key},
			{name: "signed by both", set: signed(other.rrsig(t, set.RRs), revoked.rrsig(t, set.RRs)), key: revoked.key},
			{name: "signed by the other key", set: signed(other.rrsig(t, set.RRs)), key: revoked.key, want: DNSKEYMissing},
			{name: "signed with the old key tag", set: signed(revoked.rrsig(t, set.RRs, oldTag)), key: revoked.key, want: DNSKEYMissing},
			{name: "signed by another private key", set: signed(copied.rrsig(t, set.RRs)), key: revoked.key, want: SignatureInvalid},
			{name: "expired", set: signed(revoked.rrsig(t, set.RRs, late)), key: revoked.key, want: SignatureExpired},
			{name: "expanded from a wildcard", set: signed(revoked.rrsig(t, set.RRs, wildcard)), key: revoked.key, want: SignatureLabelsInvalid},
			{name: "not signed", set: signed(), key: revoked.key, want: SignatureMissing},
			{name: "not in the set", set: without, key: revoked.key, want: DNSKEYMissing},
			{name: "without the bit", set: signed(revoked.rrsig(t, set.RRs)), key: old.key, want: DNSKEYMissing},
			{name: "another type", set: a, key: revoked.key, want: ResponseMalformed},
		}
		for _, tt := range tests {
			t.Run(AlgorithmName(algorithm)+" "+tt.name, func(t *testing.T) {
				wantReason(t, verifierAt(now).Revokes(tt.set, tt.key), tt.want)
			})
		}
		// A revoked key authenticates no other key.
		both := signed(revoked.rrsig(t, set.RRs))
		_, f := verifierAt(now).Keys(both, anchorsFor(revoked))
		wantReason(t, f, DNSKEYRevoked)
		_, f = verifierAt(now).Keys(both, anchorsFor(old))
		wantReason(t, f, DNSKEYNoAnchorMatch)
	}
}
