package testzone

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func serveWorld(t *testing.T, specs ...Spec) (*World, *Server) {
	t.Helper()
	w := newWorld(t, specs...)
	s, err := w.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, s
}

func bigSpec() Spec {
	var records []string
	for range 20 {
		records = append(records, "big TXT "+string('a'+byte(len(records)))+"-0123456789012345678901234567890123456789012345678901234567890123456789")
	}
	return Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: append(records, "www A 192.0.2.1")}
}

func TestTruncation(t *testing.T) {
	_, s := serveWorld(t, bigSpec())
	for _, tc := range []struct {
		network   string
		edns      uint16 // 0 for none
		name      string
		truncated bool
		max       int
	}{
		{"udp", 0, "www.example.", false, 512},
		{"udp", 0, "big.example.", true, 512},
		{"udp", 800, "big.example.", true, 800},
		{"udp", 4096, "big.example.", true, maxUDPSize},
		{"tcp", 0, "big.example.", false, dns.MaxMsgSize},
		{"tcp", 4096, "big.example.", false, dns.MaxMsgSize},
	} {
		q := new(dns.Msg).SetQuestion(tc.name, dns.TypeTXT)
		if tc.edns > 0 {
			q.SetEdns0(tc.edns, true)
		}
		client := dns.Client{Net: tc.network, UDPSize: dns.MaxMsgSize}
		a, _, err := client.Exchange(q, s.Addr())
		if err != nil {
			t.Fatalf("%+v: %v", tc, err)
		}
		a.Compress = true
		if a.Truncated != tc.truncated || a.Len() > tc.max {
			t.Errorf("%+v: truncated is %v, %d octets", tc, a.Truncated, a.Len())
		}
		if (a.IsEdns0() != nil) != (tc.edns > 0) {
			t.Errorf("%+v: OPT is %v", tc, a.IsEdns0())
		}
	}
}

func TestServeOnLoopbackOnly(t *testing.T) {
	w := newWorld(t)
	for _, addr := range []string{"192.0.2.1:0", "0.0.0.0:0", "localhost:0", "nonsense"} {
		if _, err := w.Serve(addr); err == nil {
			t.Errorf("%s: no error", addr)
		}
	}
	_, s := serveWorld(t)
	if _, err := w.Serve(s.Addr()); err == nil {
		t.Error("a port in use: no error")
	}
}

func TestHeader(t *testing.T) {
	w := newWorld(t, breakSpecs()...)
	for _, do := range []bool{false, true} {
		q := new(dns.Msg).SetQuestion("wWw.NSEC.example.", dns.TypeA)
		q.CheckingDisabled, q.AuthenticatedData = do, true
		if do {
			q.SetEdns0(4096, true)
		}
		a := w.Answer(q)
		if !a.RecursionAvailable || !a.RecursionDesired || a.AuthenticatedData || a.Authoritative || a.CheckingDisabled != do {
			t.Errorf("DO %v: header %v", do, a.MsgHdr)
		}
		if a.Question[0].Name != "wWw.NSEC.example." || a.Answer[0].Header().Name != "wWw.NSEC.example." {
			t.Errorf("DO %v: the case was not kept: %v", do, a)
		}
		if want := map[bool]int{false: 1, true: 2}[do]; len(a.Answer) != want {
			t.Errorf("DO %v: %d records, want %d", do, len(a.Answer), want)
		}
	}
	no := w.Answer(new(dns.Msg).SetQuestion("no.nsec.example.", dns.TypeA))
	if len(no.Ns) != 1 || no.Rcode != dns.RcodeNameError {
		t.Errorf("without DO: %v", no)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	chaos := new(dns.Msg).SetQuestion("version.bind.", dns.TypeTXT)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	version := new(dns.Msg).SetQuestion(".", dns.TypeNS).SetEdns0(1232, true)
	version.IsEdns0().SetVersion(1)
	for _, tc := range []struct {
		q    *dns.Msg
		want int
	}{
		{chaos, dns.RcodeRefused},
		{version, dns.RcodeBadVers},
		{new(dns.Msg), dns.RcodeFormatError},
		{new(dns.Msg).SetNotify("example."), dns.RcodeNotImplemented},
	} {
		if got := w.Answer(tc.q).Rcode; got != tc.want {
			t.Errorf("%s, want %s: %v", dns.RcodeToString[got], dns.RcodeToString[tc.want], tc.q)
		}
	}
}

func TestInterceptCountDelay(t *testing.T) {
	w, s := serveWorld(t, breakSpecs()...)
	client := dns.Client{Timeout: 200 * time.Millisecond}
	q := new(dns.Msg).SetQuestion("WWW.nsec.example.", dns.TypeA)

	w.Intercept(func(_, a *dns.Msg) *dns.Msg {
		a.Rcode = dns.RcodeRefused
		return a
	})
	if a, _, err := client.Exchange(q, s.Addr()); err != nil || a.Rcode != dns.RcodeRefused {
		t.Errorf("rewritten: %v, %v", a, err)
	}
	w.Intercept(func(_, _ *dns.Msg) *dns.Msg { return nil })
	if a, _, err := client.Exchange(q, s.Addr()); err == nil {
		t.Errorf("dropped: %v", a)
	}
	w.Intercept(nil)
	w.SetDelay(10 * time.Millisecond)
	if _, rtt, err := client.Exchange(q, s.Addr()); err != nil || rtt < 10*time.Millisecond {
		t.Errorf("delayed: %v, %v", rtt, err)
	}
	if got := w.Questions()[Question{"www.nsec.example.", dns.TypeA}]; got != 3 {
		t.Errorf("counted %d questions, want 3", got)
	}
	w.ResetQuestions()
	if got := len(w.Questions()); got != 0 {
		t.Errorf("%d questions after the reset", got)
	}
}

// recorder is a ResponseWriter that stores the message.
type recorder struct {
	dns.ResponseWriter
	remote net.Addr
	msg    *dns.Msg
}

func (r *recorder) RemoteAddr() net.Addr { return r.remote }
func (r *recorder) WriteMsg(m *dns.Msg) error {
	r.msg = m
	return nil
}

func TestServeDNS(t *testing.T) {
	w := newWorld(t, bigSpec())
	q := new(dns.Msg).SetQuestion("big.example.", dns.TypeTXT)
	for _, tc := range []struct {
		remote    net.Addr
		truncated bool
	}{{&net.UDPAddr{}, true}, {&net.TCPAddr{}, false}} {
		rec := &recorder{remote: tc.remote}
		if rcode, err := w.ServeDNS(t.Context(), rec, q); rcode != dns.RcodeSuccess || err != nil {
			t.Fatalf("%d, %v", rcode, err)
		}
		if rec.msg.Truncated != tc.truncated {
			t.Errorf("%T: truncated is %v", tc.remote, rec.msg.Truncated)
		}
	}
	w.SetDelay(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if rcode, err := w.ServeDNS(ctx, new(recorder), q); rcode != dns.RcodeServerFailure || err == nil {
		t.Errorf("canceled: %d, %v", rcode, err)
	}
}

// TestConcurrentUse gives the race detector concurrent accesses.
func TestConcurrentUse(t *testing.T) {
	w := newWorld(t, breakSpecs()...)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				for _, rr := range ask(w, "www.nsec.example.", dns.TypeA).Answer {
					rr.Header().Ttl = 1 // answers are copies
				}
				ask(w, "no.nsec3.example.", dns.TypeA)
			}
		})
	}
	for range 10 {
		if err := w.Break("nsec.example.", FlipSignatureBit("www.nsec.example.", dns.TypeA)); err != nil {
			t.Error(err)
		}
		if err := w.Zone("nsec.example.").Sign(); err != nil {
			t.Error(err)
		}
		w.Intercept(nil)
	}
	wg.Wait()
}
