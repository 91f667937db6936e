package worlds

import (
	"cmp"
	"slices"
	"strings"
)

const (
	top     = "t." // the zone that has the trust anchor
	outside = "o." // a name that no trust anchor is for
)

// letters are the labels of the names in a world.
var letters = []string{"*", "a", "b"}

// parent returns a name without its first label.
func parent(name string) string {
	_, rest, _ := strings.Cut(name, ".")
	return rest
}

// isAtOrBelow reports whether a name is ancestor or below it.
func isAtOrBelow(name, ancestor string) bool {
	return name == ancestor || strings.HasSuffix(name, "."+ancestor)
}

// isBelow reports whether a name is below ancestor.
func isBelow(name, ancestor string) bool { return name != ancestor && isAtOrBelow(name, ancestor) }

// labels returns the number of labels of a name.
func labels(name string) int { return strings.Count(name, ".") }

// wildcardAt returns the wildcard name directly below a name.
func wildcardAt(name string) string { return "*." + name }

// isWildcard reports whether the first label is an asterisk.
func isWildcard(name string) bool { return strings.HasPrefix(name, "*.") }

// lastLabels returns the name that has the last n labels of a name.
func lastLabels(name string, n int) string {
	for labels(name) > n {
		name = parent(name)
	}
	return name
}

// substitute replaces owner at the end of a name by target (RFC 6672, section 2.2).
func substitute(name, owner, target string) string { return strings.TrimSuffix(name, owner) + target }

// compareNames orders names as RFC 4034, section 6.1, does.
func compareNames(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	slices.Reverse(x)
	slices.Reverse(y)
	for i := range min(len(x), len(y)) {
		if c := cmp.Compare(x[i], y[i]); c != 0 {
			return c
		}
	}
	return len(x) - len(y)
}

// namesTo returns the names with up to so many labels below the top zone, which comes
// first.
func namesTo(depth int) []string {
	names, level := []string{top}, []string{top}
	for range depth {
		var next []string
		for _, above := range level {
			for _, letter := range letters {
				next = append(next, letter+"."+above)
			}
		}
		names, level = append(names, next...), next
	}
	return names
}
