package dnssecval

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// statusPage is what is served at one address, for all blocks that name it. It stays as
// long as one of them does: at a reload the next ones come before the last ones go, and
// the listener and the journal are theirs too.
type statusPage struct {
	addr     netip.AddrPort
	failures *journal
	server   *http.Server

	mu     sync.Mutex // one page is made at a time
	blocks []statusBlock
}

// statusBlock is one block of the page: what is forwarded, and what is served.
type statusBlock struct {
	zones []string
	views []*Validator
}

var (
	statusPages   = map[netip.AddrPort]*statusPage{}
	statusPagesMu sync.Mutex
)

// statusAddress reads IP:PORT, or :PORT for the loopback address.
func statusAddress(conf *config, args []string) error {
	if len(args) != 1 {
		return errors.New("needs an address, such as 127.0.0.1:9253")
	}
	host, port, err := net.SplitHostPort(args[0])
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	ip, errIP := netip.ParseAddr(host)
	number, errPort := strconv.ParseUint(port, 10, 16)
	if err != nil || errIP != nil || errPort != nil || number == 0 {
		return fmt.Errorf("%q is not an address and a port: write 127.0.0.1:9253, or :9253, which is the same", args[0])
	}
	conf.status = netip.AddrPortFrom(ip.Unmap(), uint16(number))
	return nil
}

// statusWarning is for an address that others than this machine may reach.
func statusWarning(addr netip.AddrPort) []string {
	if !addr.IsValid() || addr.Addr().IsLoopback() {
		return nil
	}
	return []string{fmt.Sprintf("status: whoever reaches %s sees which names failed and who asked for them; 127.0.0.1:%d is for this machine alone", addr, addr.Port())}
}

// joinStatusPage adds a block to the page of an address, which is opened for the first.
func joinStatusPage(addr netip.AddrPort, b statusBlock) (*statusPage, error) {
	statusPagesMu.Lock()
	defer statusPagesMu.Unlock()
	p := statusPages[addr]
	if p == nil {
		listener, err := net.Listen("tcp", addr.String())
		if err != nil {
			return nil, fmt.Errorf("status: %w; choose another address, or end what listens there", err)
		}
		p = &statusPage{addr: addr, failures: newJournal()}
		p.server = &http.Server{
			Handler: p, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 30 * time.Second,
			MaxHeaderBytes: 8 << 10, ErrorLog: log.New(io.Discard, "", 0), // what clients of it do wrong is of no interest
		}
		statusPages[addr] = p
		go func() { _ = p.server.Serve(listener) }() // ends when it is closed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blocks = append(p.blocks, b)
	for _, v := range b.views {
		v.journal = p.failures
	}
	return p, nil
}

// leave takes a block from the page. The last one closes it.
func (p *statusPage) leave(v *Validator) {
	statusPagesMu.Lock()
	defer statusPagesMu.Unlock()
	p.mu.Lock()
	p.blocks = slices.DeleteFunc(p.blocks, func(b statusBlock) bool { return b.views[0] == v })
	left := len(p.blocks)
	p.mu.Unlock()
	if left == 0 {
		delete(statusPages, p.addr)
		_ = p.server.Close()
	}
}

//go:embed statuspage.css
var statusStyle string

//go:embed statuspage.html
var statusHTML string

var statusTemplate = template.Must(template.New("status").Funcs(template.FuncMap{
	"style": func() template.CSS { return template.CSS(statusStyle) },
	"time":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"join":  func(words []string) string { return strings.Join(words, " ") },
}).Parse(statusHTML))

// statusHeaders let the page load nothing, run nothing and be framed by nobody.
var statusHeaders = func() map[string]string {
	style := sha256.Sum256([]byte(statusStyle))
	return map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) +
			"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
	}
}()

// ServeHTTP implements http.Handler.
func (p *statusPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range statusHeaders {
		w.Header().Set(name, value)
	}
	switch {
	case !p.isFor(r.Host):
		http.Error(w, "ask for it by its address", http.StatusMisdirectedRequest)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "it is to be read only", http.StatusMethodNotAllowed)
	case r.URL.Path == "/":
		p.write(w, "text/html; charset=utf-8", func(b *bytes.Buffer, s *statusView) error { return statusTemplate.Execute(b, s) })
	case r.URL.Path == "/json":
		p.write(w, "application/json", func(b *bytes.Buffer, s *statusView) error { return json.NewEncoder(b).Encode(s) })
	default:
		http.NotFound(w, r)
	}
}

// isFor decides whether a request means this page. A name that a web site has point to
// the loopback address, so that a browser reads the page for it, does not.
func (p *statusPage) isFor(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || host == "localhost" || !p.addr.Addr().IsLoopback()
}

// write makes one page at a time: it looks at all that is known.
func (p *statusPage) write(w http.ResponseWriter, contentType string, form func(*bytes.Buffer, *statusView) error) {
	var b bytes.Buffer
	p.mu.Lock()
	view, err := p.view()
	if err == nil {
		err = form(&b, view)
	}
	p.mu.Unlock()
	if err != nil {
		http.Error(w, "the page can't be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	_, _ = w.Write(b.Bytes()) // who asked may have gone
}

// view looks at all blocks of the page.
func (p *statusPage) view() (*statusView, error) {
	view := &statusView{Time: time.Now(), Failures: p.failures.newestFirst()}
	servers := make(map[string][]string)
	for _, b := range p.blocks {
		shown := b.view()
		view.Blocks = append(view.Blocks, shown)
		servers[shown.Directive] = append(servers[shown.Directive], shown.Servers...)
	}
	for _, directive := range slices.Sorted(maps.Keys(servers)) {
		counters, err := countersOf(directive, servers[directive])
		if err != nil {
			return nil, err
		}
		view.Counters = append(view.Counters, counters...)
	}
	return view, nil
}
