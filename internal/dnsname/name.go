// Package dnsname compares and splits domain names in presentation format.
//
// All functions but Canonical and AppendWire expect canonical names: fully qualified,
// escaped as miekg/dns unpacks them from a message, with the letters A to Z in lower
// case. Canonical converts a name to that form. Nothing here checks the length limits
// of RFC 1035, section 2.3.4.
package dnsname

import (
	"bytes"
	"strings"

	"github.com/miekg/dns"
)

// Root is the name of the root zone.
const Root = "."

// Canonical returns name fully qualified and with the letters A to Z in lower case
// (RFC 4034, section 6.2). It does not check that name is valid, and it does not
// normalize escapes.
func Canonical(name string) string {
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' {
			return dns.CanonicalName(name)
		}
	}
	if name == "" || name[len(name)-1] != '.' {
		return dns.Fqdn(name)
	}
	return name
}

// IsSubdomain reports whether child is equal to parent or below it. Whole labels are
// compared, so an escaped dot in child ends no label.
func IsSubdomain(child, parent string) bool {
	if parent == Root || child == parent {
		return true
	}
	i := len(child) - len(parent)
	return i > 0 && child[i:] == parent && endsLabel(child, i)
}

// IsBelow reports whether child is below parent and not equal to it.
func IsBelow(child, parent string) bool { return child != parent && IsSubdomain(child, parent) }

// endsLabel reports whether the octet before i is an unescaped dot.
func endsLabel(name string, i int) bool {
	if name[i-1] != '.' {
		return false
	}
	escapes := 0
	for j := i - 2; j >= 0 && name[j] == '\\'; j-- {
		escapes++
	}
	return escapes%2 == 0
}

// Parent returns name without its first label. The parent of the root is the root.
func Parent(name string) string {
	i, end := dns.NextLabel(name, 0)
	if end || i >= len(name) {
		return Root
	}
	return name[i:]
}

// Labels returns the number of labels of name, without the root label.
func Labels(name string) int { return dns.CountLabel(name) }

// SignedLabels returns the number of labels of name as the Labels field of an RRSIG
// counts them: a leading asterisk label is not counted (RFC 4034, section 3.1.3).
func SignedLabels(name string) int {
	if IsWildcard(name) {
		return Labels(name) - 1
	}
	return Labels(name)
}

// IsWildcard reports whether the first label of name is a single asterisk (RFC 4592,
// section 2.1.1).
func IsWildcard(name string) bool { return strings.HasPrefix(name, "*.") }

// Wildcard returns the wildcard name directly below encloser, which is the source of
// synthesis if encloser is the closest encloser (RFC 4592, sections 2.1.1 and 3.3.1).
func Wildcard(encloser string) string {
	if encloser == Root {
		return "*."
	}
	return "*." + encloser
}

// Ancestor returns the last n labels of name. It returns name if name has no more
// than n labels, and the root if n is not positive.
func Ancestor(name string, n int) string {
	if n <= 0 {
		return Root
	}
	for skip := Labels(name) - n; skip > 0; skip-- {
		name = Parent(name)
	}
	return name
}

// NextCloser returns the next closer name: name or its ancestor with one label more
// than encloser (RFC 5155, section 1.3). It assumes that name is below encloser.
func NextCloser(name, encloser string) string { return Ancestor(name, Labels(encloser)+1) }

// CommonAncestor returns the longest name that a and b are both equal to or below.
func CommonAncestor(a, b string) string {
	for !IsSubdomain(b, a) {
		a = Parent(a)
	}
	return a
}

// Compare returns a negative number, zero or a positive number if a sorts before,
// equal to or after b in canonical order (RFC 4034, section 6.1). It is zero only for
// equal names.
func Compare(a, b string) int {
	if a == b {
		return 0
	}
	var bufA, bufB [wireMax]byte
	var offA, offB [wireMax / 2]uint16
	wireA, labelsA := labelOffsets(AppendWire(bufA[:0], a), offA[:0])
	wireB, labelsB := labelOffsets(AppendWire(bufB[:0], b), offB[:0])
	for len(labelsA) > 0 && len(labelsB) > 0 {
		la, lb := labelsA[len(labelsA)-1], labelsB[len(labelsB)-1]
		if c := bytes.Compare(label(wireA, la), label(wireB, lb)); c != 0 {
			return c
		}
		labelsA, labelsB = labelsA[:len(labelsA)-1], labelsB[:len(labelsB)-1]
	}
	return len(labelsA) - len(labelsB)
}

// SortKey returns a string whose byte order is the canonical order of name (RFC 4034,
// section 6.1). The string has the labels from right to left, each terminated by a
// zero octet. The octets 0 and 1 inside a label are escaped by a 1.
func SortKey(name string) string {
	var buf [wireMax]byte
	var off [wireMax / 2]uint16
	wire, labels := labelOffsets(AppendWire(buf[:0], name), off[:0])
	key := make([]byte, 0, len(wire))
	for i := len(labels) - 1; i >= 0; i-- {
		for _, c := range label(wire, labels[i]) {
			if c <= 1 {
				key = append(key, 1)
			}
			key = append(key, c)
		}
		key = append(key, 0)
	}
	return string(key)
}

// wireMax is the buffer size for one name: 255 octets, and a wildcard label before
// it.
const wireMax = 260

// label returns the label whose length octet is at off, without that octet.
func label(wire []byte, off uint16) []byte {
	return wire[off+1 : int(off)+1+int(wire[off])]
}

// labelOffsets returns wire, and offsets with the offset of each label appended.
func labelOffsets(wire []byte, offsets []uint16) ([]byte, []uint16) {
	for off := 0; off < len(wire) && wire[off] != 0; off += int(wire[off]) + 1 {
		offsets = append(offsets, uint16(off))
	}
	return wire, offsets
}

// AppendWire appends name to dst in canonical wire format: uncompressed, with the
// letters A to Z in lower case (RFC 4034, section 6.2). It does not check lengths. A
// label of more than 255 octets, which no message can contain, is truncated.
func AppendWire(dst []byte, name string) []byte {
	if name == Root || name == "" {
		return append(dst, 0)
	}
	start := len(dst)
	dst = append(dst, 0)
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '.':
			dst[start] = byte(min(len(dst)-start-1, 255))
			start = len(dst)
			dst = append(dst, 0)
			continue
		case c == '\\' && isDecimal(name, i+1):
			c = (name[i+1]-'0')*100 + (name[i+2]-'0')*10 + (name[i+3] - '0')
			i += 3
		case c == '\\' && i+1 < len(name):
			i++
			c = name[i]
		}
		if len(dst)-start <= 255 {
			dst = append(dst, lower(c))
		}
	}
	return dst
}

// isDecimal reports whether s[i:] begins with three digits, as in the escape \DDD.
func isDecimal(s string, i int) bool {
	if i+2 >= len(s) {
		return false
	}
	for _, c := range []byte(s[i : i+3]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// LowerWire converts the letters A to Z of the uncompressed name at wire[off:] to
// lower case, in place. It returns the offset after the name, or -1 if the name is
// not complete.
func LowerWire(wire []byte, off int) int {
	for off < len(wire) {
		n := int(wire[off])
		off++
		if n == 0 {
			return off
		}
		if off+n > len(wire) {
			return -1
		}
		for i := off; i < off+n; i++ {
			wire[i] = lower(wire[i])
		}
		off += n
	}
	return -1
}
