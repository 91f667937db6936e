package dnssecval

import (
	"bytes"
	"context"
	golog "log"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

const (
	p256     = dns.ECDSAP256SHA256
	typeA    = dns.TypeA
	servfail = dns.RcodeServerFailure

	ede6 = dns.ExtendedErrorCodeDNSBogus
	ede7 = dns.ExtendedErrorCodeSignatureExpired
)

// clock is a clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fakeClock gives a block a clock that stands still at the present time.
func fakeClock(b *block) *clock {
	c := &clock{now: time.Now()}
	b.now = c.Now
	return c
}

// configure reads a Corefile fragment and makes the block, as setup does.
func configure(text, directive string) (*block, []string, error) {
	conf, err := parse(caddy.NewTestController("dns", text), directive)
	if err != nil {
		return nil, nil, err
	}
	return newBlock(directive, conf)
}

// newTestHandler makes the validating handler of a block with some lines beside validate.
// Its only stanza asks the world for everything. It trusts the root of the world, unless the
// lines have other trust anchors.
func newTestHandler(t testing.TB, w *testzone.World, lines ...string) *Handler {
	t.Helper()
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "trust-anchor ") }) {
		lines = append(lines, "trust-anchor "+anchorFile(t, w.Anchors(".")...))
	}
	b, _, err := configure("dnssecval . {\nvalidate\n"+strings.Join(lines, "\n")+"\n}", "dnssecval")
	if err != nil {
		t.Fatal(err)
	}
	withBlocks(b.handler, serverBlock(".", forward(".", w)))
	b.handler.Next = w
	return b.handler
}

// withBlocks has the handler stand in the first of some server blocks.
func withBlocks(h *Handler, blocks ...*placement.Block) {
	h.Next = inOrder(blocks[0].Stanzas)
	h.exchanger.routes = placement.NewRoutes(blocks[0], blocks[1:]...)
	h.watchUpstreams(h.exchanger.routes)
}

func serverBlock(zone string, stanzas ...*placement.Stanza) *placement.Block {
	return &placement.Block{Zones: []string{zone}, Stanzas: stanzas}
}

func forward(from string, h plugin.Handler, except ...string) *placement.Stanza {
	return &placement.Stanza{Directive: "forward", From: from, Handler: h, Except: except}
}

// inOrder asks the first stanza that takes the name, as several forward plugins in a row do.
type inOrder []*placement.Stanza

func (o inOrder) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	for _, s := range o {
		if s.Takes(dns.CanonicalName(r.Question[0].Name)) {
			return s.Handler.ServeDNS(ctx, w, r)
		}
	}
	return servfail, nil
}

func (inOrder) Name() string { return "forward" }

// newExplainer returns the outermost handler of a block before another handler.
func newExplainer(b *block, next plugin.Handler) *explainer { return &explainer{next: next, block: b} }

// anchorFile writes a file of trust anchors.
func anchorFile(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "anchors")
	overwrite(t, path, lines...)
	return path
}

func overwrite(t testing.TB, path string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newWorld(t testing.TB, specs ...testzone.Spec) *testzone.World {
	t.Helper()
	w, err := testzone.New(time.Now(), specs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// exampleWorld is a small tree for tests that break it or count its questions.
func exampleWorld(t *testing.T) *testzone.World {
	t.Helper()
	records := []string{"www A 192.0.2.1", "alias CNAME www", "*.wild A 192.0.2.2"}
	return newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: p256, Records: records},
		testzone.Spec{Name: "unsigned.example.", Records: records},
		testzone.Spec{Name: "csk.example.", Algorithm: p256, Records: records},
	)
}

func breakZone(t *testing.T, w *testzone.World, zone string, breakages ...testzone.Breakage) {
	t.Helper()
	if err := w.Break(zone, breakages...); err != nil {
		t.Fatal(err)
	}
}

// intercept has f change the responses to one question. A nil response is a lost one.
func intercept(w *testzone.World, q testzone.Question, f func(a *dns.Msg) *dns.Msg) {
	w.Intercept(func(asked, a *dns.Msg) *dns.Msg {
		if dns.CanonicalName(asked.Question[0].Name) == q.Name && asked.Question[0].Qtype == q.Type {
			return f(a)
		}
		return a
	})
}

func lost(*dns.Msg) *dns.Msg { return nil }

func askedInAll(w *testzone.World) (n int) {
	for _, times := range w.Questions() {
		n += times
	}
	return n
}

// testWriter is the writer of a client at 192.0.2.99.
type testWriter struct {
	tcp    bool
	msg    *dns.Msg
	writes int
}

func (c *testWriter) WriteMsg(m *dns.Msg) error {
	c.msg, c.writes = m, c.writes+1
	return nil
}

func (c *testWriter) RemoteAddr() net.Addr {
	if c.tcp {
		return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 99), Port: 40000}
	}
	return &net.UDPAddr{IP: net.IPv4(192, 0, 2, 99), Port: 40000}
}

func (c *testWriter) LocalAddr() net.Addr         { return c.RemoteAddr() }
func (c *testWriter) Write(b []byte) (int, error) { return len(b), nil }
func (c *testWriter) Close() error                { return nil }
func (c *testWriter) TsigStatus() error           { return nil }
func (c *testWriter) TsigTimersOnly(bool)         {}
func (c *testWriter) Hijack()                     {}
func (c *testWriter) Network() string             { return "" }

// bits is what a client sets in its question.
type bits struct{ edns, do, ad, cd bool }

// wantDO is what most tests ask with.
var wantDO = bits{edns: true, do: true}

func newQuestion(name string, qtype uint16, b bits) *dns.Msg {
	m := new(dns.Msg).SetQuestion(name, qtype)
	m.AuthenticatedData, m.CheckingDisabled = b.ad, b.cd
	if b.edns || b.do {
		m.SetEdns0(4096, b.do)
	}
	return m
}

// ask has a handler answer a question as the server does: if the handler writes no message
// the server writes one with the code that the handler returns.
func ask(t *testing.T, h plugin.Handler, name string, qtype uint16, b bits) *dns.Msg {
	t.Helper()
	return exchange(t, h, newQuestion(name, qtype, b))
}

func exchange(t *testing.T, h plugin.Handler, m *dns.Msg) *dns.Msg {
	t.Helper()
	c := new(testWriter)
	rcode, _ := h.ServeDNS(context.Background(), c, m)
	switch {
	case c.writes > 1, c.writes == 1 && !plugin.ClientWrite(rcode):
		t.Errorf("%v: %d answers were written, and %s returned", m.Question, c.writes, dns.RcodeToString[rcode])
	case c.msg == nil:
		c.msg = new(dns.Msg).SetRcode(m, rcode)
	}
	return c.msg
}

// outcome is what a client with DO sees of an answer, and the reason.
type outcome struct {
	rcode  int
	ad     bool
	reason dnssec.Reason
	ede    uint16
}

const noCode = ^uint16(0)

// observe asks through the outermost handler, without a cache in between.
func observe(t *testing.T, h *Handler, name string, qtype uint16) outcome {
	t.Helper()
	m, found := askExplained(t, h, name, qtype)
	return outcome{rcode: m.Rcode, ad: m.AuthenticatedData, reason: found.Reason, ede: edeOf(m)}
}

// judged returns what the handler finds of an answer.
func judged(t *testing.T, h *Handler, name string, qtype uint16) validator.Finding {
	t.Helper()
	_, found := askExplained(t, h, name, qtype)
	return found
}

func askExplained(t *testing.T, h *Handler, name string, qtype uint16) (m *dns.Msg, found validator.Finding) {
	t.Helper()
	m = ask(t, newExplainer(h.block, plugin.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		rcode, err := h.ServeDNS(ctx, w, r)
		if x := ctx.Value(explanationKey{}).(*explanationSlot).own.Load(); x != nil {
			found = x.finding
		}
		return rcode, err
	})), name, qtype, wantDO)
	return m, found
}

// edeOf returns the code of the Extended DNS Error, or noCode.
func edeOf(m *dns.Msg) uint16 {
	if e := testzone.ExtendedError(m); e != nil {
		return e.InfoCode
	}
	return noCode
}

// hasType reports whether a section has records of a type.
func hasType(section []dns.RR, rtype uint16) bool {
	return slices.ContainsFunc(section, func(rr dns.RR) bool { return rr.Header().Rrtype == rtype })
}

// logBuffer is what was logged. Questions that were asked ahead may still log.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logBuffer) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Reset()
}

// captureLog returns what is logged until the test ends.
func captureLog(t *testing.T) *logBuffer {
	t.Helper()
	out, flags := new(logBuffer), golog.Flags()
	golog.SetOutput(out)
	golog.SetFlags(0)
	t.Cleanup(func() {
		golog.SetOutput(os.Stderr)
		golog.SetFlags(flags)
	})
	return out
}
