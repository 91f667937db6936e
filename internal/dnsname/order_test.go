package dnsname

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// rfc4034Order is the example of RFC 4034, section 6.1, in canonical order.
var rfc4034Order = []string{
	"example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.",
	"z.example.", `\001.z.example.`, "*.z.example.", `\200.z.example.`,
}

func TestCompareOrdersAsRFC4034(t *testing.T) {
	for i, a := range rfc4034Order {
		for j, b := range rfc4034Order {
			a, b := Canonical(a), Canonical(b)
			if got := sign(Compare(a, b)); got != sign(i-j) {
				t.Errorf("Compare(%s, %s) is %d, want %d", a, b, got, sign(i-j))
			}
		}
	}
}

func sign(n int) int { return max(-1, min(1, n)) }

func TestCompare(t *testing.T) {
	tests := []struct {
		name, less, more string
	}{
		{name: "the root is first", less: ".", more: "a."},
		{name: "right label first", less: "z.a.", more: "a.b."},
		{name: "ancestor first", less: "b.a.", more: "a.b.a."},
		{name: "shorter label first", less: "a.example.", more: "aa.example."},
		{name: "octets are unsigned", less: `\127.example.`, more: `\128.example.`},
		{name: "zero octet is not the end of the label", less: "a.example.", more: `a\000.example.`},
		{name: "dash before digit before letter", less: "a-.example.", more: "a0.example."},
		{name: "an escaped dot is an octet", less: `a.example.`, more: `a\.b.example.`},
		{name: "an escaped dot makes no label", less: `a\.b.example.`, more: "a.b.example."},
		{name: "escaped backslash before a dot", less: `a.example.`, more: `a\\.example.`},
		{name: "the first name of RFC 9824", less: "a.example.", more: `\000.a.example.`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if Compare(tt.less, tt.more) >= 0 || Compare(tt.more, tt.less) <= 0 {
				t.Errorf("%s is not before %s", tt.less, tt.more)
			}
			if Compare(tt.less, tt.less) != 0 {
				t.Errorf("%s differs from itself", tt.less)
			}
		})
	}
}

// TestCompareSorts sorts shuffled names.
func TestCompareSorts(t *testing.T) {
	want := make([]string, len(rfc4034Order))
	for i, name := range rfc4034Order {
		want[i] = Canonical(name)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		got := slices.Clone(want)
		random.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		slices.SortFunc(got, Compare)
		if !slices.Equal(got, want) {
			t.Fatalf("sorted into %q", got)
		}
	}
}

// longest has 255 octets in wire format: three labels of 63 octets and one of 61.
var longest = strings.Repeat(strings.Repeat("a", 63)+".", 3) + strings.Repeat("a", 61) + "."

func TestLongestNames(t *testing.T) {
	escaped := strings.Repeat(`\255`, 63) + "." + strings.Repeat(strings.Repeat(`\000`, 63)+".", 2) + strings.Repeat(`\.`, 61) + "."
	manyLabels := strings.Repeat("a.", 127)
	for name, n := range map[string]int{longest: 4, escaped: 4, manyLabels: 127} {
		if got := len(AppendWire(nil, name)); got != 255 {
			t.Errorf("%.20s… has %d octets, want 255", name, got)
		}
		if got := Labels(name); got != n {
			t.Errorf("%.20s… has %d labels, want %d", name, got, n)
		}
		if Compare(name, name) != 0 || Compare(Parent(name), name) >= 0 || Compare(name, Wildcard(name)) >= 0 {
			t.Errorf("%.20s… is not in its place", name)
		}
		if !IsBelow(name, Parent(name)) || IsSubdomain(Parent(name), name) {
			t.Errorf("%.20s… is not below its parent", name)
		}
		if got := Ancestor(name, 1); Labels(got) != 1 || !IsSubdomain(name, got) {
			t.Errorf("%.20s… has the top label %s", name, got)
		}
	}
}

// TestSortKey checks that the sort keys order names as Compare does.
func TestSortKey(t *testing.T) {
	names := []string{".", "a.", "b.a.", "a.b.a.", "z.a.", "a.b.", `\000.a.`, `\001.a.`, `\000\000.a.`, `\001\000.a.`, `\255.a.`, `a\000.a.`, `a\.b.a.`, "a.example.", "*.a.", "-.a.", "aa.a."}
	names = append(names, rfc4034Order...)
	for _, a := range names {
		for _, b := range names {
			a, b := Canonical(a), Canonical(b)
			if got, want := sign(strings.Compare(SortKey(a), SortKey(b))), sign(Compare(a, b)); got != want {
				t.Errorf("the keys of %s and %s: %d, the names: %d", a, b, got, want)
			}
		}
	}
}
