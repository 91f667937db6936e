package main

import (
	"fmt"
	"slices"

	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// addKeys draws the keys of a zone, its trust anchors, and the signatures of the DNSKEY RRset.
func (g *graph) addKeys(b *box, z validator.ZoneReport) {
	signing := map[uint16]bool{}
	for _, sig := range z.DNSKEY.Signatures {
		signing[sig.RRSIG.KeyTag] = sig.Status == validator.Secure || len(z.DNSKEY.Signatures) == 1
	}
	matched := slices.ContainsFunc(z.Keys, func(key validator.KeyReport) bool { return len(key.Matches) > 0 })
	for _, key := range z.Keys {
		row := keyRow
		if len(key.Matches) > 0 || !matched && signing[key.KeyTag()] {
			row = entryRow
		}
		g.addKey(b, row, key)
	}
	for _, ds := range z.Anchors {
		anchor := g.add(b, anchorRow, node{shape: anchorShape, state: proven, title: oneLine(ds),
			lines: []string{"trust anchor", fmt.Sprintf("%d %s", ds.KeyTag, digest(ds.DigestType))}})
		g.match(anchor, b, z, []*dns.DS{ds})
	}
	g.addKeySignatures(b, z)
}

func (g *graph) addKey(b *box, row int, key validator.KeyReport) {
	n := node{shape: keyShape, state: b.state, tag: key.KeyTag(), title: oneLine(key.DNSKEY),
		lines: []string{fmt.Sprintf("DNSKEY %d", key.KeyTag()), algorithm(key.Algorithm)}}
	if b.state == failed {
		n.state = open
	}
	if key.Reason != validator.ReasonNone {
		n.state = failed
		n.lines[1] = key.Reason.String()
	}
	g.add(b, row, n)
}

// match draws arrows from the DS records of a node to the keys that match. A trust anchor may
// match none; it is a failure if none of all records matches.
func (g *graph) match(from *node, b *box, z validator.ZoneReport, records []*dns.DS) {
	matched := false
	for _, key := range z.Keys {
		if matchesAny(key, records) {
			matched = true
			g.arrow(from, b.key(key.KeyTag()), linkState(z), "", fmt.Sprintf("the digest of DNSKEY %d", key.KeyTag()))
		}
	}
	switch {
	case matched || from == nil:
	case z.Reason == validator.DNSKEYNoDSMatch || z.Reason == validator.DNSKEYNoAnchorMatch:
		g.arrows = append(g.arrows, &arrow{from: from, to: b.first(), into: b, state: failed, label: z.Reason.String(), title: z.Detail})
	case from.shape == anchorShape:
		from.state = open
	}
}

// linkState returns the state of an arrow from a digest to its key.
func linkState(z validator.ZoneReport) state {
	if z.Status == validator.Insecure || len(z.DS.RRs) > 0 && z.DS.Status != validator.Secure {
		return open
	}
	return proven
}

// addKeySignatures draws which keys sign the DNSKEY RRset. Those in keyRow are drawn only if
// their signatures fail.
func (g *graph) addKeySignatures(b *box, z validator.ZoneReport) {
	for _, sig := range z.DNSKEY.Signatures {
		from := b.keyOrAbsent(g, sig.RRSIG)
		entry := inRow(b, entryRow, from)
		if !entry && sig.Status != validator.Bogus {
			continue
		}
		st, label := stateOf(sig.Status), failedLabel(sig.Finding)
		g.arrow(from, from, st, label, describeSignature(sig))
		for _, to := range b.rows[keyRow] {
			if to != from && !to.absent && entry {
				g.arrow(from, to, st, "", describeSignature(sig))
			}
		}
	}
	if z.Status == validator.Bogus && z.Reason == validator.SignatureMissing && len(z.DNSKEY.Signatures) == 0 {
		g.arrow(b.first(), b.first(), failed, z.Reason.String(), z.Detail)
	}
}

func inRow(b *box, row int, n *node) bool {
	for _, other := range b.rows[row] {
		if other == n {
			return true
		}
	}
	return false
}

func failedLabel(f validator.Finding) string {
	if f.Status != validator.Bogus {
		return ""
	}
	return f.Reason.String()
}

func describeSignature(sig validator.SignatureReport) string {
	words := fmt.Sprintf("RRSIG %s by %s key %d", dns.Type(sig.RRSIG.TypeCovered), dns.CanonicalName(sig.RRSIG.SignerName), sig.RRSIG.KeyTag)
	switch sig.Status {
	case validator.Secure:
		return words + " until " + stamp(sig.Expires)
	case validator.Bogus:
		return words + ": " + detail(sig.Finding)
	default:
		return words + ", not checked"
	}
}

// key returns the node of a key by its tag, or nil.
func (b *box) key(tag uint16) *node {
	for _, row := range []int{entryRow, keyRow} {
		for _, n := range b.rows[row] {
			if n.shape == keyShape && n.tag == tag {
				return n
			}
		}
	}
	return nil
}

// keyOrAbsent returns the node of the key that a signature names. If the zone does not have
// the key it adds a node that says so.
func (b *box) keyOrAbsent(g *graph, sig *dns.RRSIG) *node {
	if n := b.key(sig.KeyTag); n != nil || b.state == open {
		return n
	}
	return g.add(b, keyRow, node{shape: keyShape, state: failed, absent: true, tag: sig.KeyTag,
		lines: []string{fmt.Sprintf("DNSKEY %d", sig.KeyTag), "not in the zone"}})
}

// first returns the first key of the zone, or nil.
func (b *box) first() *node {
	for _, row := range []int{entryRow, keyRow} {
		if len(b.rows[row]) > 0 {
			return b.rows[row][0]
		}
	}
	return nil
}
