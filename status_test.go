package dnssecval

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/statuspage"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// ownPage opens a page at a free address for a validator, until the test ends.
func ownPage(t *testing.T, v *Validator) *statuspage.Page {
	t.Helper()
	v.besides = map[string][]*Validator{"dns://:53": {v}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	_ = l.Close()
	b := &statusBlock{zones: v.zones, views: []*Validator{v}}
	p, err := statuspage.Join(addr, b, countersOf)
	if err != nil {
		t.Fatal(err)
	}
	b.keepJournal(p.Journal())
	t.Cleanup(func() { p.Leave(b) })
	return p
}

// shown returns what a page has to say.
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

// TestStatus: what a few questions leave behind, in both forms.
func TestStatus(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA))
	v := newTestValidator(t, w, "negative-trust-anchor corp until 2020-01-01T00:00:00Z")
	subsystem := ownMetrics(v)
	v.directive, v.home = subsystem, "dns://:53"
	p := ownPage(t, v)
	for _, name := range []string{"www.example.", "www.unsigned.example.", "www.csk.example.", "www.csk.example."} {
		ask(t, v, name, typeA, withDO)
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

// TestStatusHostileNames: what comes from the network is text, in both forms.
func TestStatusHostileNames(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	p := ownPage(t, v)
	intercept(w, testzone.Question{Name: ".", Type: dns.TypeDNSKEY}, lost)
	labels := []string{`<script>alert(1)</script>`, `"><img src=x onerror=a>`, `</code></td>`, `{{.Failures}}`, "\x00\r\n<i>", "\xff\xfe\xe2\x80\xae"}
	for _, label := range labels {
		exchange(t, v, newQuestion(wireName(t, label, "example."), typeA, withDO))
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

// TestStatusKnownZones: the zones that were of use last are shown, and how many there are.
func TestStatusKnownZones(t *testing.T) {
	v := newTestValidator(t, exampleWorld(t))
	q := v.newQuery(t.Context(), new(client), newQuestion("example.", typeA, withDO))
	for _, name := range []string{"one.", "two.", "three."} {
		v.cache.keepCut(&cut{name: name, delegation: dnssec.DelegationUnsigned, finding: dnssec.Finding{Status: dnssec.Insecure}, expires: q.until(60), anchors: q.anchors}, q.now)
	}
	zones, all := v.knownZones(2)
	if len(zones) != 2 || all != 3 || zones[0].Name != "three." || zones[1].Name != "two." {
		t.Errorf("%d of %d zones: %+v", len(zones), all, zones)
	}
}

// TestStatusWarning: the operator is warned of a page that other machines may reach.
func TestStatusWarning(t *testing.T) {
	if _, warnings := parseBlock(t, "status 0.0.0.0:9253"); len(warnings) != 1 {
		t.Error(warnings)
	}
	if _, warnings := parseBlock(t, "status :9253"); len(warnings) > 0 {
		t.Error(warnings)
	}
}
