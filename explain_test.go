package dnssecval

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// oldCache stands for CoreDNS's cache plugin: it keeps one answer for each question,
// and drops the OPT record of all.
func oldCache(next plugin.Handler, kept map[dns.Question]*dns.Msg) plugin.Handler {
	return handlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		m := kept[r.Question[0]]
		if m == nil {
			c := new(client)
			if rcode, err := next.ServeDNS(ctx, c, r); c.msg == nil {
				return rcode, err
			}
			m = c.msg.Copy()
			m.Extra = withOPT(m.Extra, nil)
			kept[r.Question[0]] = m
		}
		before := m.String()
		out := m // the cache's own message: nobody may change it
		out.Id = r.Id
		err := w.WriteMsg(out)
		if out.Id = 0; len(out.Extra) > 0 {
			return servfail, errChanged{before}
		}
		return dns.RcodeSuccess, err
	})
}

type errChanged struct{ what string }

func (e errChanged) Error() string { return "changed: " + e.what }

// TestExplained: the EDE reaches a client with EDNS, on the first and on the repeated
// failing answer.
func TestExplained(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA))
	v := newTestValidator(t, w)
	now := fakeClock(v)
	h := newExplainer(v, oldCache(v, map[dns.Question]*dns.Msg{}))
	for i := range 3 {
		m := ask(t, h, "www.csk.example.", typeA, bits{edns: true})
		e := extendedError(m)
		if m.Rcode != servfail || e == nil || e.InfoCode != ede7 || !strings.HasPrefix(e.ExtraText, "signature_expired: RRSIG A www.csk.example. by csk.example. (tag ") {
			t.Errorf("answer %d:\n%s", i, m)
		}
		if m := ask(t, h, "www.csk.example.", typeA, bits{}); m.Rcode != servfail || m.IsEdns0() != nil {
			t.Errorf("answer %d without EDNS:\n%s", i, m)
		}
		now.advance(30 * time.Second)
	}
	if m := ask(t, h, "www.example.", typeA, bits{edns: true}); extendedError(m) != nil {
		t.Errorf("explained:\n%s", m)
	}
	now.advance(10 * time.Minute)
	if m := ask(t, h, "www.csk.example.", typeA, bits{edns: true}); extendedError(m) != nil {
		t.Errorf("explained with what was long ago:\n%s", m)
	}
}

// TestExplainedInsecure: what is passed on for a reason that has a code is explained, on
// the first answer and on those out of the cache, to clients with EDNS; a client with
// CD asked for no judgement.
func TestExplainedInsecure(t *testing.T) {
	const alg = dns.ECDSAP256SHA256
	host := []string{"www A 192.0.2.1"}
	w := newWorld(t, testzone.Spec{Name: "algorithm.", Algorithm: alg, Records: host}, testzone.Spec{Name: "digest.", Algorithm: alg, Records: host},
		testzone.Spec{Name: "iterations.", Algorithm: alg, Denial: testzone.NSEC3, Iterations: 200, Records: host},
		testzone.Spec{Name: "negative.", Algorithm: alg, Records: host}, testzone.Spec{Name: "unsigned.", Records: host}, testzone.Spec{Name: "secure.", Algorithm: alg, Records: host})
	breakZone(t, w, "algorithm.", testzone.DSAlgorithm(100))
	breakZone(t, w, "digest.", testzone.DSDigestType(100))
	v := newTestValidator(t, w, "negative-trust-anchor negative")
	now := fakeClock(v)
	kept := map[dns.Question]*dns.Msg{}
	h := newExplainer(v, oldCache(v, kept))
	cases := []struct {
		name string
		code uint16
		text string
	}{
		{"www.algorithm.", 1, "algorithm_unsupported: "},
		{"www.digest.", 2, "digest_unsupported: "},
		{"none.iterations.", 27, "nsec3_iterations_high: "},
		{"www.negative.", 33, "negative_trust_anchor: negative trust anchor negative."},
		{"www.unsigned.", noCode, ""},
		{"www.secure.", noCode, ""},
	}
	for i := range 3 {
		for _, tc := range cases {
			m := ask(t, h, tc.name, typeA, bits{edns: true})
			e := extendedError(m)
			if edeOf(m) != tc.code || e != nil && !strings.HasPrefix(e.ExtraText, tc.text) || m.Rcode == servfail {
				t.Errorf("answer %d:\n%s", i, m)
			}
			if m := ask(t, h, tc.name, typeA, bits{}); m.IsEdns0() != nil {
				t.Errorf("answer %d without EDNS:\n%s", i, m)
			}
			if m := ask(t, h, tc.name, typeA, bits{edns: true, cd: true}); edeOf(m) != noCode {
				t.Errorf("answer %d with CD:\n%s", i, m)
			}
		}
		now.advance(10 * time.Minute)
	}
	now.advance(answerToExplain)
	if m := ask(t, h, "www.negative.", typeA, withDO); edeOf(m) != noCode {
		t.Errorf("explained with what was long ago:\n%s", m)
	}
	if v.cache.passed.Len() != 4 {
		t.Errorf("%d answers are kept to be explained", v.cache.passed.Len())
	}
}

// TestExplainedNoMore: once a name is judged anew, what it was before is not told.
func TestExplainedNoMore(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w, "negative-trust-anchor csk.example")
	if m := ask(t, newExplainer(v, v), "www.csk.example.", typeA, withDO); edeOf(m) != edeNegative {
		t.Errorf("%s", m)
	}
	without := v.anchors.Load().clone()
	clear(without.negative)
	v.anchors.Store(without)
	kept := map[dns.Question]*dns.Msg{}
	for range 2 {
		if m := ask(t, newExplainer(v, oldCache(v, kept)), "www.csk.example.", typeA, bits{edns: true}); edeOf(m) != noCode {
			t.Errorf("%s", m)
		}
	}
}

const edeNegative = 33

// TestExplainedOthers: a failure that is not the validator's is not explained, and
// neither is one of another type of the name.
func TestExplainedOthers(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA))
	v := newTestValidator(t, w)
	ask(t, newExplainer(v, v), "www.csk.example.", typeA, withDO)
	fails := handlerFunc(func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { return servfail, nil })
	for _, q := range []struct {
		name  string
		qtype uint16
	}{{"www.csk.example.", dns.TypeTXT}, {"csk.example.", typeA}, {"www.example.", typeA}} {
		if m := ask(t, newExplainer(v, fails), q.name, q.qtype, withDO); extendedError(m) != nil {
			t.Errorf("%s", m)
		}
	}
}

// TestExplainedAfterRewrite: rewrite changes the name in place, between the client
// and the validator; a cache may stand before it or behind it.
func TestExplainedAfterRewrite(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA))
	v := newTestValidator(t, w)
	rewrite := func(next plugin.Handler) plugin.Handler {
		return handlerFunc(func(ctx context.Context, rw dns.ResponseWriter, r *dns.Msg) (int, error) {
			before := r.Question[0].Name
			r.Question[0].Name = "www.csk.example."
			back := rewriting{ResponseWriter: rw, name: before}
			return next.ServeDNS(ctx, back, r)
		})
	}
	kept := map[dns.Question]*dns.Msg{}
	for what, h := range map[string]plugin.Handler{"cache behind": newExplainer(v, rewrite(oldCache(v, kept))), "no cache": newExplainer(v, rewrite(v))} {
		for i := range 3 {
			if m := ask(t, h, "alias.internal.", typeA, withDO); m.Rcode != servfail || edeOf(m) != ede7 || m.Question[0].Name != "alias.internal." {
				t.Errorf("%s, answer %d:\n%s", what, i, m)
			}
		}
	}
}

type rewriting struct {
	dns.ResponseWriter
	name string
}

func (w rewriting) WriteMsg(m *dns.Msg) error {
	m = m.Copy()
	m.Question[0].Name = w.name
	return w.ResponseWriter.WriteMsg(m)
}

// TestReportOnly: with the word insecure it is judged, counted and logged, not refused.
func TestReportOnly(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.ChangeRDATA("www.csk.example.", typeA))
	out := captureLog(t)
	v := newTestValidator(t, w, "insecure", "log-failures")
	subsystem := ownMetrics(v)
	for range 2 {
		m := ask(t, newExplainer(v, v), "www.csk.example.", typeA, withDO)
		if m.Rcode != dns.RcodeSuccess || m.AuthenticatedData || !hasType(m.Answer, typeA) || edeOf(m) != ede6 {
			t.Errorf("%s", m)
		}
	}
	if m := ask(t, v, "www.example.", typeA, withDO); !m.AuthenticatedData {
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
	later := time.Now().AddDate(0, 1, 0).UTC().Format("20060102150405")
	if got := observe(t, newTestValidator(t, w, "override-date "+later), "www.example.", typeA); got.reason != dnssec.SignatureExpired {
		t.Errorf("%+v %s", got, got.reason)
	}
	breakZone(t, w, "example.", testzone.SignedDuring("", 0, dayOf(20), dayOf(40)))
	breakZone(t, w, ".", testzone.SignedDuring("", 0, dayOf(20), dayOf(40)))
	if got := observe(t, newTestValidator(t, w, "override-date "+later), "www.example.", typeA); !got.ad {
		t.Errorf("%+v %s", got, got.reason)
	}
}
