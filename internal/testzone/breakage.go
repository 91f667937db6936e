package testzone

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Breakage is one change to the stored data of a zone, or to its DS RRset in
// the parent zone. Unless the signature is what is broken, the changed data are
// signed again, so that they are wrong in that one way only. See [World.Break].
type Breakage struct {
	Name  string // for example "expired www.example. A"
	apply func(*Zone) error
}

func (b Breakage) String() string { return b.Name }

// onSet returns a breakage of one RRset.
func onSet(what, name string, typ uint16, f func(z *Zone, set *RRset) error) Breakage {
	return Breakage{
		Name: fmt.Sprintf("%s %s %s", what, name, dns.Type(typ)),
		apply: func(z *Zone) error {
			set, err := z.mustSet(name, typ)
			if err != nil {
				return err
			}
			return f(z, set)
		},
	}
}

// onSigned returns a breakage of one RRset, or of all signed RRsets if name is
// empty.
func onSigned(what, name string, typ uint16, f func(z *Zone, set *RRset) error) Breakage {
	if name != "" {
		return onSet(what, name, typ, f)
	}
	return Breakage{Name: what + " everywhere", apply: func(z *Zone) error {
		for _, key := range z.sortedSets() {
			if set := z.sets[key]; len(set.Sigs) > 0 {
				if err := f(z, set); err != nil {
					return err
				}
			}
		}
		return nil
	}}
}

// edited returns a breakage that changes RRSIG fields before signing.
func edited(what, name string, typ uint16, edit func(z *Zone, sig *dns.RRSIG)) Breakage {
	return onSigned(what, name, typ, func(z *Zone, set *RRset) error {
		if err := z.signedOrError(); err != nil {
			return err
		}
		key := z.keyFor(set.RRs[0].Header().Rrtype)
		return z.signSet(key, set, func(sig *dns.RRSIG) { edit(z, sig) })
	})
}

// DropSignatures removes the signatures of an RRset, or of all RRsets if name
// is empty.
func DropSignatures(name string, typ uint16) Breakage {
	return onSigned("signatures dropped", name, typ, func(_ *Zone, set *RRset) error {
		set.Sigs = nil
		return nil
	})
}

// DropAllSignatures removes all signatures of the zone.
func DropAllSignatures() Breakage { return DropSignatures("", 0) }

// Expired signs an RRset, or all RRsets if name is empty, with a validity
// period of a week that ends at the zone's regular inception.
func Expired(name string, typ uint16) Breakage {
	return edited("expired", name, typ, func(z *Zone, sig *dns.RRSIG) {
		Window(z.spec.Inception.AddDate(0, 0, -7), z.spec.Inception)(sig)
	})
}

// NotYetValid signs an RRset, or all RRsets if name is empty, with a validity
// period of a week that starts at the zone's regular expiration.
func NotYetValid(name string, typ uint16) Breakage {
	return edited("not yet valid", name, typ, func(z *Zone, sig *dns.RRSIG) {
		Window(z.spec.Expiration, z.spec.Expiration.AddDate(0, 0, 7))(sig)
	})
}

// InceptionAfterExpiration signs an RRset, or all RRsets if name is empty, with
// inception and expiration exchanged.
func InceptionAfterExpiration(name string, typ uint16) Breakage {
	return edited("inception after expiration", name, typ, func(z *Zone, sig *dns.RRSIG) {
		Window(z.spec.Expiration, z.spec.Inception)(sig)
	})
}

// SignedDuring signs an RRset, or all RRsets if name is empty, with the given
// validity period.
func SignedDuring(name string, typ uint16, inception, expiration time.Time) Breakage {
	return edited("signed during", name, typ, func(_ *Zone, sig *dns.RRSIG) {
		Window(inception, expiration)(sig)
	})
}

// WrongLabels signs an RRset with delta added to the Labels field.
func WrongLabels(name string, typ uint16, delta int) Breakage {
	return edited("wrong labels count", name, typ, func(_ *Zone, sig *dns.RRSIG) {
		sig.Labels = uint8(int(sig.Labels) + delta)
	})
}

// FlipSignatureBit changes one bit in each signature of an RRset, or of all
// RRsets if name is empty.
func FlipSignatureBit(name string, typ uint16) Breakage {
	return onSigned("bit flipped in the signature", name, typ, func(_ *Zone, set *RRset) error {
		if len(set.Sigs) == 0 {
			return errors.New("testzone: there is no signature")
		}
		for _, sig := range set.Sigs {
			if err := flipBit(sig); err != nil {
				return err
			}
		}
		return nil
	})
}

func flipBit(sig *dns.RRSIG) error {
	raw, err := base64.StdEncoding.DecodeString(sig.Signature)
	if err != nil {
		return err
	}
	raw[len(raw)/2] ^= 1
	sig.Signature = base64.StdEncoding.EncodeToString(raw)
	return nil
}

// ForeignSigner signs an RRset with another zone as the signer's name. If that
// zone is a signed zone of the World, its ZSK signs, and only the signer is
// wrong. Otherwise the zone's own key signs.
func ForeignSigner(name string, typ uint16, signer string) Breakage {
	return onSet("signed by "+signer, name, typ, func(z *Zone, set *RRset) error {
		key := z.keyFor(typ)
		if other := z.world.Zone(signer); other != nil && other.Signed() {
			key = other.ZSK
		}
		if key == nil {
			return fmt.Errorf("testzone: zone %s has no keys", z.Name)
		}
		return z.signSet(key, set, func(sig *dns.RRSIG) { sig.SignerName = dns.CanonicalName(signer) })
	})
}

// ChangeRDATA changes the RDATA of the first record of an RRset and keeps the
// signatures.
func ChangeRDATA(name string, typ uint16) Breakage {
	return onSet("RDATA changed", name, typ, func(_ *Zone, set *RRset) error {
		return changeRDATA(set.RRs[0])
	})
}

// changeRDATA changes the RDATA of rr; the record stays well-formed.
func changeRDATA(rr dns.RR) error {
	switch rr := rr.(type) {
	case *dns.A:
		rr.A[len(rr.A)-1] ^= 1
	case *dns.AAAA:
		rr.AAAA[len(rr.AAAA)-1] ^= 1
	case *dns.TXT:
		rr.Txt = append(rr.Txt, "changed")
	case *dns.CNAME:
		rr.Target = under("changed", rr.Target)
	case *dns.DNAME:
		rr.Target = under("changed", rr.Target)
	case *dns.PTR:
		rr.Ptr = under("changed", rr.Ptr)
	case *dns.NS:
		rr.Ns = under("changed", rr.Ns)
	case *dns.MX:
		rr.Preference ^= 1
	case *dns.SRV:
		rr.Port ^= 1
	case *dns.SOA:
		rr.Serial++
	case *dns.DS:
		rr.KeyTag ^= 1
	case *dns.NSEC:
		rr.NextDomain = under("changed", rr.NextDomain)
	case *dns.NSEC3:
		changeHash(rr)
	case *dns.DNSKEY:
		return flipPublicKey(rr)
	default:
		return fmt.Errorf("testzone: don't know how to change a %s record: use Replace", dns.Type(rr.Header().Rrtype))
	}
	return nil
}

// changeHash changes the last base32hex digit of the next hashed owner name.
func changeHash(nsec3 *dns.NSEC3) {
	last := len(nsec3.NextDomain) - 1
	other := "0"
	if nsec3.NextDomain[last:] == other {
		other = "V"
	}
	nsec3.NextDomain = nsec3.NextDomain[:last] + other
}

// flipPublicKey changes one bit of the public key.
func flipPublicKey(key *dns.DNSKEY) error {
	raw, err := base64.StdEncoding.DecodeString(key.PublicKey)
	if err != nil {
		return err
	}
	raw[len(raw)-1] ^= 1
	key.PublicKey = base64.StdEncoding.EncodeToString(raw)
	return nil
}

// fingerprint returns a digest of everything that a breakage of z can change.
func (z *Zone) fingerprint() [sha256.Size]byte {
	var b strings.Builder
	fmt.Fprintln(&b, z.noDenial, z.noWildcardProof)
	for _, zone := range []*Zone{z, z.parent} {
		if zone == nil {
			continue
		}
		for _, rr := range zone.records() {
			fmt.Fprintln(&b, rr)
		}
	}
	return sha256.Sum256([]byte(b.String()))
}
