// Package dnsname compares and takes apart domain names in presentation form.
//
// Names are fully qualified and canonical: as miekg/dns unpacks them from the
// wire (special octets escaped), with the letters A to Z in lower case.
// Canonical makes them so. Nothing here checks the length limits of RFC 1035.
package dnsname

import (
	"bytes"
	"strings"

	"github.com/miekg/dns"
)

// Root is the name of the root zone.
const Root = "."

// Canonical returns name fully qualified and in lower case (RFC 4034, section 6.2).
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

// IsSubdomain tells whether child is parent or lies below it, label by label.
func IsSubdomain(child, parent string) bool {
	if parent == Root || child == parent {
		return true
	}
	i := len(child) - len(parent)
	return i > 0 && child[i:] == parent && endsLabel(child, i)
}

// IsBelow tells whether child lies strictly below parent.
func IsBelow(child, parent string) bool { return child != parent && IsSubdomain(child, parent) }

// endsLabel tells whether the octet before i is a dot that no backslash escapes.
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

// Parent returns the name without its first label; the root's parent is the root.
func Parent(name string) string {
	i, end := dns.NextLabel(name, 0)
	if end || i >= len(name) {
		return Root
	}
	return name[i:]
}

// Labels counts the labels of name; the root has none.
func Labels(name string) int { return dns.CountLabel(name) }

// SignedLabels counts the labels as the Labels field of an RRSIG does: a leading
// asterisk is left out (RFC 4034, section 3.1.3).
func SignedLabels(name string) int {
	if IsWildcard(name) {
		return Labels(name) - 1
	}
	return Labels(name)
}

// IsWildcard tells whether the first label of name is an asterisk.
func IsWildcard(name string) bool { return strings.HasPrefix(name, "*.") }

// Wildcard returns the wildcard name at encloser (RFC 4592, section 2.1.1).
func Wildcard(encloser string) string {
	if encloser == Root {
		return "*."
	}
	return "*." + encloser
}

// Ancestor returns the last n labels of name: name itself if it has no more.
func Ancestor(name string, n int) string {
	if n <= 0 {
		return Root
	}
	for skip := Labels(name) - n; skip > 0; skip-- {
		name = Parent(name)
	}
	return name
}

// NextCloser returns the ancestor of name, or name, that is one label longer than
// encloser (RFC 5155, section 1.3). It assumes that name lies below encloser.
func NextCloser(name, encloser string) string { return Ancestor(name, Labels(encloser)+1) }

// CommonAncestor returns the longest name at or above both.
func CommonAncestor(a, b string) string {
	for !IsSubdomain(b, a) {
		a = Parent(a)
	}
	return a
}

// Compare orders names canonically: by labels from the right, octet by octet
// (RFC 4034, section 6.1). It is a total order, and zero for equal names only.
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

// SortKey returns a string that sorts, octet by octet, as name does canonically: the
// labels from the right, each with an end that is less than any octet.
func SortKey(name string) string {
	var buf [wireMax]byte
	var off [wireMax / 2]uint16
	wire, labels := labelOffsets(AppendWire(buf[:0], name), off[:0])
	key := make([]byte, 0, len(wire))
	for i := len(labels) - 1; i >= 0; i-- {
		for _, c := range label(wire, labels[i]) {
			if c <= 1 { // 0 is the end, and 1 stands before the octets 0 and 1
				key = append(key, 1)
			}
			key = append(key, c)
		}
		key = append(key, 0)
	}
	return string(key)
}

// wireMax leaves room for a wildcard label before the longest name.
const wireMax = 260

func label(wire []byte, off uint16) []byte {
	return wire[off+1 : int(off)+1+int(wire[off])]
}

func labelOffsets(wire []byte, offsets []uint16) ([]byte, []uint16) {
	for off := 0; off < len(wire) && wire[off] != 0; off += int(wire[off]) + 1 {
		offsets = append(offsets, uint16(off))
	}
	return wire, offsets
}

// AppendWire appends the canonical wire form of name to dst: uncompressed, with
// the letters in lower case (RFC 4034, section 6.2). A label that is longer than
// 255 octets, which no message can carry, is cut.
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

// LowerWire puts the letters of the uncompressed name at wire[off:] into lower
// case and returns the offset behind it, or -1 if the name does not end there.
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
