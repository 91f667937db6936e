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

const maxNameLength = 255 // octets (RFC 1035, section 2.3.4)

type nsec3Hash = [sha1.Size]byte

// nsec3Record is one authenticated NSEC3: the hashed owner name, the next hash of
// the order, and the types at the original owner (RFC 5155, section 3).
type nsec3Record struct {
	typeBitMap
	owner, next nsec3Hash
	optOut      bool
}

// nsec3Parameters is what owner names are hashed with (RFC 5155, section 4). The
// algorithm is SHA-1, the only one there is.
type nsec3Parameters struct {
	salt       []byte
	iterations uint16
}

func (p nsec3Parameters) equal(other nsec3Parameters) bool {
	return p.iterations == other.iterations && bytes.Equal(p.salt, other.salt)
}

// parametersOf passes over an unknown hash algorithm or flags (RFC 5155, section
// 8.2) and a salt that can't be read: ok is false.
func parametersOf(nsec3 *dns.NSEC3) (p nsec3Parameters, ok bool) {
	if nsec3.Hash != dns.SHA1 || nsec3.Flags > 1 {
		return p, false
	}
	salt, err := hex.DecodeString(strings.TrimPrefix(nsec3.Salt, "-"))
	return nsec3Parameters{salt: salt, iterations: nsec3.Iterations}, err == nil
}

// of computes the hashed owner name of a name (RFC 5155, section 5).
func (p nsec3Parameters) of(name string, budget *Budget) (nsec3Hash, *Failure) {
	var stack [64]byte
	wire := dnsname.AppendWire(stack[:0], name)
	blocks := p.blocks(len(wire))
	if f := budget.spendHash(blocks); f != nil {
		return nsec3Hash{}, f
	}
	if blocks >= dearHash {
		return p.inTurn(bytes.Clone(wire), budget)
	}
	return p.compute(wire), nil
}

// blocks counts the SHA-1 blocks for a name of so many octets.
func (p nsec3Parameters) blocks(octets int) int {
	return sha1Blocks(octets+len(p.salt)) + int(p.iterations)*sha1Blocks(sha1.Size+len(p.salt))
}

func (p nsec3Parameters) inTurn(wire []byte, budget *Budget) (h nsec3Hash, f *Failure) {
	_, f = budget.inTurn(func() bool {
		h = p.compute(wire)
		return true
	})
	return h, f
}

// compute may write behind the name.
func (p nsec3Parameters) compute(wire []byte) nsec3Hash {
	buf := append(wire, p.salt...)
	h := sha1.Sum(buf)
	for range p.iterations {
		buf = append(append(buf[:0], h[:]...), p.salt...)
		h = sha1.Sum(buf)
	}
	return h
}

// sha1Blocks counts the blocks of a message with its padding (FIPS 180-4, section 5.1.1).
func sha1Blocks(octets int) int { return (octets+8)/sha1.BlockSize + 1 }

type hashedName struct {
	name string
	hash nsec3Hash
}

// nsec3Chain is the NSEC3 records of a response that share their parameters.
type nsec3Chain struct {
	nsec3Parameters
	zone    string
	records []nsec3Record
	hashes  []hashedName
	budget  *Budget
	total   int // records of the response, for the limit
}

// newNSEC3Chain passes over records that can't be read and those with other
// parameters than the first, and returns nil if none is left.
func newNSEC3Chain(zone string, sets []*Authenticated, budget *Budget) *nsec3Chain {
	var c *nsec3Chain
	for _, a := range sets {
		for _, rr := range a.set.RRs {
			nsec3, ok := rr.(*dns.NSEC3)
			if !ok {
				continue
			}
			parameters, usable := parametersOf(nsec3)
			record, ok := newNSEC3Record(a.set.Name, nsec3)
			if !usable || !ok {
				continue
			}
			if c == nil {
				c = &nsec3Chain{nsec3Parameters: parameters, zone: zone, budget: budget}
			}
			if parameters.equal(c.nsec3Parameters) {
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

// hash computes the hashed owner name of a name, once.
func (c *nsec3Chain) hash(name string) (nsec3Hash, *Failure) {
	for _, known := range c.hashes {
		if known.name == name {
			return known.hash, nil
		}
	}
	h, f := c.of(name, c.budget)
	if f == nil {
		c.hashes = append(c.hashes, hashedName{name, h})
	}
	return h, f
}

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
