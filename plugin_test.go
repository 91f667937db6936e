package dnssecval

import (
	"context"
	"fmt"
	"net"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/cache"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// TestPassedOn: a request that is not judged is sent on as it is, and its response has no AD.
func TestPassedOn(t *testing.T) {
	w := exampleWorld(t)
	w.Intercept(func(_, a *dns.Msg) *dns.Msg {
		a.AuthenticatedData = true
		return a
	})
	notify := new(dns.Msg).SetNotify("example.")
	chaos := newQuestion("version.bind.", dns.TypeTXT, bits{ad: true})
	chaos.Question[0].Qclass = dns.ClassCHAOS
	for _, tc := range []struct {
		name  string
		q     *dns.Msg
		zones []string
		idle  bool
		rcode int
	}{
		{name: "other opcode", q: notify, zones: []string{"."}, rcode: dns.RcodeNotImplemented},
		{name: "other class", q: chaos, zones: []string{"."}, rcode: dns.RcodeRefused},
		{name: "other zone", q: newQuestion("www.csk.example.", typeA, wantDO), zones: []string{"test."}, rcode: dns.RcodeSuccess},
		{name: "CD", q: newQuestion("www.csk.example.", typeA, bits{edns: true, do: true, cd: true}), zones: []string{"."}, rcode: dns.RcodeSuccess},
		{name: "no forwarding plugin behind it", q: newQuestion("www.csk.example.", typeA, wantDO), zones: []string{"."}, idle: true, rcode: dns.RcodeSuccess},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newTestHandler(t, w)
			h.words.zones, h.idle = tc.zones, tc.idle
			w.ResetQuestions()
			m := exchange(t, h, tc.q)
			if m.Rcode != tc.rcode || m.AuthenticatedData || askedInAll(w) != 1 {
				t.Errorf("%d questions\n%s", askedInAll(w), m)
			}
		})
	}
}

// TestNXNAME: a question for NXNAME is a format error and is not forwarded (RFC 9824,
// section 3.5), with CD neither.
func TestNXNAME(t *testing.T) {
	w := exampleWorld(t)
	h := newTestHandler(t, w)
	for _, b := range []bits{wantDO, {edns: true, cd: true}, {}} {
		m := ask(t, newExplainer(h.block, h), "www.example.", dns.TypeNXNAME, b)
		explained := edeOf(m) == dns.ExtendedErrorCodeInvalidQueryType
		if m.Rcode != dns.RcodeFormatError || explained != b.edns || askedInAll(w) > 0 {
			t.Errorf("%+v: %d questions\n%s", b, askedInAll(w), m)
		}
	}
}

// TestUnanswered: if the forwarding plugin writes no message the handler writes none, and
// returns what the plugin returned.
func TestUnanswered(t *testing.T) {
	w := exampleWorld(t)
	question := testzone.Question{Name: "www.example.", Type: typeA}
	for _, tc := range []struct {
		name    string
		change  func(a *dns.Msg) *dns.Msg
		handler plugin.Handler
		rcode   int
		err     string
	}{
		{name: "no answer", change: lost, rcode: servfail, err: "testzone: the answer was dropped"},
		{name: "truncated over TCP", rcode: servfail, err: "truncated over TCP", change: func(a *dns.Msg) *dns.Msg {
			a.Truncated = true
			return a
		}},
		{name: "refused by the plugin", rcode: dns.RcodeRefused, handler: returning(dns.RcodeRefused, nil)},
		{name: "too many at once", rcode: dns.RcodeRefused, err: "concurrent queries exceeded maximum 1",
			handler: returning(dns.RcodeRefused, fmt.Errorf("concurrent queries exceeded maximum %d", 1))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.Intercept(nil)
			if tc.change != nil {
				intercept(w, question, tc.change)
			}
			h := newTestHandler(t, w)
			if tc.handler != nil {
				h.Next = tc.handler
			}
			c := new(testWriter)
			rcode, err := h.ServeDNS(t.Context(), c, newQuestion("www.example.", typeA, wantDO))
			if c.msg != nil || rcode != tc.rcode || (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
				t.Errorf("returned %s and %v, want %s and %q; written:\n%v", dns.RcodeToString[rcode], err, dns.RcodeToString[tc.rcode], tc.err, c.msg)
			}
		})
	}
}

// returning is a forwarding plugin that writes nothing.
func returning(rcode int, err error) plugin.Handler {
	return plugin.HandlerFunc(func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { return rcode, err })
}

// TestLeftToTheServer: SERVFAIL that says nothing of the name is not written, so that the
// cache plugin does not keep it.
func TestLeftToTheServer(t *testing.T) {
	for _, tc := range []struct {
		name     string
		reason   dnssec.Reason
		repeated bool
		lines    []string
		written  int
	}{
		{name: "overloaded", reason: dnssec.Overloaded},
		{name: "overloaded, report only", reason: dnssec.Overloaded, lines: []string{"insecure"}, written: 1},
		{name: "unanswered a moment ago", reason: dnssec.AnswerUnavailable, repeated: true},
		{name: "bogus", reason: dnssec.SignatureExpired, written: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newTestHandler(t, exampleWorld(t), tc.lines...)
			c, r := new(testWriter), newQuestion("www.example.", typeA, wantDO)
			result := &validator.Result{Finding: validator.Finding{Status: validator.Bogus, Reason: tc.reason}, Judged: true, Repeated: tc.repeated}
			rcode, err := h.answered(t.Context(), h.newClient(t.Context(), c, r), new(dns.Msg).SetReply(r), result)
			if want := servfail * (1 - tc.written); rcode != want || err != nil || c.writes != tc.written {
				t.Errorf("%d messages were written, and %s and %v returned", c.writes, dns.RcodeToString[rcode], err)
			}
			if n := h.explanations.failures.Len(); n > 0 != (tc.reason == dnssec.SignatureExpired) {
				t.Errorf("%d explanations are kept", n)
			}
		})
	}
}

// TestClientOverTCP: a question is asked over UDP, and over TCP if the response is truncated,
// however the client came. An upstream that does not answer over TCP does not make a name fail
// for clients over UDP (RFC 9520, section 3.2).
func TestClientOverTCP(t *testing.T) {
	big := make([]string, 30)
	for i := range big {
		big[i] = "big TXT " + strings.Repeat(string(rune('a'+i)), 100)
	}
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: big})
	for _, tc := range []struct {
		name string
		tcp  bool
		want string
	}{{name: "UDP", want: "udp tcp"}, {name: "TCP", tcp: true, want: "udp tcp"}} {
		var mu sync.Mutex
		var seen []string
		h := newTestHandler(t, w)
		withBlocks(h, serverBlock(".", forward(".", plugin.HandlerFunc(func(ctx context.Context, rw dns.ResponseWriter, r *dns.Msg) (int, error) {
			if r.Question[0].Name == "big.example." && r.Question[0].Qtype == dns.TypeTXT {
				mu.Lock()
				seen = append(seen, rw.RemoteAddr().Network())
				mu.Unlock()
			}
			return w.ServeDNS(ctx, rw, r)
		}))))
		c := &testWriter{tcp: tc.tcp}
		_, err := h.ServeDNS(t.Context(), c, newQuestion("big.example.", dns.TypeTXT, wantDO))
		if err != nil || len(c.msg.Answer) != 31 || strings.Join(seen, " ") != tc.want {
			t.Errorf("%s: asked over %v: %v, %v", tc.name, seen, c.msg, err)
		}
	}
}

// TestMetadataOfTheChain: what plugins find for the client's own question belongs to its
// metadata, and what they find for the questions of the chain does not.
func TestMetadataOfTheChain(t *testing.T) {
	w := exampleWorld(t)
	h := newTestHandler(t, w)
	withBlocks(h, serverBlock(".", forward(".", plugin.HandlerFunc(func(ctx context.Context, rw dns.ResponseWriter, r *dns.Msg) (int, error) {
		metadata.SetValueFunc(ctx, "forward/upstream", func() string { return r.Question[0].Name })
		return w.ServeDNS(ctx, rw, r)
	}))))
	ctx := metadata.ContextWithMetadata(t.Context())
	if _, err := h.ServeDNS(ctx, new(testWriter), newQuestion("www.example.", typeA, wantDO)); err != nil {
		t.Fatal(err)
	}
	if got := metadata.ValueFunc(ctx, "forward/upstream")(); got != "www.example." {
		t.Errorf("the client's metadata has %s", got)
	}
}

// prefetchWriter is the writer of CoreDNS's cache when it prefetches: there is no client.
type prefetchWriter struct {
	dns.ResponseWriter
	msg *dns.Msg
}

func (w *prefetchWriter) RemoteAddr() net.Addr        { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (w *prefetchWriter) WriteMsg(m *dns.Msg) error   { w.msg = m; return nil }
func (w *prefetchWriter) Write(b []byte) (int, error) { return len(b), nil }

// TestPrefetch: of the writer only the address is used.
func TestPrefetch(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.ChangeRDATA("www.csk.example.", typeA))
	out := captureLog(t)
	h := newTestHandler(t, w, "log-failures")
	for name, rcode := range map[string]int{"www.example.": dns.RcodeSuccess, "www.csk.example.": servfail} {
		pw := new(prefetchWriter)
		if _, err := newExplainer(h.block, h).ServeDNS(t.Context(), pw, newQuestion(name, typeA, wantDO)); err != nil || pw.msg == nil || pw.msg.Rcode != rcode {
			t.Errorf("%s: %v, %v", name, pw.msg, err)
		}
	}
	if !strings.Contains(out.String(), "www.csk.example. A from 127.0.0.1: ") {
		t.Errorf("logged %q", out)
	}
}

// TestCDBetween: the answers for clients with CD have no influence on those for others.
func TestCDBetween(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.ChangeRDATA("www.csk.example.", typeA))
	h := newTestHandler(t, w)
	fakeClock(h.block)
	for range 3 {
		for _, name := range []string{"www.csk.example.", "www.example."} {
			if m := ask(t, h, name, typeA, bits{edns: true, do: true, cd: true}); m.Rcode != dns.RcodeSuccess || m.AuthenticatedData || !hasType(m.Answer, typeA) {
				t.Errorf("with CD:\n%s", m)
			}
			if m := ask(t, h, name, typeA, wantDO); m.AuthenticatedData != (name == "www.example.") || hasType(m.Answer, typeA) != m.AuthenticatedData {
				t.Errorf("without CD:\n%s", m)
			}
		}
	}
}

// TestReportOnly: with the word insecure a bogus answer is judged, counted and logged, and
// passed on.
func TestReportOnly(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.ChangeRDATA("www.csk.example.", typeA))
	out := captureLog(t)
	h := newTestHandler(t, w, "insecure", "log-failures")
	subsystem := ownMetrics(h.block)
	for range 2 {
		m := ask(t, newExplainer(h.block, h), "www.csk.example.", typeA, wantDO)
		if m.Rcode != dns.RcodeSuccess || m.AuthenticatedData || !hasType(m.Answer, typeA) || edeOf(m) != ede6 {
			t.Errorf("%s", m)
		}
	}
	if m := ask(t, h, "www.example.", typeA, wantDO); !m.AuthenticatedData {
		t.Errorf("%s", m)
	}
	if n := sum(t, subsystem, "failures_total", "signature_invalid"); n != 2 {
		t.Errorf("%.0f failures were counted", n)
	}
	if n := strings.Count(out.String(), "bogus: www.csk.example. A from 192.0.2.99: signature_invalid: "); n != 1 {
		t.Errorf("logged %q", out)
	}
}

// TestOverrideDate: signatures are judged at that time, and nothing else is.
func TestOverrideDate(t *testing.T) {
	w := exampleWorld(t)
	dayOf := func(days int) time.Time {
		return time.Now().Add(time.Duration(days) * 24 * time.Hour).Add(-10 * time.Minute)
	}
	later := time.Now().AddDate(0, 1, 0).UTC().Format("20060102150405")
	if got := observe(t, newTestHandler(t, w, "override-date "+later), "www.example.", typeA); got.reason != dnssec.SignatureExpired {
		t.Errorf("%+v %s", got, got.reason)
	}
	breakZone(t, w, "example.", testzone.SignedDuring("", 0, dayOf(20), dayOf(40)))
	breakZone(t, w, ".", testzone.SignedDuring("", 0, dayOf(20), dayOf(40)))
	if got := observe(t, newTestHandler(t, w, "override-date "+later), "www.example.", typeA); !got.ad {
		t.Errorf("%+v %s", got, got.reason)
	}
}

// BenchmarkPlugin is an answer with all of its chain and its signature known, and the same
// from the upstream alone: the difference is what the plugin costs.
func BenchmarkPlugin(b *testing.B) {
	records := []string{"www A 192.0.2.1", "*.wild A 192.0.2.2"}
	w := newWorld(b, testzone.Spec{Name: "test.", Algorithm: p256, Denial: testzone.NSEC3OptOut},
		testzone.Spec{Name: "s0.test.", Algorithm: p256, Records: records}, testzone.Spec{Name: "u0.test.", Records: records})
	h := newTestHandler(b, w)
	c := cache.New()
	c.Next = h
	cached := newExplainer(h.block, c)
	for _, tc := range []struct {
		name string
		h    plugin.Handler
		ask  string
		each bool // another label below it each time
	}{
		{name: "upstream alone", h: w, ask: "www.s0.test."},
		{name: "validated", h: h, ask: "www.s0.test."},
		{name: "insecure", h: h, ask: "www.u0.test."},
		{name: "synthesized NXDOMAIN", h: h, ask: "no.s0.test."},
		{name: "synthesized wildcard", h: h, ask: "a.wild.s0.test."},
		{name: "cache hit", h: cached, ask: "www.s0.test."},
		{name: "cache hit NXDOMAIN", h: cached, ask: "no.s0.test."},
		{name: "cache miss, synthesized NXDOMAIN", h: cached, ask: "no.s0.test.", each: true},
		{name: "cache miss, synthesized wildcard", h: cached, ask: "wild.s0.test.", each: true},
	} {
		benchAsk(b, tc.h, tc.ask)
		benchAsk(b, tc.h, tc.ask)
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			name := tc.ask
			for n := 0; b.Loop(); n++ {
				if tc.each {
					name = strconv.Itoa(n) + "." + tc.ask
				}
				benchAsk(b, tc.h, name)
			}
		})
	}
}

func benchAsk(b *testing.B, h plugin.Handler, name string) {
	c := new(testWriter)
	if _, err := h.ServeDNS(context.Background(), c, newQuestion(name, typeA, bits{edns: true, ad: true})); err != nil || c.msg == nil || c.msg.Rcode == servfail {
		b.Fatalf("%s: %v\n%s", name, err, c.msg)
	}
}

// TestStack: the plugins behind run on the stack of the server's goroutine, below frames of
// the server and of the cache plugin. What this plugin adds to it, with the race detector
// too, may not make the stack grow once more for each question.
func TestStack(t *testing.T) {
	const most = 1200                                // bytes
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection shrinks stacks
	w := exampleWorld(t)
	h := newTestHandler(t, w)
	ask(t, h, "www.example.", typeA, wantDO) // the chain
	var deepest uintptr
	h.Next = at(w, &deepest)
	var start uintptr
	outermost := at(newExplainer(h.block, h), &start)
	done := make(chan *dns.Msg)
	go func() {
		grow(100)
		done <- ask(t, outermost, "www.example.", typeA, wantDO)
	}()
	if m := <-done; !m.AuthenticatedData {
		t.Errorf("%s", m)
	}
	if used := start - deepest; used == 0 || used > most {
		t.Errorf("the plugin adds %d bytes to the stack, want at most %d", used, most)
	}
}

// at returns a handler that notes where its stack frame is.
func at(next plugin.Handler, address *uintptr) plugin.Handler {
	return plugin.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		var here byte
		*address = uintptr(unsafe.Pointer(&here))
		return next.ServeDNS(ctx, w, r)
	})
}

// grow makes the stack as large as it has to be, so that it does not move later.
func grow(times int) byte {
	var frame [1 << 10]byte
	if times > 0 {
		frame[times] = grow(times - 1)
	}
	return frame[times]
}
