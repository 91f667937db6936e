package validator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestValidate: a response that the caller has already is judged and answered as one that
// Resolve asked for. The question is not asked again.
func TestValidate(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.FlipSignatureBit("www.csk.example.", typeA))
	for _, name := range []string{"www.example.", "no.example.", "x.wild.example.", "www.dn.example.", "www.unsigned.example.", "www.csk.example."} {
		for _, b := range []bits{{}, {ad: true}, withDO} {
			want := ask(t, newTestValidator(t, w), name, typeA, b)
			request, response := newQuestion(name, typeA, b), w.Answer(newQuestion(name, typeA, withDO))
			w.ResetQuestions()
			r := newTestValidator(t, w).Validate(t.Context(), request, response)
			m := r.Reply(request, response)
			if n := asked(w, name, typeA); !r.Judged || n > 0 {
				t.Errorf("%s: asked %d times, judged: %t", name, n, r.Judged)
			}
			if m.Rcode != want.Rcode || m.AuthenticatedData != want.AuthenticatedData || m.Id != request.Id || edeOf(m) != edeOf(want) || records(m.Answer, m.Ns) != records(want.Answer, want.Ns) {
				t.Errorf("%s %+v:\n%s\nwant\n%s", name, b, m, want)
			}
		}
	}
}

// TestReportOnly: a bogus answer is passed on with its Extended DNS Error, each time.
func TestReportOnly(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.ChangeRDATA("www.csk.example.", typeA))
	v := newTestValidator(t, w, reportOnly)
	request := newQuestion("www.csk.example.", typeA, withDO)
	for range 2 {
		m, r := v.Resolve(t.Context(), request)
		if m.Rcode != dns.RcodeSuccess || m.AuthenticatedData || !hasType(m.Answer, typeA) || edeOf(m) != ede6 || r.Status != dnssec.Bogus || r.Repeated {
			t.Errorf("%v\n%s", r, m)
		}
	}
	response := w.Answer(request)
	if m := v.Validate(t.Context(), request, response).Reply(request, response); m.Rcode != dns.RcodeSuccess || m.AuthenticatedData || !hasType(m.Answer, typeA) || edeOf(m) != ede6 {
		t.Errorf("a response:\n%s", m)
	}
	if m := ask(t, v, "www.example.", typeA, withDO); !m.AuthenticatedData {
		t.Errorf("%s", m)
	}
}

// TestQuestions: a request without exactly one question is a format error.
func TestQuestions(t *testing.T) {
	w := exampleWorld(t)
	two := newQuestion("www.example.", typeA, withDO)
	two.Question = append(two.Question, two.Question[0])
	for _, request := range []*dns.Msg{new(dns.Msg), two} {
		if m, r := newTestValidator(t, w).Resolve(t.Context(), request); m.Rcode != dns.RcodeFormatError || r.Judged || askedInAll(w) > 0 {
			t.Errorf("%v\n%s", r, m)
		}
	}
}

// TestSetAnchors: with other trust anchors what was proven and what failed counts no more.
func TestSetAnchors(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	fakeClock(v)
	right, wrong := v.Anchors(), anchor.Root()
	for _, tc := range []struct {
		anchors *anchor.Set
		secure  bool
	}{{anchors: right, secure: true}, {anchors: wrong}, {anchors: right, secure: true}} {
		v.SetAnchors(tc.anchors)
		m, r := v.Resolve(t.Context(), newQuestion("www.example.", typeA, withDO))
		if m.AuthenticatedData != tc.secure || !tc.secure && r.Reason != dnssec.DNSKEYNoAnchorMatch {
			t.Errorf("%v\n%s", r, m)
		}
	}
}

// TestZone: a zone is Secure with the tag of the key that signs its keys. A failure is not
// kept.
func TestZone(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	fakeClock(v)
	key := testzone.Question{Name: ".", Type: dns.TypeDNSKEY}
	intercept(w, key, lost)
	if f, tag := v.Zone(t.Context(), "."); f.Reason != dnssec.DNSKEYUnavailable || tag != 0 {
		t.Errorf("%v, key %d", f, tag)
	}
	w.Intercept(nil)
	for _, zone := range []string{".", "Example."} {
		if f, tag := v.Zone(t.Context(), zone); f.Status != dnssec.Secure || tag != w.Zone(zone).KSK.DNSKEY.KeyTag() {
			t.Errorf("%s: %v, key %d", zone, f, tag)
		}
	}
	if f, tag := v.Zone(t.Context(), "unsigned.example."); f.Status != dnssec.Insecure || tag != 0 {
		t.Errorf("%v, key %d", f, tag)
	}
}

// TestFetch: a question of the validator's own is asked with DO and marked as such. Codes
// that prove nothing are errors.
func TestFetch(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	seen := manners(w, v, wwwA)
	m, err := v.Fetch(t.Context(), wwwA.Name, wwwA.Type)
	if err != nil || len(m.Answer) != 2 || !slices.Equal(*seen, []Manner{{Chain: true}}) {
		t.Errorf("asked %+v: %v, %v", *seen, m, err)
	}
	intercept(w, wwwA, refused)
	if m, err := v.Fetch(t.Context(), wwwA.Name, wwwA.Type); err == nil || m != nil {
		t.Errorf("%v, %v", m, err)
	}
}

// TestKnownZones: what is known of zones is returned without questions: those used last
// first, and only what begins a zone.
func TestKnownZones(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	for _, name := range []string{"www.csk.example.", "www.unsigned.example.", "a.b.ent.example."} {
		ask(t, v, name, typeA, withDO)
	}
	time.Sleep(20 * time.Millisecond) // for questions that were asked ahead
	w.ResetQuestions()
	zones, all := v.KnownZones(10)
	got := make(map[string]Status)
	for _, z := range zones {
		got[z.Name] = z.Status
	}
	if want := fmt.Sprint(map[string]Status{".": Secure, "example.": Secure, "csk.example.": Secure, "unsigned.example.": Insecure}); all != 4 || fmt.Sprint(got) != want {
		t.Errorf("%d zones: %v", all, got)
	}
	if first, all := v.KnownZones(1); all != 4 || len(first) != 1 || first[0].Name != zones[0].Name {
		t.Errorf("the first of %d: %v", all, first)
	}
	for _, tc := range []struct {
		name  string
		qtype uint16
		zone  string
	}{
		{name: "www.csk.example.", qtype: typeA, zone: "csk.example."},
		{name: "csk.example.", qtype: dns.TypeDS, zone: "example."},
		{name: "x.unsigned.example.", qtype: typeA, zone: "unsigned.example."},
		{name: "test.", qtype: typeA, zone: "."},
	} {
		if zone, ok := v.ZoneOf(tc.name, tc.qtype); !ok || zone != tc.zone {
			t.Errorf("%s %s is in %q, %t", tc.name, dns.Type(tc.qtype), zone, ok)
		}
	}
	if zone, ok := newTestValidator(t, w).ZoneOf("www.example.", typeA); ok {
		t.Errorf("%s is known from the start", zone)
	}
	if n := askedInAll(w); n > 0 {
		t.Errorf("%d questions", n)
	}
}

// TestUpstreamReturned: what an upstream did not answer is asked again once it has returned,
// and other failures are kept.
func TestUpstreamReturned(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA))
	v := newTestValidator(t, w)
	fakeClock(v)
	ask(t, v, "www.csk.example.", typeA, withDO)
	for _, q := range []testzone.Question{wwwA, {Name: "unsigned.example.", Type: dns.TypeDS}} {
		intercept(w, q, lost)
		name := "www." + q.Name
		if q == wwwA {
			name = q.Name
		}
		if m := ask(t, v, name, typeA, withDO); m.Rcode != servfail {
			t.Errorf("%s", m)
		}
		w.Intercept(nil)
		v.UpstreamReturned()
		if m := ask(t, v, name, typeA, withDO); m.Rcode != dns.RcodeSuccess {
			t.Errorf("after its return:\n%s", m)
		}
	}
	if _, r := v.Resolve(t.Context(), newQuestion("www.csk.example.", typeA, withDO)); !r.Repeated || r.Reason != dnssec.SignatureExpired {
		t.Errorf("%v", r)
	}
}

// TestExchangeErrors: that a question was not answered is kept, that it was not asked is not.
func TestExchangeErrors(t *testing.T) {
	for _, tc := range []struct {
		err  error
		kept int
	}{
		{err: errors.New("i/o timeout"), kept: 1},
		{err: fmt.Errorf("too many at once: %w", ErrNotAsked)},
		{err: fmt.Errorf("%w", ErrNoRoute)},
	} {
		w := exampleWorld(t)
		v := newTestValidator(t, w)
		v.exchanger = ExchangerFunc(func(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
			if !how.Chain {
				return nil, tc.err
			}
			return resolver{w}.Exchange(ctx, request, how)
		})
		m, r := v.Resolve(t.Context(), newQuestion("www.example.", typeA, withDO))
		if m.Rcode != servfail || r.Judged || r.Reason != dnssec.AnswerUnavailable || !errors.Is(r.Err, tc.err) {
			t.Errorf("%v: %v, %v\n%s", tc.err, r, r.Err, m)
		}
		if n := v.Stats().Failures; n != tc.kept {
			t.Errorf("%v: %d failures are kept", tc.err, n)
		}
	}
}

// TestPanic: a panic while a question of the chain is asked fails the queries that wait for
// it, and no other.
func TestPanic(t *testing.T) {
	w := exampleWorld(t)
	var seen tally
	v := newTestValidator(t, w, tallied(&seen))
	v.exchanger = ExchangerFunc(func(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
		if request.Question[0].Name == "csk.example." {
			panic("broken")
		}
		return resolver{w}.Exchange(ctx, request, how)
	})
	if m := ask(t, v, "www.csk.example.", typeA, withDO); m.Rcode != servfail {
		t.Errorf("%s", m)
	}
	if m := ask(t, v, "www.example.", typeA, withDO); !m.AuthenticatedData {
		t.Errorf("%s", m)
	}
	time.Sleep(20 * time.Millisecond) // for questions that were asked ahead
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if len(seen.panics) == 0 || seen.panics[0] != "broken" {
		t.Errorf("the observer is told of %v", seen.panics)
	}
}
