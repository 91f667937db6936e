package dnssec

import (
	"bytes"
	"math/big"
	"slices"
	"strings"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// maxSpanDepth limits the labels of a name below the apex for which NSEC3 hashes are
// computed.
const maxSpanDepth = 8

// maxSpanTypes limits the types in the bitmap of a record that is stored. The memory of a
// bitmap is many times its size in a response.
const maxSpanTypes = 128

// Spans is the cached NSEC and NSEC3 RRsets of one zone, for aggressive use (RFC
// 8198). It finds the records that may deny a name. Only Denial decides what they
// prove. It does not check expiration, and it is not safe for concurrent use.
type Spans struct {
	zone       string
	nsec       sortedSpans[string]    // by dnsname.SortKey of the owner name
	nsec3      sortedSpans[nsec3Hash] // by hashed owner name
	parameters nsec3Parameters        // of all NSEC3 records
}

// Span is one cached NSEC or NSEC3 RRset.
type Span struct {
	*Authenticated
	nsec  nsecRecord
	nsec3 nsec3Record
}

// NewSpans returns an empty cache for a zone. The name has to be canonical.
func NewSpans(zone string) *Spans {
	return &Spans{
		zone:  zone,
		nsec:  sortedSpans[string]{compare: strings.Compare},
		nsec3: sortedSpans[nsec3Hash]{compare: func(a, b nsec3Hash) int { return bytes.Compare(a[:], b[:]) }},
	}
}

// Insert stores a copy of an RRset and returns it. It replaces one with the same
// owner name, and NSEC3 records with other parameters. If the same signature is
// stored already, it returns that Span.
//
// It returns nil and stores nothing if the record denies no other names (it is
// expanded, minimally covering, or has another signer), if it lists too many types, or if
// its NSEC3 hashes are expensive: they are computed while other queries wait for the cache.
func (s *Spans) Insert(a *Authenticated) *Span {
	if _, expanded := a.Expanded(); expanded || a.signer != s.zone || len(a.set.RRs) != 1 {
		return nil
	}
	switch rr := a.set.RRs[0].(type) {
	case *dns.NSEC:
		record, ok := newNSECRecord(a.set.Name, rr, s.zone)
		if !ok || record.isMinimallyCovering() || len(rr.TypeBitMap) > maxSpanTypes {
			return nil
		}
		return s.nsec.insert(dnsname.SortKey(record.owner), &Span{Authenticated: a, nsec: record})
	case *dns.NSEC3:
		record, ok := newNSEC3Record(a.set.Name, rr)
		parameters, usable := parseNSEC3Parameters(rr)
		if !ok || !usable || parameters.hashBlocks(maxNameLength) >= expensiveHashBlocks || record.isMinimallyCovering() || len(rr.TypeBitMap) > maxSpanTypes {
			return nil
		}
		if !parameters.equal(s.parameters) {
			s.parameters, s.nsec3.spans = parameters, nil
		}
		return s.nsec3.insert(record.owner, &Span{Authenticated: a, nsec3: record})
	}
	return nil
}

// Remove removes an RRset that Insert returned.
func (s *Spans) Remove(span *Span) {
	if span.isNSEC() {
		s.nsec.remove(dnsname.SortKey(span.nsec.owner), span)
	} else {
		s.nsec3.remove(span.nsec3.owner, span)
	}
}

// isNSEC reports whether the RRset is NSEC and not NSEC3.
func (s *Span) isNSEC() bool { return s.nsec.owner != "" }

// Empty reports whether nothing is stored.
func (s *Spans) Empty() bool { return len(s.nsec.spans)+len(s.nsec3.spans) == 0 }

// About returns the records that may deny a name: those that match or cover the name,
// its closest encloser, its next closer name and the wildcard. It returns nil if some
// are not stored. It assumes that name is in the zone. NSEC3 hashes are charged to
// the budget.
func (s *Spans) About(name string, budget *Budget) []*Span {
	if len(s.nsec.spans) > 0 {
		return s.aboutNSEC(name)
	}
	return s.aboutNSEC3(name, budget)
}

// aboutNSEC implements About for NSEC. It assumes that NSEC records are stored.
func (s *Spans) aboutNSEC(name string) []*Span {
	span := s.nsec.atOrBefore(dnsname.SortKey(name))
	if span.nsec.owner == name {
		return []*Span{span}
	}
	if !span.nsec.covers(name, s.zone) {
		return nil
	}
	wildcard := s.nsec.atOrBefore(dnsname.SortKey(dnsname.Wildcard(span.nsec.closestEncloser(name))))
	if wildcard == span {
		return []*Span{span}
	}
	return []*Span{span, wildcard}
}

// aboutNSEC3 implements About for NSEC3. It searches for the closest encloser from
// name upwards (RFC 5155, section 8.3).
func (s *Spans) aboutNSEC3(name string, budget *Budget) []*Span {
	depth := dnsname.Labels(name) - dnsname.Labels(s.zone)
	if len(s.nsec3.spans) == 0 || depth > maxSpanDepth {
		return nil
	}
	var nextCloser *Span // covers the name with one label more than ancestor
	for ancestor := name; depth >= 0; depth-- {
		hash, failure := s.parameters.hashName(ancestor, budget)
		if failure != nil {
			return nil
		}
		span := s.nsec3.atOrBefore(hash)
		switch {
		case span.nsec3.owner != hash:
		case ancestor == name:
			return []*Span{span}
		case nextCloser == nil:
			return nil
		default:
			return s.addWildcardSpan(span, nextCloser, ancestor, budget)
		}
		if nextCloser = nil; span.nsec3.covers(hash) {
			nextCloser = span
		}
		ancestor = dnsname.Parent(ancestor)
	}
	return nil
}

// addWildcardSpan returns the closest encloser proof and the record that matches or
// covers the wildcard at the closest encloser, which is name.
func (s *Spans) addWildcardSpan(encloser, nextCloser *Span, name string, budget *Budget) []*Span {
	spans := []*Span{encloser}
	if nextCloser != encloser {
		spans = append(spans, nextCloser)
	}
	hash, failure := s.parameters.hashName(dnsname.Wildcard(name), budget)
	if failure != nil {
		return nil
	}
	if wildcard := s.nsec3.atOrBefore(hash); wildcard != encloser && wildcard != nextCloser {
		spans = append(spans, wildcard)
	}
	return spans
}

// Covering returns the record that may cover name, without a search for the closest
// encloser, or nil. NSEC3 hashes are charged to the budget.
func (s *Spans) Covering(name string, budget *Budget) *Span {
	if len(s.nsec.spans) > 0 {
		return s.nsec.atOrBefore(dnsname.SortKey(name))
	}
	hash, failure := s.parameters.hashName(name, budget)
	if failure != nil || len(s.nsec3.spans) == 0 {
		return nil
	}
	return s.nsec3.atOrBefore(hash)
}

// Denial returns the given records as a Denial. They have to be from these Spans, and all of
// them NSEC or all NSEC3, as About and Covering return them.
func (s *Spans) Denial(spans []*Span, budget *Budget) *Denial {
	d := &Denial{zone: s.zone}
	if len(spans) == 0 {
		return d
	}
	if spans[0].isNSEC() {
		nsec := &nsecRecords{zone: s.zone, records: make([]nsecRecord, 0, len(spans))}
		for _, span := range spans {
			nsec.records = append(nsec.records, span.nsec)
		}
		d.provers = []prover{nsec}
		return d
	}
	nsec3 := &nsec3Records{nsec3Parameters: s.parameters, zone: s.zone, budget: budget, records: make([]nsec3Record, 0, len(spans))}
	for _, span := range spans {
		nsec3.records = append(nsec3.records, span.nsec3)
	}
	d.provers = []prover{nsec3}
	return d
}

// sortedSpans is spans sorted by a key: the canonical order of owner names, or the
// order of hashed owner names.
type sortedSpans[K any] struct {
	compare func(a, b K) int
	spans   []sortedSpan[K]
}

type sortedSpan[K any] struct {
	key K
	*Span
}

// insert stores a copy of span, unless one with the same key has the same signature.
// It returns the span that is stored.
func (o *sortedSpans[K]) insert(key K, span *Span) *Span {
	i, found := o.search(key)
	if found && o.spans[i].sig.Signature == span.sig.Signature {
		return o.spans[i].Span
	}
	span.Authenticated = span.Copy()
	if found {
		o.spans[i].Span = span
		return span
	}
	o.spans = slices.Insert(o.spans, i, sortedSpan[K]{key, span})
	return span
}

// atOrBefore returns the span with the largest key that is not larger than key. If
// there is none, it returns the last span, which may wrap around. It assumes that
// there are spans.
func (o *sortedSpans[K]) atOrBefore(key K) *Span {
	i, found := o.search(key)
	if !found {
		i = (i + len(o.spans) - 1) % len(o.spans)
	}
	return o.spans[i].Span
}

// remove removes span, which has the key, if it is stored.
func (o *sortedSpans[K]) remove(key K, span *Span) {
	if i, found := o.search(key); found && o.spans[i].Span == span {
		o.spans = slices.Delete(o.spans, i, i+1)
	}
}

// search returns the position of key, or where to insert it.
func (o *sortedSpans[K]) search(key K) (int, bool) {
	return slices.BinarySearchFunc(o.spans, key, func(p sortedSpan[K], key K) int { return o.compare(p.key, key) })
}

// isMinimallyCovering reports whether an online signer created the record for a
// single name (RFC 4470; RFC 9824): its next name is the immediate successor of a
// name.
func (r nsecRecord) isMinimallyCovering() bool {
	first, _, _ := strings.Cut(r.next, ".")
	return r.next == `\000.`+r.owner || strings.HasSuffix(first, `\000`)
}

// isMinimallyCovering reports whether an online signer created the record for a
// single hash (RFC 7129, appendix B): the span has at most one hash.
func (r nsec3Record) isMinimallyCovering() bool {
	span := new(big.Int).Sub(new(big.Int).SetBytes(r.next[:]), new(big.Int).SetBytes(r.owner[:]))
	return span.Sign() > 0 && span.Cmp(big.NewInt(2)) <= 0
}
