package dnssecval

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// ownPage opens a page at a free address for a validator, until the test ends.
func ownPage(t *testing.T, v *Validator) *statusPage {
	t.Helper()
	v.besides = map[string][]*Validator{"dns://:53": {v}}
	p, err := joinStatusPage(freeAddress(t), statusBlock{zones: v.zones, views: []*Validator{v}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.leave(v) })
	return p
}

func freeAddress(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// shown returns what a page has to say.
func shown(p *statusPage, method, path, host string) *httptest.ResponseRecorder {
	r, w := httptest.NewRequest(method, path, nil), httptest.NewRecorder()
	r.Host = host
	p.ServeHTTP(w, r)
	return w
}

// readStatus decodes the JSON form.
func readStatus(t *testing.T, p *statusPage) (s statusView) {
	t.Helper()
	w := shown(p, "GET", "/json", "127.0.0.1:9253")
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Header().Get("Content-Type") != "application/json" {
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
	if shares := s.Shares(); len(shares) != 4 || shares[0] != (share{"secure", 1, 25}) || shares[1] != (share{"insecure", 1, 25}) || shares[3] != (share{"bogus", 2, 50}) {
		t.Errorf("%+v", shares)
	}
	html := shown(p, "GET", "/", "127.0.0.1:9253").Body.String()
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
		body := shown(p, "GET", path, "127.0.0.1").Body.String()
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

// TestStatusBounds: however much fails and is known, so much is shown.
func TestStatusBounds(t *testing.T) {
	v := newTestValidator(t, exampleWorld(t))
	p := ownPage(t, v)
	q := v.newQuery(t.Context(), new(client), newQuestion("example.", typeA, withDO))
	for i := range 3 * journaled {
		q.question.name = fmt.Sprintf("x%d.example.", i)
		v.journal.note(q, dnssec.Finding{Status: dnssec.Bogus, Reason: dnssec.SignatureExpired})
		v.cache.keepCut(&cut{name: q.question.name, delegation: dnssec.DelegationUnsigned, finding: dnssec.Finding{Status: dnssec.Insecure}, expires: q.until(60), anchors: q.anchors}, q.now)
	}
	s := readStatus(t, p)
	last := fmt.Sprintf("x%d.example.", 3*journaled-1)
	if len(s.Failures) != journaled || s.Failures[0].Name != last {
		t.Errorf("%d failures, %+v first", len(s.Failures), s.Failures[0])
	}
	if b := s.Blocks[0]; len(b.Known) != shownZones || b.KnownInAll != 3*journaled || b.Known[0].Name != last {
		t.Errorf("%d of %d zones, %+v first", len(b.Known), b.KnownInAll, b.Known[0])
	}
}

// TestStatusRequests: which are answered, and with which headers.
func TestStatusRequests(t *testing.T) {
	p := ownPage(t, newTestValidator(t, exampleWorld(t)))
	for _, tc := range []struct {
		method, path, host string
		code               int
	}{
		{"GET", "/", "127.0.0.1:9253", 200}, {"HEAD", "/", "127.0.0.1:9253", 200}, {"GET", "/json", "[::1]:9253", 200}, {"GET", "/json", "localhost", 200},
		{"POST", "/", "127.0.0.1:9253", 405}, {"DELETE", "/json", "127.0.0.1:9253", 405}, {"OPTIONS", "/", "127.0.0.1:9253", 405},
		{"GET", "/favicon.ico", "127.0.0.1:9253", 404}, {"GET", "/json/", "127.0.0.1:9253", 404},
		{"GET", "/json", "rebound.example:9253", 421}, {"GET", "/", "", 421},
	} {
		w := shown(p, tc.method, tc.path, tc.host)
		if w.Code != tc.code {
			t.Errorf("%s %s of %q: %d, want %d", tc.method, tc.path, tc.host, w.Code, tc.code)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %v", tc.method, tc.path, w.Header())
		}
	}
	page := shown(p, "GET", "/", "127.0.0.1")
	_, style, _ := strings.Cut(page.Body.String(), "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	if !strings.Contains(page.Header().Get("Content-Security-Policy"), base64.StdEncoding.EncodeToString(sum[:])) || strings.Contains(page.Body.String(), "<script") {
		t.Error("the page has a style that its policy forbids, or a script")
	}
}

// TestStatusPages: blocks of one address share a page; it stays over a reload, where the
// next block comes before the last one goes, with what it knows; then it ends.
func TestStatusPages(t *testing.T) {
	addr := freeAddress(t)
	join := func() (*Validator, *statusPage) {
		v := newTestValidator(t, exampleWorld(t))
		p, err := joinStatusPage(addr, statusBlock{zones: v.zones, views: []*Validator{v}})
		if err != nil {
			t.Fatal(err)
		}
		return v, p
	}
	get := func() (*http.Response, error) {
		c := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		r, err := c.Get("http://" + addr.String() + "/json")
		if err == nil {
			_ = r.Body.Close()
		}
		return r, err
	}
	one, page := join()
	two, same := join()
	if page != same || len(readStatus(t, page).Blocks) != 2 || one.journal != two.journal {
		t.Errorf("%d blocks", len(page.blocks))
	}
	page.leave(one)
	next, again := join()
	page.leave(two)
	if r, err := get(); err != nil || r.StatusCode != http.StatusOK || again != page || next.journal != two.journal || len(readStatus(t, page).Blocks) != 1 {
		t.Errorf("after the reload: %v, %v", r, err)
	}
	page.leave(next)
	if r, err := get(); err == nil {
		t.Errorf("after the last block: %s", r.Status)
	}
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := joinStatusPage(addr, statusBlock{}); err == nil || !strings.HasSuffix(err.Error(), "address already in use; choose another address, or end what listens there") {
		t.Error(err)
	}
}

// TestStatusAddress: this machine alone, unless another address is written out.
func TestStatusAddress(t *testing.T) {
	for text, want := range map[string]struct {
		addr  string
		warns bool
	}{
		":9253": {"127.0.0.1:9253", false}, "localhost:9253": {"127.0.0.1:9253", false}, "127.0.0.1:9253": {"127.0.0.1:9253", false}, "[::1]:9253": {"[::1]:9253", false},
		"10.0.0.1:9253": {"10.0.0.1:9253", true}, "0.0.0.0:9253": {"0.0.0.0:9253", true}, "[::]:9253": {"[::]:9253", true},
	} {
		var conf config
		if err := statusAddress(&conf, []string{text}); err != nil || conf.status.String() != want.addr {
			t.Errorf("%s: %s, %v", text, conf.status, err)
		}
		if _, warnings := parseBlock(t, "status "+text); len(warnings) > 0 != want.warns {
			t.Errorf("%s: %q", text, warnings)
		}
	}
	if _, warnings := parseBlock(t); len(warnings) > 0 {
		t.Error(warnings)
	}
}
