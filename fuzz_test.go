package dnssecval

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// seedAnchors are files of trust anchors, good ones and bad.
var seedAnchors = []string{
	builtin[0] + "\n" + builtin[1] + "\n",
	"# of a private root\n. IN DS 12345 13 2 ( " + strings.Repeat("AB", 16) + "\n " + strings.Repeat("cd", 16) + " ) ; two lines\n",
	"example.\tDNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n",
	". 3600 IN DS 1 8 9 00\n", "(\n", ")\n", "\ufeff. DS\n", ". IN DS 20326 8 2 E06D\n",
}

var fuzzTime = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// checkAnchors wants what was read to be the same when it is read again as DS lines, and
// no anchors beside an error.
func checkAnchors(t *testing.T, text string) {
	t.Helper()
	anchors, err := parseAnchors("file", text, dnssec.Policy{}, fuzzTime)
	if err != nil {
		if anchors != nil {
			t.Error("half of a bad file is used")
		}
		return
	}
	var lines []string
	for _, a := range anchors {
		lines = append(lines, a.ds.String())
	}
	again, err := parseAnchors("file", strings.Join(lines, "\n"), dnssec.Policy{}, fuzzTime)
	if err != nil || len(again) != len(anchors) {
		t.Fatalf("%q is read as %q, and that as %d anchors: %v", text, lines, len(again), err)
	}
	for i := range again {
		if again[i].ds.String() != lines[i] {
			t.Errorf("%s is read as %s", lines[i], again[i].ds)
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
		anchors := make(map[string]negativeAnchor)
		err := parseNegativeLines("file", text, anchors)
		for zone := range anchors {
			if _, ok := dns.IsDomainName(zone); !ok || zone != dnsname.Canonical(zone) || !isASCII(zone) {
				t.Errorf("%q is read as %v, %v", text, anchors, err)
			}
		}
	})
}

// FuzzCorefile: what stands in the block of the directive.
func FuzzCorefile(f *testing.F) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		f.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "dnssec {")[1:] {
		block, _, _ = strings.Cut(block, "}")
		f.Add(block)
	}
	f.Add("validate\nvalidate")
	f.Add("serve\nsignature-skew 24h 1h")
	f.Add("validate\noverride-date 20261101000000\nauto-trust-anchor x")
	f.Add("validate\n} extra {")
	f.Fuzz(func(t *testing.T, block string) {
		conf, err := parse(caddy.NewTestController("dns", "dnssec . {\n"+block+"\n}"), "dnssec")
		switch {
		case err != nil:
		case !conf.validate && !conf.serve:
			t.Errorf("%q does nothing, and is no error", block)
		case conf.capacity < 1 || conf.policy.Skew.Min < 0 || conf.policy.Skew.Max < conf.policy.Skew.Min:
			t.Errorf("%q is read as %+v", block, conf)
		}
	})
}
