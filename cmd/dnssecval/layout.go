package main

import "unicode/utf8"

// The layout: the rows of a zone are below each other, child zones are below their parent and
// beside each other.

// Lengths in pixels.
const (
	letter      = 7.2 // mean width, at the size of the text in nodes
	titleLetter = 12.0
	maxLetters  = 34 // of a line in a node; longer ones are cut
	nodeHeight  = 42.0
	leastNode   = 104.0
	nodeGap     = 34.0
	rowGap      = 52.0
	boxPadding  = 26.0
	boxHead     = 54.0
	loop        = 38.0 // space for the arrow of a key that signs itself
	boxGap      = 36.0 // beside each other
	levelGap    = 54.0 // below each other
	margin      = 28.0
	titleSpace  = 72.0
	legend      = 74.0
	leastWidth  = 560.0
	widestHead  = 420.0 // of a box whose width is that of its name
)

// place sets the coordinates of all boxes and nodes, and returns the size of the drawing.
func (g *graph) place() (width, height float64) {
	var roots []*box
	total := 0.0
	for _, b := range g.boxes {
		b.measure(g)
		if b.parent == nil {
			roots = append(roots, b)
		}
	}
	for i, b := range roots {
		if i > 0 {
			total += boxGap
		}
		total += b.span()
	}
	width = max(leastWidth, total+2*margin)
	x, bottom := (width-total)/2, titleSpace
	for _, b := range roots {
		bottom = max(bottom, b.move(x, titleSpace))
		x += b.span() + boxGap
	}
	return width, bottom + legend
}

// measure sets the size of a box by the nodes in it. The name should end left of the middle,
// where arrows come in, unless it is too long.
func (b *box) measure(g *graph) {
	b.w = min(2*(max(textWidthOf(b.zone)*1.25, textWidthOf(b.label))+18), widestHead)
	b.h = boxHead
	for _, row := range b.rows {
		for _, n := range row {
			n.w = leastNode
			for _, line := range n.lines {
				n.w = max(n.w, textWidthOf(line)+22)
			}
		}
		if len(row) > 0 {
			b.h += nodeHeight + rowGap
			b.w = max(b.w, rowWidth(row)+2*boxPadding)
		}
	}
	if b.h > boxHead {
		b.h -= rowGap
	}
	b.h += boxPadding
	for _, a := range g.arrows {
		if a.from == a.to && a.from.box == b {
			b.w = max(b.w, rowWidth(b.rows[entryRow])+2*(loop+textWidthOf(a.label)*1.1))
		}
	}
}

func textWidthOf(line string) float64 {
	return float64(utf8.RuneCountInString(shorten(line))) * letter
}

func rowWidth(row []*node) float64 {
	width := -nodeGap
	for _, n := range row {
		width += n.w + nodeGap
	}
	return width
}

// span returns the width of a box with all boxes below it.
func (b *box) span() float64 {
	below := -boxGap
	for _, c := range b.children {
		below += c.span() + boxGap
	}
	return max(b.w, below)
}

// move places a box in the middle of its span, and its children below it. It returns the lower
// edge of the lowest.
func (b *box) move(left, top float64) (bottom float64) {
	span := b.span()
	b.x, b.y = left+(span-b.w)/2, top
	y := top + boxHead
	for _, row := range b.rows {
		if len(row) == 0 {
			continue
		}
		x := b.x + (b.w-rowWidth(row))/2
		for _, n := range row {
			n.x, n.y = x+n.w/2, y+nodeHeight/2
			x += n.w + nodeGap
		}
		y += nodeHeight + rowGap
	}
	bottom = top + b.h
	below := -boxGap
	for _, c := range b.children {
		below += c.span() + boxGap
	}
	x := left + (span-below)/2
	for _, c := range b.children {
		bottom = max(bottom, c.move(x, top+b.h+levelGap))
		x += c.span() + boxGap
	}
	return bottom
}

// shorten cuts a line that is too long for a node.
func shorten(line string) string { return cut(line, maxLetters) }

func cut(line string, most int) string {
	if utf8.RuneCountInString(line) <= most {
		return line
	}
	return string([]rune(line)[:most-1]) + "…"
}
