package dnssecval

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
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
		what  string
		q     *dns.Msg
		zones []string
		rcode int
	}{
		{what: "other opcode", q: notify, zones: []string{"."}, rcode: dns.RcodeNotImplemented},
		{what: "other class", q: chaos, zones: []string{"."}, rcode: dns.RcodeRefused},
		{what: "other zone", q: newQuestion("www.csk.example.", dns.TypeA, withDO), zones: []string{"test."}, rcode: dns.RcodeSuccess},
		{what: "CD", q: newQuestion("www.csk.example.", dns.TypeA, bits{edns: true, do: true, cd: true}), zones: []string{"."}, rcode: dns.RcodeSuccess},
	} {
		v := newTestValidator(t, w)
		v.zones = tc.zones
		w.ResetQuestions()
		m := exchange(t, v, tc.q)
		if m.Rcode != tc.rcode || m.AuthenticatedData || askedInAll(w) != 1 {
			t.Errorf("%s: %d questions\n%s", tc.what, askedInAll(w), m)
		}
	}
}

// TestClientOverTCP: the question of a client over TCP is asked over TCP at once, and that of
// one over UDP if the response is truncated.
func TestClientOverTCP(t *testing.T) {
	big := make([]string, 30)
	for i := range big {
		big[i] = "big TXT " + strings.Repeat(string(rune('a'+i)), 100)
	}
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: big})
	for _, tc := range []struct {
		what string
		tcp  bool
		want string
	}{{what: "UDP", want: "udp tcp"}, {what: "TCP", tcp: true, want: "tcp"}} {
		var mu sync.Mutex
		var seen []string
		h := handlerFunc(func(ctx context.Context, rw dns.ResponseWriter, r *dns.Msg) (int, error) {
			if r.Question[0].Name == "big.example." && r.Question[0].Qtype == dns.TypeTXT {
				mu.Lock()
				seen = append(seen, rw.RemoteAddr().Network())
				mu.Unlock()
			}
			return w.ServeDNS(ctx, rw, r)
		})
		v := newTestValidator(t, w)
		v.Next, v.routes.own.stanzas[0].handler = h, h
		c := &client{tcp: tc.tcp}
		_, err := v.ServeDNS(t.Context(), c, newQuestion("big.example.", dns.TypeTXT, withDO))
		if err != nil || len(c.msg.Answer) != 31 || strings.Join(seen, " ") != tc.want {
			t.Errorf("%s: asked over %v: %v, %v", tc.what, seen, c.msg, err)
		}
	}
}

// nobody is the writer of CoreDNS's cache when it prefetches: there is no client.
type nobody struct {
	dns.ResponseWriter
	msg *dns.Msg
}

func (n *nobody) RemoteAddr() net.Addr        { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (n *nobody) WriteMsg(m *dns.Msg) error   { n.msg = m; return nil }
func (n *nobody) Write(b []byte) (int, error) { return len(b), nil }

// TestPrefetch: of the writer only the address is used.
func TestPrefetch(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.ChangeRDATA("www.csk.example.", typeA))
	out := captureLog(t)
	v := newTestValidator(t, w, "log-failures")
	for name, rcode := range map[string]int{"www.example.": dns.RcodeSuccess, "www.csk.example.": servfail} {
		n := new(nobody)
		if _, err := newExplainer(v, v).ServeDNS(t.Context(), n, newQuestion(name, typeA, withDO)); err != nil || n.msg == nil || n.msg.Rcode != rcode {
			t.Errorf("%s: %v, %v", name, n.msg, err)
		}
	}
	if !strings.Contains(out.String(), "www.csk.example. A from 127.0.0.1: ") {
		t.Errorf("logged %q", out)
	}
}
