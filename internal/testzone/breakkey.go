package testzone

import (
	"errors"
	"fmt"

	"github.com/miekg/dns"
)

// onDS is a breakage of the DS RRset at the parent side, which is signed
// anew by the parent. Each DS RR is changed.
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

// WrongDSDigest changes the first octet of the digest in the DS RRset.
func WrongDSDigest() Breakage {
	return onDS("wrong DS digest", func(ds *dns.DS) {
		first := "00"
		if ds.Digest[:2] == first {
			first = "ff"
		}
		ds.Digest = first + ds.Digest[2:]
	})
}

// WrongDSTag changes the key tag in the DS RRset.
func WrongDSTag() Breakage {
	return onDS("wrong DS key tag", func(ds *dns.DS) { ds.KeyTag ^= 1 })
}

// WrongDSAlgorithm changes the algorithm in the DS RRset to another one that
// validators rely on.
func WrongDSAlgorithm() Breakage {
	return onDS("wrong DS algorithm", func(ds *dns.DS) {
		if ds.Algorithm == dns.RSASHA256 {
			ds.Algorithm = dns.ECDSAP256SHA256
		} else {
			ds.Algorithm = dns.RSASHA256
		}
	})
}

// DSAlgorithm sets the algorithm in the DS RRset, for one that nobody relies
// on.
func DSAlgorithm(alg uint8) Breakage {
	return onDS(fmt.Sprintf("DS algorithm %d", alg), func(ds *dns.DS) { ds.Algorithm = alg })
}

// DSDigestType sets the digest type in the DS RRset, for one that nobody
// relies on.
func DSDigestType(digest uint8) Breakage {
	return onDS(fmt.Sprintf("DS digest type %d", digest), func(ds *dns.DS) { ds.DigestType = digest })
}

// RemoveDS makes the delegation an insecure one. The parent is signed anew:
// all that was broken in it before is right again.
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

// split fails for a zone whose KSK and ZSK are not two keys.
func (z *Zone) split() error {
	if len(z.keys()) != 2 {
		return fmt.Errorf("testzone: zone %s has no KSK and ZSK", z.Name)
	}
	return nil
}

// removeKey takes k out of the DNSKEY RRset, which signer then signs.
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

// RemoveZSK takes the ZSK out of the DNSKEY RRset.
func RemoveZSK() Breakage {
	return Breakage{Name: "ZSK removed", apply: func(z *Zone) error {
		if err := z.split(); err != nil {
			return err
		}
		return z.removeKey(z.ZSK, z.KSK)
	}}
}

// RemoveKSK takes the KSK out of the DNSKEY RRset, which is then signed by
// the ZSK.
func RemoveKSK() Breakage {
	return Breakage{Name: "KSK removed", apply: func(z *Zone) error {
		if err := z.split(); err != nil {
			return err
		}
		return z.removeKey(z.KSK, z.ZSK)
	}}
}

// onKey is a breakage of a field of one key. All that depends on the field
// follows: the key tag, the signatures made with the key, and the DS RRset.
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

// followDS has the parent's DS RRs that named k name it as it is now.
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
