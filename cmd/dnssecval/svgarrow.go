package main

import "math"

// point is a place in the drawing.
type point struct{ x, y float64 }

// curve is a cubic Bézier curve: its ends and its two control points.
type curve struct{ from, bendFrom, bendTo, to point }

// head is the length of an arrow's head.
const head = 9.0

// curve returns the way of an arrow: from the lower edge of a node to the upper edge of another
// one or of a box, or round the right end of a node back to it.
func (a *arrow) curve() curve {
	f := a.from
	if a.to == f {
		x := f.x + f.w/2
		return curve{point{x - 7, f.y - 13}, point{x + 34, f.y - 26}, point{x + 34, f.y + 26}, point{x - 7, f.y + 13}}
	}
	from := point{f.x, f.y + nodeHeight/2}
	var to point
	if a.to != nil {
		to = point{a.to.x, a.to.y - nodeHeight/2}
	} else {
		to = point{a.into.x + a.into.w/2, a.into.y}
	}
	bend := math.Max(26, math.Abs(to.y-from.y)*0.45)
	return curve{from, point{from.x, from.y + bend}, point{to.x, to.y - bend}, to}
}

// at returns the point of the curve at t, which is 0 at its beginning and 1 at its end.
func (c curve) at(t float64) point {
	u := 1 - t
	mix := func(a, b, c, d float64) float64 { return u*u*u*a + 3*u*u*t*b + 3*u*t*t*c + t*t*t*d }
	return point{mix(c.from.x, c.bendFrom.x, c.bendTo.x, c.to.x), mix(c.from.y, c.bendFrom.y, c.bendTo.y, c.to.y)}
}

func (d *drawing) arrow(a *arrow) {
	c := a.curve()
	// The line ends where the head begins, and the head has the direction of the line.
	dx, dy := c.to.x-c.bendTo.x, c.to.y-c.bendTo.y
	length := math.Max(1, math.Hypot(dx, dy))
	dx, dy = dx/length, dy/length
	base := point{c.to.x - dx*head, c.to.y - dy*head}
	d.put("<g><title>%s</title>", escapeLines(a.title))
	d.put(`<path class="arrow %s" d="M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f"/>`, a.state,
		c.from.x, c.from.y, c.bendFrom.x, c.bendFrom.y, c.bendTo.x-dx*head, c.bendTo.y-dy*head, base.x, base.y)
	d.put(`<path class="head-%s" d="M%.1f %.1fL%.1f %.1fL%.1f %.1fZ"/></g>`, a.state, c.to.x, c.to.y,
		base.x-dy*head/2, base.y+dx*head/2, base.x+dy*head/2, base.y-dx*head/2)
}

// label writes the reason of a failure beside the arrow.
func (d *drawing) label(a *arrow) {
	if a.label == "" {
		return
	}
	middle := a.curve().at(0.5)
	for _, class := range []string{"halo says-failed", "says-failed"} {
		d.text(middle.x+9, middle.y+4, class, a.label)
	}
}

// legend explains the lines and shapes.
func (d *drawing) legend(y float64) {
	x := margin
	for _, line := range []struct {
		state state
		words string
	}{{proven, "proven"}, {open, "insecure, or not needed"}, {failed, "failed"}} {
		d.put(`<path class="arrow %s" d="M%.1f %.1fH%.1f"/>`, line.state, x, y, x+30)
		d.put(`<path class="head-%s" d="M%.1f %.1fl-9 -4.5v9Z"/>`, line.state, x+39, y)
		d.text(x+47, y+4, "note", line.words)
		x += 64 + float64(len(line.words))*letter
	}
	x = margin
	y += 22
	for _, kind := range []struct {
		shape shape
		words string
	}{{anchorShape, "trust anchor"}, {keyShape, "DNSKEY"}, {dsShape, "DS, or another RRset"}} {
		round := 3
		if kind.shape != dsShape {
			round = 7
		}
		d.put(`<rect class="node proven" x="%.1f" y="%.1f" width="38" height="14" rx="%d"/>`, x, y-7, round)
		if kind.shape == anchorShape {
			d.put(`<rect class="ring proven" x="%.1f" y="%.1f" width="33" height="9" rx="4.5"/>`, x+2.5, y-4.5)
		}
		d.text(x+47, y+4, "note", kind.words)
		x += 64 + float64(len(kind.words))*letter
	}
}
