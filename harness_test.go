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
	"github.com/miekg/dns"
)

// clock is one that tests move.
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

func newWorld(t testing.TB, specs ...testzone.Spec) *testzone.World {
	t.Helper()
	w, err := testzone.New(time.Now(), specs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// newTestValidator makes the validator that a block with these lines has, whose
// only stanza asks the world for everything. Without an anchor among the lines it
// trusts the root of the world.
func newTestValidator(t testing.TB, w *testzone.World, lines ...string) *Validator {
	t.Helper()
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "trust-anchor ") }) {
		lines = append(lines, "trust-anchor "+anchorFile(t, w.Anchors(".")...))
	}
	v, _ := parseBlock(t, lines...)
	v.Next = w
	v.routes = newRoutes(placement.NewRoutes(&placement.Block{Zones: []string{"."}, Stanzas: []*placement.Stanza{forward(".", w)}}), nil)
	return v
}

// parseBlock makes a validator from the lines of its block, and returns the
// warnings.
func parseBlock(t testing.TB, lines ...string) (*Validator, []string) {
	t.Helper()
	text := "dnssecval . {\nvalidate\n" + strings.Join(lines, "\n") + "\n}"
	conf, err := parse(caddy.NewTestController("dns", text), "dnssecval")
	if err != nil {
		t.Fatal(err)
	}
	v, warnings, err := conf.validator("dnssecval")
	if err != nil {
		t.Fatal(err)
	}
	return v, warnings
}

// fakeClock gives the validator a clock that stands still at the present time.
func fakeClock(v *Validator) *clock {
	c := &clock{now: time.Now()}
	v.now = c.Now
	return c
}

// anchorFile writes a file of trust anchors.
func anchorFile(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "anchors")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func breakZone(t *testing.T, w *testzone.World, zone string, breakages ...testzone.Breakage) {
	t.Helper()
	if err := w.Break(zone, breakages...); err != nil {
		t.Fatal(err)
	}
}

// client is a writer that stands for a client at 192.0.2.99.
type client struct {
	tcp    bool
	msg    *dns.Msg
	writes int
}

func (c *client) WriteMsg(m *dns.Msg) error {
	c.msg, c.writes = m, c.writes+1
	return nil
}

func (c *client) RemoteAddr() net.Addr {
	if c.tcp {
		return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 99), Port: 40000}
	}
	return &net.UDPAddr{IP: net.IPv4(192, 0, 2, 99), Port: 40000}
}

func (c *client) LocalAddr() net.Addr         { return c.RemoteAddr() }
func (c *client) Write(b []byte) (int, error) { return len(b), nil }
func (c *client) Close() error                { return nil }
func (c *client) TsigStatus() error           { return nil }
func (c *client) TsigTimersOnly(bool)         {}
func (c *client) Hijack()                     {}
func (c *client) Network() string             { return "" }

// bits is what a client sets in its question.
type bits struct{ edns, do, ad, cd bool }

// withDO is what most tests ask with.
var withDO = bits{edns: true, do: true}

func newQuestion(name string, qtype uint16, b bits) *dns.Msg {
	m := new(dns.Msg).SetQuestion(name, qtype)
	m.AuthenticatedData, m.CheckingDisabled = b.ad, b.cd
	if b.edns || b.do {
		m.SetEdns0(4096, b.do)
	}
	return m
}

// ask has a handler answer a question as the server does: what it returns without
// having written is an answer, too.
func ask(t *testing.T, h plugin.Handler, name string, qtype uint16, b bits) *dns.Msg {
	t.Helper()
	return exchange(t, h, newQuestion(name, qtype, b))
}

func exchange(t *testing.T, h plugin.Handler, m *dns.Msg) *dns.Msg {
	t.Helper()
	c := new(client)
	rcode, _ := h.ServeDNS(context.Background(), c, m)
	switch {
	case c.writes > 1, c.writes == 1 && !plugin.ClientWrite(rcode):
		t.Errorf("%v: %d answers were written, and %s returned", m.Question, c.writes, dns.RcodeToString[rcode])
	case c.msg == nil:
		c.msg = new(dns.Msg).SetRcode(m, rcode)
	}
	return c.msg
}

// judged has the validator judge the answer without applying it.
func judged(t *testing.T, v *Validator, name string, qtype uint16) Result {
	t.Helper()
	q := v.newQuery(context.Background(), new(client), newQuestion(name, qtype, withDO))
	a := q.asking()
	if a.ask(); a.msg == nil {
		t.Fatalf("%s %s: %s, %v", name, dns.Type(qtype), dns.RcodeToString[a.rcode], a.err)
	}
	return *q.judgeAndRetry(&a.msg)
}

// outcome is what a client with DO and an operator see of an answer.
type outcome struct {
	rcode  int
	ad     bool
	reason dnssec.Reason
	ede    uint16
}

const noCode = ^uint16(0)

// observe asks through the explainer, with an empty cache.
func observe(t *testing.T, v *Validator, name string, qtype uint16) outcome {
	t.Helper()
	reason := judged(t, v, name, qtype).Reason
	m := ask(t, newExplainer(v, v), name, qtype, withDO)
	return outcome{rcode: m.Rcode, ad: m.AuthenticatedData, reason: reason, ede: edeOf(m)}
}

func newExplainer(v *Validator, next plugin.Handler) *explainer {
	return &explainer{next: next, v: v}
}

func edeOf(m *dns.Msg) uint16 {
	if e := extendedError(m); e != nil {
		return e.InfoCode
	}
	return noCode
}

func extendedError(m *dns.Msg) *dns.EDNS0_EDE {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EDE); ok {
				return e
			}
		}
	}
	return nil
}

// captureLog returns what is logged until the test ends.
func captureLog(t *testing.T) *bytes.Buffer {
	t.Helper()
	out, flags := new(bytes.Buffer), golog.Flags()
	golog.SetOutput(out)
	golog.SetFlags(0)
	t.Cleanup(func() {
		golog.SetOutput(os.Stderr)
		golog.SetFlags(flags)
	})
	return out
}

// asked counts the questions for a name, of any type but those left out.
func asked(w *testzone.World, name string, qtype uint16) int {
	return w.Questions()[testzone.Question{Name: name, Type: qtype}]
}

func askedInAll(w *testzone.World) (n int) {
	for _, times := range w.Questions() {
		n += times
	}
	return n
}
