package testzone

import (
	"errors"
	"fmt"

	"github.com/miekg/dns"
)

// onDS returns a breakage of each DS RR of the zone. The parent zone signs the
// DS RRset again.
func onDS(what string, edit func(*dns.DS)) Breakage {
	return Breakage{Name: what, apply: func(z *Zone) error {
		if z.parent == nil {
			return errors.New("testzone: nothing delegates the root")
		}
		set, err := z.parent.mustSet(z.Name, dns.TypeDS)
		if err != nil {
			return err
		}
		for _, rr := range set.RRs {
			edit(rr.(*dns.DS))
		}
		return z.parent.resign(z.Name, dns.TypeDS)
	}}
}

// WrongDSDigest changes the first octet of the digest in each DS RR.
func WrongDSDigest() Breakage {
	return onDS("wrong DS digest", func(ds *dns.DS) {
		first := "00"
		if ds.Digest[:2] == first {
			first = "ff"
		}
		ds.Digest = first + ds.Digest[2:]
	})
}

// WrongDSTag changes the key tag in each DS RR.
func WrongDSTag() Breakage {
	return onDS("wrong DS key tag", func(ds *dns.DS) { ds.KeyTag ^= 1 })
}

// WrongDSAlgorithm changes the algorithm in each DS RR to another one that
// validators support.
func WrongDSAlgorithm() Breakage {
	return onDS("wrong DS algorithm", func(ds *dns.DS) {
		if ds.Algorithm == dns.RSASHA256 {
			ds.Algorithm = dns.ECDSAP256SHA256
		} else {
			ds.Algorithm = dns.RSASHA256
		}
	})
}

// DSAlgorithm sets the algorithm in each DS RR. It is meant for an unsupported
// algorithm.
func DSAlgorithm(alg uint8) Breakage {
	return onDS(fmt.Sprintf("DS algorithm %d", alg), func(ds *dns.DS) { ds.Algorithm = alg })
}

// DSDigestType sets the digest type in each DS RR. It is meant for an
// unsupported digest type.
func DSDigestType(digest uint8) Breakage {
	return onDS(fmt.Sprintf("DS digest type %d", digest), func(ds *dns.DS) { ds.DigestType = digest })
}

// RemoveDS removes the DS RRset, which makes the delegation insecure. The whole
// parent zone is signed again, which repairs earlier breakages there.
func RemoveDS() Breakage {
	return Breakage{Name: "DS removed", apply: func(z *Zone) error {
		if z.parent == nil {
			return errors.New("testzone: nothing delegates the root")
		}
		if _, err := z.parent.mustSet(z.Name, dns.TypeDS); err != nil {
			return err
		}
		delete(z.parent.sets, setKey{z.Name, dns.TypeDS})
		return z.parent.signAll()
	}}
}

// split returns an error unless the zone has a separate KSK and ZSK.
func (z *Zone) split() error {
	if len(z.keys()) != 2 {
		return fmt.Errorf("testzone: zone %s has no KSK and ZSK", z.Name)
	}
	return nil
}

// removeKey removes k from the DNSKEY RRset and has signer sign the rest.
func (z *Zone) removeKey(k, signer *Key) error {
	set, err := z.mustSet(z.Name, dns.TypeDNSKEY)
	if err != nil {
		return err
	}
	kept := make([]dns.RR, 0, len(set.RRs))
	for _, rr := range set.RRs {
		if !dns.IsDuplicate(rr, k.DNSKEY) {
			kept = append(kept, rr)
		}
	}
	set.RRs = kept
	if len(kept) == 0 {
		return errors.New("testzone: no key would be left")
	}
	return z.signSet(signer, set)
}

// RemoveZSK removes the ZSK from the DNSKEY RRset.
func RemoveZSK() Breakage {
	return Breakage{Name: "ZSK removed", apply: func(z *Zone) error {
		if err := z.split(); err != nil {
			return err
		}
		return z.removeKey(z.ZSK, z.KSK)
	}}
}

// RemoveKSK removes the KSK from the DNSKEY RRset, which the ZSK then signs.
func RemoveKSK() Breakage {
	return Breakage{Name: "KSK removed", apply: func(z *Zone) error {
		if err := z.split(); err != nil {
			return err
		}
		return z.removeKey(z.KSK, z.ZSK)
	}}
}

// onKey returns a breakage of a field of one key. The key tag, the signatures
// made with the key and the DS RRset are updated to match.
func onKey(what string, role Role, edit func(*dns.DNSKEY)) Breakage {
	return Breakage{Name: what + " of the " + role.String(), apply: func(z *Zone) error {
		if err := z.signedOrError(); err != nil {
			return err
		}
		k := z.ZSK
		if role == KSK {
			k = z.KSK
		}
		return z.editKey(k, edit)
	}}
}

func (z *Zone) editKey(k *Key, edit func(*dns.DNSKEY)) error {
	before := dns.Copy(k.DNSKEY)
	oldTag := k.tag
	edit(k.DNSKEY)
	k.tag = k.DNSKEY.KeyTag()
	keys, err := z.mustSet(z.Name, dns.TypeDNSKEY)
	if err != nil {
		return err
	}
	for i, rr := range keys.RRs {
		if dns.IsDuplicate(rr, before) {
			keys.RRs[i] = dns.Copy(k.DNSKEY)
		}
	}
	if err := z.resignBy(k, oldTag); err != nil {
		return err
	}
	if err := z.signSet(z.KSK, keys); err != nil {
		return err
	}
	return z.followDS(k, oldTag)
}

// followDS replaces the parent zone's DS RRs for k, found by the old key tag.
func (z *Zone) followDS(k *Key, oldTag uint16) error {
	if z.parent == nil {
		return nil
	}
	set := z.parent.set(z.Name, dns.TypeDS)
	if set == nil || k != z.KSK {
		return nil
	}
	for i, rr := range set.RRs {
		if ds := rr.(*dns.DS); ds.KeyTag == oldTag {
			set.RRs[i] = k.ds(ds.DigestType)
			set.RRs[i].Header().Ttl = ds.Hdr.Ttl
		}
	}
	return z.parent.resign(z.Name, dns.TypeDS)
}

// ClearZoneFlag clears the ZONE flag of a key (RFC 4034, section 2.1.1).
func ClearZoneFlag(role Role) Breakage {
	return onKey("ZONE flag cleared", role, func(k *dns.DNSKEY) { k.Flags &^= dns.ZONE })
}

// SetRevoke sets the REVOKE flag of a key (RFC 5011, section 2.1).
func SetRevoke(role Role) Breakage {
	return onKey("REVOKE flag set", role, func(k *dns.DNSKEY) { k.Flags |= dns.REVOKE })
}

// WrongProtocol sets the protocol of a key to 4 (RFC 4034, section 2.1.2).
func WrongProtocol(role Role) Breakage {
	return onKey("wrong protocol", role, func(k *dns.DNSKEY) { k.Protocol = 4 })
}
