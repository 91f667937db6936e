package statuspage

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// block is a Block that shows what it is told to.
type block struct{ view BlockView }

func (b *block) View(most int) BlockView {
	shown := b.view
	shown.Known = shown.Known[:min(most, len(shown.Known))]
	return shown
}

// noCounters is the Counters of a page that needs none.
func noCounters(string, []string) ([]Counter, error) { return []Counter{}, nil }

// freeAddress returns an address at which nobody listens.
func freeAddress(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// openPage opens a page with one block at a free address, until the test ends.
func openPage(t *testing.T, b *block, counters Counters) *Page {
	t.Helper()
	p, err := Join(freeAddress(t), b, counters)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Leave(b) })
	return p
}

// serve returns the page's answer to a request.
func serve(p *Page, method, path, host string) *httptest.ResponseRecorder {
	r, w := httptest.NewRequest(method, path, nil), httptest.NewRecorder()
	r.Host = host
	p.ServeHTTP(w, r)
	return w
}

// readJSON decodes the JSON form of a page.
func readJSON(t *testing.T, p *Page) (v View) {
	t.Helper()
	w := serve(p, "GET", "/json", "127.0.0.1:9253")
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return v
}

// TestRequests: which requests are answered, and with which headers.
func TestRequests(t *testing.T) {
	p := openPage(t, new(block), noCounters)
	for _, tc := range []struct {
		name, method, path, host string
		code                     int
	}{
		{name: "page", method: "GET", path: "/", host: "127.0.0.1:9253", code: 200},
		{name: "HEAD", method: "HEAD", path: "/", host: "127.0.0.1:9253", code: 200},
		{name: "IPv6", method: "GET", path: "/json", host: "[::1]:9253", code: 200},
		{name: "localhost", method: "GET", path: "/json", host: "localhost", code: 200},
		{name: "POST", method: "POST", path: "/", host: "127.0.0.1:9253", code: 405},
		{name: "DELETE", method: "DELETE", path: "/json", host: "127.0.0.1:9253", code: 405},
		{name: "OPTIONS", method: "OPTIONS", path: "/", host: "127.0.0.1:9253", code: 405},
		{name: "another path", method: "GET", path: "/favicon.ico", host: "127.0.0.1:9253", code: 404},
		{name: "path with a slash behind", method: "GET", path: "/json/", host: "127.0.0.1:9253", code: 404},
		{name: "name that resolves to loopback", method: "GET", path: "/json", host: "rebound.example:9253", code: 421},
		{name: "no host", method: "GET", path: "/", host: "", code: 421},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := serve(p, tc.method, tc.path, tc.host)
			if w.Code != tc.code {
				t.Errorf("%d, want %d", w.Code, tc.code)
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") || w.Header().Get("Cache-Control") != "no-store" {
				t.Error(w.Header())
			}
		})
	}
}

// TestPolicyAllowsStyle: the page has the style that its policy allows, and no script.
func TestPolicyAllowsStyle(t *testing.T) {
	page := serve(openPage(t, new(block), noCounters), "GET", "/", "127.0.0.1")
	_, css, _ := strings.Cut(page.Body.String(), "<style>")
	css, _, _ = strings.Cut(css, "</style>")
	sum := sha256.Sum256([]byte(css))
	if !strings.Contains(page.Header().Get("Content-Security-Policy"), base64.StdEncoding.EncodeToString(sum[:])) || strings.Contains(page.Body.String(), "<script") {
		t.Error("the page has a style that its policy forbids, or a script")
	}
}

// TestHostileText: what a failure or a block says is text in the HTML form.
func TestHostileText(t *testing.T) {
	const hostile = `<script>"'</code></td>{{.Failures}}`
	p := openPage(t, &block{BlockView{Zones: []string{hostile}, Known: []Zone{{Name: hostile, Detail: hostile}}}}, noCounters)
	p.Journal().Note(Failure{Name: hostile, Type: hostile, Client: hostile, Zone: hostile, Reason: dnssec.SignatureExpired, Detail: hostile})
	body := serve(p, "GET", "/", "127.0.0.1").Body.String()
	if strings.Contains(body, "<script") || strings.Count(body, "<td>") != strings.Count(body, "</td>")-strings.Count(body, "<td ") {
		t.Error(body)
	}
	if s := readJSON(t, p); s.Failures[0].Name != hostile || s.Blocks[0].Known[0].Detail != hostile {
		t.Errorf("%+v", s)
	}
}

// TestBounds: however much fails and is known, so much is shown.
func TestBounds(t *testing.T) {
	known := slices.Repeat([]Zone{{Name: "example."}}, 3*shownZones)
	p := openPage(t, &block{BlockView{Known: known, KnownInAll: len(known)}}, noCounters)
	for i := range 3 * journalSize {
		p.Journal().Note(Failure{Name: strings.Repeat("x", i), Reason: dnssec.SignatureExpired})
	}
	v := readJSON(t, p)
	if len(v.Failures) != journalSize || len(v.Failures[0].Name) != 3*journalSize-1 {
		t.Errorf("%d failures, %+v first", len(v.Failures), v.Failures[0])
	}
	if b := v.Blocks[0]; len(b.Known) != shownZones || b.KnownInAll != len(known) {
		t.Errorf("%d of %d zones", len(b.Known), b.KnownInAll)
	}
}

// TestJournal: the failures of a question and reason are one entry, which says when it
// failed first, and of the last failure the rest.
func TestJournal(t *testing.T) {
	first := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	expired := Failure{Time: first, Name: "www.example.", Type: "A", Client: "192.0.2.1", Zone: "none", Reason: dnssec.SignatureExpired, Detail: "one"}
	again := expired
	again.Time, again.Client, again.Zone, again.Detail = first.Add(time.Minute), "192.0.2.2", "example.", "two"
	otherType, otherReason := expired, expired
	otherType.Type, otherReason.Reason = "AAAA", dnssec.SignatureInvalid
	j := newJournal()
	for _, f := range []Failure{expired, otherType, otherReason, again} {
		j.Note(f)
	}
	want := Entry{Last: again.Time, First: first, Times: 2, Name: "www.example.", Type: "A", Client: "192.0.2.2", Zone: "example.",
		Reason: "signature_expired", Detail: "two", Remedy: dnssec.SignatureExpired.Remedy()}
	if entries := j.newestFirst(); len(entries) != 3 || entries[0] != want {
		t.Errorf("%+v, want %+v first", entries, want)
	}
}

// TestCounters: counters are asked for once per directive, for the servers of all its
// blocks, and summed up by status.
func TestCounters(t *testing.T) {
	var asked []string
	failure := error(nil)
	count := func(directive string, servers []string) ([]Counter, error) {
		asked = append(asked, directive+" "+strings.Join(servers, " "))
		return []Counter{
			{Name: "coredns_" + directive + "_validations_total", Labels: map[string]string{"status": "secure"}, Value: 3},
			{Name: "coredns_" + directive + "_validations_total", Labels: map[string]string{"status": "bogus"}, Value: 1},
			{Name: "coredns_" + directive + "_failures_total", Labels: map[string]string{}, Value: 7},
		}, failure
	}
	p := openPage(t, &block{BlockView{Directive: "dnssec", Servers: []string{"dns://:53"}}}, count)
	second := &block{BlockView{Directive: "dnssec", Servers: []string{"dns://:54"}}}
	if _, err := Join(p.addr, second, nil); err != nil {
		t.Fatal(err)
	}
	defer p.Leave(second)
	want := []Share{{Status: "secure", Count: 3, Percent: 75}, {Status: "insecure"}, {Status: "indeterminate"}, {Status: "bogus", Count: 1, Percent: 25}}
	if shares := readJSON(t, p).Shares(); !slices.Equal(shares, want) || !slices.Equal(asked, []string{"dnssec dns://:53 dns://:54"}) {
		t.Errorf("%+v of %q", shares, asked)
	}
	failure = errors.New("no registry")
	if w := serve(p, "GET", "/", "127.0.0.1"); w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "the page can't be made: no registry") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// get asks for the page of an address over the network.
func get(addr netip.AddrPort) (*http.Response, error) {
	c := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Get("http://" + addr.String() + "/json")
	if err == nil {
		_ = r.Body.Close()
	}
	return r, err
}

// TestJoinLeave: blocks of one address share a page. It stays open over a reload, where
// the new block joins before the old one leaves, and is closed with the last block.
func TestJoinLeave(t *testing.T) {
	addr := freeAddress(t)
	join := func() (*block, *Page) {
		b := new(block)
		p, err := Join(addr, b, noCounters)
		if err != nil {
			t.Fatal(err)
		}
		return b, p
	}
	one, page := join()
	two, same := join()
	if page != same || len(readJSON(t, page).Blocks) != 2 {
		t.Errorf("%d blocks", len(page.blocks))
	}
	journal := page.Journal()
	page.Leave(one)
	next, again := join()
	page.Leave(two)
	if r, err := get(addr); err != nil || r.StatusCode != http.StatusOK || again != page || again.Journal() != journal || len(readJSON(t, page).Blocks) != 1 {
		t.Errorf("after the reload: %v, %v", r, err)
	}
	page.Leave(next)
	if r, err := get(addr); err == nil {
		t.Errorf("after the last block: %s", r.Status)
	}
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Join(addr, new(block), noCounters); err == nil || !strings.HasSuffix(err.Error(), "address already in use; choose another address, or end what listens there") {
		t.Error(err)
	}
}

// TestParseAddress: a page is for this machine alone, unless another address is written
// out, of which the operator is warned.
func TestParseAddress(t *testing.T) {
	for _, tc := range []struct {
		text, want string
		warns      bool
	}{
		{text: ":9253", want: "127.0.0.1:9253"},
		{text: "localhost:9253", want: "127.0.0.1:9253"},
		{text: "127.0.0.1:9253", want: "127.0.0.1:9253"},
		{text: "[::1]:9253", want: "[::1]:9253"},
		{text: "10.0.0.1:9253", want: "10.0.0.1:9253", warns: true},
		{text: "0.0.0.0:9253", want: "0.0.0.0:9253", warns: true},
		{text: "[::]:9253", want: "[::]:9253", warns: true},
	} {
		t.Run(tc.text, func(t *testing.T) {
			addr, err := ParseAddress([]string{tc.text})
			if err != nil || addr.String() != tc.want {
				t.Errorf("%s, %v, want %s", addr, err, tc.want)
			}
			if warnings := Warnings(addr); len(warnings) > 0 != tc.warns {
				t.Errorf("%q", warnings)
			}
		})
	}
	if warnings := Warnings(netip.AddrPort{}); len(warnings) > 0 {
		t.Error(warnings)
	}
}

// TestParseAddressErrors: what is no address is refused with what to write.
func TestParseAddressErrors(t *testing.T) {
	const none, bad = "needs an address, such as 127.0.0.1:9253", "is not an address and a port: write 127.0.0.1:9253, or :9253, which is the same"
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{name: "no argument", want: none},
		{name: "two arguments", args: []string{":9253", ":9254"}, want: none},
		{name: "no colon", args: []string{"9253"}, want: bad},
		{name: "no port", args: []string{"127.0.0.1"}, want: bad},
		{name: "name", args: []string{"example.org:9253"}, want: bad},
		{name: "port 0", args: []string{":0"}, want: bad},
		{name: "port too large", args: []string{":99999"}, want: bad},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if addr, err := ParseAddress(tc.args); err == nil || !strings.HasSuffix(err.Error(), tc.want) {
				t.Errorf("%s, %v, want %s", addr, err, tc.want)
			}
		})
	}
}
