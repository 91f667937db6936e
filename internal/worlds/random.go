package worlds

import (
	"math/rand/v2"
	"slices"
)

// largest is how many names a random world may have.
const largest = 5

// targets are where aliases of random worlds lead to: to names inside, one of them
// below another, and outside.
var targets = []string{"a.t.", "b.t.", "a.b.t.", "b.a.a.t.", "a.a.t.", outside, "x." + outside}

// randomWorld returns a world of up to largest names of any kind. A third of them had
// other names before.
func randomWorld(random *rand.Rand) World {
	for {
		w := World{
			Modes: [2]Mode{Mode(random.IntN(int(modes))), Mode(random.IntN(int(modes)))},
			Salts: [2]uint16{uint16(random.IntN(1 << 16)), uint16(random.IntN(1 << 16))},
			Nodes: randomNodes(random, 1+random.IntN(largest)),
		}
		if !isPossible(w.Nodes) {
			continue
		}
		if random.IntN(3) == 0 {
			if w.Older = older(random, w.Nodes); !isPossible(w.Older) {
				continue
			}
		}
		return w
	}
}

// randomNodes returns nodes with different names, in canonical order.
func randomNodes(random *rand.Rand, n int) []Node {
	var nodes []Node
	for len(nodes) < n {
		name := randomName(random, nodes)
		if !slices.ContainsFunc(nodes, func(other Node) bool { return other.Name == name }) {
			nodes = append(nodes, randomNode(random, name))
		}
	}
	sortNodes(nodes)
	return nodes
}

// randomName returns any name below the top zone, or as often one that has to do with a
// node: its own, one below it, one beside it or the one above.
func randomName(random *rand.Rand, nodes []Node) string {
	names := namesTo(deepest)[1:]
	name := names[random.IntN(len(names))]
	if len(nodes) == 0 || random.IntN(2) == 0 {
		return name
	}
	near := nodes[random.IntN(len(nodes))].Name
	letter := letters[random.IntN(len(letters))] + "."
	switch random.IntN(4) {
	case 0:
		return near
	case 1:
		near = letter + near
	case 2:
		near = letter + parent(near)
	default:
		near = parent(near)
	}
	if labels(near) > labels(top)+deepest || near == top {
		return name
	}
	return near
}

// randomNode gives a name something. The target of an alias may be below the name.
func randomNode(random *rand.Rand, name string) Node {
	n := Node{Name: name, Kind: Kind(random.IntN(int(kinds)))}
	if n.Kind == Alias || n.Kind == Redirect {
		if n.Target = targets[random.IntN(len(targets))]; random.IntN(8) == 0 {
			n.Target = "a." + name
		}
	}
	return n
}

// older returns nodes of which one has something else, or is missing, or is new. Keys of
// zones and the ways of denial are the same.
func older(random *rand.Rand, nodes []Node) []Node {
	i := random.IntN(len(nodes))
	var before []Node
	for k, n := range nodes {
		if k != i {
			before = append(before, n)
		}
	}
	name := randomName(random, nodes)
	if random.IntN(3) > 0 && !slices.ContainsFunc(before, func(n Node) bool { return n.Name == name }) {
		before = append(before, randomNode(random, name))
	}
	sortNodes(before)
	return append([]Node{}, before...)
}
