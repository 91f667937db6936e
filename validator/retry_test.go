package validator

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestSignaturesLeftOut: an upstream that "leaves signatures out now and then" is asked again.
func TestSignaturesLeftOut(t *testing.T) {
	w := exampleWorld(t)
	for n := range 5 {
		v := newTestValidator(t, w)
		times(w, n, wwwA, unsigned)
		w.ResetQuestions()
		m := ask(t, v, "www.example.", dns.TypeA, withDO)
		if got, want := asked(w, "www.example.", dns.TypeA), min(n+1, 3); got != want {
			t.Errorf("left out %d times: asked %d times, want %d", n, got, want)
		}
		if secure := n < 3; m.AuthenticatedData != secure || !secure && (m.Rcode != servfail || edeOf(m) != ede10) {
			t.Errorf("left out %d times:\n%s", n, m)
		}
	}
}

// manners records how a question is asked.
func manners(w *testzone.World, v *Validator, q testzone.Question) *[]Manner {
	var mu sync.Mutex
	var seen []Manner
	v.exchanger = ExchangerFunc(func(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
		if request.Question[0].Name == q.Name && request.Question[0].Qtype == q.Type {
			mu.Lock()
			seen = append(seen, how)
			mu.Unlock()
		}
		return resolver{w}.Exchange(ctx, request, how)
	})
	return &seen
}

// TestTruncated: a question whose response is truncated is asked again over TCP.
func TestTruncated(t *testing.T) {
	big := make([]string, 30)
	for i := range big {
		big[i] = "big TXT " + strings.Repeat(string(rune('a'+i)), 100)
	}
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: big})
	v := newTestValidator(t, w)
	seen := manners(w, v, testzone.Question{Name: "big.example.", Type: dns.TypeTXT})
	m := ask(t, v, "big.example.", dns.TypeTXT, withDO)
	if len(m.Answer) != 31 || !m.AuthenticatedData || m.Truncated || !slices.Equal(*seen, []Manner{{}, {TCP: true}}) {
		t.Errorf("asked %+v: %d records\n%v", *seen, len(m.Answer), m.MsgHdr)
	}
}

// TestManners: a question is asked again as such, and at last over TCP with CD. Those for
// the chain are marked.
func TestManners(t *testing.T) {
	w := exampleWorld(t)
	for _, tc := range []struct {
		what string
		q    testzone.Question
		want []Manner
	}{
		{what: "the client's", q: wwwA, want: []Manner{{}, {Again: 1}, {Again: 2, TCP: true}}},
		{what: "the chain's", q: testzone.Question{Name: "example.", Type: dns.TypeDNSKEY}, want: []Manner{{Chain: true}, {Chain: true, Again: 1}, {Chain: true, Again: 2, TCP: true}}},
	} {
		intercept(w, tc.q, unsigned)
		v := newTestValidator(t, w)
		seen := manners(w, v, tc.q)
		if m := ask(t, v, "www.example.", dns.TypeA, withDO); m.Rcode != servfail || !slices.Equal(*seen, tc.want) {
			t.Errorf("%s question was asked %+v, want %+v\n%s", tc.what, *seen, tc.want, m)
		}
	}
}

// TestTruncatedOverTCP: a response that is truncated over TCP is no response.
func TestTruncatedOverTCP(t *testing.T) {
	w := exampleWorld(t)
	intercept(w, wwwA, func(a *dns.Msg) *dns.Msg {
		a.Truncated = true
		return a
	})
	m, r := newTestValidator(t, w).Resolve(t.Context(), newQuestion("www.example.", dns.TypeA, withDO))
	if m.Rcode != servfail || len(m.Answer) > 0 || r.Reason != dnssec.AnswerUnavailable || !errors.Is(r.Err, errTruncated) {
		t.Errorf("%v, %v\n%s", r, r.Err, m)
	}
	for _, tc := range []struct {
		q    testzone.Question
		want dnssec.Reason
	}{
		{q: testzone.Question{Name: "example.", Type: dns.TypeDS}, want: dnssec.DSUnavailable},
		{q: testzone.Question{Name: "example.", Type: dns.TypeDNSKEY}, want: dnssec.DNSKEYUnavailable},
	} {
		intercept(w, tc.q, truncated)
		if got := judged(t, newTestValidator(t, w), "www.example.", dns.TypeA); got.Reason != tc.want {
			t.Errorf("%v truncated: %s", tc.q, got)
		}
	}
}

// TestAskedWithCD: if an upstream that validates answers SERVFAIL it is asked with CD.
func TestAskedWithCD(t *testing.T) {
	w := exampleWorld(t)
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.CheckingDisabled {
			return a
		}
		return failed(a)
	})
	v := newTestValidator(t, w)
	if m := ask(t, v, "www.example.", dns.TypeA, withDO); !m.AuthenticatedData || m.CheckingDisabled || len(m.Answer) != 2 {
		t.Errorf("an upstream with a wrong clock:\n%s", m)
	}
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", dns.TypeA))
	if got := observe(t, v, "www.csk.example.", dns.TypeA); got.reason != dnssec.SignatureExpired || got.rcode != servfail {
		t.Errorf("what the upstream refuses rightly: %+v", got)
	}
}

// TestChainUnavailable: if the chain is not answered the name is bogus, not insecure.
func TestChainUnavailable(t *testing.T) {
	w := exampleWorld(t)
	for _, tc := range []struct {
		name string
		q    testzone.Question
		want dnssec.Reason
	}{
		{name: "www.example.", q: testzone.Question{Name: ".", Type: dns.TypeDNSKEY}, want: dnssec.DNSKEYUnavailable},
		{name: "www.example.", q: testzone.Question{Name: "example.", Type: dns.TypeDS}, want: dnssec.DSUnavailable},
		{name: "www.example.", q: testzone.Question{Name: "example.", Type: dns.TypeDNSKEY}, want: dnssec.DNSKEYUnavailable},
		{name: "www.csk.example.", q: testzone.Question{Name: "csk.example.", Type: dns.TypeDS}, want: dnssec.DSUnavailable},
		{name: "www.csk.example.", q: testzone.Question{Name: "csk.example.", Type: dns.TypeDNSKEY}, want: dnssec.DNSKEYUnavailable},
		{name: "www.unsigned.example.", q: testzone.Question{Name: "unsigned.example.", Type: dns.TypeDS}, want: dnssec.DSUnavailable},
		{name: "no.unsigned.example.", q: testzone.Question{Name: "unsigned.example.", Type: dns.TypeDS}, want: dnssec.DSUnavailable},
	} {
		for how, f := range map[string]func(*dns.Msg) *dns.Msg{"lost": lost, "SERVFAIL": failed, "REFUSED": refused} {
			intercept(w, tc.q, f)
			v := newTestValidator(t, w)
			want := outcome{rcode: servfail, reason: tc.want, ede: dns.ExtendedErrorCodeNoReachableAuthority}
			if got := observe(t, v, tc.name, dns.TypeA); got != want {
				t.Errorf("%s, %v %s: %+v %s, want %+v", tc.name, tc.q, how, got, got.reason, want)
			}
		}
		times(w, 1, tc.q, lost)
		if got := judged(t, newTestValidator(t, w), tc.name, dns.TypeA); got.Status == dnssec.Bogus {
			t.Errorf("%s, %v lost once: %s", tc.name, tc.q, got)
		}
	}
}

// TestOneOfTwentyWithoutSignatures: an upstream that leaves the signatures out of one
// response of twenty, those of the chain too, costs no client an answer. The question
// decides which of its responses it is.
func TestOneOfTwentyWithoutSignatures(t *testing.T) {
	const zones, each = 100, 20
	var specs []testzone.Spec
	for z := range zones {
		spec := testzone.Spec{Name: fmt.Sprintf("z%d.example.", z), Algorithm: p256, Denial: testzone.Denial(z % 2)}
		for i := range each {
			spec.Records = append(spec.Records, fmt.Sprintf("h%d A 192.0.2.1", i))
		}
		specs = append(specs, spec)
	}
	w := newWorld(t, append(specs, testzone.Spec{Name: "example.", Algorithm: p256, Denial: testzone.NSEC3})...)
	v := newTestValidator(t, w)
	var mu sync.Mutex
	times, bad, all := map[dns.Question]int{}, 0, 0
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		mu.Lock()
		defer mu.Unlock()
		times[q.Question[0]]++
		h := fnv.New32a()
		fmt.Fprint(h, q.Question[0], times[q.Question[0]])
		if all++; h.Sum32()%20 == 0 {
			bad++
			return unsigned(a)
		}
		return a
	})
	lost := 0
	for i := range zones * each {
		name := fmt.Sprintf("h%d.z%d.example.", i/zones, i%zones)
		rcode := dns.RcodeSuccess
		if i%4 == 3 {
			name, rcode = "no"+name, dns.RcodeNameError
		}
		if m := ask(t, v, name, dns.TypeA, withDO); !m.AuthenticatedData || m.Rcode != rcode {
			lost++
			t.Errorf("%s", m)
		}
	}
	t.Logf("%d names, %d lost; %d answers of the upstream, %d without signatures", zones*each, lost, all, bad)
	if all > zones*each*3/2 || bad < zones*each/25 {
		t.Errorf("%d answers of the upstream, %d without signatures", all, bad)
	}
}
