package dnssecval

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/dnssecval/dnssecval/internal/statuspage"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestFailureLine: the form of a line, which scripts of operators read.
func TestFailureLine(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA), testzone.DropSignatures("*.wild.csk.example.", typeA))
	for _, tc := range []struct{ name, want string }{
		{name: "wWw.csk.example.", want: `bogus: www\.csk\.example\. A from 192\.0\.2\.99: signature_expired: RRSIG A www\.csk\.example\. by csk\.example\. \(tag \d+\) expired \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`},
		{name: "x.wild.csk.example.", want: `bogus: x\.wild\.csk\.example\. A from 192\.0\.2\.99: signature_missing: no RRSIG A x\.wild\.csk\.example\.`},
	} {
		out := captureLog(t)
		h := newTestHandler(t, w, "log-failures")
		ask(t, h, tc.name, typeA, wantDO)
		line := regexp.MustCompile(`^\[WARNING\] plugin/dnssecval: ` + tc.want + "\n$")
		if !line.MatchString(out.String()) {
			t.Errorf("logged %q, want %s", out, line)
		}
		for range 3 {
			ask(t, h, tc.name, typeA, wantDO)
		}
		if strings.Count(out.String(), "\n") != 1 {
			t.Errorf("logged again: %q", out)
		}
	}
	out := captureLog(t)
	ask(t, newTestHandler(t, w), "www.csk.example.", typeA, wantDO)
	if out.String() != "" {
		t.Errorf("logged without log-failures: %q", out)
	}
}

// TestHeldBack: there is one line a minute for a name and reason, and a limited number in all.
// The next line has the number of those that were left out.
func TestHeldBack(t *testing.T) {
	out := captureLog(t)
	l := newFailureLog(clog.NewWithPlugin("dnssecval"))
	now := time.Now()
	failure := dnssec.Finding{Status: dnssec.Bogus, Reason: dnssec.SignatureExpired}
	log := func(name string) { l.log(question{name: name, qtype: typeA}, "192.0.2.99", failure, now) }
	for range 10 {
		log("one.example.")
	}
	l.log(question{name: "one.example.", qtype: typeA}, "192.0.2.99", dnssec.Finding{Status: dnssec.Bogus, Reason: dnssec.DenialMissing}, now)
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

// TestOddNames: a name neither ends the line nor looks like the next part of it.
func TestOddNames(t *testing.T) {
	w := exampleWorld(t)
	for _, label := range []string{"a\nbogus", "a\r\n[ERROR] ", "\x1b[31m", "tab\there", "sp ace", `qu"ote`, `back\slash`, "nul\x00", "\xff\xfe", "dot.ted"} {
		out := captureLog(t)
		h := newTestHandler(t, w, "log-failures")
		intercept(w, testzone.Question{Name: ".", Type: dns.TypeDNSKEY}, lost)
		q := newQuestion(wireName(t, label, "example."), typeA, wantDO)
		exchange(t, h, q)
		line := regexp.MustCompile(`^\[WARNING\] plugin/dnssecval: bogus: [!-~]+\.example\. A from 192\.0\.2\.99: dnskey_unavailable: DNSKEY \.: [ -~]+\n$`)
		if !line.MatchString(out.String()) {
			t.Errorf("%q: logged %q", label, out)
		}
	}
}

// wireName makes a name with a label of any octets, as it is read from a message.
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

// ownPage serves a page at a free address for a block, until the test ends.
func ownPage(t *testing.T, b *block) *statuspage.Page {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	_ = l.Close()
	p, err := statuspage.Join(addr, b, exportedCounters)
	if err != nil {
		t.Fatal(err)
	}
	b.servers, b.journal = []string{"dns://:53"}, p.Journal()
	t.Cleanup(func() { p.Leave(b) })
	return p
}

// shown returns a page, or its JSON form.
func shown(p *statuspage.Page, path string) *httptest.ResponseRecorder {
	r, w := httptest.NewRequest("GET", path, nil), httptest.NewRecorder()
	r.Host = "127.0.0.1:9253"
	p.ServeHTTP(w, r)
	return w
}

// readStatus decodes the JSON form.
func readStatus(t *testing.T, p *statuspage.Page) (s statuspage.View) {
	t.Helper()
	w := shown(p, "/json")
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return s
}

// TestStatus: what a page has after a few questions, in both forms.
func TestStatus(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA))
	h := newTestHandler(t, w, "negative-trust-anchor corp until 2020-01-01T00:00:00Z")
	h.directive = ownMetrics(h.block)
	p := ownPage(t, h.block)
	for _, name := range []string{"www.example.", "www.unsigned.example.", "www.csk.example.", "www.csk.example."} {
		ask(t, h, name, typeA, wantDO)
	}
	s := readStatus(t, p)
	if len(s.Blocks) != 1 || len(s.Failures) != 1 {
		t.Fatalf("%+v", s)
	}
	b, f := s.Blocks[0], s.Failures[0]
	if len(b.Anchors) != 1 || b.Anchors[0].Zone != "." || b.Anchors[0].State != "valid" || len(b.Negative) != 1 || b.Negative[0].Zone != "corp." || !b.Negative[0].Ended {
		t.Errorf("%+v", b)
	}
	known := map[string]string{}
	for _, z := range b.Known {
		known[z.Name] = z.Status + " " + z.Reason
	}
	if want := "map[.:secure none csk.example.:secure none example.:secure none unsigned.example.:insecure delegation_insecure]"; fmt.Sprint(known) != want || b.KnownInAll != 4 {
		t.Errorf("%d zones are known: %v", b.KnownInAll, known)
	}
	if f.Name != "www.csk.example." || f.Type != "A" || f.Client != "192.0.2.99" || f.Zone != "csk.example." || f.Reason != "signature_expired" || f.Times != 2 ||
		!strings.HasPrefix(f.Detail, "signature_expired: RRSIG A www.csk.example. by csk.example. ") || f.Remedy != dnssec.SignatureExpired.Remedy() {
		t.Errorf("%+v", f)
	}
	if shares := s.Shares(); len(shares) != 4 || shares[0] != (statuspage.Share{Status: "secure", Count: 1, Percent: 25}) || shares[1] != (statuspage.Share{Status: "insecure", Count: 1, Percent: 25}) || shares[3] != (statuspage.Share{Status: "bogus", Count: 2, Percent: 50}) {
		t.Errorf("%+v", shares)
	}
	html := shown(p, "/").Body.String()
	for _, want := range []string{"<code>www.csk.example. A</code>", "signature_expired: RRSIG A", "<code>unsigned.example.</code>", "2020-01-01T00:00:00Z</time> (ended)", "Zones known: 4</h3>"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page has no %s", want)
		}
	}
}

// TestStatusHostileNames: what comes from the network is shown as text, in both forms.
func TestStatusHostileNames(t *testing.T) {
	w := exampleWorld(t)
	h := newTestHandler(t, w)
	p := ownPage(t, h.block)
	intercept(w, testzone.Question{Name: ".", Type: dns.TypeDNSKEY}, lost)
	labels := []string{`<script>alert(1)</script>`, `"><img src=x onerror=a>`, `</code></td>`, `{{.Failures}}`, "\x00\r\n<i>", "\xff\xfe\xe2\x80\xae"}
	for _, label := range labels {
		exchange(t, h, newQuestion(wireName(t, label, "example."), typeA, wantDO))
	}
	if n := len(readStatus(t, p).Failures); n != len(labels) {
		t.Errorf("%d failures, want %d", n, len(labels))
	}
	for _, path := range []string{"/", "/json"} {
		body := shown(p, path).Body.String()
		for _, bad := range []string{"<script", "<img", "<i>", "\x00", "\xff", "\u202e"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s has %q", path, bad)
			}
		}
		if n := strings.Count(body, "<table>"); path == "/" && n != strings.Count(body, "</table>") {
			t.Errorf("%d tables begin", n)
		}
	}
}

// TestStatusKnownZones: the zones that were used last are shown, and how many there are. Those
// that the validator of the served zones knows are shown behind.
func TestStatusKnownZones(t *testing.T) {
	w := exampleWorld(t)
	b, _, err := configure("dnssecval . {\nvalidate\nserve\ntrust-anchor "+anchorFile(t, w.Anchors(".")...)+"\n}", "dnssecval")
	if err != nil {
		t.Fatal(err)
	}
	withBlocks(b.handler, serverBlock(".", forward(".", w)))
	b.server.exchanger.routes, b.server.served = b.handler.exchanger.routes, new(placement.Served)
	for _, zone := range []string{"csk.example.", "unsigned.example."} {
		ask(t, b.handler, "www."+zone, typeA, wantDO)
	}
	b.server.engine.Zone(t.Context(), ".")
	if shown := b.View(1); len(shown.Known) != 1 || shown.Known[0].Name != "unsigned.example." || shown.KnownInAll != 5 {
		t.Errorf("%d zones are known, %+v are shown", shown.KnownInAll, shown.Known)
	}
	if shown := b.View(10); len(shown.Known) != 5 || shown.Known[0].Name != "unsigned.example." || shown.Known[4].Name != "." {
		t.Errorf("%+v are shown", shown.Known)
	}
}

// TestStatusWarning: the operator is warned of a page that other machines may reach.
func TestStatusWarning(t *testing.T) {
	for _, tc := range []struct {
		address  string
		warnings int
	}{{address: "0.0.0.0:9253", warnings: 1}, {address: ":9253", warnings: 0}} {
		if _, warnings, err := configure("dnssecval . {\nvalidate\nstatus "+tc.address+"\n}", "dnssecval"); err != nil || len(warnings) != tc.warnings {
			t.Errorf("%s: %q, %v", tc.address, warnings, err)
		}
	}
}

// published is what the metadata plugin has of an answer once it is written.
type published struct{ status, reason, zone string }

func askPublished(h plugin.Handler, name string, b bits) published {
	ctx := metadata.ContextWithMetadata(context.Background())
	_, _ = h.ServeDNS(ctx, new(testWriter), newQuestion(name, typeA, b))
	value := func(label string) string {
		if f := metadata.ValueFunc(ctx, "dnssec/"+label); f != nil {
			return f()
		}
		return ""
	}
	return published{value("status"), value("reason"), value("zone")}
}

// TestPublished: what is published of the first answer, and of one from a cache.
func TestPublished(t *testing.T) {
	host := []string{"www A 192.0.2.1"}
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: host}, testzone.Spec{Name: "unsigned.example.", Records: host},
		testzone.Spec{Name: "csk.example.", Algorithm: p256, Records: host}, testzone.Spec{Name: "negative.example.", Records: host})
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA))
	h := newTestHandler(t, w, "negative-trust-anchor negative.example")
	local := plugin.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		if r.Question[0].Name == "local.example." {
			return dns.RcodeSuccess, w.WriteMsg(new(dns.Msg).SetReply(r))
		}
		return h.ServeDNS(ctx, w, r)
	})
	outer := newExplainer(h.block, withoutEDNS(local))
	unknown := published{status: "none", reason: "none", zone: "none"}
	secure := published{status: "secure", reason: "none", zone: "example."}
	bogus := published{status: "bogus", reason: "signature_expired", zone: "csk.example."}
	insecure := published{status: "insecure", reason: "delegation_insecure", zone: "unsigned.example."}
	disabled := published{status: "insecure", reason: "negative_trust_anchor", zone: "negative.example."}
	for _, tc := range []struct {
		what, name string
		bits       bits
		first, hit published
	}{
		{what: "secure", name: "www.example.", bits: wantDO, first: secure, hit: secure},
		{what: "without DO and AD, where a hit has no AD", name: "none.example.", first: secure, hit: unknown},
		{what: "bogus", name: "www.csk.example.", first: bogus, hit: bogus},
		{what: "unsigned", name: "www.unsigned.example.", bits: wantDO, first: insecure, hit: unknown},
		{what: "negative trust anchor", name: "www.negative.example.", bits: wantDO, first: disabled, hit: disabled},
		{what: "data of the block's own", name: "local.example.", bits: wantDO, first: unknown, hit: unknown},
	} {
		if got := askPublished(outer, tc.name, tc.bits); got != tc.first {
			t.Errorf("%s: %+v, want %+v", tc.what, got, tc.first)
		}
		if got := askPublished(outer, tc.name, tc.bits); got != tc.hit {
			t.Errorf("%s, from a cache: %+v, want %+v", tc.what, got, tc.hit)
		}
	}
	if got := askPublished(newExplainer(h.block, h), "www.example.", bits{cd: true}); got != unknown {
		t.Errorf("with CD: %+v", got)
	}
	if got := askPublished(newExplainer(h.block, h), "www.csk.example.", bits{edns: true}); got != bogus {
		t.Errorf("of a kept failure: %+v", got)
	}
}
