package anchor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const (
	ksk2017Key = ". 172800 IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU="
	ksk2017    = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
	ksk2024    = ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"
)

// made is a time at which all anchors of the tests are in force.
var made = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// line returns a trust anchor of a zone.
func line(zone string) string { return zone + " IN DS 12345 13 2 " + strings.Repeat("AB", 32) }

// parsed parses trust anchors.
func parsed(t *testing.T, lines ...string) []Anchor {
	t.Helper()
	anchors, _, err := Parse("test", strings.Join(lines, "\n"), Rules{At: made})
	if err != nil {
		t.Fatal(err)
	}
	return anchors
}

func tags(anchors []Anchor) (tags []uint16) {
	for _, a := range anchors {
		tags = append(tags, a.DS.KeyTag)
	}
	return tags
}

// TestRoot: the built-in trust anchors can be read, and are those of IANA.
func TestRoot(t *testing.T) {
	set := Root()
	if got := tags(set.Anchors(".")); !slices.Equal(got, []uint16{20326, 38696}) {
		t.Errorf("the key tags are %v", got)
	}
	if got := set.String(); got != ". 20326 (built in) 38696 (built in)" {
		t.Errorf("String is %q", got)
	}
	for i, want := range []string{ksk2017, ksk2024} {
		if got := set.Anchors(".")[i].DS; !strings.EqualFold(strings.Join(strings.Fields(got.String())[3:], " "), strings.Join(strings.Fields(want)[2:], " ")) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestNewSet: configured anchors replace the built-in ones of their zones. A built-in key of
// the root gets its successor.
func TestNewSet(t *testing.T) {
	for _, test := range []struct {
		name    string
		lines   []string
		root    []uint16 // key tags
		warning bool
	}{
		{name: "KSK-2017 alone", lines: []string{ksk2017}, root: []uint16{20326, 38696}, warning: true},
		{name: "KSK-2017 alone as a DNSKEY", lines: []string{ksk2017Key}, root: []uint16{20326, 38696}, warning: true},
		{name: "KSK-2017 alone in lower case", lines: []string{strings.ToLower(ksk2017)}, root: []uint16{20326, 38696}, warning: true},
		{name: "both keys", lines: []string{ksk2017, ksk2024}, root: []uint16{20326, 38696}},
		{name: "both keys in the other order", lines: []string{ksk2024, ksk2017}, root: []uint16{38696, 20326}},
		{name: "KSK-2024 alone", lines: []string{ksk2024}, root: []uint16{38696}},
		{name: "private root", lines: []string{line(".")}, root: []uint16{12345}},
		{name: "private root and KSK-2017", lines: []string{line("."), ksk2017}, root: []uint16{12345, 20326, 38696}, warning: true},
		{name: "another zone", lines: []string{line("example.")}, root: []uint16{20326, 38696}},
		{name: "none", lines: nil, root: []uint16{20326, 38696}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var anchors []Anchor
			if test.lines != nil {
				anchors = parsed(t, test.lines...)
			}
			set, warnings := NewSet(anchors)
			if got := tags(set.Anchors(".")); !slices.Equal(got, test.root) {
				t.Errorf("the key tags of the root are %v, want %v", got, test.root)
			}
			if len(warnings) > 0 != test.warning || test.warning && !strings.Contains(warnings[0], `"`+ksk2024+`"`) {
				t.Errorf("the warnings are %q", warnings)
			}
		})
	}
}

// TestNew: a record gives the same anchor as its line.
func TestNew(t *testing.T) {
	for _, test := range []struct {
		name, line string
		rules      Rules
		want       string // part of the error
	}{
		{name: "DS", line: ksk2017},
		{name: "DNSKEY", line: ksk2017Key},
		{name: "SHA-1", line: strings.Replace(line("example."), " 13 ", " 7 ", 1), want: "allow-sha1"},
		{name: "SHA-1 allowed", line: strings.Replace(line("example."), " 13 ", " 7 ", 1), rules: Rules{AllowSHA1: true}},
		{name: "another type", line: "example. A 192.0.2.1", want: "not A"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rr, err := dns.NewRR(test.line)
			if err != nil {
				t.Fatal(err)
			}
			a, err := New(rr, "program", test.rules)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%v, want %s", err, test.want)
				}
				return
			}
			if err != nil || a.Source != "program" || a.Zone() != rr.Header().Name {
				t.Errorf("%+v, %v", a, err)
			}
			if again, _, err := Parse("line", test.line, test.rules); err != nil || len(again) != 1 || again[0].DS.Digest != a.DS.Digest {
				t.Errorf("%+v, %v from the line", again, err)
			}
		})
	}
}

// TestClosest: the deepest anchor at or above a name counts (RFC 6840, appendix C.1). Of two
// for the same zone it is the negative one (RFC 7646, section 2).
func TestClosest(t *testing.T) {
	const end = "2026-11-02T00:00:00Z"
	for _, test := range []struct {
		name     string
		positive []string // zones
		negative []string // zone, or "zone until time"
		noRoot   bool
		closest  map[string]string // of names: zone and kind
	}{
		{
			name:    "root alone",
			closest: map[string]string{".": ". positive", "www.example.": ". positive"},
		},
		{
			name: "nested trust anchors", positive: []string{"example.", "a.b.example."},
			closest: map[string]string{
				"test.": ". positive", "example.": "example. positive", "b.example.": "example. positive",
				"a.b.example.": "a.b.example. positive", "x.a.b.example.": "a.b.example. positive", "x.b.example.": "example. positive",
			},
		},
		{
			name: "negative below positive", positive: []string{"example."}, negative: []string{"broken.example"},
			closest: map[string]string{"www.example.": "example. positive", "broken.example.": "broken.example. disabled", "www.broken.example.": "broken.example. disabled"},
		},
		{
			name: "positive below negative", positive: []string{"good.broken.example."}, negative: []string{"broken.example"},
			closest: map[string]string{"www.broken.example.": "broken.example. disabled", "www.good.broken.example.": "good.broken.example. positive"},
		},
		{
			name: "negative below positive below negative", positive: []string{"b.example."}, negative: []string{"example", "a.b.example"},
			closest: map[string]string{"www.example.": "example. disabled", "www.b.example.": "b.example. positive", "www.a.b.example.": "a.b.example. disabled"},
		},
		{
			name: "both for a zone", positive: []string{"example."}, negative: []string{"example"},
			closest: map[string]string{"www.example.": "example. disabled", "test.": ". positive"},
		},
		{
			name: "names that end alike", positive: []string{"a.example."}, negative: []string{"b.example"},
			closest: map[string]string{"xa.example.": ". positive", "xb.example.": ". positive", `x\.b.example.`: ". positive"},
		},
		{
			name: "negative for the root", negative: []string{"."}, positive: []string{"example."},
			closest: map[string]string{".": ". disabled", "test.": ". disabled", "www.example.": "example. positive"},
		},
		{
			name: "negative that has ended", positive: []string{"example."}, negative: []string{"example until 2026-10-31T00:00:00Z", "test until 2026-11-01T00:00:00Z"},
			closest: map[string]string{"www.example.": "example. positive", "www.test.": ". positive"},
		},
		{
			name: "negative that has not ended", negative: []string{"example until " + end},
			closest: map[string]string{"www.example.": "example. disabled"},
		},
		{
			name: "no root", noRoot: true, positive: []string{"example."}, negative: []string{"test"},
			closest: map[string]string{".": ". none", "other.": ". none", "www.example.": "example. positive", "test.": "test. disabled"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := Root()
			if test.noRoot {
				set.Replace(".", nil)
			}
			for _, zone := range test.positive {
				set.Replace(zone, parsed(t, line(zone)))
			}
			for _, words := range test.negative {
				zones, n, err := ParseNegative(strings.Fields(words))
				if err != nil {
					t.Fatal(err)
				}
				set.Disable(n, zones...)
			}
			for name, want := range test.closest {
				zone, kind := set.Closest(name, made)
				if got := zone + " " + kindNames[kind]; got != want {
					t.Errorf("%s: %s, want %s", name, got, want)
				}
			}
		})
	}
}

var kindNames = map[Kind]string{None: "none", Positive: "positive", Disabled: "disabled"}

// TestEnable: without its negative trust anchor a zone has the anchor above it again.
func TestEnable(t *testing.T) {
	set := Root()
	set.Disable(Negative{}, "Example", "test.")
	if got := set.NegativeZones(); !slices.Equal(got, []string{"example.", "test."}) {
		t.Errorf("the zones are %q", got)
	}
	set.Enable("EXAMPLE")
	if _, kind := set.Closest("www.example.", made); kind != Positive {
		t.Errorf("the kind is %s", kindNames[kind])
	}
	if _, ok := set.Negative("example."); ok {
		t.Error("the negative trust anchor is still there")
	}
	if n, ok := set.Negative("test."); !ok || !n.InForce(made) {
		t.Errorf("of the other zone: %v, %t", n, ok)
	}
}

// TestClone: changes of a clone do not change the set, nor the other way round.
func TestClone(t *testing.T) {
	changes := []struct {
		name   string
		change func(*Set)
	}{
		{name: "replace", change: func(s *Set) { s.Replace("example.", parsed(t, line("example."), line("example."))) }},
		{name: "remove", change: func(s *Set) { s.Replace("example.", nil) }},
		{name: "add", change: func(s *Set) { s.Replace("other.", parsed(t, line("other."))) }},
		{name: "disable", change: func(s *Set) { s.Disable(Negative{Until: made}, "test.", "other.") }},
		{name: "enable", change: func(s *Set) { s.Enable("test.") }},
	}
	original := func() *Set {
		set, _ := NewSet(parsed(t, ksk2017, line("example.")))
		set.Disable(Negative{}, "test.")
		return set
	}
	describe := func(s *Set) string {
		n, _ := s.Negative("test.")
		return s.String() + " " + n.Until.String()
	}
	for _, test := range changes {
		t.Run(test.name, func(t *testing.T) {
			set := original()
			clone := set.Clone()
			before := describe(set)
			if got := describe(clone); got != before {
				t.Errorf("the clone is %s, want %s", got, before)
			}
			test.change(clone)
			if describe(clone) == before {
				t.Error("nothing was changed")
			}
			if got := describe(set); got != before {
				t.Errorf("the set is %s, want %s", got, before)
			}
			clone = set.Clone()
			test.change(set)
			if got := describe(clone); got != before {
				t.Errorf("the clone is %s, want %s", got, before)
			}
		})
	}
}

// TestZones: zones are in canonical order.
func TestZones(t *testing.T) {
	set, _ := NewSet(parsed(t, line("b.example."), line("test."), line("EXAMPLE."), line("a.b.example.")))
	if got := set.Zones(); !slices.Equal(got, []string{".", "example.", "b.example.", "a.b.example.", "test."}) {
		t.Errorf("%q", got)
	}
}
