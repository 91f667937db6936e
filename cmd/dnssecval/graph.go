package main

import (
	"fmt"

	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// graph is the drawing of an authentication chain. Zones are boxes, keys and RRsets are nodes
// in them, and arrows lead from a key to what it signs and from a digest to its key.
type graph struct {
	title, verdict string
	state          state
	boxes          []*box
	arrows         []*arrow
}

// state says how a part is drawn.
type state string

const (
	proven state = "proven"
	open   state = "open" // insecure, or not needed
	failed state = "failed"
)

func stateOf(status validator.Status) state {
	switch status {
	case validator.Secure:
		return proven
	case validator.Bogus:
		return failed
	default:
		return open
	}
}

// box is a zone. Its rows are its trust anchors, its keys, and what these sign.
type box struct {
	zone     string
	label    string
	state    state
	parent   *box
	children []*box
	rows     [rows][]*node
	x, y     float64
	w, h     float64
}

const (
	anchorRow = iota
	entryRow  // keys with a DS or trust anchor, or else those that sign the DNSKEY RRset
	keyRow    // other keys
	dataRow
	resultRow // the RRset that the data deny
	rows
)

// shape is the kind of a node.
type shape string

const (
	anchorShape shape = "anchor"
	keyShape    shape = "key"
	dsShape     shape = "ds"
	setShape    shape = "rrset"
)

type node struct {
	id     string
	shape  shape
	lines  []string
	title  string
	state  state
	box    *box
	tag    uint16 // of a key
	x, y   float64
	w      float64
	absent bool // a key that a signature names and the zone does not have
}

type arrow struct {
	from, to *node
	into     *box // the target if to is nil: a zone without keys
	state    state
	label    string
	title    string
}

const maxNodes = 8 // in a row

func newGraph(s *summary) *graph {
	g := &graph{title: s.Name + " " + dns.Type(s.Type).String(), verdict: verdictOf(s.Report), state: stateOf(s.Status)}
	for _, z := range s.Zones {
		b := &box{zone: z.Name, label: z.Status.String(), state: stateOf(z.Status), parent: g.box(z.Parent)}
		if z.Reason != validator.ReasonNone {
			b.label += ": " + z.Reason.String()
		}
		if b.parent != nil {
			b.parent.children = append(b.parent.children, b)
		}
		g.boxes = append(g.boxes, b)
		g.addKeys(b, z)
	}
	for i, z := range s.Zones {
		g.addDelegation(g.boxes[i], z)
	}
	g.addAnswer(s)
	return g
}

// box returns the box of a zone, or nil.
func (g *graph) box(zone string) *box {
	for _, b := range g.boxes {
		if b.zone == zone && zone != "" {
			return b
		}
	}
	return nil
}

// add puts a node into a row. It returns nil if the row is full.
func (g *graph) add(b *box, row int, n node) *node {
	if len(b.rows[row]) == maxNodes {
		return nil
	}
	if len(b.rows[row]) == maxNodes-1 {
		n = node{shape: n.shape, lines: []string{"…", "and more"}, state: open}
	}
	n.box, n.id = b, fmt.Sprintf("%s/%d/%d", b.zone, row, len(b.rows[row]))
	b.rows[row] = append(b.rows[row], &n)
	return &n
}

func (g *graph) arrow(from, to *node, st state, label, title string) {
	if from != nil && to != nil {
		g.arrows = append(g.arrows, &arrow{from: from, to: to, state: st, label: label, title: title})
	}
}
