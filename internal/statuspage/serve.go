package statuspage

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // of the page's parts
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

//go:embed page.css
var style string

//go:embed page.html
var pageHTML string

// pageTemplate makes the HTML form of a View.
var pageTemplate = template.Must(template.New("status").Funcs(template.FuncMap{
	"style": func() template.CSS { return template.CSS(style) },
	"time":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"join":  func(words []string) string { return strings.Join(words, " ") },
}).Parse(pageHTML))

// headers forbid the page to load anything but its style, to run anything and to be
// framed.
var headers = func() map[string]string {
	sum := sha256.Sum256([]byte(style))
	return map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
	}
}()

// ServeHTTP implements http.Handler.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range headers {
		w.Header().Set(name, value)
	}
	switch {
	case !p.isFor(r.Host):
		http.Error(w, "ask for it by its address", http.StatusMisdirectedRequest)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "it is to be read only", http.StatusMethodNotAllowed)
	case r.URL.Path == "/":
		p.write(w, "text/html; charset=utf-8", func(b *bytes.Buffer, v *View) error { return pageTemplate.Execute(b, v) })
	case r.URL.Path == "/json":
		p.write(w, "application/json", func(b *bytes.Buffer, v *View) error { return json.NewEncoder(b).Encode(v) })
	default:
		http.NotFound(w, r)
	}
}

// isFor decides whether a request with this Host header is answered. A page on a loopback
// address is read by an address or as localhost only: else a web site could have its own
// name resolve to the loopback address, and have a browser read the page for it.
func (p *Page) isFor(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || host == "localhost" || !p.addr.Addr().IsLoopback()
}

// write answers with a view in the given form.
func (p *Page) write(w http.ResponseWriter, contentType string, form func(*bytes.Buffer, *View) error) {
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
	_, _ = w.Write(b.Bytes()) // the client may have gone
}
