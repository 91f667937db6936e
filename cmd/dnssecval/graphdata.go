package main

import (
	"fmt"
	"strings"

	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// addDelegation draws the DS RRset of a zone, or its denial, in the box of the parent.
func (g *graph) addDelegation(b *box, z validator.ZoneReport) {
	if b.parent == nil {
		return
	}
	if len(z.DS.RRs) > 0 {
		tags := make([]string, 0, len(z.DS.RRs))
		for _, ds := range dsOf(z) {
			tags = append(tags, fmt.Sprintf("%d %s", ds.KeyTag, digest(ds.DigestType)))
		}
		n := g.addSet(b.parent, z.DS, []string{"DS " + z.Name, strings.Join(tags, ", ")}, dsShape)
		if z.Status == validator.Insecure || len(z.DNSKEY.RRs) == 0 {
			g.toZone(n, b, z)
			return
		}
		g.match(n, b, z, dsOf(z))
		return
	}
	for _, set := range z.Denial {
		g.toZone(g.addSet(b.parent, set, []string{dns.Type(set.Type).String() + " " + set.Name, "no DS " + z.Name}, setShape), b, z)
	}
}

// toZone draws an arrow to a zone of which no key has a DS.
func (g *graph) toZone(from *node, b *box, z validator.ZoneReport) {
	if from != nil {
		g.arrows = append(g.arrows, &arrow{from: from, to: b.first(), into: b, state: stateOf(z.Status), label: failedLabel(z.Finding), title: detail(z.Finding)})
	}
}

// addSet draws an RRset and its signatures.
func (g *graph) addSet(b *box, set validator.RRsetReport, lines []string, kind shape) *node {
	if n := b.same(lines); n != nil {
		return n
	}
	titles := make([]string, 0, maxLines)
	for _, rr := range set.RRs[:min(len(set.RRs), maxLines)] {
		titles = append(titles, oneLine(rr))
	}
	n := g.add(b, dataRow, node{shape: kind, state: stateOf(set.Status), lines: lines, title: strings.Join(titles, "\n")})
	signed := false
	for _, sig := range set.Signatures {
		signer := g.box(dns.CanonicalName(sig.RRSIG.SignerName))
		if signer == nil {
			continue
		}
		if from := signer.keyOrAbsent(g, sig.RRSIG); from != nil {
			signed = true
			g.arrow(from, n, stateOf(sig.Status), failedLabel(sig.Finding), describeSignature(sig))
		}
	}
	if !signed && set.Status == validator.Bogus {
		g.arrow(b.last(), n, failed, set.Reason.String(), detail(set.Finding))
	}
	return n
}

func (b *box) same(lines []string) *node {
	for _, n := range b.rows[dataRow] {
		if strings.Join(n.lines, "\n") == strings.Join(lines, "\n") {
			return n
		}
	}
	return nil
}

// last returns a key that should sign the data of the zone, or nil.
func (b *box) last() *node {
	for _, row := range []int{keyRow, entryRow} {
		for _, n := range b.rows[row] {
			if !n.absent {
				return n
			}
		}
	}
	return nil
}

// addAnswer draws the RRsets of the answer, and a node for an RRset that does not exist.
func (g *graph) addAnswer(s *summary) {
	if len(g.boxes) == 0 {
		return
	}
	var denial []*node
	for _, set := range s.RRsets {
		n := g.addSet(g.box(s.ZoneOf(set)), set, []string{set.String(), dataOf(set)}, setShape)
		if set.Type == dns.TypeNSEC || set.Type == dns.TypeNSEC3 {
			denial = append(denial, n)
		}
	}
	if s.Missing != "" || len(s.RRsets) == 0 {
		g.addNegative(s, denial)
	}
}

// addNegative draws an RRset that does not exist, and what denies it.
func (g *graph) addNegative(s *summary, denial []*node) {
	b := g.boxes[len(g.boxes)-1]
	if len(denial) > 0 && denial[0] != nil {
		b = denial[0].box
	}
	n := g.add(b, resultRow, node{shape: setShape, state: g.state, lines: []string{s.without(), s.withoutRRsets()}, title: detail(s.Finding)})
	for _, d := range denial {
		g.arrow(d, n, g.state, "", "denies that it exists")
	}
	if len(denial) == 0 && g.state == failed {
		g.arrow(b.last(), n, failed, s.Reason.String(), detail(s.Finding))
	}
}

// dataOf returns the RDATA of a single record, or the number of records.
func dataOf(set validator.RRsetReport) string {
	if len(set.RRs) != 1 {
		return fmt.Sprintf("%d records", len(set.RRs))
	}
	rr := set.RRs[0]
	return strings.ReplaceAll(strings.TrimPrefix(rr.String(), rr.Header().String()), "\t", " ")
}
