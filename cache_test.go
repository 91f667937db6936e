package dnssecval

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// withoutEDNS stands for CoreDNS's cache plugin: it keeps one answer for each question, and
// drops the OPT records. It fails if a kept answer is changed.
func withoutEDNS(next plugin.Handler) plugin.Handler {
	kept := map[dns.Question]*dns.Msg{}
	return plugin.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		m := kept[r.Question[0]]
		if m == nil {
			c := new(testWriter)
			if rcode, err := next.ServeDNS(ctx, c, r); c.msg == nil {
				return rcode, err
			}
			m = withoutOPT(c.msg)
			kept[r.Question[0]] = m
		}
		m.Id = r.Id
		before := m.String()
		if err := w.WriteMsg(m); err != nil || m.String() != before {
			return servfail, errors.New("changed: " + before)
		}
		return dns.RcodeSuccess, nil
	})
}

// TestExplained: a client with EDNS gets the Extended DNS Error of a failure, with the first
// answer and with those from the cache.
func TestExplained(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA))
	h := newTestHandler(t, w)
	now := fakeClock(h.block)
	outer := newExplainer(h.block, withoutEDNS(h))
	for i := range 3 {
		m := ask(t, outer, "www.csk.example.", typeA, bits{edns: true})
		e := testzone.ExtendedError(m)
		if m.Rcode != servfail || e == nil || e.InfoCode != ede7 || !strings.HasPrefix(e.ExtraText, "signature_expired: RRSIG A www.csk.example. by csk.example. (tag ") {
			t.Errorf("answer %d:\n%s", i, m)
		}
		if m := ask(t, outer, "www.csk.example.", typeA, bits{}); m.Rcode != servfail || m.IsEdns0() != nil {
			t.Errorf("answer %d without EDNS:\n%s", i, m)
		}
		now.advance(30 * time.Second)
	}
	if m := ask(t, outer, "www.example.", typeA, bits{edns: true}); testzone.ExtendedError(m) != nil {
		t.Errorf("explained:\n%s", m)
	}
	now.advance(10 * time.Minute)
	if m := ask(t, outer, "www.csk.example.", typeA, bits{edns: true}); testzone.ExtendedError(m) != nil {
		t.Errorf("explained with what was long ago:\n%s", m)
	}
}

// TestExplainedInsecure: a client with EDNS gets the Extended DNS Error of an answer that is
// passed on, if its reason has a code: with the first answer and with those from the cache.
// A client with CD gets none.
func TestExplainedInsecure(t *testing.T) {
	host := []string{"www A 192.0.2.1"}
	w := newWorld(t, testzone.Spec{Name: "algorithm.", Algorithm: p256, Records: host}, testzone.Spec{Name: "digest.", Algorithm: p256, Records: host},
		testzone.Spec{Name: "iterations.", Algorithm: p256, Denial: testzone.NSEC3, Iterations: 200, Records: host},
		testzone.Spec{Name: "negative.", Algorithm: p256, Records: host}, testzone.Spec{Name: "unsigned.", Records: host}, testzone.Spec{Name: "secure.", Algorithm: p256, Records: host})
	breakZone(t, w, "algorithm.", testzone.DSAlgorithm(100))
	breakZone(t, w, "digest.", testzone.DSDigestType(100))
	h := newTestHandler(t, w, "negative-trust-anchor negative")
	now := fakeClock(h.block)
	outer := newExplainer(h.block, withoutEDNS(h))
	cases := []struct {
		name string
		code uint16
		text string
	}{
		{name: "www.algorithm.", code: 1, text: "algorithm_unsupported: "},
		{name: "www.digest.", code: 2, text: "digest_unsupported: "},
		{name: "none.iterations.", code: 27, text: "nsec3_iterations_high: "},
		{name: "www.negative.", code: 33, text: "negative_trust_anchor: negative trust anchor negative."},
		{name: "www.unsigned.", code: noCode},
		{name: "www.secure.", code: noCode},
	}
	for i := range 3 {
		for _, tc := range cases {
			m := ask(t, outer, tc.name, typeA, bits{edns: true})
			e := testzone.ExtendedError(m)
			if edeOf(m) != tc.code || e != nil && !strings.HasPrefix(e.ExtraText, tc.text) || m.Rcode == servfail {
				t.Errorf("answer %d:\n%s", i, m)
			}
			if m := ask(t, outer, tc.name, typeA, bits{}); m.IsEdns0() != nil {
				t.Errorf("answer %d without EDNS:\n%s", i, m)
			}
			if m := ask(t, outer, tc.name, typeA, bits{edns: true, cd: true}); edeOf(m) != noCode {
				t.Errorf("answer %d with CD:\n%s", i, m)
			}
		}
		now.advance(10 * time.Minute)
	}
	now.advance(answerExplained)
	if m := ask(t, outer, "www.negative.", typeA, wantDO); edeOf(m) != noCode {
		t.Errorf("explained with what was long ago:\n%s", m)
	}
	if n := h.explanations.answers.Len(); n != 4 {
		t.Errorf("%d answers are kept to be explained", n)
	}
}

// TestExplainedNoMore: once a name is judged anew, its answers are not explained by what was
// found before.
func TestExplainedNoMore(t *testing.T) {
	w := exampleWorld(t)
	h := newTestHandler(t, w, "negative-trust-anchor csk.example")
	if m := ask(t, newExplainer(h.block, h), "www.csk.example.", typeA, wantDO); edeOf(m) != 33 {
		t.Errorf("%s", m)
	}
	without := h.engine.Anchors().Clone()
	without.Enable("csk.example.")
	h.engine.SetAnchors(without)
	outer := newExplainer(h.block, withoutEDNS(h))
	for range 2 {
		if m := ask(t, outer, "www.csk.example.", typeA, bits{edns: true}); edeOf(m) != noCode {
			t.Errorf("%s", m)
		}
	}
}

// TestExplainedOthers: a failure of another plugin is not explained, nor that of another type
// of the name.
func TestExplainedOthers(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA))
	h := newTestHandler(t, w)
	ask(t, newExplainer(h.block, h), "www.csk.example.", typeA, wantDO)
	outer := newExplainer(h.block, returning(servfail, nil))
	for _, q := range []struct {
		name  string
		qtype uint16
	}{{name: "www.csk.example.", qtype: dns.TypeTXT}, {name: "csk.example.", qtype: typeA}, {name: "www.example.", qtype: typeA}} {
		if m := ask(t, outer, q.name, q.qtype, wantDO); testzone.ExtendedError(m) != nil {
			t.Errorf("%s", m)
		}
	}
}

// TestExplainedAfterRewrite: the plugin rewrite changes the name in place between the client
// and the validating handler. A cache may stand before it or behind it.
func TestExplainedAfterRewrite(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA))
	h := newTestHandler(t, w)
	rewrite := func(next plugin.Handler) plugin.Handler {
		return plugin.HandlerFunc(func(ctx context.Context, rw dns.ResponseWriter, r *dns.Msg) (int, error) {
			before := r.Question[0].Name
			r.Question[0].Name = "www.csk.example."
			return next.ServeDNS(ctx, rewriting{ResponseWriter: rw, name: before}, r)
		})
	}
	for _, tc := range []struct {
		name string
		next plugin.Handler
	}{
		{name: "cache behind", next: rewrite(withoutEDNS(h))},
		{name: "cache before", next: withoutEDNS(rewrite(h))},
		{name: "no cache", next: rewrite(h)},
	} {
		outer := newExplainer(h.block, tc.next)
		for i := range 3 {
			if m := ask(t, outer, "alias.internal.", typeA, wantDO); m.Rcode != servfail || edeOf(m) != ede7 || m.Question[0].Name != "alias.internal." {
				t.Errorf("%s, answer %d:\n%s", tc.name, i, m)
			}
		}
	}
}

// rewriting writes answers for the name that was asked for.
type rewriting struct {
	dns.ResponseWriter
	name string
}

func (w rewriting) WriteMsg(m *dns.Msg) error {
	m = m.Copy()
	m.Question[0].Name = w.name
	return w.ResponseWriter.WriteMsg(m)
}

// TestEDNSAddedBetween: a plugin in between adds EDNS to the question of a client without
// it. The client gets no OPT record (RFC 6891, section 6.1.1), and the message of the plugin
// is not changed.
func TestEDNSAddedBetween(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA))
	h := newTestHandler(t, w)
	glue, err := dns.NewRR("ns.example. 60 IN A 192.0.2.53")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, asked string
		bits        bits
		ede         uint16
		opts        int // in the additional section
	}{
		{name: "secure", asked: "www.example.", ede: noCode},
		{name: "bogus", asked: "www.csk.example.", ede: noCode},
		{name: "with CD", asked: "www.csk.example.", bits: bits{cd: true}, ede: noCode},
		{name: "client with EDNS", asked: "www.example.", bits: bits{edns: true}, ede: noCode, opts: 1},
		{name: "client with EDNS, bogus", asked: "www.csk.example.", bits: bits{edns: true}, ede: ede7, opts: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var written, before string
			between := plugin.HandlerFunc(func(ctx context.Context, rw dns.ResponseWriter, r *dns.Msg) (int, error) {
				if r.IsEdns0() == nil {
					r.SetEdns0(1232, true)
				}
				c := new(testWriter)
				rcode, err := h.ServeDNS(ctx, c, r)
				c.msg.Extra = append(c.msg.Extra, glue)
				before = c.msg.String()
				_ = rw.WriteMsg(c.msg)
				written = c.msg.String()
				return rcode, err
			})
			m := ask(t, newExplainer(h.block, between), tc.asked, typeA, tc.bits)
			if len(m.Extra) != tc.opts+1 || (m.IsEdns0() != nil) != (tc.opts == 1) || edeOf(m) != tc.ede || !hasType(m.Extra, typeA) {
				t.Errorf("%s", m)
			}
			if written != before {
				t.Errorf("changed to\n%s", written)
			}
		})
	}
}

// TestExplainedTarget: a plugin that asks the server for the target of an alias, as
// kubernetes does for an ExternalName, answers with the alias alone if the target fails. The
// answer has the Extended DNS Error of the target.
func TestExplainedTarget(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA))
	h := newTestHandler(t, w)
	server := newExplainer(h.block, h)
	external := func(target string) plugin.Handler {
		return plugin.HandlerFunc(func(ctx context.Context, rw dns.ResponseWriter, r *dns.Msg) (int, error) {
			c := new(testWriter)
			_, _ = server.ServeDNS(ctx, c, newQuestion(target, r.Question[0].Qtype, wantDO))
			m := new(dns.Msg).SetReply(r)
			m.Answer = append(m.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: r.Question[0].Name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 5}, Target: target})
			if c.msg != nil {
				m.Answer = append(m.Answer, c.msg.Answer...)
			}
			return dns.RcodeSuccess, rw.WriteMsg(m)
		})
	}
	for _, tc := range []struct {
		name, target string
		want         uint16
	}{
		{name: "bogus target", target: "www.csk.example.", want: ede7},
		{name: "secure target", target: "www.example.", want: noCode},
	} {
		t.Run(tc.name, func(t *testing.T) {
			outer := newExplainer(h.block, withoutEDNS(external(tc.target)))
			for i := range 2 {
				if m := ask(t, outer, "ext."+tc.target, typeA, bits{edns: true}); m.Rcode != dns.RcodeSuccess || edeOf(m) != tc.want || m.AuthenticatedData {
					t.Errorf("answer %d:\n%s", i, m)
				}
			}
		})
	}
}

// TestUpstreamExplained: what an upstream says of its own failure reaches the client, also
// with the SERVFAIL that the cache plugin keeps.
func TestUpstreamExplained(t *testing.T) {
	w := exampleWorld(t)
	intercept(w, testzone.Question{Name: "www.example.", Type: typeA}, func(a *dns.Msg) *dns.Msg {
		a.Rcode, a.Answer, a.Ns = servfail, nil, nil
		return a
	})
	h := newTestHandler(t, w)
	outer := newExplainer(h.block, withoutEDNS(h))
	for i := range 2 {
		if e := testzone.ExtendedError(ask(t, outer, "www.example.", typeA, bits{edns: true})); e == nil || e.InfoCode != dns.ExtendedErrorCodeNoReachableAuthority || e.ExtraText != "the upstream answered SERVFAIL" {
			t.Errorf("answer %d: %v", i, e)
		}
	}
}

// TestSecureUntil: of answers that the cache plugin may outlast it is kept until when they
// may have AD; if such an entry was evicted AD is cleared for as long as it would have been
// needed (RFC 4035, section 5.3.3).
func TestSecureUntil(t *testing.T) {
	now := time.Now()
	of := func(status dnssec.Status, lasts time.Duration) explanation {
		return explanation{finding: validator.Finding{Status: status}, expires: now.Add(lasts)}
	}
	first, second := question{"first.", typeA}, question{"second.", typeA}
	for _, tc := range []struct {
		name    string
		keeping placement.Keeping
		note    func(e *explanations)
		known   bool
		until   time.Time
	}{
		{name: "nothing", note: func(*explanations) {}},
		{name: "no cache", note: func(e *explanations) { e.noteSecure(first, of(dnssec.Secure, time.Second), 1, now) }},
		{name: "lasts longer than the cache", keeping: placement.Keeping{Beyond: 5 * time.Second}, note: func(e *explanations) { e.noteSecure(first, of(dnssec.Secure, time.Hour), 60, now) }},
		{name: "minimum TTL", keeping: placement.Keeping{Beyond: 5 * time.Second}, note: func(e *explanations) { e.noteSecure(first, of(dnssec.Secure, 2*time.Second), 2, now) },
			known: true, until: now.Add(2 * time.Second)},
		{name: "stale", keeping: placement.Keeping{Beyond: time.Hour}, note: func(e *explanations) { e.noteSecure(first, of(dnssec.Secure, time.Hour), 60, now) }, known: true, until: now.Add(time.Hour)},
		{name: "keepttl", keeping: placement.Keeping{Beyond: 5 * time.Second, KeepTTL: true}, note: func(e *explanations) { e.noteSecure(first, of(dnssec.Secure, 100*time.Second), 60, now) },
			known: true, until: now.Add(100 * time.Second)},
		{name: "then insecure", keeping: placement.Keeping{Beyond: time.Hour}, note: func(e *explanations) {
			e.noteSecure(first, of(dnssec.Secure, time.Minute), 60, now)
			e.noteSecure(first, of(dnssec.Insecure, 0), 60, now)
		}},
		{name: "then bogus", keeping: placement.Keeping{Beyond: time.Hour}, note: func(e *explanations) {
			e.noteSecure(first, of(dnssec.Secure, time.Minute), 60, now)
			e.noteSecure(first, of(dnssec.Bogus, 0), 60, now)
		}, known: true, until: now.Add(time.Minute)},
		{name: "evicted", keeping: placement.Keeping{Beyond: time.Hour}, note: func(e *explanations) {
			e.noteSecure(first, of(dnssec.Secure, time.Minute), 60, now)
			e.noteSecure(second, of(dnssec.Secure, time.Minute), 60, now)
		}, known: true, until: now},
		{name: "evicted long ago", keeping: placement.Keeping{Beyond: time.Hour}, note: func(e *explanations) {
			before := now.Add(-2 * time.Hour)
			e.noteSecure(first, explanation{finding: dnssec.Proven, expires: before}, 60, before)
			e.noteSecure(second, explanation{finding: dnssec.Proven, expires: before}, 60, before)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, err := newExplanations(1)
			if err != nil {
				t.Fatal(err)
			}
			e.keeping = tc.keeping
			tc.note(e)
			if until, known := e.secureUntil(first, now); known != tc.known || !until.Equal(tc.until) {
				t.Errorf("%v %v, want %v %v", until, known, tc.until, tc.known)
			}
		})
	}
}
