package real

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// lineBreakages has the breakages that cause the log lines in
// docs/troubleshooting.md.
var lineBreakages = map[string]testzone.Breakage{
	"expired.test.":      testzone.Expired("www.expired.test.", dns.TypeA),
	"early.test.":        testzone.NotYetValid("early.test.", dns.TypeDNSKEY),
	"stripped.test.":     testzone.DropSignatures("mail.stripped.test.", dns.TypeMX),
	"changed.test.":      testzone.ChangeRDATA("www.changed.test.", dns.TypeAAAA),
	"old-ds.test.":       testzone.WrongDSTag(),
	"rolled.test.":       testzone.RemoveZSK(),
	"revoked.test.":      testzone.SetRevoke(testzone.KSK),
	"unproven.test.":     testzone.DropDenialOf("nobody.unproven.test."),
	"contradicted.test.": testzone.SetTypeBit("www.contradicted.test.", dns.TypeMX),
	"wildcard.test.":     testzone.DropWildcardProofs(),
}

// TestLogLines checks that the server writes the log lines of the page, except
// for key tags, times and clients, and that the client gets the same reason.
func TestLogLines(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Ten lines\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var lines []string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "[WARNING] plugin/dnssec: bogus: ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) != len(lineBreakages) {
		t.Errorf("the page has %d lines", len(lines))
	}
	p := start(t, lineWorld(t), `.:PORT {
		bind 127.0.0.1
		forward . UPSTREAM
		dnssec {
			validate
			log-failures
			trust-anchor ANCHORS
		}
	}`)
	for _, line := range lines {
		words := strings.Fields(strings.TrimPrefix(line, "[WARNING] plugin/dnssec: bogus: "))
		if answer := p.ask(t, words[0]+" "+words[1], "do"); !strings.HasPrefix(answer, "SERVFAIL opt ede=") || !strings.HasSuffix(answer, "/"+strings.TrimSuffix(words[4], ":")) {
			t.Errorf("%s is answered %s", line, answer)
		}
		if got := p.logs(t, "bogus: "+words[0]+" "+words[1]); normalLine(got) != normalLine(line) {
			t.Errorf("the page has\n%s\nthe server writes\n%s", line, got)
		}
	}
}

func lineWorld(t *testing.T) *testzone.World {
	t.Helper()
	specs := make([]testzone.Spec, 0, len(lineBreakages))
	for zone := range lineBreakages {
		if zone == "expired.test." { // it exists in newWorld
			continue
		}
		specs = append(specs, testzone.Spec{Name: zone, Algorithm: dns.ECDSAP256SHA256,
			Records: []string{"www A 192.0.2.1", "www AAAA 2001:db8::1", "mail MX 10 www", "*.shop A 192.0.2.9"}})
	}
	w := newWorld(t, specs...)
	for zone, b := range lineBreakages {
		if zone != "expired.test." {
			breakZone(t, w, zone, b)
		}
	}
	return w
}

var variable = regexp.MustCompile(`\btag \d+|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|from [\d.]+:`)

func normalLine(line string) string {
	_, line, _ = strings.Cut(line, "bogus: ")
	return variable.ReplaceAllString(line, "…")
}
