package dnssec

import (
	"math/big"
	"slices"
	"strings"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

const (
	maxSpanIterations = 50 // NSEC3 iterations that are cheaper than a question
	maxSpanDepth      = 8  // labels below the zone that NSEC3 hashes are computed for
)

// Spans is the authenticated NSEC and NSEC3 RRsets of one zone that are kept for
// names that were not asked for yet (RFC 8198). It finds those that speak of a name;
// what these prove is for Denial to decide. It knows no time, and is for one
// goroutine at a time.
type Spans struct {
	zone  string
	nsec  []*Span // in canonical order of the owner names
	nsec3 []*Span // in the order of the hashed owner names
	hash  nsec3Parameters
}

// Span is one RRset of Spans.
type Span struct {
	*Authenticated
	order string // sorts as the owner name does, or the hash
}

// NewSpans returns the empty Spans of a zone, which is canonical.
func NewSpans(zone string) *Spans { return &Spans{zone: zone} }

// Insert keeps a copy of an RRset, in place of one with the same owner name, or
// returns what is kept if that is the same. It returns nil for what says nothing of
// other names: of another signer, from a wildcard, made by an on-line signer for one
// name. NSEC3 with other parameters replace all before.
func (s *Spans) Insert(a *Authenticated) (span *Span) {
	if _, expanded := a.Expanded(); expanded || a.signer != s.zone || len(a.set.RRs) != 1 {
		return nil
	}
	switch rr := a.set.RRs[0].(type) {
	case *dns.NSEC:
		if !isMinimalNSEC(a.set.Name, rr) {
			s.nsec, span = put(s.nsec, a, dnsname.SortKey(a.set.Name))
		}
	case *dns.NSEC3:
		record, ok := newNSEC3Record(a.set.Name, rr)
		hash, usable := parametersOf(rr)
		if !ok || !usable || hash.iterations > maxSpanIterations || record.isMinimal() {
			return nil
		}
		if !hash.equal(s.hash) {
			s.hash, s.nsec3 = hash, nil
		}
		s.nsec3, span = put(s.nsec3, a, string(record.owner[:]))
	}
	return span
}

// Remove forgets an RRset.
func (s *Spans) Remove(span *Span) {
	same := func(other *Span) bool { return other == span }
	s.nsec = slices.DeleteFunc(s.nsec, same)
	s.nsec3 = slices.DeleteFunc(s.nsec3, same)
}

// Empty tells whether nothing is kept.
func (s *Spans) Empty() bool { return len(s.nsec)+len(s.nsec3) == 0 }

// About returns what is needed to deny a name: what matches or covers it, its
// closest encloser and the wildcard there. It assumes that the name lies in the
// zone. NSEC3 hashes are paid from the budget.
func (s *Spans) About(name string, budget *Budget) []*Span {
	if len(s.nsec) > 0 {
		return s.aboutNSEC(name)
	}
	return s.aboutNSEC3(name, budget)
}

func (s *Spans) aboutNSEC(name string) []*Span {
	span := at(s.nsec, dnsname.SortKey(name))
	if span == nil {
		return nil
	}
	about := []*Span{span}
	if span.set.Name == name {
		return about
	}
	record := nsecRecord{owner: span.set.Name, next: dnsname.Canonical(span.set.RRs[0].(*dns.NSEC).NextDomain)}
	wildcard := dnsname.Wildcard(record.closestEncloser(name))
	if w := at(s.nsec, dnsname.SortKey(wildcard)); w != nil && w != span {
		about = append(about, w)
	}
	return about
}

// aboutNSEC3 walks up to the closest encloser, as RFC 5155, section 8.3, does.
func (s *Spans) aboutNSEC3(name string, budget *Budget) []*Span {
	depth := dnsname.Labels(name) - dnsname.Labels(s.zone)
	if len(s.nsec3) == 0 || depth > maxSpanDepth {
		return nil
	}
	var below *Span // of the name one label longer
	for ; depth >= 0; depth-- {
		hash, failure := s.hash.of(name, budget)
		if failure != nil {
			return nil
		}
		span := at(s.nsec3, string(hash[:]))
		if span.order == string(hash[:]) {
			return s.withWildcard(span, below, name, budget)
		}
		below, name = span, dnsname.Parent(name)
	}
	return nil
}

// withWildcard adds what speaks of the wildcard at the closest encloser, if that is
// not the name itself.
func (s *Spans) withWildcard(encloser, nextCloser *Span, name string, budget *Budget) []*Span {
	about := []*Span{encloser}
	if nextCloser == nil {
		return about
	}
	hash, failure := s.hash.of(dnsname.Wildcard(name), budget)
	if failure != nil {
		return about
	}
	for _, span := range []*Span{nextCloser, at(s.nsec3, string(hash[:]))} {
		if !slices.Contains(about, span) {
			about = append(about, span)
		}
	}
	return about
}

// Covering returns what may cover a name, whatever its closest encloser.
func (s *Spans) Covering(name string, budget *Budget) *Span {
	if len(s.nsec) > 0 {
		return at(s.nsec, dnsname.SortKey(name))
	}
	if len(s.nsec3) == 0 {
		return nil
	}
	hash, failure := s.hash.of(name, budget)
	if failure != nil {
		return nil
	}
	return at(s.nsec3, string(hash[:]))
}

// put has a span in its place, the one that is there if it is of the same signature.
func put(spans []*Span, a *Authenticated, order string) ([]*Span, *Span) {
	i, found := search(spans, order)
	if found && spans[i].sig.Signature == a.sig.Signature {
		return spans, spans[i]
	}
	span := &Span{a.Copy(), order}
	if found {
		spans[i] = span
		return spans, span
	}
	return slices.Insert(spans, i, span), span
}

// at returns the span that begins last at or before a place. Before the first one it
// is the last of the zone, which reaches around.
func at(spans []*Span, order string) *Span {
	if len(spans) == 0 {
		return nil
	}
	i, found := search(spans, order)
	if !found {
		i = (i + len(spans) - 1) % len(spans)
	}
	return spans[i]
}

func search(spans []*Span, order string) (int, bool) {
	return slices.BinarySearchFunc(spans, order, func(s *Span, order string) int { return strings.Compare(s.order, order) })
}

// isMinimalNSEC recognizes the records that on-line signers make for one name (RFC
// 4470; RFC 9824): the next name is the first one after it.
func isMinimalNSEC(owner string, nsec *dns.NSEC) bool {
	next := dnsname.Canonical(nsec.NextDomain)
	first, _, _ := strings.Cut(next, ".")
	return next == `\000.`+owner || strings.HasSuffix(first, `\000`)
}

// isMinimal recognizes the NSEC3 records that on-line signers make for one hash (RFC
// 7129, appendix B): the owner is right before it and the next one right behind.
func (r nsec3Record) isMinimal() bool {
	span := new(big.Int).Sub(new(big.Int).SetBytes(r.next[:]), new(big.Int).SetBytes(r.owner[:]))
	return span.Sign() > 0 && span.Cmp(big.NewInt(2)) <= 0
}
