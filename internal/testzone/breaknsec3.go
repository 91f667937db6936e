package testzone

import (
	"errors"
	"strings"

	"github.com/miekg/dns"
)

// onNSEC3 returns a breakage of all NSEC3 RRs of a zone. They are signed again,
// under new owner names where those have changed.
func onNSEC3(what string, edit func(*dns.NSEC3)) Breakage {
	return Breakage{Name: what + " in the NSEC3 RRs", apply: func(z *Zone) error {
		if !z.usesNSEC3() {
			return errors.New("testzone: no NSEC3 in zone " + z.Name)
		}
		for _, owner := range z.chain {
			set, err := z.mustSet(owner, dns.TypeNSEC3)
			if err != nil {
				return err
			}
			edit(set.RRs[0].(*dns.NSEC3))
			if err := z.resign(owner, dns.TypeNSEC3); err != nil {
				return err
			}
		}
		return nil
	}}
}

// NSEC3Flags sets the Flags field. It is meant for unknown flags, or for
// opt-out in a zone without it.
func NSEC3Flags(flags uint8) Breakage {
	return onNSEC3("other flags", func(rr *dns.NSEC3) { rr.Flags = flags })
}

// NSEC3Hash sets the Hash Algorithm field. It is meant for an unknown
// algorithm.
func NSEC3Hash(hash uint8) Breakage {
	return onNSEC3("other hash", func(rr *dns.NSEC3) { rr.Hash = hash })
}

// NSEC3Salt sets the Salt field without hashing the owner names again.
func NSEC3Salt(salt string) Breakage {
	return onNSEC3("other salt", func(rr *dns.NSEC3) {
		rr.Salt, rr.SaltLength = strings.ToUpper(salt), uint8(len(salt)/2)
	})
}

// NSEC3Iterations sets the Iterations field without hashing the owner names
// again.
func NSEC3Iterations(n uint16) Breakage {
	return onNSEC3("other iterations", func(rr *dns.NSEC3) { rr.Iterations = n })
}
