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

// maxNameLength is the longest name in wire format, in octets (RFC 1035, section
// 2.3.4).
const maxNameLength = 255

type nsec3Hash = [sha1.Size]byte

// nsec3Record is one authenticated NSEC3 record (RFC 5155, section 3).
type nsec3Record struct {
	typeBitMap
	owner, next nsec3Hash // hashed owner name, and next hashed owner name
	optOut      bool
}

// nsec3Parameters are the inputs of the hash besides the name (RFC 5155, section 5).
// The hash algorithm is SHA-1, the only one that is defined.
type nsec3Parameters struct {
	salt       []byte
	iterations uint16
}

func (p nsec3Parameters) equal(other nsec3Parameters) bool {
	return p.iterations == other.iterations && bytes.Equal(p.salt, other.salt)
}

// parseNSEC3Parameters reads the parameters of a record. ok is false if the record
// has an unknown hash algorithm or flag, which makes it one to ignore (RFC 5155,
// sections 8.1 and 8.2), or if its salt is not hexadecimal.
func parseNSEC3Parameters(nsec3 *dns.NSEC3) (p nsec3Parameters, ok bool) {
	if nsec3.Hash != dns.SHA1 || nsec3.Flags > 1 {
		return p, false
	}
	salt, err := hex.DecodeString(strings.TrimPrefix(nsec3.Salt, "-"))
	return nsec3Parameters{salt: salt, iterations: nsec3.Iterations}, err == nil
}

// hashName returns the hash of a name (RFC 5155, section 5) and charges the budget.
func (p nsec3Parameters) hashName(name string, budget *Budget) (nsec3Hash, *Failure) {
	var stack [64]byte
	wire := dnsname.AppendWire(stack[:0], name)
	blocks := p.hashBlocks(len(wire))
	if f := budget.spendHash(blocks); f != nil {
		return nsec3Hash{}, f
	}
	if blocks >= expensiveHashBlocks {
		return p.scheduleHash(bytes.Clone(wire), budget)
	}
	return p.hashWire(wire), nil
}

// hashBlocks returns the number of SHA-1 blocks for a name of the given length in
// wire format.
func (p nsec3Parameters) hashBlocks(octets int) int {
	return sha1Blocks(octets+len(p.salt)) + int(p.iterations)*sha1Blocks(sha1.Size+len(p.salt))
}

// scheduleHash computes an expensive hash through Turns.
func (p nsec3Parameters) scheduleHash(wire []byte, budget *Budget) (h nsec3Hash, f *Failure) {
	_, f = budget.schedule(func() bool {
		h = p.hashWire(wire)
		return true
	})
	return h, f
}

// hashWire returns the hash of a name in wire format. It may overwrite the array
// behind wire.
func (p nsec3Parameters) hashWire(wire []byte) nsec3Hash {
	buf := append(wire, p.salt...)
	h := sha1.Sum(buf)
	for range p.iterations {
		buf = append(append(buf[:0], h[:]...), p.salt...)
		h = sha1.Sum(buf)
	}
	return h
}

// sha1Blocks returns the number of blocks of a message with its padding (FIPS 180-4,
// section 5.1.1).
func sha1Blocks(octets int) int { return (octets+8)/sha1.BlockSize + 1 }

type hashedName struct {
	name string
	hash nsec3Hash
}

// nsec3Records is the authenticated NSEC3 records of one zone with the same
// parameters.
type nsec3Records struct {
	nsec3Parameters
	zone     string
	records  []nsec3Record
	hashes   []hashedName // computed before
	room     [3]hashedName
	budget   *Budget
	received int // records in the response, whatever their parameters
}

// newNSEC3Records collects the records that have the parameters of the first one (RFC
// 5155, section 8.2). It returns nil if no record can be used.
func newNSEC3Records(zone string, sets []*Authenticated, budget *Budget) *nsec3Records {
	var n *nsec3Records
	for _, a := range sets {
		for _, rr := range a.set.RRs {
			nsec3, ok := rr.(*dns.NSEC3)
			if !ok {
				continue
			}
			parameters, usable := parseNSEC3Parameters(nsec3)
			record, ok := newNSEC3Record(a.set.Name, nsec3)
			if !usable || !ok {
				continue
			}
			if n == nil {
				n = &nsec3Records{nsec3Parameters: parameters, zone: zone, budget: budget, records: make([]nsec3Record, 0, min(len(sets), MaxNSEC3PerProof))}
			}
			if parameters.equal(n.nsec3Parameters) {
				n.records = append(n.records, record)
			}
			n.received++
		}
	}
	return n
}

var base32hex = base32.HexEncoding.WithPadding(base32.NoPadding)

// newNSEC3Record converts an NSEC3 record. ok is false if the first label of its
// owner name or its next hashed owner name is no SHA-1 hash.
func newNSEC3Record(owner string, nsec3 *dns.NSEC3) (r nsec3Record, ok bool) {
	label, _, _ := strings.Cut(owner, ".")
	ownerHash, ok := decodeHash(label)
	nextHash, okNext := decodeHash(nsec3.NextDomain)
	if !ok || !okNext {
		return r, false
	}
	return nsec3Record{typeBitMap: nsec3.TypeBitMap, owner: ownerHash, next: nextHash, optOut: nsec3.Flags == 1}, true
}

// decodeHash reads a SHA-1 hash in base32 with the extended hex alphabet, of either case (RFC
// 5155, section 3.3).
func decodeHash(text string) (h nsec3Hash, ok bool) {
	var upper [sha1.Size * 8 / 5]byte
	if len(text) != len(upper) {
		return h, false
	}
	for i := range upper {
		upper[i] = text[i]
		if 'a' <= text[i] && text[i] <= 'z' {
			upper[i] -= 'a' - 'A'
		}
	}
	n, err := base32hex.Decode(h[:], upper[:])
	return h, err == nil && n == len(h)
}

// checkLimits decides whether names may be hashed. More than MaxIterations make the
// denial insecure, which is safe because the records are authenticated (RFC 9276,
// section 3.2).
func (n *nsec3Records) checkLimits() Finding {
	switch {
	case n.received > MaxNSEC3PerProof:
		return finding(LimitExceeded, fmt.Sprintf("%d NSEC3 records of %s", n.received, n.zone))
	case n.iterations > MaxIterations:
		return finding(NSEC3IterationsHigh, fmt.Sprintf("%d NSEC3 iterations in %s", n.iterations, n.zone))
	default:
		return Proven
	}
}

// hash returns the hash of a name, computing it at most once.
func (n *nsec3Records) hash(name string) (nsec3Hash, *Failure) {
	for _, known := range n.hashes {
		if known.name == name {
			return known.hash, nil
		}
	}
	h, f := n.hashName(name, n.budget)
	if f == nil {
		if n.hashes == nil {
			n.hashes = n.room[:0]
		}
		n.hashes = append(n.hashes, hashedName{name, h})
	}
	return h, f
}

// match returns the record whose owner name is the hash of name, or nil.
func (n *nsec3Records) match(name string) (*nsec3Record, *Failure) {
	h, f := n.hash(name)
	if f != nil {
		return nil, f
	}
	for i := range n.records {
		if n.records[i].owner == h {
			return &n.records[i], nil
		}
	}
	return nil, nil
}

// cover returns the record that covers the hash of name, or nil.
func (n *nsec3Records) cover(name string) (*nsec3Record, *Failure) {
	h, f := n.hash(name)
	if f != nil {
		return nil, f
	}
	for i := range n.records {
		if n.records[i].covers(h) {
			return &n.records[i], nil
		}
	}
	return nil, nil
}

// covers reports whether h is between the owner name and the next hashed owner name.
// The last record of a zone wraps around. A single record covers every hash but its
// own.
func (r *nsec3Record) covers(h nsec3Hash) bool {
	afterOwner, beforeNext := bytes.Compare(r.owner[:], h[:]) < 0, bytes.Compare(h[:], r.next[:]) < 0
	if bytes.Compare(r.owner[:], r.next[:]) < 0 {
		return afterOwner && beforeNext
	}
	return (afterOwner || beforeNext) && h != r.owner
}
