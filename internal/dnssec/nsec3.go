package dnssec

import (
	"bytes"
	"crypto/sha1"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

type nsec3Hash = [sha1.Size]byte

// nsec3Record is one authenticated NSEC3: the hashed owner name, the next hash of
// the order, and the types at the original owner (RFC 5155, section 3).
type nsec3Record struct {
	typeBitMap
	owner, next nsec3Hash
	optOut      bool
}

// nsec3Chain is the NSEC3 records of a response that share their parameters.
type nsec3Chain struct {
	zone       string
	salt       []byte
	iterations uint16
	records    []nsec3Record
	hashes     map[string]nsec3Hash
	budget     *Budget
	total      int // records of the response, for the limit
}

// newNSEC3Chain passes over records with an unknown hash algorithm or flags (RFC
// 5155, section 8.2) and those with other parameters than the first, and returns
// nil if none is left.
func newNSEC3Chain(zone string, sets []Authenticated, budget *Budget) *nsec3Chain {
	var c *nsec3Chain
	for _, a := range sets {
		for _, rr := range a.set.RRs {
			nsec3, ok := rr.(*dns.NSEC3)
			if !ok || nsec3.Hash != dns.SHA1 || nsec3.Flags > 1 {
				continue
			}
			salt, err := hex.DecodeString(strings.TrimPrefix(nsec3.Salt, "-"))
			record, ok := newNSEC3Record(a.set.Name, nsec3)
			if err != nil || !ok {
				continue
			}
			if c == nil {
				c = &nsec3Chain{zone: zone, salt: salt, iterations: nsec3.Iterations, budget: budget, hashes: make(map[string]nsec3Hash)}
			}
			if bytes.Equal(salt, c.salt) && nsec3.Iterations == c.iterations {
				c.records = append(c.records, record)
			}
			c.total++
		}
	}
	return c
}

var base32hex = base32.HexEncoding.WithPadding(base32.NoPadding)

func newNSEC3Record(owner string, nsec3 *dns.NSEC3) (r nsec3Record, ok bool) {
	label, _, _ := strings.Cut(owner, ".")
	ownerHash, err := base32hex.DecodeString(strings.ToUpper(label))
	nextHash, errNext := base32hex.DecodeString(strings.ToUpper(nsec3.NextDomain))
	if err != nil || errNext != nil || len(ownerHash) != sha1.Size || len(nextHash) != sha1.Size {
		return r, false
	}
	return nsec3Record{typeBitMap: nsec3.TypeBitMap, owner: nsec3Hash(ownerHash), next: nsec3Hash(nextHash), optOut: nsec3.Flags == 1}, true
}

// admissible decides whether the records may be computed with at all. Too many
// iterations make the denial insecure, which is sound since the records are
// authenticated (RFC 9276, section 3.2).
func (c *nsec3Chain) admissible() Finding {
	switch {
	case c.total > MaxNSEC3PerProof:
		return found(LimitExceeded, fmt.Sprintf("%d NSEC3 records of %s", c.total, c.zone))
	case c.iterations > MaxIterations:
		return found(NSEC3IterationsHigh, fmt.Sprintf("%d NSEC3 iterations in %s", c.iterations, c.zone))
	default:
		return Proven
	}
}

// hash computes the hashed owner name (RFC 5155, section 5), each once.
func (c *nsec3Chain) hash(name string) (nsec3Hash, *Failure) {
	if h, ok := c.hashes[name]; ok {
		return h, nil
	}
	wire := dnsname.AppendWire(make([]byte, 0, 64), name)
	var h nsec3Hash
	blocks := sha1Blocks(len(wire)+len(c.salt)) + int(c.iterations)*sha1Blocks(sha1.Size+len(c.salt))
	if f := c.budget.hash(blocks, func() { h = c.compute(wire) }); f != nil {
		return nsec3Hash{}, f
	}
	c.hashes[name] = h
	return h, nil
}

func (c *nsec3Chain) compute(wire []byte) nsec3Hash {
	buf := append(wire, c.salt...)
	h := sha1.Sum(buf)
	for range c.iterations {
		buf = append(append(buf[:0], h[:]...), c.salt...)
		h = sha1.Sum(buf)
	}
	return h
}

// sha1Blocks counts the blocks of a message with its padding (FIPS 180-4, section 5.1.1).
func sha1Blocks(octets int) int { return (octets+8)/sha1.BlockSize + 1 }

// match returns the record whose owner is the hashed name, or nil.
func (c *nsec3Chain) match(name string) (*nsec3Record, *Failure) {
	h, f := c.hash(name)
	if f != nil {
		return nil, f
	}
	for i := range c.records {
		if c.records[i].owner == h {
			return &c.records[i], nil
		}
	}
	return nil, nil
}

// cover returns the record in whose span the hashed name lies, or nil. The last
// one of the zone wraps around; a single one covers all but its owner.
func (c *nsec3Chain) cover(name string) (*nsec3Record, *Failure) {
	h, f := c.hash(name)
	if f != nil {
		return nil, f
	}
	for i := range c.records {
		if c.records[i].covers(h) {
			return &c.records[i], nil
		}
	}
	return nil, nil
}

func (r *nsec3Record) covers(h nsec3Hash) bool {
	afterOwner, beforeNext := bytes.Compare(r.owner[:], h[:]) < 0, bytes.Compare(h[:], r.next[:]) < 0
	if bytes.Compare(r.owner[:], r.next[:]) < 0 {
		return afterOwner && beforeNext
	}
	return (afterOwner || beforeNext) && h != r.owner
}
