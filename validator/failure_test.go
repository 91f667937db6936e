package validator

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// flaky asks a world, unless it is down.
type flaky struct {
	resolver
	down atomic.Bool
}

func (f *flaky) Exchange(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
	if f.down.Load() && !how.Chain {
		time.Sleep(20 * time.Millisecond)
		return nil, errors.New("read udp 10.9.8.7:40000->10.1.2.3:53: i/o timeout")
	}
	return f.resolver.Exchange(ctx, request, how)
}

// TestParallelFailures: many clients that fail at once are one failure in a row, so that the
// question is refused for a second (RFC 9520, section 3.2).
func TestParallelFailures(t *testing.T) {
	w := exampleWorld(t)
	upstream := &flaky{resolver: resolver{w}}
	v, err := New(upstream, Options{Anchors: anchorSet(t, w.Anchors(".")...)})
	if err != nil {
		t.Fatal(err)
	}
	now := fakeClock(v)
	upstream.down.Store(true)
	var clients sync.WaitGroup
	for range 50 {
		clients.Go(func() { v.Resolve(t.Context(), newQuestion("www.example.", typeA, withDO)) })
	}
	clients.Wait()
	upstream.down.Store(false)
	if m := ask(t, v, "www.example.", typeA, withDO); m.Rcode != servfail {
		t.Errorf("%s", m)
	}
	now.advance(time.Second)
	if m := ask(t, v, "www.example.", typeA, withDO); !m.AuthenticatedData {
		t.Errorf("after a second: %s", m)
	}
}

// TestImpatientClient: a client whose own deadline is short fails nobody else.
func TestImpatientClient(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	w.SetDelay(30 * time.Millisecond)
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		if m, _ := v.Resolve(ctx, newQuestion("www.example.", typeA, withDO)); m.Rcode != servfail {
			t.Errorf("%s", m)
		}
		cancel()
		if m, result := v.Resolve(t.Context(), newQuestion("www.example.", typeA, withDO)); !m.AuthenticatedData {
			t.Errorf("%v\n%s", result, m)
		}
	}
}

// TestUnavailableText: the Extended DNS Error of a question that was not answered has no
// error of the network, which may have internal addresses.
func TestUnavailableText(t *testing.T) {
	const cause = "read udp 10.9.8.7:40000->10.1.2.3:53: i/o timeout"
	for _, tc := range []struct {
		name    string
		finding Finding
		want    string
	}{
		{name: "the client's question", finding: Finding{Status: Bogus, Reason: dnssec.AnswerUnavailable, Detail: cause}, want: "answer_unavailable: the upstream gave no answer"},
		{name: "DS", finding: Finding{Status: Bogus, Reason: dnssec.DSUnavailable, Detail: "DS example.: " + cause}, want: "ds_unavailable: DS example."},
		{name: "DNSKEY", finding: Finding{Status: Bogus, Reason: dnssec.DNSKEYUnavailable, Detail: "DNSKEY example.: " + cause}, want: "dnskey_unavailable: DNSKEY example."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := ExtendedError(tc.finding); got.ExtraText != tc.want {
				t.Errorf("%q, want %q", got.ExtraText, tc.want)
			}
		})
	}
}

// TestRequestID: the ID of a request to the upstream is not the client's choice, with CD
// neither (RFC 5452, section 4.3).
func TestRequestID(t *testing.T) {
	w := exampleWorld(t)
	for _, cd := range []bool{false, true} {
		same := 0
		v, err := New(ExchangerFunc(func(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
			if request.Id == 4711 {
				same++
			}
			return resolver{w}.Exchange(ctx, request, how)
		}), Options{Anchors: anchorSet(t, w.Anchors(".")...)})
		if err != nil {
			t.Fatal(err)
		}
		for range 8 {
			q := newQuestion("www.example.", typeA, bits{edns: true, do: true, cd: cd})
			q.Id = 4711
			if m, _ := v.Resolve(t.Context(), q); m.Id != 4711 {
				t.Errorf("%s", m)
			}
		}
		if same > 2 {
			t.Errorf("cd %v: %d of 8 requests had the client's ID", cd, same)
		}
	}
}

// TestOtherQuestion: a response to another question is no response.
func TestOtherQuestion(t *testing.T) {
	w := exampleWorld(t)
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype == typeA {
			a.Question[0].Name = "other.example."
		}
		return a
	})
	m, result := newTestValidator(t, w).Resolve(t.Context(), newQuestion("www.example.", typeA, withDO))
	if m.Rcode != servfail || !errors.Is(result.Err, errOtherQuestion) || strings.Contains(m.String(), "192.0.2.") {
		t.Errorf("%v\n%s", result.Err, m)
	}
}
