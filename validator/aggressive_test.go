package validator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestSynthesize: a question whose answer follows from earlier responses is not asked, and
// is answered as the upstream would have done. Questions are counted at the upstream.
func TestSynthesize(t *testing.T) {
	w := newWorld(t, richSpecs()...)
	for _, tc := range []struct {
		what   string
		asked  []string // NAME TYPE; the case is about the last one
		rcode  int
		answer string // the data, if any
		spared bool
	}{
		{what: "NXDOMAIN, NSEC", asked: []string{"no.example. A", "noo.example. A"}, rcode: dns.RcodeNameError, spared: true},
		{what: "NXDOMAIN, NSEC3", asked: []string{"no.nsec3.test. A", "a.no.nsec3.test. TXT"}, rcode: dns.RcodeNameError, spared: true},
		{what: "a name of the root", asked: []string{"local. A", "x.y.z.local. AAAA"}, rcode: dns.RcodeNameError, spared: true},
		{what: "NODATA, NSEC", asked: []string{"mail.example. A", "mail.example. AAAA"}, spared: true},
		{what: "NODATA, NSEC3", asked: []string{"mail.nsec3.test. A", "mail.nsec3.test. AAAA"}, spared: true},
		{what: "the type is there", asked: []string{"mail.example. A", "mail.example. MX"}, answer: "WWW.Example.Test."},
		{what: "empty non-terminal, NSEC", asked: []string{"a.ent.example. A", "ent.example. A"}, spared: true},
		{what: "wildcard, NSEC", asked: []string{"a.wild.example. A", "b.wild.example. A"}, answer: "192.0.2.2", spared: true},
		{what: "wildcard, NSEC3", asked: []string{"a.wild.nsec3.test. A", "b.a.wild.nsec3.test. A"}, answer: "192.0.2.2", spared: true},
		{what: "wildcard of another type", asked: []string{"a.text.example. TXT", "b.text.example. A"}, spared: false},
		{what: "beside a wildcard", asked: []string{"a.wild.example. TXT", "a.wild.example. A", "exact.wild.example. TXT"}, answer: "t"},
		{what: "an alias by wildcard", asked: []string{"a.cnames.example. A", "b.cnames.example. A"}, answer: "192.0.2.1"},
		{what: "opt-out", asked: []string{"no.test. A", "no2.test. A"}, rcode: dns.RcodeNameError},
		{what: "on-line signer", asked: []string{"no.compact.example. A", "no2.compact.example. A"}},
		{what: "on-line signer, same name", asked: []string{"no.compact.example. A", "no.compact.example. AAAA"}},
		{what: "below a delegation", asked: []string{"no.example. A", "www.unsigned.example. A"}, answer: "192.0.2.1"},
		{what: "below a DNAME", asked: []string{"dn.example. A", "www.dn.example. A"}, answer: "192.0.2.1"},
		{what: "iterations that cost too much", asked: []string{"no.it150.test. A", "a.no.it150.test. A"}, rcode: dns.RcodeNameError},
	} {
		v := newTestValidator(t, w)
		fakeClock(v)
		var m *dns.Msg
		var times int
		for _, line := range tc.asked {
			name, qtype, _ := strings.Cut(line, " ")
			w.ResetQuestions()
			m = ask(t, v, name, dns.StringToType[qtype], withDO)
			times = asked(w, name, dns.StringToType[qtype])
		}
		if spared := times == 0; spared != tc.spared {
			t.Errorf("%s: asked %d times", tc.what, times)
		}
		if m.Rcode != tc.rcode || (tc.answer == "") != (len(m.Answer) == 0) || !strings.Contains(fmt.Sprint(m.Answer), tc.answer) {
			t.Errorf("%s: want %s %s, got\n%s", tc.what, dns.RcodeToString[tc.rcode], tc.answer, m)
		}
		if tc.spared {
			sameProof(t, tc.what, w, m)
		}
	}
}

// sameProof checks that a validator that knows nothing finds a synthesized answer Secure.
func sameProof(t *testing.T, what string, w *testzone.World, m *dns.Msg) {
	t.Helper()
	if !m.AuthenticatedData {
		t.Errorf("%s: no AD", what)
	}
	fresh := newTestValidator(t, w)
	q := fresh.newQuery(t.Context(), newQuestion(m.Question[0].Name, m.Question[0].Qtype, withDO))
	if r := q.judgeResponse(m.Copy()); r.Status != dnssec.Secure {
		t.Errorf("%s: another validator finds %v:\n%s", what, r, m)
	}
}

// TestSynthesizeForAll: the owner name has the case of the question. A client without DO
// gets no NSEC, and AD only if it sets AD.
func TestSynthesizeForAll(t *testing.T) {
	w := newWorld(t, richSpecs()...)
	v := newTestValidator(t, w)
	ask(t, v, "no.example.", typeA, withDO)
	ask(t, v, "a.wild.example.", typeA, withDO)
	time.Sleep(100 * time.Millisecond) // until the questions that were asked ahead are answered
	w.ResetQuestions()
	m := ask(t, v, "NoThing.Example.", typeA, bits{ad: true})
	if m.Rcode != dns.RcodeNameError || !m.AuthenticatedData || len(m.Ns) != 1 || m.Ns[0].Header().Rrtype != dns.TypeSOA || m.IsEdns0() != nil {
		t.Errorf("with AD:\n%s", m)
	}
	if m := ask(t, v, "nothing.example.", typeA, bits{}); m.AuthenticatedData {
		t.Errorf("AD for a client that did not ask:\n%s", m)
	}
	m = ask(t, v, "B.Wild.Example.", typeA, bits{})
	if len(m.Answer) != 1 || m.Answer[0].Header().Name != "B.Wild.Example." || len(m.Ns) != 0 {
		t.Errorf("wildcard:\n%s", m)
	}
	if n := askedInAll(w); n != 0 {
		t.Errorf("%d questions", n)
	}
}

// TestSynthesizeNot has the clients and the settings for which every question is asked.
func TestSynthesizeNot(t *testing.T) {
	w := newWorld(t, richSpecs()...)
	for _, tc := range []struct {
		what  string
		opts  []option
		setUp func(v *Validator)
		edit  func(v *Validator) // after the first question
		bits  bits
	}{
		{what: "switched off", opts: []option{noSynthesis}, bits: withDO},
		{what: "report only", opts: []option{reportOnly}, bits: withDO},
		{what: "checking disabled", bits: bits{edns: true, cd: true}},
		{what: "forwarded by name", bits: withDO, setUp: func(v *Validator) {
			forwarding{".": resolver{w}, "corp.example.": resolver{w}}.use(v)
		}},
		{what: "other trust anchors", bits: withDO, edit: func(v *Validator) { v.SetAnchors(v.Anchors().Clone()) }},
		{what: "negative trust anchor", bits: withDO, edit: func(v *Validator) {
			set := v.Anchors().Clone()
			set.Disable(anchor.Negative{}, "corp.example.")
			v.SetAnchors(set)
		}},
	} {
		v := newTestValidator(t, w, tc.opts...)
		if tc.setUp != nil {
			tc.setUp(v)
		}
		ask(t, v, "cor.example.", typeA, withDO)
		if tc.edit != nil {
			tc.edit(v)
		}
		w.ResetQuestions()
		ask(t, v, "x.corp.example.", typeA, tc.bits)
		if n := asked(w, "x.corp.example.", typeA); n != 1 {
			t.Errorf("%s: asked %d times", tc.what, n)
		}
	}
}

// TestSynthesizeLargeWildcard: a wildcard's RRset is kept if it is of usual size.
func TestSynthesizeLargeWildcard(t *testing.T) {
	var spec testzone.Spec
	spec.Name, spec.Algorithm = "example.", p256
	for i := range 60 {
		line := fmt.Sprintf("TXT %s%d", strings.Repeat("x", 100), i)
		spec.Records = append(spec.Records, "*.large "+line)
		if i < 20 {
			spec.Records = append(spec.Records, "*.usual "+line)
		}
	}
	w := newWorld(t, spec)
	v := newTestValidator(t, w)
	for zone, synthesized := range map[string]bool{"usual.example.": true, "large.example.": false} {
		ask(t, v, "a."+zone, dns.TypeTXT, withDO)
		m := ask(t, v, "b."+zone, dns.TypeTXT, withDO)
		if n := asked(w, "b."+zone, dns.TypeTXT); !m.AuthenticatedData || (n == 0) != synthesized {
			t.Errorf("%s: AD %t, asked %d times", zone, m.AuthenticatedData, n)
		}
	}
}

// TestSynthesizeEnds: the TTLs of synthesized answers count down from that of negative
// answers (RFC 9077). At their end the question is asked again.
func TestSynthesizeEnds(t *testing.T) {
	soa := "@ 600 SOA ns.example. admin.example. 1 3600 600 86400 60"
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ED25519, Records: []string{soa, "a A 192.0.2.1", "*.w 30 A 192.0.2.2", "w TXT t"}})
	v := newTestValidator(t, w)
	now := fakeClock(v)
	ask(t, v, "no.example.", typeA, withDO)
	ask(t, v, "x.w.example.", typeA, withDO)
	w.ResetQuestions()
	for _, tc := range []struct {
		after time.Duration
		name  string
		ttl   uint32 // the most
		asked int
	}{
		{name: "noo.example.", ttl: 60},
		{name: "y.w.example.", ttl: 30},
		{after: 20 * time.Second, name: "nooo.example.", ttl: 40},
		{name: "z.w.example.", ttl: 10},
		{after: 11 * time.Second, name: "zz.w.example.", ttl: 30, asked: 1},
		{after: 30 * time.Second, name: "noooo.example.", ttl: 60, asked: 1},
	} {
		now.advance(tc.after)
		m := ask(t, v, tc.name, typeA, withDO)
		for _, rr := range slices.Concat(m.Answer, m.Ns) {
			if rr.Header().Ttl > tc.ttl && len(m.Answer) == 0 || rr.Header().Ttl > tc.ttl && rr.Header().Rrtype == typeA {
				t.Errorf("%s: TTL over %d: %s", tc.name, tc.ttl, rr)
			}
		}
		if n := asked(w, tc.name, typeA); n != tc.asked {
			t.Errorf("%s: asked %d times, want %d", tc.name, n, tc.asked)
		}
	}
}

// TestDeniedCuts: one proof that a span has no DS counts for all names in it. It never
// makes a signed zone insecure.
func TestDeniedCuts(t *testing.T) {
	specs := []testzone.Spec{{Name: "test.", Algorithm: dns.ED25519, Denial: testzone.NSEC3OptOut}, {Name: "signed.test.", Algorithm: dns.ED25519, Records: []string{"www A 192.0.2.1"}}}
	for i := range 20 {
		specs = append(specs, testzone.Spec{Name: fmt.Sprintf("d%d.test.", i), Records: []string{"www A 192.0.2.1"}})
	}
	w := newWorld(t, specs...)
	v := newTestValidator(t, w)
	fakeClock(v)
	for i := range 20 {
		if m := ask(t, v, fmt.Sprintf("www.d%d.test.", i), typeA, withDO); len(m.Answer) != 1 || m.AuthenticatedData {
			t.Errorf("d%d:\n%s", i, m)
		}
	}
	questions := 0
	for q, n := range w.Questions() {
		if q.Type == dns.TypeDS && q.Name != "test." {
			questions += n
		}
	}
	if questions > 4 { // as many as the zone has spans
		t.Errorf("%d questions for the DS of 20 zones in few spans", questions)
	}
	if m := ask(t, v, "www.signed.test.", typeA, withDO); !m.AuthenticatedData {
		t.Errorf("signed:\n%s", m)
	}
	breakZone(t, w, "signed.test.", testzone.DropSignatures("www.signed.test.", typeA))
	if m := ask(t, v, "www.signed.test.", typeA, withDO); m.Rcode != servfail {
		t.Errorf("signatures left out:\n%s", m)
	}
}

// TestDenialsBound: the denials that are kept are bounded, and a zone is forgotten with its
// last span.
func TestDenialsBound(t *testing.T) {
	w := newWorld(t, richSpecs()...)
	v := newTestValidator(t, w, capacity(3))
	for _, zone := range []string{"example.", "nsec3.test.", "csk.example.", "alg8.example.", "alg15.example."} {
		for _, name := range []string{"a.", "no.", "mail.", "zz.", "q.wild.", "r.text."} {
			ask(t, v, name+zone, typeA, withDO)
			ask(t, v, name+zone, dns.TypeTXT, withDO)
		}
	}
	if n := v.denials.spans.Len(); n > 3 {
		t.Errorf("%d spans", n)
	}
	if n := v.denials.wildcards.Len(); n > 3 {
		t.Errorf("%d wildcards", n)
	}
	if n := len(v.denials.zones); n > 3 {
		t.Errorf("%d zones", n)
	}
}
