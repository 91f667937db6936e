package main

import (
	"fmt"

	"github.com/dnssecval/dnssecval"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// addKeys draws the keys of a zone, its trust anchors, and which key signs the keys.
func (g *graph) addKeys(b *box, z dnssecval.ZoneReport) {
	vouching := dsOf(z)
	signing := map[uint16]bool{}
	for _, sig := range z.DNSKEY.Signatures {
		signing[sig.RRSIG.KeyTag] = sig.Status == dnssec.Secure || len(z.DNSKEY.Signatures) == 1
	}
	vouched := false
	for _, key := range keysOf(z) {
		vouched = vouched || vouchedFor(key, vouching)
	}
	for _, key := range keysOf(z) {
		row := keyRow
		if vouchedFor(key, vouching) || !vouched && signing[key.KeyTag()] {
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

func (g *graph) addKey(b *box, row int, key *dns.DNSKEY) {
	n := node{shape: keyShape, state: b.state, tag: key.KeyTag(), title: oneLine(key),
		lines: []string{fmt.Sprintf("DNSKEY %d", key.KeyTag()), dnssec.AlgorithmName(key.Algorithm)}}
	if b.state == failed {
		n.state = open
	}
	if f := dnssec.CheckKey(key); f != nil {
		n.state = failed
		n.lines[1] = f.Reason.String()
	}
	g.add(b, row, n)
}

// match draws which keys the DS records of a node stand for. An anchor may stand for
// none; where none at all does, that is what failed.
func (g *graph) match(from *node, b *box, z dnssecval.ZoneReport, records []*dns.DS) {
	matched := false
	for _, key := range keysOf(z) {
		if vouchedFor(key, records) {
			matched = true
			g.arrow(from, b.key(key.KeyTag()), linkState(z), "", fmt.Sprintf("the digest of DNSKEY %d", key.KeyTag()))
		}
	}
	switch {
	case matched || from == nil:
	case z.Reason == dnssec.DNSKEYNoDSMatch || z.Reason == dnssec.DNSKEYNoAnchorMatch:
		g.arrows = append(g.arrows, &arrow{from: from, to: b.first(), into: b, state: failed, label: z.Reason.String(), title: z.Detail})
	case from.shape == anchorShape:
		from.state = open
	}
}

// linkState is the state of a digest that matches a key.
func linkState(z dnssecval.ZoneReport) state {
	if z.Status == dnssec.Insecure || len(z.DS.RRs) > 0 && z.DS.Status != dnssec.Secure {
		return open
	}
	return proven
}

// addKeySignatures draws which key signs the keys. Signatures by keys that are not
// vouched for are left out where one that is has signed.
func (g *graph) addKeySignatures(b *box, z dnssecval.ZoneReport) {
	for _, sig := range z.DNSKEY.Signatures {
		from := b.keyOrAbsent(g, sig.RRSIG)
		entry := inRow(b, entryRow, from)
		if !entry && sig.Status != dnssec.Bogus {
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
	if z.Status == dnssec.Bogus && z.Reason == dnssec.SignatureMissing && len(z.DNSKEY.Signatures) == 0 {
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

func failedLabel(f dnssec.Finding) string {
	if f.Status != dnssec.Bogus {
		return ""
	}
	return f.Reason.String()
}

func describeSignature(sig dnssecval.SignatureReport) string {
	words := fmt.Sprintf("RRSIG %s by %s key %d", dns.Type(sig.RRSIG.TypeCovered), dns.CanonicalName(sig.RRSIG.SignerName), sig.RRSIG.KeyTag)
	switch sig.Status {
	case dnssec.Secure:
		return words + " until " + stamp(sig.Expires)
	case dnssec.Bogus:
		return words + ": " + said(sig.Finding)
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

// keyOrAbsent returns the node of the key that a signature names, which may have to
// be drawn as one that is not there.
func (b *box) keyOrAbsent(g *graph, sig *dns.RRSIG) *node {
	if n := b.key(sig.KeyTag); n != nil || b.state == open {
		return n
	}
	return g.add(b, keyRow, node{shape: keyShape, state: failed, absent: true, tag: sig.KeyTag,
		lines: []string{fmt.Sprintf("DNSKEY %d", sig.KeyTag), "not in the zone"}})
}

// first returns the key that stands for the zone, or nil.
func (b *box) first() *node {
	for _, row := range []int{entryRow, keyRow} {
		if len(b.rows[row]) > 0 {
			return b.rows[row][0]
		}
	}
	return nil
}
