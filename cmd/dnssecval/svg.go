package main

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// style colors the drawing, with dark colors for readers who prefer them. It uses the fonts of
// the system.
const style = `
text { font: 12px "DejaVu Sans", Verdana, sans-serif; fill: #1f2328; }
.page { fill: #ffffff; }
.title { font-size: 17px; font-weight: bold; }
.zone { font-size: 13px; font-weight: bold; }
.second, .note { font-size: 11px; fill: #59636e; }
.box { fill: #f6f8fa; stroke-width: 1.5; }
.node { fill: #ffffff; stroke-width: 1.5; }
.ring { fill: none; stroke-width: 1; }
.arrow { fill: none; stroke-width: 1.6; }
.proven { stroke: #1a7f37; }
.open { stroke: #818b98; stroke-dasharray: 6 4; }
.failed { stroke: #cf222e; stroke-width: 2.4; }
.node.failed { fill: #ffebe9; }
.halo { stroke: #f6f8fa; stroke-width: 4; stroke-linejoin: round; }
.says-proven, .says-open, .says-failed { font-size: 11px; }
text.says-proven { fill: #1a7f37; }
text.says-open { fill: #59636e; }
text.says-failed { fill: #cf222e; font-weight: bold; }
.head-proven { fill: #1a7f37; stroke: none; }
.head-open { fill: #818b98; stroke: none; }
.head-failed { fill: #cf222e; stroke: none; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
.page { fill: #0d1117; }
.second, .note { fill: #b1bac4; }
.box { fill: #161b22; }
.node { fill: #0d1117; }
.node.failed { fill: #3d1519; }
.halo { stroke: #161b22; }
.proven { stroke: #3fb950; }
.open { stroke: #9198a1; }
.failed { stroke: #ff7b72; }
text.says-proven { fill: #3fb950; }
text.says-open { fill: #b1bac4; }
text.says-failed { fill: #ff7b72; }
.head-proven { fill: #3fb950; }
.head-open { fill: #9198a1; }
.head-failed { fill: #ff7b72; }
}
`

// svg returns the drawing. Everything that comes from the network is escaped.
func (g *graph) svg() string {
	width, height := g.place()
	var d drawing
	d.put(`<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" role="img">`, width, height, width, height)
	d.put("<title>%s</title><style>%s</style>", escape(g.title+": "+g.verdict), style)
	d.put(`<rect class="page" width="100%%" height="100%%"/>`)
	d.text(margin, 32, "title", cut(g.title, int((width-2*margin)/titleLetter)))
	d.text(margin, 53, "says-"+string(g.state), g.verdict)
	for _, b := range g.boxes {
		d.box(b)
	}
	for _, a := range g.arrows {
		d.arrow(a)
	}
	for _, b := range g.boxes {
		for _, row := range b.rows {
			for _, n := range row {
				d.node(n)
			}
		}
	}
	for _, b := range g.boxes {
		d.head(b)
	}
	for _, a := range g.arrows {
		d.label(a)
	}
	d.legend(height - legend + 40)
	d.put("</svg>")
	return d.String()
}

// drawing is the text of a drawing that is being written.
type drawing struct{ strings.Builder }

func (d *drawing) put(format string, values ...any) { fmt.Fprintf(d, format+"\n", values...) }

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(printable(s))) // a Builder takes all
	return b.String()
}

func (d *drawing) text(x, y float64, class, words string) {
	d.put(`<text x="%.1f" y="%.1f" class="%s">%s</text>`, x, y, class, escape(words))
}

func (d *drawing) box(b *box) {
	d.put(`<rect class="box %s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="10"/>`, b.state, b.x, b.y, b.w, b.h)
}

// head writes the name and the status of a zone, over the arrows.
func (d *drawing) head(b *box) {
	d.put("<g><title>%s</title>", escape(b.zone))
	for _, halo := range []string{"halo ", ""} {
		d.text(b.x+14, b.y+22, halo+"zone", shorten(b.zone))
		d.text(b.x+14, b.y+38, halo+"says-"+string(b.state), b.label)
	}
	d.put("</g>")
}

func (d *drawing) node(n *node) {
	round := 4.0
	if n.shape == keyShape || n.shape == anchorShape {
		round = nodeHeight / 2
	}
	class := string(n.state)
	d.put("<g><title>%s</title>", escapeLines(strings.Join(n.lines, " ")+"\n"+n.title))
	d.rect("node "+class, n, 0, round)
	if n.shape == anchorShape {
		d.rect("ring "+class, n, 3, round-3)
	}
	y := n.y - 3
	if len(n.lines) == 1 {
		y = n.y + 4
	}
	for i, line := range n.lines {
		kind := ""
		if i > 0 {
			kind = "second"
		}
		d.put(`<text x="%.1f" y="%.1f" class="%s" text-anchor="middle">%s</text>`, n.x, y+15*float64(i), kind, escape(shorten(line)))
	}
	d.put("</g>")
}

func (d *drawing) rect(class string, n *node, inset, round float64) {
	d.put(`<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%.1f"/>`, class,
		n.x-n.w/2+inset, n.y-nodeHeight/2+inset, n.w-2*inset, nodeHeight-2*inset, round)
}

// escapeLines escapes each line of a text.
func escapeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = escape(line)
	}
	return strings.Join(lines, "\n")
}
