package main

import (
	"fmt"
	"strings"
)

// dot writes the graph for Graphviz.
func (g *graph) dot() string {
	var d drawing
	d.put("digraph chain {")
	d.put("\tlabel=%s; labelloc=t; compound=true; node [fontname=Helvetica, fontsize=11]; edge [fontname=Helvetica, fontsize=10];", quote(g.title+"\n"+g.verdict))
	for i, b := range g.boxes {
		d.put("\tsubgraph cluster_%d {", i)
		d.put("\t\tlabel=%s; labeljust=l; %s;", quote(b.zone+"\n"+b.label), strings.ReplaceAll(look(b.state), ", ", "; "))
		d.put("\t\t%s [style=invis, width=0, height=0, label=\"\"];", quote(b.zone))
		for _, row := range b.rows {
			for _, n := range row {
				d.put("\t\t%s [label=%s, shape=%s, %s];", quote(n.id), quote(strings.Join(n.lines, "\n")), dotShapes[n.shape], look(n.state))
			}
		}
		d.put("\t}")
	}
	for _, a := range g.arrows {
		to, head := "", ""
		if a.to != nil {
			to = a.to.id
		} else {
			to = a.into.zone
			head = fmt.Sprintf(", lhead=cluster_%d", g.index(a.into))
		}
		d.put("\t%s -> %s [label=%s, %s%s];", quote(a.from.id), quote(to), quote(a.label), look(a.state), head)
	}
	d.put("}")
	return d.String()
}

func (g *graph) index(b *box) int {
	for i, other := range g.boxes {
		if other == b {
			return i
		}
	}
	return 0
}

var dotShapes = map[shape]string{anchorShape: "ellipse, peripheries=2", keyShape: "ellipse", dsShape: "box", setShape: "box"}

// look returns the Graphviz attributes of a state.
func look(s state) string {
	switch s {
	case proven:
		return `color="#1a7f37", style=solid`
	case failed:
		return `color="#cf222e", fontcolor="#cf222e", style=bold`
	default:
		return `color="#818b98", style=dashed`
	}
}

// quote returns a string of the DOT language. A backslash in a name stays one.
func quote(s string) string {
	s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s)
	return `"` + s + `"`
}
