package testzone

import (
	"testing"

	"github.com/miekg/dns"
)

// TestExtraKeys checks where each extra key is published and what it signs.
func TestExtraKeys(t *testing.T) {
	for _, tc := range []struct {
		name                                string
		extra                               ExtraKey
		keys, ds, signatures, keySignatures int
	}{
		{"published ZSK", ExtraKey{}, 3, 1, 1, 1},
		{"ZSK that signs", ExtraKey{Signs: true}, 3, 1, 2, 1},
		{"hidden ZSK that signs", ExtraKey{Signs: true, Hidden: true}, 2, 1, 2, 1},
		{"KSK that signs", ExtraKey{Role: KSK, Signs: true}, 3, 1, 1, 2},
		{"hidden KSK with DS", ExtraKey{Role: KSK, Hidden: true, DS: true}, 2, 2, 1, 1},
		{"revoked KSK", ExtraKey{Role: KSK, Signs: true, Revoked: true}, 3, 1, 1, 2},
		{"RSA KSK with DS", ExtraKey{Role: KSK, Algorithm: dns.RSASHA256, Signs: true, DS: true}, 3, 2, 1, 2},
	} {
		spec := Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1"}, Extra: []ExtraKey{tc.extra}}
		w := newWorld(t, spec)
		z := w.Zone("example.")
		keys, _ := z.RRset("example.", dns.TypeDNSKEY)
		ds, _ := w.Zone(".").RRset("example.", dns.TypeDS)
		set, _ := z.RRset("www.example.", dns.TypeA)
		if len(keys.RRs) != tc.keys || len(ds.RRs) != tc.ds || len(set.Sigs) != tc.signatures || len(keys.Sigs) != tc.keySignatures {
			t.Errorf("%s: %d keys, %d DS, %d and %d signatures", tc.name, len(keys.RRs), len(ds.RRs), len(set.Sigs), len(keys.Sigs))
		}
		extra := z.extra[0].key.DNSKEY
		if revoked := extra.Flags&dns.REVOKE != 0; revoked != tc.extra.Revoked {
			t.Errorf("%s: flags %d", tc.name, extra.Flags)
		}
		for _, signed := range []RRset{keys, set} {
			for _, sig := range signed.Sigs {
				if tc.extra.Hidden && sig.KeyTag == extra.KeyTag() {
					continue
				}
				if err := verify(w, sig, signed.RRs); err != nil {
					t.Errorf("%s: %v: %v", tc.name, sig, err)
				}
			}
		}
	}
}
