package dnssec

import (
	"bytes"
	"math/big"
	"slices"
	"strings"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// maxSpanDepth is the labels below the zone that NSEC3 hashes are computed for.
const maxSpanDepth = 8

// Spans is the authenticated NSEC and NSEC3 RRsets of one zone that are kept for
// names that were not asked for yet (RFC 8198). It finds those that speak of a name;
// what these prove is for Denial to decide. It knows no time, and is for one
// goroutine at a time.
type Spans struct {
	zone  string
	nsec  ordered[string]    // in canonical order of the owner names
	nsec3 ordered[nsec3Hash] // in the order of the hashed owner names
	hash  nsec3Parameters
}

// Span is one RRset of Spans.
type Span struct {
	*Authenticated
	nsec  nsecRecord
	nsec3 nsec3Record
}

// NewSpans returns the empty Spans of a zone, which is canonical.
func NewSpans(zone string) *Spans {
	return &Spans{
		zone:  zone,
		nsec:  ordered[string]{compare: strings.Compare},
		nsec3: ordered[nsec3Hash]{compare: func(a, b nsec3Hash) int { return bytes.Compare(a[:], b[:]) }},
	}
}

// Insert keeps a copy of an RRset, in place of one with the same owner name, or
// returns what is kept if that is the same. It returns nil for what says nothing of
// other names: of another signer, from a wildcard, made by an on-line signer for one
// name; and for NSEC3 whose hashes are worth a turn: who looks for a name holds others up
// meanwhile. NSEC3 with other parameters replace all before.
func (s *Spans) Insert(a *Authenticated) *Span {
	if _, expanded := a.Expanded(); expanded || a.signer != s.zone || len(a.set.RRs) != 1 {
		return nil
	}
	switch rr := a.set.RRs[0].(type) {
	case *dns.NSEC:
		record, ok := newNSECRecord(a.set.Name, rr, s.zone)
		if !ok || record.isMinimal() {
			return nil
		}
		return s.nsec.put(dnsname.SortKey(record.owner), &Span{Authenticated: a, nsec: record})
	case *dns.NSEC3:
		record, ok := newNSEC3Record(a.set.Name, rr)
		hash, usable := parametersOf(rr)
		if !ok || !usable || hash.blocks(maxNameLength) >= dearHash || record.isMinimal() {
			return nil
		}
		if !hash.equal(s.hash) {
			s.hash, s.nsec3.spans = hash, nil
		}
		return s.nsec3.put(record.owner, &Span{Authenticated: a, nsec3: record})
	}
	return nil
}

// Remove forgets an RRset.
func (s *Spans) Remove(span *Span) {
	s.nsec.remove(span)
	s.nsec3.remove(span)
}

// Empty tells whether nothing is kept.
func (s *Spans) Empty() bool { return len(s.nsec.spans)+len(s.nsec3.spans) == 0 }

// About returns what is needed to deny a name: what matches or covers it, its
// closest encloser and the wildcard there; nothing if that is not all there. It
// assumes that the name lies in the zone. NSEC3 hashes are paid from the budget.
func (s *Spans) About(name string, budget *Budget) []*Span {
	if len(s.nsec.spans) > 0 {
		return s.aboutNSEC(name)
	}
	return s.aboutNSEC3(name, budget)
}

func (s *Spans) aboutNSEC(name string) []*Span {
	span := s.nsec.at(dnsname.SortKey(name))
	if span.nsec.owner == name {
		return []*Span{span}
	}
	if !span.nsec.covers(name, s.zone) {
		return nil
	}
	w := s.nsec.at(dnsname.SortKey(dnsname.Wildcard(span.nsec.closestEncloser(name))))
	if w == span {
		return []*Span{span}
	}
	return []*Span{span, w}
}

// aboutNSEC3 walks up to the closest encloser, as RFC 5155, section 8.3, does.
func (s *Spans) aboutNSEC3(name string, budget *Budget) []*Span {
	depth := dnsname.Labels(name) - dnsname.Labels(s.zone)
	if len(s.nsec3.spans) == 0 || depth > maxSpanDepth {
		return nil
	}
	var below *Span // covers the name one label longer
	for matched := name; depth >= 0; depth-- {
		hash, failure := s.hash.of(matched, budget)
		if failure != nil {
			return nil
		}
		span := s.nsec3.at(hash)
		switch {
		case span.nsec3.owner != hash:
		case matched == name:
			return []*Span{span}
		case below == nil:
			return nil
		default:
			return s.withWildcard(span, below, matched, budget)
		}
		if below = nil; span.nsec3.covers(hash) {
			below = span
		}
		matched = dnsname.Parent(matched)
	}
	return nil
}

// withWildcard adds what speaks of the wildcard at the closest encloser, the name.
func (s *Spans) withWildcard(encloser, nextCloser *Span, name string, budget *Budget) []*Span {
	about := []*Span{encloser, nextCloser}
	hash, failure := s.hash.of(dnsname.Wildcard(name), budget)
	if failure != nil {
		return nil
	}
	if w := s.nsec3.at(hash); w != encloser && w != nextCloser {
		about = append(about, w)
	}
	return about
}

// Covering returns what may cover a name, whatever its closest encloser; nil if there
// is nothing.
func (s *Spans) Covering(name string, budget *Budget) *Span {
	if len(s.nsec.spans) > 0 {
		return s.nsec.at(dnsname.SortKey(name))
	}
	hash, failure := s.hash.of(name, budget)
	if failure != nil || len(s.nsec3.spans) == 0 {
		return nil
	}
	return s.nsec3.at(hash)
}

// Denial returns the proofs that some of the zone's spans make.
func (s *Spans) Denial(spans []*Span, budget *Budget) *Denial {
	d := &Denial{zone: s.zone}
	nsec := &nsecRecords{zone: s.zone}
	chain := &nsec3Chain{nsec3Parameters: s.hash, zone: s.zone, budget: budget}
	for _, span := range spans {
		if span.nsec.owner != "" {
			nsec.records = append(nsec.records, span.nsec)
		} else {
			chain.records = append(chain.records, span.nsec3)
		}
	}
	if len(nsec.records) > 0 {
		d.provers = append(d.provers, nsec)
	}
	if len(chain.records) > 0 {
		d.provers = append(d.provers, chain)
	}
	return d
}

// ordered is spans in the order of what they begin with.
type ordered[K any] struct {
	compare func(a, b K) int
	spans   []placed[K]
}

type placed[K any] struct {
	begin K
	*Span
}

// put has a span in its place, the one that is there if it is of the same signature.
func (o *ordered[K]) put(begin K, span *Span) *Span {
	i, found := o.search(begin)
	if found && o.spans[i].sig.Signature == span.sig.Signature {
		return o.spans[i].Span
	}
	span.Authenticated = span.Copy()
	if found {
		o.spans[i].Span = span
		return span
	}
	o.spans = slices.Insert(o.spans, i, placed[K]{begin, span})
	return span
}

// at returns the span that begins last at or before a place. Before the first one it
// is the last of the zone, which reaches around. It assumes that there are spans.
func (o *ordered[K]) at(begin K) *Span {
	i, found := o.search(begin)
	if !found {
		i = (i + len(o.spans) - 1) % len(o.spans)
	}
	return o.spans[i].Span
}

func (o *ordered[K]) remove(span *Span) {
	o.spans = slices.DeleteFunc(o.spans, func(p placed[K]) bool { return p.Span == span })
}

func (o *ordered[K]) search(begin K) (int, bool) {
	return slices.BinarySearchFunc(o.spans, begin, func(p placed[K], begin K) int { return o.compare(p.begin, begin) })
}

// isMinimal recognizes the NSEC records that on-line signers make for one name (RFC
// 4470; RFC 9824): the next name is the first one after it.
func (r nsecRecord) isMinimal() bool {
	first, _, _ := strings.Cut(r.next, ".")
	return r.next == `\000.`+r.owner || strings.HasSuffix(first, `\000`)
}

// isMinimal recognizes the NSEC3 records that on-line signers make for one hash (RFC
// 7129, appendix B): the owner is right before it and the next one right behind.
func (r nsec3Record) isMinimal() bool {
	span := new(big.Int).Sub(new(big.Int).SetBytes(r.next[:]), new(big.Int).SetBytes(r.owner[:]))
	return span.Sign() > 0 && span.Cmp(big.NewInt(2)) <= 0
}
