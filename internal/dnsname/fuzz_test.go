package dnsname

import (
	"bytes"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// unpacked returns the canonical name whose labels are wire, without the root label.
// ok is false if miekg/dns can't unpack it.
func unpacked(wire []byte) (name string, ok bool) {
	name, _, err := dns.UnpackDomainName(append(wire, 0), 0)
	return Canonical(name), err == nil
}

// labelsOf returns the labels of name in wire format from right to left, which is how
// RFC 4034, section 6.1, compares them.
func labelsOf(t *testing.T, name string) [][]byte {
	wire := make([]byte, 256)
	end, err := dns.PackDomainName(name, wire, 0, nil, false)
	if err != nil {
		t.Fatalf("%q: %v", name, err)
	}
	var labels [][]byte
	for off := 0; off < end-1; off += int(wire[off]) + 1 {
		labels = append([][]byte{wire[off+1 : off+1+int(wire[off])]}, labels...)
	}
	return labels
}

func addNames(f *testing.F) {
	for _, seed := range [][3]string{
		{"\x01a\x07example", "\x01b\x07example", "\x07example"},
		{"\x03a.b\x07example", "\x01a\x01b\x07example", ""},
		{"\x01*\x01z", "\x01\x00\x01z", "\x01\x80\x01z"},
		{"\x03\\\\.\x03com", "\x01\\\x03com", "\x03\\046\x03com"},
		{"\x0anotexample\x03com", "\x07example\x03com", "\x07EXAMPLE\x03COM"},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]), []byte(seed[2]))
	}
}

// FuzzCompare checks that Compare and SortKey are the canonical order of RFC 4034,
// section 6.1, and that it is a total order.
func FuzzCompare(f *testing.F) {
	addNames(f)
	f.Fuzz(func(t *testing.T, wireA, wireB, wireC []byte) {
		a, okA := unpacked(wireA)
		b, okB := unpacked(wireB)
		c, okC := unpacked(wireC)
		if !okA || !okB || !okC {
			t.Skip()
		}
		ab, bc, ac := Compare(a, b), Compare(b, c), Compare(a, c)
		if sign(ab) != -sign(Compare(b, a)) {
			t.Errorf("%q and %q: the order depends on the order", a, b)
		}
		if sign(strings.Compare(SortKey(a), SortKey(b))) != sign(ab) {
			t.Errorf("%q and %q: their keys sort otherwise", a, b)
		}
		if (ab == 0) != (a == b) {
			t.Errorf("%q and %q: equal is %v", a, b, ab == 0)
		}
		if ab <= 0 && bc <= 0 && ac > 0 {
			t.Errorf("%q, %q, %q: not transitive", a, b, c)
		}
		want := 0
		la, lb := labelsOf(t, a), labelsOf(t, b)
		for i := 0; want == 0 && i < min(len(la), len(lb)); i++ {
			want = bytes.Compare(la[i], lb[i])
		}
		if want == 0 {
			want = len(la) - len(lb)
		}
		if sign(ab) != sign(want) {
			t.Errorf("Compare(%q, %q) is %d, want %d", a, b, ab, want)
		}
	})
}

// FuzzAncestors compares the functions on ancestors with each other and with the
// labels in wire format.
func FuzzAncestors(f *testing.F) {
	addNames(f)
	f.Fuzz(func(t *testing.T, wireA, wireB, _ []byte) {
		a, okA := unpacked(wireA)
		b, okB := unpacked(wireB)
		if !okA || !okB {
			t.Skip()
		}
		for n := range Labels(a) + 1 {
			ancestor := Ancestor(a, n)
			if !IsSubdomain(a, ancestor) || Labels(ancestor) != n || Compare(ancestor, a) > 0 {
				t.Errorf("the last %d labels of %q are %q", n, a, ancestor)
			}
		}
		if a != Root && (!IsBelow(a, Parent(a)) || Labels(Parent(a)) != Labels(a)-1) {
			t.Errorf("the parent of %q is %q", a, Parent(a))
		}
		want := len(labelsOf(t, b)) <= len(labelsOf(t, a))
		for i, label := range labelsOf(t, b) {
			want = want && bytes.Equal(label, labelsOf(t, a)[i])
		}
		if got := IsSubdomain(a, b); got != want {
			t.Errorf("IsSubdomain(%q, %q) is %v", a, b, got)
		}
		if IsSubdomain(a, b) && IsSubdomain(b, a) != (a == b) {
			t.Errorf("%q and %q are below each other", a, b)
		}
		common := CommonAncestor(a, b)
		if common != CommonAncestor(b, a) || !IsSubdomain(a, common) || !IsSubdomain(b, common) {
			t.Errorf("%q and %q have the common ancestor %q", a, b, common)
		}
		if n := Labels(common) + 1; n <= min(Labels(a), Labels(b)) && Ancestor(a, n) == Ancestor(b, n) {
			t.Errorf("%q and %q have a longer common ancestor than %q", a, b, common)
		}
		if IsBelow(a, b) {
			if next := NextCloser(a, b); Parent(next) != b || !IsSubdomain(a, next) {
				t.Errorf("the next closer name of %q at %q is %q", a, b, next)
			}
		}
	})
}

// FuzzAppendWire compares the wire format with that of miekg/dns, for all text that
// it packs.
func FuzzAppendWire(f *testing.F) {
	for _, name := range []string{".", "a.b.", `\000\255.`, `a\.b\\.c.`, `WWW.\065.example.`, `\12.`, `\9.`, "*."} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := AppendWire(nil, text)
		LowerWire(bytes.Clone(got), 0)
		name := dns.Fqdn(text)
		if _, ok := dns.IsDomainName(name); !ok || !dns.IsFqdn(name) || len(name) != len([]rune(name)) { // names from a message are ASCII
			t.Skip()
		}
		want := make([]byte, 256)
		end, err := dns.PackDomainName(name, want, 0, nil, false)
		if err != nil {
			t.Skip()
		}
		LowerWire(want, 0)
		if got := AppendWire(nil, name); !bytes.Equal(got, want[:end]) {
			t.Errorf("%q is %q on the wire, want %q", name, got, want[:end])
		}
	})
}
