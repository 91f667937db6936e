package dnsname

import (
	"bytes"
	"testing"
)

func TestCanonical(t *testing.T) {
	for name, want := range map[string]string{
		"": ".", ".": ".", "Example": "example.", "WWW.Example.ORG.": "www.example.org.", "a.b.": "a.b.",
		`A\.B.example.`: `a\.b.example.`, `\195\132.example.`: `\195\132.example.`, "a-Z_0.": "a-z_0.",
	} {
		if got := Canonical(name); got != want {
			t.Errorf("Canonical(%q) is %q, want %q", name, got, want)
		}
	}
}

func TestIsSubdomain(t *testing.T) {
	tests := []struct {
		name, child, parent string
		want, below         bool
	}{
		{name: "itself", child: "example.com.", parent: "example.com.", want: true},
		{name: "a label more", child: "www.example.com.", parent: "example.com.", want: true, below: true},
		{name: "several labels more", child: "a.b.c.example.com.", parent: "com.", want: true, below: true},
		{name: "text suffix that is no label", child: "notexample.com.", parent: "example.com."},
		{name: "one octet in front", child: "xexample.com.", parent: "example.com."},
		{name: "the other way round", child: "com.", parent: "example.com."},
		{name: "siblings", child: "a.example.com.", parent: "b.example.com."},
		{name: "all is below the root", child: "com.", parent: ".", want: true, below: true},
		{name: "the root itself", child: ".", parent: ".", want: true},
		{name: "the root is below nothing", child: ".", parent: "com."},
		{name: "escaped dot before the suffix", child: `www\.example.com.`, parent: "example.com."},
		{name: "escaped backslash before the dot", child: `www\\.example.com.`, parent: "example.com.", want: true, below: true},
		{name: "escaped backslash and escaped dot", child: `www\\\.example.com.`, parent: "example.com."},
		{name: "two escaped backslashes", child: `www\\\\.example.com.`, parent: "example.com.", want: true, below: true},
		{name: "octet 046 in decimal", child: `www\046example.com.`, parent: "example.com."},
		{name: "only backslashes in front", child: `\\.com.`, parent: "com.", want: true, below: true},
		{name: "only an escaped dot in front", child: `\.com.`, parent: "com."},
		{name: "parent with an escape", child: `a.b\.c.com.`, parent: `b\.c.com.`, want: true, below: true},
		{name: "wildcard", child: "*.example.com.", parent: "example.com.", want: true, below: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := IsSubdomain(tt.child, tt.parent); got != tt.want {
				t.Errorf("IsSubdomain(%s, %s) is %v", tt.child, tt.parent, got)
			}
			if got := IsBelow(tt.child, tt.parent); got != tt.below {
				t.Errorf("IsBelow(%s, %s) is %v", tt.child, tt.parent, got)
			}
		})
	}
}

func TestParentAndLabels(t *testing.T) {
	tests := []struct {
		name           string
		parent         string
		labels, signed int
	}{
		{name: ".", parent: ".", labels: 0, signed: 0},
		{name: "com.", parent: ".", labels: 1, signed: 1},
		{name: "example.com.", parent: "com.", labels: 2, signed: 2},
		{name: "*.", parent: ".", labels: 1, signed: 0},
		{name: "*.example.com.", parent: "example.com.", labels: 3, signed: 2},
		{name: "a.*.com.", parent: "*.com.", labels: 3, signed: 3},
		{name: "*a.com.", parent: "com.", labels: 2, signed: 2},
		{name: `a\.b.com.`, parent: "com.", labels: 2, signed: 2},
		{name: `a\\.b.com.`, parent: "b.com.", labels: 3, signed: 3},
		{name: `\000.com.`, parent: "com.", labels: 2, signed: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Parent(tt.name); got != tt.parent {
				t.Errorf("the parent is %s, want %s", got, tt.parent)
			}
			if got := Labels(tt.name); got != tt.labels {
				t.Errorf("%d labels, want %d", got, tt.labels)
			}
			if got := SignedLabels(tt.name); got != tt.signed {
				t.Errorf("%d labels as an RRSIG counts, want %d", got, tt.signed)
			}
		})
	}
}

func TestAncestors(t *testing.T) {
	for _, tt := range []struct {
		n    int
		want string
	}{{-1, "."}, {0, "."}, {1, "com."}, {2, "example.com."}, {3, "www.example.com."}, {9, "www.example.com."}} {
		if got := Ancestor("www.example.com.", tt.n); got != tt.want {
			t.Errorf("the last %d labels are %s, want %s", tt.n, got, tt.want)
		}
	}
	for _, tt := range []struct{ name, encloser, want string }{
		{name: "a.b.example.", encloser: "example.", want: "b.example."},
		{name: "a.b.example.", encloser: "b.example.", want: "a.b.example."},
		{name: "a.b.example.", encloser: ".", want: "example."},
		{name: `a.b\.c.example.`, encloser: "example.", want: `b\.c.example.`},
	} {
		if got := NextCloser(tt.name, tt.encloser); got != tt.want {
			t.Errorf("the next closer name of %s at %s is %s, want %s", tt.name, tt.encloser, got, tt.want)
		}
	}
	for _, tt := range []struct{ a, b, want string }{
		{a: "a.example.", b: "b.example.", want: "example."},
		{a: "a.example.", b: "x.a.example.", want: "a.example."},
		{a: "example.", b: "notexample.", want: "."},
		{a: "a.example.", b: "xa.example.", want: "example."},
		{a: ".", b: "example.", want: "."},
		{a: "a.b.example.", b: `a\.b.example.`, want: "example."},
	} {
		if got := CommonAncestor(tt.a, tt.b); got != tt.want {
			t.Errorf("%s and %s have the common ancestor %s, want %s", tt.a, tt.b, got, tt.want)
		}
		if got := CommonAncestor(tt.b, tt.a); got != tt.want {
			t.Errorf("%s and %s have the common ancestor %s, want %s", tt.b, tt.a, got, tt.want)
		}
	}
}

func TestWildcard(t *testing.T) {
	for encloser, want := range map[string]string{".": "*.", "example.": "*.example.", "*.example.": "*.*.example."} {
		if got := Wildcard(encloser); got != want || !IsWildcard(got) || Parent(got) != encloser {
			t.Errorf("the wildcard at %s is %s, want %s", encloser, got, want)
		}
	}
	for _, name := range []string{".", "example.", "a.*.example.", "*a.example.", `\*.example.`} {
		if IsWildcard(name) {
			t.Errorf("%s is taken for a wildcard", name)
		}
	}
}

func TestAppendWire(t *testing.T) {
	for name, want := range map[string]string{
		".": "\x00", "": "\x00", "com.": "\x03com\x00", "WwW.Com.": "\x03www\x03com\x00",
		`a\.b.c.`: "\x03a.b\x01c\x00", `\000.`: "\x01\x00\x00", `\255\\.`: "\x02\xff\\\x00",
		`\065.`: "\x01a\x00", `a\12.`: "\x03a12\x00",
	} {
		if got := AppendWire([]byte("kept"), name); string(got) != "kept"+want {
			t.Errorf("%s is %q on the wire, want %q", name, got[4:], want)
		}
	}
}

func TestLowerWire(t *testing.T) {
	tests := []struct {
		name, wire, want string
		off, end         int
	}{
		{name: "a name", wire: "\x03WwW\x03CoM\x00", want: "\x03www\x03com\x00", end: 9},
		{name: "the root", wire: "\x00", want: "\x00", end: 1},
		{name: "in the middle", wire: "AB\x01C\x00DE", want: "AB\x01c\x00DE", off: 2, end: 5},
		{name: "a length octet that is a letter", wire: "A" + string(bytes.Repeat([]byte("B"), 65)) + "\x00", want: "A" + string(bytes.Repeat([]byte("b"), 65)) + "\x00", end: 67},
		{name: "no end", wire: "\x01A", want: "\x01a", end: -1},
		{name: "label behind the end", wire: "\x05AB", want: "\x05AB", end: -1},
		{name: "nothing", wire: "", want: "", end: -1},
		{name: "offset behind the end", wire: "\x00", want: "\x00", off: 7, end: -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wire := []byte(tt.wire)
			if end := LowerWire(wire, tt.off); end != tt.end || string(wire) != tt.want {
				t.Errorf("got %q to %d, want %q to %d", wire, end, tt.want, tt.end)
			}
		})
	}
}
