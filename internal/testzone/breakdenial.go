package testzone

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// DropDenial leaves the NSEC and NSEC3 RRs out of negative answers and of
// answers expanded from a wildcard.
func DropDenial() Breakage {
	return Breakage{Name: "denial dropped", apply: func(z *Zone) error {
		z.noDenial = true
		return z.signedOrError()
	}}
}

// DropWildcardProofs leaves the proof that the qname does not exist out of
// answers expanded from a wildcard.
func DropWildcardProofs() Breakage {
	return Breakage{Name: "wildcard proofs dropped", apply: func(z *Zone) error {
		if !z.hasWildcard() || z.spec.Denial == CompactNSEC {
			return fmt.Errorf("testzone: zone %s has no wildcard proofs", z.Name)
		}
		z.noWildcardProof = true
		return z.signedOrError()
	}}
}

func (z *Zone) hasWildcard() bool {
	for name := range z.names {
		if isWildcard(name) {
			return true
		}
	}
	return false
}

// DropDenialOf removes the one NSEC or NSEC3 RR that matches or covers name.
func DropDenialOf(name string) Breakage {
	return Breakage{Name: "denial of " + name + " dropped", apply: func(z *Zone) error {
		owner, typ, err := z.denialOf(name)
		if err != nil {
			return err
		}
		delete(z.sets, setKey{owner, typ})
		return nil
	}}
}

// denialOf returns the owner name and type of the NSEC or NSEC3 RR that matches
// or covers name.
func (z *Zone) denialOf(name string) (owner string, typ uint16, err error) {
	name = dns.CanonicalName(name)
	switch {
	case len(z.chain) == 0:
		return "", 0, fmt.Errorf("testzone: zone %s has no stored denial", z.Name)
	case !dns.IsSubDomain(z.Name, name):
		return "", 0, fmt.Errorf("testzone: %s is not in zone %s", name, z.Name)
	case !z.usesNSEC3():
		owner, typ = z.matchOrCover(name), dns.TypeNSEC
	default:
		typ = dns.TypeNSEC3
		var ok bool
		if owner, ok = z.matchNSEC3(name); !ok {
			owner = z.coverNSEC3(name)
		}
	}
	_, err = z.mustSet(owner, typ)
	return owner, typ, err
}

// onDenial returns a breakage of the NSEC or NSEC3 RR that matches or covers
// name. The RR is signed again: the proof is broken, not the signature.
func onDenial(what, name string, edit func(z *Zone, next *string, types *[]uint16)) Breakage {
	return Breakage{Name: what + " in the denial of " + name, apply: func(z *Zone) error {
		owner, typ, err := z.denialOf(name)
		if err != nil {
			return err
		}
		switch rr := z.set(owner, typ).RRs[0].(type) {
		case *dns.NSEC:
			edit(z, &rr.NextDomain, &rr.TypeBitMap)
		case *dns.NSEC3:
			edit(z, &rr.NextDomain, &rr.TypeBitMap)
		}
		return z.resign(owner, typ)
	}}
}

// ReplaceNext sets the Next Domain Name or Next Hashed Owner Name field of the
// NSEC or NSEC3 RR that matches or covers name.
func ReplaceNext(name, next string) Breakage {
	return onDenial("next name replaced", name, func(z *Zone, field *string, _ *[]uint16) {
		if z.usesNSEC3() {
			*field = strings.ToUpper(z.hash(next))
		} else {
			*field = dns.CanonicalName(next)
		}
	})
}

// SetTypeBit sets the bit of a type in the NSEC or NSEC3 RR that matches or
// covers name.
func SetTypeBit(name string, typ uint16) Breakage {
	return onDenial("type bit "+dns.Type(typ).String()+" set", name, func(_ *Zone, _ *string, types *[]uint16) {
		*types = withTypes(*types, typ)
	})
}

// ClearTypeBit clears the bit of a type in the NSEC or NSEC3 RR that matches
// or covers name.
func ClearTypeBit(name string, typ uint16) Breakage {
	return onDenial("type bit "+dns.Type(typ).String()+" cleared", name, func(_ *Zone, _ *string, types *[]uint16) {
		*types = slices.DeleteFunc(slices.Clone(*types), func(t uint16) bool { return t == typ })
	})
}

// Denial returns the owner name and type of the NSEC or NSEC3 RRset that
// matches or covers name.
func (z *Zone) Denial(name string) (owner string, typ uint16, err error) {
	z.world.mu.RLock()
	defer z.world.mu.RUnlock()
	return z.denialOf(name)
}
