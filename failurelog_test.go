package dnssecval

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestFailureLine: the form that operators' scripts read.
func TestFailureLine(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA), testzone.DropSignatures("*.wild.csk.example.", typeA))
	for _, tc := range []struct {
		name  string
		qtype uint16
		want  string
	}{
		{"wWw.csk.example.", typeA, `bogus: www\.csk\.example\. A from 192\.0\.2\.99: signature_expired: RRSIG A www\.csk\.example\. by csk\.example\. \(tag \d+\) expired \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`},
		{"x.wild.csk.example.", typeA, `bogus: x\.wild\.csk\.example\. A from 192\.0\.2\.99: signature_missing: no RRSIG A x\.wild\.csk\.example\.`},
	} {
		out := captureLog(t)
		v := newTestValidator(t, w, "log-failures")
		ask(t, v, tc.name, tc.qtype, withDO)
		line := regexp.MustCompile(`^\[WARNING\] plugin/dnssecval: ` + tc.want + "\n$")
		if !line.MatchString(out.String()) {
			t.Errorf("logged %q, want %s", out, line)
		}
		for range 3 {
			ask(t, v, tc.name, tc.qtype, withDO)
		}
		if strings.Count(out.String(), "\n") != 1 {
			t.Errorf("logged again: %q", out)
		}
	}
	out := captureLog(t)
	ask(t, newTestValidator(t, w), "www.csk.example.", typeA, withDO)
	if out.Len() > 0 {
		t.Errorf("logged without log-failures: %q", out)
	}
}

// TestHeldBack: a line per name and reason in a while, and so many in all; what was
// held back is told with the next line.
func TestHeldBack(t *testing.T) {
	out := captureLog(t)
	l := newFailureLog(clog.NewWithPlugin("dnssecval"))
	now := time.Now()
	failure := dnssec.Finding{Status: dnssec.Bogus, Reason: dnssec.SignatureExpired}
	log := func(name string) { l.log(question{name, typeA}, "192.0.2.99", failure, now) }
	for range 10 {
		log("one.example.")
	}
	l.log(question{"one.example.", typeA}, "192.0.2.99", dnssec.Finding{Status: dnssec.Bogus, Reason: dnssec.DenialMissing}, now)
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d lines: %s", n, out)
	}
	out.Reset()
	now = now.Add(time.Minute)
	log("one.example.")
	if want := "bogus: one.example. A from 192.0.2.99: signature_expired: the expiration lies in the past (9 more held back)\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("%q, want %q", out, want)
	}
	out.Reset()
	for i := range 100000 {
		log(fmt.Sprintf("x%d.example.", i))
	}
	if n := strings.Count(out.String(), "\n"); n != linesPerTick-1 || l.seen.Len() > loggedNames {
		t.Errorf("%d lines for many names, %d are remembered", n, l.seen.Len())
	}
	out.Reset()
	now = now.Add(time.Minute)
	log("two.example.")
	if want := fmt.Sprintf("(%d more held back)\n", 100000-linesPerTick+1); !strings.HasSuffix(out.String(), want) {
		t.Errorf("%q, want %q", out, want)
	}
}

// TestOddNames: a name can't end the line nor look like the next part of it.
func TestOddNames(t *testing.T) {
	w := exampleWorld(t)
	for _, label := range []string{"a\nbogus", "a\r\n[ERROR] ", "\x1b[31m", "tab\there", "sp ace", `qu"ote`, `back\slash`, "nul\x00", "\xff\xfe", "dot.ted"} {
		out := captureLog(t)
		v := newTestValidator(t, w, "log-failures")
		intercept(w, testzone.Question{Name: ".", Type: dns.TypeDNSKEY}, lost)
		q := newQuestion(wireName(t, label, "example."), typeA, withDO)
		exchange(t, v, q)
		line := regexp.MustCompile(`^\[WARNING\] plugin/dnssecval: bogus: [!-~]+\.example\. A from 192\.0\.2\.99: dnskey_unavailable: DNSKEY \.: [ -~]+\n$`)
		if !line.MatchString(out.String()) {
			t.Errorf("%q: logged %q", label, out)
		}
	}
}

// wireName makes a name with a label of any octets, as it comes from the wire.
func wireName(t *testing.T, label, zone string) string {
	t.Helper()
	wire := append([]byte{byte(len(label))}, label...)
	rest := make([]byte, 256)
	n, err := dns.PackDomainName(zone, rest, 0, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	name, _, err := dns.UnpackDomainName(append(wire, rest[:n]...), 0)
	if err != nil {
		t.Fatal(err)
	}
	return name
}
