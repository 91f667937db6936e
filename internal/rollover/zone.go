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

// Limits on the keys of a zone. RFC 5011, section 2.4.3, requires at least five trust
// anchors.
const (
	maxKeys    = 64 // new keys beyond this number are ignored
	maxRemoved = 16 // Removed keys among them; the oldest are dropped

	maxPublicKey = 4096 // base64 characters; a longer key never becomes pending
)

// Zone is a trust point of RFC 5011: a zone and its keys. It is not safe for
// concurrent use.
type Zone struct {
	Name        string // canonical
	Keys        []Key
	LastSuccess time.Time     // when an RRset was last authenticated; zero for never
	LastTry     time.Time     // when an RRset was last queried; zero for never
	Next        time.Time     // when to query next; zero for immediately
	Retry       time.Duration // retry time after a failure; zero if unknown
}

// New returns a zone that trusts the given anchors. It assumes that
// dnssec.TrustAnchor accepts them. Only the strongest digest of a key is used, and
// SHA-1 is ignored if any anchor has a stronger digest (RFC 4509, section 3). The
// error says which anchor is of another zone, or that there are none or too many.
func New(zone string, anchors []*dns.DS) (*Zone, error) {
	z := &Zone{Name: dnsname.Canonical(zone)}
	if err := checkName(z.Name); err != nil {
		return nil, err
	}
	for _, ds := range anchors {
		if owner := dnsname.Canonical(ds.Hdr.Name); owner != z.Name {
			return nil, fmt.Errorf("a trust anchor of %s is not one of %s", owner, z.Name)
		}
		if hasStrongerDigest(ds, anchors) {
			continue
		}
		k := Key{DS: storedDS(ds, z.Name), State: Valid}
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

// checkName rejects names that are not canonical or can't be a word of the state
// file.
func checkName(name string) error {
	if _, ok := dns.IsDomainName(name); !ok || name != dnsname.Canonical(name) {
		return fmt.Errorf("%q is not the canonical name of a zone", name)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`;"()=`, r) }) {
		return fmt.Errorf("the zone name %q can't be written to a state file", name)
	}
	return nil
}

// hasStrongerDigest reports whether another anchor makes this one redundant. It
// assumes implemented digest types, whose numbers increase with their strength.
func hasStrongerDigest(ds *dns.DS, anchors []*dns.DS) bool {
	return slices.ContainsFunc(anchors, func(other *dns.DS) bool {
		sameTag := other.KeyTag == ds.KeyTag && other.Algorithm == ds.Algorithm
		return other.DigestType > ds.DigestType && (sameTag || ds.DigestType == dns.SHA1)
	})
}

// storedDS returns a copy with a canonical owner name and a digest in lower case.
func storedDS(ds *dns.DS, zone string) *dns.DS {
	c := *ds
	c.Hdr = dns.RR_Header{Name: zone, Rrtype: dns.TypeDS, Class: dns.ClassINET, Ttl: ds.Hdr.Ttl}
	c.Digest = strings.ToLower(c.Digest)
	return &c
}

func sameDS(a, b *dns.DS) bool {
	return a.KeyTag == b.KeyTag && a.Algorithm == b.Algorithm && a.DigestType == b.DigestType && strings.EqualFold(a.Digest, b.Digest)
}

// Anchors returns the trust anchors of the zone for dnssec.TrustAnchors: the Valid
// keys, then the Missing ones. There may be more than dnssec.MaxDS, and some may be of
// an algorithm that is not relied on.
func (z *Zone) Anchors() []*dns.DS {
	return z.anchors(func(*Key) bool { return true })
}

// AnchorsReliedOn returns the Anchors that the policy accepts, or all of them if it
// accepts none: then nothing in the zone can be validated.
func (z *Zone) AnchorsReliedOn(policy dnssec.Policy) []*dns.DS {
	if anchors := z.anchors(func(k *Key) bool { return k.ReliedOn(policy) }); len(anchors) > 0 {
		return anchors
	}
	return z.Anchors()
}

func (z *Zone) anchors(wanted func(*Key) bool) []*dns.DS {
	var anchors []*dns.DS
	for _, s := range []State{Valid, Missing} {
		for i := range z.Keys {
			if z.Keys[i].State != s || !wanted(&z.Keys[i]) {
				continue
			}
			if ds := z.Keys[i].anchor(); ds != nil {
				anchors = append(anchors, ds)
			}
		}
	}
	return anchors
}

// Deleted reports whether the trust point is deleted because every trust anchor was
// revoked (RFC 5011, section 5).
func (z *Zone) Deleted() bool {
	return !slices.ContainsFunc(z.Keys, func(k Key) bool { return k.State.Trusted() })
}

// Knows reports whether the DS matches a key of the zone in any state.
func (z *Zone) Knows(ds *dns.DS) bool {
	return slices.ContainsFunc(z.Keys, func(k Key) bool {
		if k.DNSKEY == nil {
			return sameDS(k.DS, ds)
		}
		return dsMatches(ds, k.DNSKEY)
	})
}

// KeyState is the state of one key, for metrics.
type KeyState struct {
	Zone   string
	KeyTag uint16
	State  State
}

// States returns the state of every key.
func (z *Zone) States() []KeyState {
	all := make([]KeyState, 0, len(z.Keys))
	for i := range z.Keys {
		all = append(all, KeyState{z.Name, z.Keys[i].Tag(), z.Keys[i].State})
	}
	return all
}

// Clone returns a copy. The records are shared, since Update never modifies them.
func (z *Zone) Clone() *Zone {
	c := *z
	c.Keys = slices.Clone(z.Keys)
	return &c
}

// errDeleted is the failure of an Update of a deleted trust point.
func (z *Zone) errDeleted() *dnssec.Failure {
	return &dnssec.Failure{Reason: dnssec.TrustAnchorMissing, Detail: "every trust anchor of " + z.Name + " is revoked"}
}

var errNoZones = errors.New("there is no zone to be written")
