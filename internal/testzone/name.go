package testzone

import (
	"bytes"
	"slices"

	"github.com/miekg/dns"
)

// parent returns name without its leftmost label, or false for the root.
func parent(name string) (string, bool) {
	if name == "." {
		return "", false
	}
	next, end := dns.NextLabel(name, 0)
	if end {
		return ".", true
	}
	return name[next:], true
}

// under prepends label, which may be several labels, to name.
func under(label, name string) string {
	if name == "." {
		return label + "."
	}
	return label + "." + name
}

// wildcardOf returns the wildcard name whose closest encloser is name.
func wildcardOf(name string) string { return under("*", name) }

// isWildcard reports whether the leftmost label of name is the wildcard label.
func isWildcard(name string) bool {
	return len(name) > 1 && name[0] == '*' && name[1] == '.'
}

// path returns the names from apex down to name, including both. name must be
// at or below apex.
func path(apex, name string) []string {
	names := []string{name}
	for name != apex {
		up, ok := parent(name)
		if !ok {
			break
		}
		name = up
		names = append(names, name)
	}
	slices.Reverse(names)
	return names
}

// labelsOf returns the labels of name in wire format and lower case, from right
// to left.
func labelsOf(name string) [][]byte {
	wire := make([]byte, 256)
	end, err := dns.PackDomainName(dns.CanonicalName(name), wire, 0, nil, false)
	if err != nil {
		panic("testzone: not a domain name: " + name)
	}
	var labels [][]byte
	for off := 0; off < end-1; off += 1 + int(wire[off]) {
		// CanonicalName does not lower escaped capitals (\065).
		labels = append(labels, lower(wire[off+1:off+1+int(wire[off])]))
	}
	slices.Reverse(labels)
	return labels
}

// lower converts the US-ASCII capitals in label to lower case.
func lower(label []byte) []byte {
	for i, c := range label {
		if 'A' <= c && c <= 'Z' {
			label[i] = c + 'a' - 'A'
		}
	}
	return label
}

// compareNames compares names in canonical order (RFC 4034, section 6.1).
func compareNames(a, b string) int {
	return slices.CompareFunc(labelsOf(a), labelsOf(b), bytes.Compare)
}
