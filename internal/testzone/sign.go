package testzone

import (
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// SigEdit changes fields of an RRSIG before signing. The signature is valid for
// the changed fields.
type SigEdit func(sig *dns.RRSIG)

// Window returns a SigEdit that sets the validity period.
func Window(inception, expiration time.Time) SigEdit {
	return func(sig *dns.RRSIG) {
		sig.Inception, sig.Expiration = uint32(inception.Unix()), uint32(expiration.Unix())
	}
}

// signatureTemplate returns an RRSIG by k over rrset without the signature.
func (z *Zone) signatureTemplate(k *Key, rrset []dns.RR) *dns.RRSIG {
	h := rrset[0].Header()
	return &dns.RRSIG{
		Hdr:         dns.RR_Header{Name: h.Name, Rrtype: dns.TypeRRSIG, Class: h.Class, Ttl: h.Ttl},
		TypeCovered: h.Rrtype,
		Algorithm:   k.DNSKEY.Algorithm,
		Labels:      countLabels(h.Name),
		OrigTtl:     h.Ttl,
		Expiration:  uint32(z.spec.Expiration.Unix()),
		Inception:   uint32(z.spec.Inception.Unix()),
		KeyTag:      k.tag,
		SignerName:  k.DNSKEY.Hdr.Name,
	}
}

// countLabels returns the Labels field for name: the number of labels without
// the root and without a leading wildcard label (RFC 4034, section 3.1.3).
func countLabels(name string) uint8 {
	n := dns.CountLabel(name)
	if isWildcard(name) {
		n--
	}
	return uint8(n)
}

// sign sets the Signature field of sig and leaves the other fields alone.
//
// [dns.RRSIG.Sign] derives the Labels field from the owner name. For a lower
// Labels field, the RRset is signed under the wildcard name that the signed
// data start with (RFC 4035, section 5.3.2). For a Labels field that is too
// high there are no signed data, and the owner name is signed unchanged.
func (k *Key) sign(sig *dns.RRSIG, rrset []dns.RR) error {
	owner := rrset[0].Header().Name
	if owner[0] == '*' && !isWildcard(owner) {
		return fmt.Errorf("testzone: %s: miekg/dns takes this for a wildcard and signs it wrongly", owner)
	}
	signed := make([]dns.RR, len(rrset))
	for i, rr := range rrset {
		signed[i] = dns.Copy(rr)
		if sig.Labels < countLabels(owner) {
			signed[i].Header().Name = wildcardOf(lastLabels(owner, int(sig.Labels)))
		}
	}
	as := *sig
	if _, ok := k.signer.(relabel); ok {
		as.Algorithm = dns.ED25519
	}
	if err := as.Sign(k.signer, signed); err != nil {
		return fmt.Errorf("testzone: signing %s %s: %w", owner, dns.Type(sig.TypeCovered), err)
	}
	sig.Signature = as.Signature
	return nil
}

// lastLabels returns the n rightmost labels of name.
func lastLabels(name string, n int) string {
	for dns.CountLabel(name) > n {
		name, _ = parent(name)
	}
	return name
}

// signSet replaces the signatures of set by one made with k.
func (z *Zone) signSet(k *Key, set *RRset, edits ...SigEdit) error {
	sig, err := z.signature(k, set, edits...)
	if err != nil {
		return err
	}
	set.Sigs = []*dns.RRSIG{sig}
	return nil
}

// signature returns a signature over set made with k.
func (z *Zone) signature(k *Key, set *RRset, edits ...SigEdit) (*dns.RRSIG, error) {
	sig := z.signatureTemplate(k, set.RRs)
	for _, edit := range edits {
		edit(sig)
	}
	return sig, k.sign(sig, set.RRs)
}

// keyFor returns the key that signs RRsets of type typ.
func (z *Zone) keyFor(typ uint16) *Key {
	if typ == dns.TypeDNSKEY {
		return z.KSK
	}
	return z.ZSK
}

// signAll makes the DNSKEY RRset, the NSEC or NSEC3 chain and all signatures
// from the zone's other records.
func (z *Zone) signAll() error {
	if !z.Signed() {
		return nil
	}
	for key := range z.sets {
		switch key.typ {
		case dns.TypeDNSKEY, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM:
			delete(z.sets, key)
		}
	}
	for _, k := range z.keys() {
		z.add(dns.Copy(k.DNSKEY))
	}
	z.publishExtraKeys()
	z.makeChain()
	z.index()
	for key, set := range z.sets {
		set.Sigs = nil
		if !z.authoritative(key.name, key.typ) {
			continue
		}
		if err := z.signSet(z.keyFor(key.typ), set); err != nil {
			return err
		}
		if err := z.signByExtraKeys(set); err != nil {
			return err
		}
	}
	return nil
}

// keys returns the zone's distinct keys without the extra keys.
func (z *Zone) keys() []*Key {
	switch {
	case !z.Signed():
		return nil
	case z.KSK == z.ZSK:
		return []*Key{z.KSK}
	default:
		return []*Key{z.KSK, z.ZSK}
	}
}

// resignBy signs again all RRsets that k has signed, after its DNSKEY changed.
func (z *Zone) resignBy(k *Key, oldTag uint16) error {
	for _, set := range z.sets {
		if len(set.Sigs) == 0 || set.Sigs[0].KeyTag != oldTag {
			continue
		}
		if err := z.signSet(k, set); err != nil {
			return err
		}
	}
	return nil
}
