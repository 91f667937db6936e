package testzone

import (
	"github.com/miekg/dns"
)

// ExtraKey is a key of a zone in addition to its KSK and ZSK, as during a key
// rollover (RFC 6781, section 4.1). The zero value is a pre-published ZSK.
type ExtraKey struct {
	Role      Role
	Algorithm uint8 // default: the zone's
	Hidden    bool  // not in the DNSKEY RRset
	Signs     bool  // signs what the zone's key of this role signs, too
	DS        bool  // the parent zone has a DS RR for it, too
	Revoked   bool  // has the REVOKE flag
}

type extraKey struct {
	ExtraKey
	key *Key
}

func (z *Zone) makeExtraKeys() error {
	for i, extra := range z.spec.Extra {
		spec := z.spec
		if extra.Algorithm != 0 {
			spec.Algorithm = extra.Algorithm
		}
		k, err := newNthKey(z.Name, rsaKind{role: extra.Role, bits: spec.Bits, nth: i + 1}, &spec)
		if err != nil {
			return err
		}
		if extra.Revoked {
			k.DNSKEY.Flags |= dns.REVOKE
			k.tag = k.DNSKEY.KeyTag()
		}
		z.extra = append(z.extra, extraKey{extra, k})
	}
	return nil
}

func (z *Zone) delegateExtraKeys() {
	for _, extra := range z.extra {
		if extra.DS {
			ds := extra.key.ds(dns.SHA256)
			ds.Hdr.Ttl = z.parent.spec.TTL
			z.parent.add(ds)
		}
	}
}

func (z *Zone) publishExtraKeys() {
	for _, extra := range z.extra {
		if !extra.Hidden {
			z.add(dns.Copy(extra.key.DNSKEY))
		}
	}
}

// signByExtraKeys adds the signatures of the extra keys to set.
func (z *Zone) signByExtraKeys(set *RRset) error {
	role := ZSK
	if set.RRs[0].Header().Rrtype == dns.TypeDNSKEY {
		role = KSK
	}
	for _, extra := range z.extra {
		if !extra.Signs || extra.Role != role {
			continue
		}
		sig, err := z.signature(extra.key, set)
		if err != nil {
			return err
		}
		set.Sigs = append(set.Sigs, sig)
	}
	return nil
}
