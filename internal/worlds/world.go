package worlds

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is what a name has in a world.
type Kind uint8

const (
	Host     Kind = iota // an A RRset
	Alias                // a CNAME RRset
	Redirect             // a DNAME RRset
	Signed               // a delegation with a DS RRset
	Unsigned             // a delegation without one
	Hostile              // a delegation with a DS RRset, to an attacker, who signs whatever he likes with the keys
	kinds
)

var kindNames = [kinds]string{"A", "CNAME", "DNAME", "signed", "unsigned", "hostile"}

// isCut reports whether a zone begins at the name.
func (k Kind) isCut() bool { return k == Signed || k == Unsigned || k == Hostile }

// Node is one name of a world. The target is that of an alias.
type Node struct {
	Name   string
	Kind   Kind
	Target string
}

// String returns a line such as "a.t. CNAME b.t.".
func (n Node) String() string {
	return strings.TrimSuffix(n.Name+" "+kindNames[n.Kind]+" "+n.Target, " ")
}

// Mode is how a zone denies existence.
type Mode uint8

const (
	NSEC Mode = iota
	NSEC3
	OptOut  // NSEC3 in which every record has the Opt-Out flag, and insecure delegations have none
	Compact // RFC 9824
	modes
)

var modeNames = [modes]string{"NSEC", "NSEC3", "opt-out", "compact"}

// isHashed reports whether the zone has NSEC3 records.
func (m Mode) isHashed() bool { return m == NSEC3 || m == OptOut }

// World is a tree of zones below the one that has the trust anchor. Names at and below
// a delegation are of the zone that begins there. The salts choose the orders of the
// NSEC3 hashes. The older nodes, if there are any, were in the zones before: what was
// signed then is still valid.
type World struct {
	Nodes []Node  // in canonical order
	Modes [2]Mode // of the top zone, and of the zones below it
	Salts [2]uint16
	Older []Node
}

// String returns the world on one line.
func (w World) String() string {
	text := fmt.Sprintf("%s (below: %s)", w.mode(0), w.mode(1))
	text += describe(w.Nodes)
	if w.Older != nil {
		text += "; before:" + describe(w.Older)
	}
	return text
}

func describe(nodes []Node) string {
	text := ""
	for i, node := range nodes {
		if i > 0 {
			text += ","
		}
		text += " " + node.String()
	}
	return text
}

// mode describes how zones deny existence.
func (w World) mode(i int) string {
	if w.Modes[i].isHashed() {
		return fmt.Sprintf("%s salt %04x", modeNames[w.Modes[i]], w.Salts[i])
	}
	return modeNames[w.Modes[i]]
}

// isPossible reports whether zones can have these nodes, which are in canonical order.
// DNAME and delegations are at no wildcard, which RFC 4592, sections 4.2 and 4.4, leaves
// open. Nothing is below a DNAME in its zone (RFC 6672, section 2.4). No delegation is
// below an unsigned one, and nothing below a hostile one: neither is judged.
func isPossible(nodes []Node) bool {
	for _, n := range nodes {
		if isWildcard(n.Name) && (n.Kind == Redirect || n.Kind.isCut()) {
			return false
		}
		for _, above := range nodes {
			if !isBelow(n.Name, above.Name) {
				continue
			}
			if above.Kind == Hostile || above.Kind == Unsigned && n.Kind.isCut() {
				return false
			}
			if above.Kind == Redirect && !cutBetween(nodes, above.Name, n.Name) {
				return false
			}
		}
	}
	return true
}

// cutBetween reports whether a zone begins below a name and above another one.
func cutBetween(nodes []Node, above, name string) bool {
	return slices.ContainsFunc(nodes, func(n Node) bool {
		return n.Kind.isCut() && isBelow(n.Name, above) && isBelow(name, n.Name)
	})
}
