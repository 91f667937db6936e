package testzone

import (
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// DropRecord removes one record of an RRset that has several and keeps the
// signatures.
func DropRecord(name string, typ uint16) Breakage {
	return onSet("record dropped", name, typ, func(_ *Zone, set *RRset) error {
		if len(set.RRs) < 2 {
			return errors.New("testzone: no record would be left")
		}
		set.RRs = set.RRs[1:]
		return nil
	})
}

// AddRecord adds a changed copy of the first record to an RRset and keeps the
// signatures.
func AddRecord(name string, typ uint16) Breakage {
	return onSet("record added", name, typ, func(_ *Zone, set *RRset) error {
		rr := dns.Copy(set.RRs[0])
		set.RRs = append(set.RRs, rr)
		return changeRDATA(rr)
	})
}

// TakeSignatures replaces the signatures of an RRset by those of another RRset
// of the zone, with the owner name adjusted.
func TakeSignatures(name string, typ uint16, otherName string, otherType uint16) Breakage {
	what := fmt.Sprintf("signatures of %s %s taken for", otherName, dns.Type(otherType))
	return onSet(what, name, typ, func(z *Zone, set *RRset) error {
		other, err := z.mustSet(otherName, otherType)
		if err != nil {
			return err
		}
		set.Sigs = other.copy().Sigs
		for _, sig := range set.Sigs {
			sig.Hdr.Name, sig.TypeCovered = set.RRs[0].Header().Name, typ
		}
		return nil
	})
}

// WrongKeyTag signs an RRset with a wrong Key Tag field.
func WrongKeyTag(name string, typ uint16) Breakage {
	return edited("wrong key tag", name, typ, func(_ *Zone, sig *dns.RRSIG) { sig.KeyTag ^= 0x0101 })
}

// OriginalTTL signs an RRset with the given Original TTL field.
func OriginalTTL(name string, typ uint16, ttl uint32) Breakage {
	return edited(fmt.Sprintf("original TTL %d", ttl), name, typ, func(_ *Zone, sig *dns.RRSIG) { sig.OrigTtl = ttl })
}

// WrongSignatureAlgorithm changes the Algorithm field in the signatures of an
// RRset to another algorithm that validators support.
func WrongSignatureAlgorithm(name string, typ uint16) Breakage {
	return onSigned("wrong algorithm in the signature", name, typ, func(_ *Zone, set *RRset) error {
		for _, sig := range set.Sigs {
			if sig.Algorithm == dns.ECDSAP256SHA256 {
				sig.Algorithm = dns.ED25519
			} else {
				sig.Algorithm = dns.ECDSAP256SHA256
			}
		}
		return nil
	})
}

// SignedBy signs an RRset with the key of the given role instead of the usual
// one.
func SignedBy(role Role, name string, typ uint16) Breakage {
	return onSet("signed by the "+role.String(), name, typ, func(z *Zone, set *RRset) error {
		if err := z.split(); err != nil {
			return err
		}
		if role == KSK {
			return z.signSet(z.KSK, set)
		}
		return z.signSet(z.ZSK, set)
	})
}

// SignedByUnknownKey signs an RRset with a key that is not in the DNSKEY RRset.
func SignedByUnknownKey(name string, typ uint16) Breakage {
	return onSet("signed by an unknown key", name, typ, func(z *Zone, set *RRset) error {
		if err := z.signedOrError(); err != nil {
			return err
		}
		k, err := newNthKey(z.Name, rsaKind{role: ZSK, bits: z.spec.Bits, nth: -1}, &z.spec)
		if err != nil {
			return err
		}
		return z.signSet(k, set)
	})
}

// PrependSignature puts one bad signature before the good one of an RRset. The
// RRset can still be validated.
func PrependSignature(kind BadSignature, name string, typ uint16) Breakage {
	return onSet(kind.String()+" signature prepended", name, typ, func(z *Zone, set *RRset) error {
		if len(set.Sigs) == 0 {
			return errors.New("testzone: there is no signature")
		}
		bad := RRset{RRs: set.RRs}
		var edits []SigEdit
		switch kind {
		case ExpiredSignature:
			edits = append(edits, Window(z.spec.Inception.AddDate(-1, 0, 0), z.spec.Expiration.AddDate(-1, 0, 0)))
		case UnknownTag:
			edits = append(edits, func(sig *dns.RRSIG) { sig.KeyTag ^= 0x0101 })
		}
		if err := z.signSet(z.keyFor(typ), &bad, edits...); err != nil {
			return err
		}
		if kind == FlippedBit {
			if err := flipBit(bad.Sigs[0]); err != nil {
				return err
			}
		}
		set.Sigs = append(bad.Sigs, set.Sigs...)
		return nil
	})
}

// BadSignature is the defect of a signature that PrependSignature adds.
type BadSignature uint8

// The kinds of bad signatures.
const (
	FlippedBit BadSignature = iota
	ExpiredSignature
	UnknownTag
)

func (b BadSignature) String() string {
	return [...]string{"a wrong", "an expired", "an unknown"}[b]
}

// BarelyExpired signs an RRset with a validity period of ten days that ended
// the given time before now.
func BarelyExpired(name string, typ uint16, ago time.Duration, now time.Time) Breakage {
	end := now.Add(-ago)
	return edited("expired "+ago.String()+" ago", name, typ, func(_ *Zone, sig *dns.RRSIG) {
		Window(end.AddDate(0, 0, -10), end)(sig)
	})
}
