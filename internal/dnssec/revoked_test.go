package dnssec

import (
	"testing"

	"github.com/miekg/dns"
)

// TestRevokes: a key is revoked by itself in the RRset that has it, and by nothing
// else (RFC 5011, section 2.1).
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
			{name: "signed with the tag of before", set: signed(revoked.rrsig(t, set.RRs, oldTag)), key: revoked.key, want: DNSKEYMissing},
			{name: "signed by who copied it", set: signed(copied.rrsig(t, set.RRs)), key: revoked.key, want: SignatureInvalid},
			{name: "signed long ago", set: signed(revoked.rrsig(t, set.RRs, late)), key: revoked.key, want: SignatureExpired},
			{name: "of a wildcard", set: signed(revoked.rrsig(t, set.RRs, wildcard)), key: revoked.key, want: SignatureLabelsInvalid},
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
		// What revokes itself still vouches for nothing.
		both := signed(revoked.rrsig(t, set.RRs))
		_, f := verifierAt(now).Keys(both, vouchFor(revoked))
		wantReason(t, f, DNSKEYRevoked)
		_, f = verifierAt(now).Keys(both, vouchFor(old))
		wantReason(t, f, DNSKEYNoAnchorMatch)
	}
}

// TestOriginalTTL: caches count down, what was signed stays.
func TestOriginalTTL(t *testing.T) {
	ksk := newSigner(t, "example.", dns.ED25519)
	set := keySet(t, ksk)
	for _, rr := range set.RRs {
		rr.Header().Ttl = 7
	}
	keys, f := verifierAt(now).Keys(set, vouchFor(ksk))
	wantReason(t, f, ReasonNone)
	if keys.OriginalTTL() != 3600 || keys.TTL() != 7 {
		t.Errorf("original TTL %d, TTL %d", keys.OriginalTTL(), keys.TTL())
	}
}
