package worlds

import (
	"math/rand/v2"
	"slices"
)

// stage is all worlds of so many names, each with up to so many labels below the top
// zone, in every mode.
type stage struct{ names, depth int }

// stages are walked one after the other.
var stages = []stage{{0, 0}, {1, 2}, {2, 1}, {3, 1}, {1, 3}, {2, 2}, {2, 3}, {3, 2}, {4, 2}}

// enumeratedKinds are the kinds of names in stages. Where an alias leads to is of no
// consequence for the proofs.
var enumeratedKinds = []Kind{Host, Alias, Redirect, Signed, Unsigned}

const aliasTarget = "b." + top

// owners returns the names that a stage has to choose from.
func (s stage) owners() []string { return namesTo(s.depth)[1:] }

// size returns the number of worlds, the impossible ones included.
func (s stage) size() int {
	n := int(modes) * int(modes)
	for i := range s.names {
		n = n * (len(s.owners()) - i) / (i + 1)
	}
	for range s.names {
		n *= len(enumeratedKinds)
	}
	return n
}

// world returns the world with a number. It is not ok if the world is impossible, or is
// the same as another one because no zone is below the top zone.
func (s stage) world(i int) (w World, ok bool) {
	w.Modes[0], i = Mode(i%int(modes)), i/int(modes)
	w.Modes[1], i = Mode(i%int(modes)), i/int(modes)
	hasCut := false
	for range s.names {
		kind := enumeratedKinds[i%len(enumeratedKinds)]
		i /= len(enumeratedKinds)
		w.Nodes = append(w.Nodes, Node{Kind: kind})
		hasCut = hasCut || kind.isCut()
	}
	if !hasCut && w.Modes[1] != w.Modes[0] {
		return w, false
	}
	for k, name := range combination(s.owners(), s.names, i) {
		w.Nodes[k].Name = name
		if kind := w.Nodes[k].Kind; kind == Alias || kind == Redirect {
			w.Nodes[k].Target = aliasTarget
		}
	}
	sortNodes(w.Nodes)
	return w, isPossible(w.Nodes)
}

func sortNodes(nodes []Node) {
	slices.SortFunc(nodes, func(a, b Node) int { return compareNames(a.Name, b.Name) })
}

// combination returns the i-th choice of k names.
func combination(names []string, k, i int) []string {
	var chosen []string
	for from := 0; len(chosen) < k; from++ {
		with := choices(len(names)-from-1, k-len(chosen)-1) // choices that have this name
		if i < with {
			chosen = append(chosen, names[from])
		} else {
			i -= with
		}
	}
	return chosen
}

// choices returns the number of ways to choose k of n.
func choices(n, k int) int {
	c := 1
	for i := range k {
		c = c * (n - i) / (i + 1)
	}
	return c
}

// walk is a random order of the numbers below size, each once.
type walk struct{ size, factor, first int }

func newWalk(size int, random *rand.Rand) walk {
	w := walk{size: size, factor: 1, first: random.IntN(size)}
	for candidate := size/2 + random.IntN(size/2+1); candidate < size; candidate++ {
		if gcd(candidate, size) == 1 {
			w.factor = candidate
			break
		}
	}
	return w
}

// at returns the i-th number.
func (w walk) at(i int) int { return (w.first + i*w.factor) % w.size }

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// mostOrders bounds the orders of hashes that are tried for a world: all of those of
// four names.
const mostOrders = 24

// orders returns the world with salts such that the names of each zone with NSEC3 come in
// all orders of their hashes, or in mostOrders of them. The salts of both zones change
// together.
func (s *signer) orders(w World) []World {
	if !w.Modes[0].isHashed() && !w.Modes[1].isHashed() {
		return []World{w}
	}
	t := plant(w, w.Nodes)
	want := 1
	for _, z := range t.zones {
		if z.signed && z.mode.isHashed() {
			want = max(want, factorial(len(z.chain)))
		}
	}
	var found []World
	seen := make(map[string]bool)
	for salt := uint16(1); len(found) < min(want, mostOrders) && salt < 4000; salt++ {
		fresh := false
		for _, z := range t.zones {
			if z.signed && z.mode.isHashed() {
				order := s.order(z, salt)
				fresh = fresh || !seen[order]
				seen[order] = true
			}
		}
		if fresh {
			w.Salts = [2]uint16{salt, salt}
			found = append(found, w)
		}
	}
	return found
}

// order describes the order of the hashes of a zone.
func (s *signer) order(z *zone, salt uint16) string {
	names := slices.SortedFunc(slices.Values(z.chain), func(a, b string) int {
		if s.hash(a, salt) < s.hash(b, salt) {
			return -1
		}
		return 1
	})
	text := z.apex
	for _, name := range names {
		text += " " + name
	}
	return text
}

func factorial(n int) int {
	f := 1
	for i := range n {
		f *= i + 1
	}
	return f
}
