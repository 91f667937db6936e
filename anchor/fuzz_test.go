package anchor

import (
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// seedAnchors are files of trust anchors, with and without errors.
var seedAnchors = []string{
	rootLines[0] + "\n" + rootLines[1] + "\n",
	"# of a private root\n. IN DS 12345 13 2 ( " + strings.Repeat("AB", 16) + "\n " + strings.Repeat("cd", 16) + " ) ; two lines\n",
	"example.\tDNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n",
	". 3600 IN DS 1 8 9 00\n", "(\n", ")\n", "\ufeff. DS\n", ". IN DS 20326 8 2 E06D\n",
}

var fuzzTime = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// checkAnchors fails unless the anchors are the same when they are written as DS records and
// parsed again, and if there are anchors beside an error.
func checkAnchors(t *testing.T, text string) {
	t.Helper()
	anchors, _, err := Parse("file", text, Rules{At: fuzzTime})
	if err != nil {
		if anchors != nil {
			t.Error("anchors beside an error")
		}
		return
	}
	var lines []string
	for _, a := range anchors {
		lines = append(lines, a.DS.String())
	}
	again, _, err := Parse("file", strings.Join(lines, "\n"), Rules{At: fuzzTime})
	if err != nil || len(again) != len(anchors) {
		t.Fatalf("%q is read as %q, and that as %d anchors: %v", text, lines, len(again), err)
	}
	for i := range again {
		if again[i].DS.String() != lines[i] {
			t.Errorf("%s is read as %s", lines[i], again[i].DS)
		}
	}
}

// FuzzAnchorFile: zone-file lines.
func FuzzAnchorFile(f *testing.F) {
	for _, seed := range seedAnchors {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if isXML(text) {
			t.Skip()
		}
		checkAnchors(t, text)
	})
}

// FuzzAnchorXML: root-anchors.xml.
func FuzzAnchorXML(f *testing.F) {
	f.Add(rootAnchorsXML)
	f.Add(strings.ReplaceAll(rootAnchorsXML, "validFrom=", "validUntil="))
	f.Add("<")
	f.Add("<a><Zone>.</Zone><KeyDigest/>")
	f.Fuzz(func(t *testing.T, text string) {
		if !isXML(text) {
			t.Skip()
		}
		checkAnchors(t, text)
	})
}

// FuzzNegativeFile: the lines of files with negative trust anchors.
func FuzzNegativeFile(f *testing.F) {
	f.Add("example\ncorp.internal. until 2027-01-01T00:00:00Z # for a while\n")
	f.Add(". until never\n")
	f.Fuzz(func(t *testing.T, text string) {
		anchors := make(map[string]Negative)
		err := parseNegativeLines("file", text, anchors)
		for zone := range anchors {
			if _, ok := dns.IsDomainName(zone); !ok || zone != dnsname.Canonical(zone) || !isASCII(zone) {
				t.Errorf("%q is read as %v, %v", text, anchors, err)
			}
		}
	})
}
