package rollover

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Limits of what is kept of a zone. RFC 5011, section 3, asks for five keys.
const (
	maxKeys    = 64 // a new key beyond them is not looked at
	maxRemoved = 16 // of them, removed ones: the oldest go first

	maxPublicKey = 4096 // characters: a longer key never becomes pending
)

// Zone is a trust point of RFC 5011: a zone and its keys. It is for one goroutine.
type Zone struct {
	Name        string // canonical
	Keys        []Key
	LastSuccess time.Time     // when an RRset was last authenticated; zero for never
	LastTry     time.Time     // when one was last asked for; zero for never
	Next        time.Time     // when to ask next; zero for at once
	Retry       time.Duration // how long to wait after a failure; zero if nothing is known
}

// New makes a zone that trusts the given anchors, which dnssec.TrustAnchor has found
// to be good. Of several digests of one key the strongest counts, and SHA-1 does not
// where anything stronger is given (RFC 4509, section 3).
func New(zone string, anchors []*dns.DS) (*Zone, error) {
	z := &Zone{Name: dnsname.Canonical(zone)}
	if err := checkName(z.Name); err != nil {
		return nil, err
	}
	for _, ds := range anchors {
		if owner := dnsname.Canonical(ds.Hdr.Name); owner != z.Name {
			return nil, fmt.Errorf("a trust anchor of %s is not one of %s", owner, z.Name)
		}
		if outdone(ds, anchors) {
			continue
		}
		k := Key{DS: own(ds, z.Name), State: Valid}
		if !slices.ContainsFunc(z.Keys, func(other Key) bool { return sameDS(other.DS, k.DS) }) {
			z.Keys = append(z.Keys, k)
		}
	}
	if len(z.Keys) == 0 {
		return nil, fmt.Errorf("%s has no trust anchor", z.Name)
	}
	if len(z.Keys) > maxKeys {
		return nil, fmt.Errorf("%s has more than %d trust anchors", z.Name, maxKeys)
	}
	return z, nil
}

// checkName refuses what would not be one word of the state file.
func checkName(name string) error {
	if _, ok := dns.IsDomainName(name); !ok || name != dnsname.Canonical(name) {
		return fmt.Errorf("%q is not the canonical name of a zone", name)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`;"()=`, r) }) {
		return fmt.Errorf("the zone name %q can't be written to a state file", name)
	}
	return nil
}

// outdone tells whether another anchor of the same key has a stronger digest. The
// numbers of the digest types that are relied on are in the order of their strength.
func outdone(ds *dns.DS, anchors []*dns.DS) bool {
	return slices.ContainsFunc(anchors, func(other *dns.DS) bool {
		sameTag := other.KeyTag == ds.KeyTag && other.Algorithm == ds.Algorithm
		return other.DigestType > ds.DigestType && (sameTag || ds.DigestType == dns.SHA1)
	})
}

func own(ds *dns.DS, zone string) *dns.DS {
	c := *ds
	c.Hdr = dns.RR_Header{Name: zone, Rrtype: dns.TypeDS, Class: dns.ClassINET, Ttl: ds.Hdr.Ttl}
	c.Digest = strings.ToLower(c.Digest)
	return &c
}

func sameDS(a, b *dns.DS) bool {
	return a.KeyTag == b.KeyTag && a.Algorithm == b.Algorithm && a.DigestType == b.DigestType && strings.EqualFold(a.Digest, b.Digest)
}

// Anchors returns the trust anchors of the zone, for dnssec.TrustAnchors: Valid keys
// first, then Missing ones. There may be more than dnssec.MaxDS.
func (z *Zone) Anchors() []*dns.DS {
	var anchors []*dns.DS
	for _, s := range []State{Valid, Missing} {
		for i := range z.Keys {
			if z.Keys[i].State != s {
				continue
			}
			if ds := z.Keys[i].anchor(); ds != nil {
				anchors = append(anchors, ds)
			}
		}
	}
	return anchors
}

// Deleted tells whether the zone has lost all of its trust anchors by revocation, and
// is as if it had never been configured (RFC 5011, section 5).
func (z *Zone) Deleted() bool {
	return !slices.ContainsFunc(z.Keys, func(k Key) bool { return k.State.Trusted() })
}

// Knows tells whether the DS is that of a key of the zone, whatever its state.
func (z *Zone) Knows(ds *dns.DS) bool {
	return slices.ContainsFunc(z.Keys, func(k Key) bool {
		if k.DNSKEY == nil {
			return sameDS(k.DS, ds)
		}
		return matches(ds, k.DNSKEY)
	})
}

// KeyState is a key as the metrics name it.
type KeyState struct {
	Zone   string
	KeyTag uint16
	State  State
}

// States returns all keys that are known.
func (z *Zone) States() []KeyState {
	all := make([]KeyState, 0, len(z.Keys))
	for i := range z.Keys {
		all = append(all, KeyState{z.Name, z.Keys[i].Tag(), z.Keys[i].State})
	}
	return all
}

// Clone returns a copy that shares nothing that changes.
func (z *Zone) Clone() *Zone {
	c := *z
	c.Keys = slices.Clone(z.Keys)
	return &c
}

// errDeleted is what every Update of a deleted trust point says.
func (z *Zone) errDeleted() *dnssec.Failure {
	return &dnssec.Failure{Reason: dnssec.TrustAnchorMissing, Detail: "every trust anchor of " + z.Name + " is revoked"}
}

var errNoZones = errors.New("there is no zone to be written")
