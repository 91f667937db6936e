package dnssec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// spansWorld is a zone with names of all kinds, and the denials received from it.
type spansWorld struct {
	w     *testzone.World
	keys  *Keys
	spans *Spans
	all   []*Authenticated
}

func newSpansWorld(t *testing.T, kind testzone.Denial, iterations uint16) *spansWorld {
	t.Helper()
	w, err := testzone.New(now, testzone.Spec{Name: "example.", Algorithm: dns.ED25519, Denial: kind, Iterations: iterations, Salt: "beef",
		Records: []string{"a A 192.0.2.1", "m A 192.0.2.1", "z MX 1 a", "*.wild TXT any", "x.y.ent A 192.0.2.2", "alias DNAME a"}},
		testzone.Spec{Name: "insecure.example."})
	must(t, err)
	set, _ := w.Zone("example.").RRset("example.", dns.TypeDNSKEY)
	keys, f := verifierAt(now).Keys(RRset{Name: "example.", Type: dns.TypeDNSKEY, RRs: set.RRs, Sigs: set.Sigs}, TrustAnchors("example.", anchorsOf(t, w, "example.")))
	if f != nil {
		t.Fatal(f)
	}
	return &spansWorld{w: w, keys: keys, spans: NewSpans("example.")}
}

func anchorsOf(t *testing.T, w *testzone.World, zone string) []*dns.DS {
	t.Helper()
	var anchors []*dns.DS
	for _, rr := range records(t, w.Anchors(zone)...) {
		anchors = append(anchors, rr.(*dns.DS))
	}
	return anchors
}

// query sends a question to the zone and stores the NSEC and NSEC3 records of the
// response.
func (s *spansWorld) query(t *testing.T, name string, qtype uint16) {
	t.Helper()
	msg := s.w.Answer(new(dns.Msg).SetQuestion(name, qtype).SetEdns0(1232, true))
	for _, set := range GroupRRsets(msg.Ns) {
		if set.Type != dns.TypeNSEC && set.Type != dns.TypeNSEC3 {
			continue
		}
		a, f := verifierAt(now).Authenticate(set, s.keys)
		if f != nil {
			t.Fatal(f)
		}
		s.all = append(s.all, a)
		s.spans.Insert(a)
	}
}

var spanNames = []string{
	"a.example.", "b.example.", "l.example.", "m.example.", "n.example.", "zz.example.", "0.example.", "x.a.example.", "wild.example.",
	"x.wild.example.", "x.y.wild.example.", "*.wild.example.", "ent.example.", "y.ent.example.", "x.y.ent.example.", "q.ent.example.",
	"q.y.ent.example.", "insecure.example.", "www.insecure.example.", "x.alias.example.", "alias.example.", "example.", "a.b.c.d.example.",
}

// TestSpans checks that the stored spans never prove more than all received records
// do, and that they prove all that these prove securely.
func TestSpans(t *testing.T) {
	for kind, iterations := range map[testzone.Denial]uint16{testzone.NSEC: 0, testzone.NSEC3: 3, testzone.NSEC3OptOut: 0} {
		t.Run(kind.String(), func(t *testing.T) {
			s := newSpansWorld(t, kind, iterations)
			if about := s.spans.About("b.example.", NewBudget(nil)); about != nil {
				t.Fatalf("%d spans of an empty set", len(about))
			}
			found := 0
			for _, queried := range spanNames {
				s.query(t, queried, dns.TypeHINFO)
				for _, name := range spanNames {
					found += s.compare(t, name)
				}
			}
			if found < 2*len(spanNames) {
				t.Errorf("only %d answers were found", found)
			}
		})
	}
}

// compare returns how many questions about a name the spans answer.
func (s *spansWorld) compare(t *testing.T, name string) (found int) {
	t.Helper()
	reference := s.reference()
	kept := s.spans.Denial(s.spans.About(name, NewBudget(nil)), NewBudget(nil))
	for what, ask := range map[string]func(d *Denial) Finding{
		"name error": func(d *Denial) Finding { return d.NameError(name) },
		"no A":       func(d *Denial) Finding { return d.NoData(name, dns.TypeA) },
		"no TXT":     func(d *Denial) Finding { return d.NoData(name, dns.TypeTXT) },
		"no DS":      func(d *Denial) Finding { _, f := d.Delegation(name); return f },
	} {
		want, got := ask(reference), ask(kept)
		if got.Status == Secure {
			found++
		}
		if got.Status != Bogus && got.Status != want.Status || want.Status == Secure && got.Status != Secure {
			t.Errorf("%s %s: %v (%s), all records show %v (%s)", what, name, got.Status, got.Detail, want.Status, want.Detail)
		}
	}
	return found
}

// reference returns the Denial of all received records.
func (s *spansWorld) reference() *Denial {
	v := verifierAt(now)
	d := v.Denial("example.", s.all)
	for _, p := range d.provers {
		if chain, ok := p.(*nsec3Records); ok {
			chain.received = 0 // the limit applies to responses only
		}
	}
	return d
}

// TestSpansNotStored checks records that deny no other names or are expensive.
func TestSpansNotStored(t *testing.T) {
	z, other := newTestZone(t, "example.", dns.ED25519), newTestZone(t, "other.", dns.ED25519)
	owner, before, after := "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tol", "0p9mhaveqvm6t7vbl5lop2u3t2rp3ton"
	for name, a := range map[string]*Authenticated{
		"other zone":      other.authenticated(t, other.signed(t, records(t, "a.other. NSEC c.other. A")))[0],
		"RFC 9824":        z.authenticated(t, z.signed(t, records(t, `a.example. NSEC \000.a.example. RRSIG NSEC NXNAME`)))[0],
		"RFC 4470":        z.authenticated(t, z.signed(t, records(t, `a.example. NSEC b\000.example. RRSIG NSEC`)))[0],
		"wildcard":        z.authenticated(t, z.signed(t, records(t, `a.example. NSEC c.example. RRSIG NSEC`), func(sig *dns.RRSIG) { sig.Labels = 1 }))[0],
		"NSEC3 for one":   z.authenticated(t, z.signed(t, records(t, before+".example. NSEC3 1 0 0 - "+after+" A")))[0],
		"iterations":      z.authenticated(t, z.signed(t, records(t, owner+".example. NSEC3 1 0 11 - v"+owner[1:]+" A")))[0],
		"long salt":       z.authenticated(t, z.signed(t, records(t, owner+".example. NSEC3 1 0 4 "+strings.Repeat("ab", 120)+" v"+owner[1:]+" A")))[0],
		"another type":    z.authenticated(t, z.signed(t, records(t, "a.example. A 192.0.2.1")))[0],
		"next is outside": z.authenticated(t, z.signed(t, records(t, "a.example. NSEC b.test. A")))[0],
		"many types":      z.authenticated(t, z.signed(t, records(t, "a.example. NSEC b.example. "+manyTypes(maxSpanTypes+1))))[0],
		"many, NSEC3":     z.authenticated(t, z.signed(t, records(t, owner+".example. NSEC3 1 0 0 - v"+owner[1:]+" "+manyTypes(maxSpanTypes+1))))[0],
		"two records":     z.authenticated(t, z.signed(t, records(t, "a.example. NSEC b.example. A", "a.example. NSEC c.example. A")))[0],
	} {
		if s := NewSpans("example."); s.Insert(a) != nil || !s.Empty() {
			t.Errorf("%s: kept", name)
		}
	}
	cheap := z.authenticated(t, z.signed(t, records(t, owner+".example. NSEC3 1 0 10 - v"+owner[1:]+" A")))[0]
	if NewSpans("example.").Insert(cheap) == nil {
		t.Error("10 iterations: not kept")
	}
}

func manyTypes(n int) string {
	var types []string
	for i := range n {
		types = append(types, fmt.Sprintf("TYPE%d", 1000+i))
	}
	return strings.Join(types, " ")
}

// TestSpansReplaced checks that a record replaces one with the same owner name, and
// that NSEC3 records replace all with other parameters.
func TestSpansReplaced(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	one := func(line string) *Authenticated { return z.authenticated(t, z.signed(t, records(t, line)))[0] }
	s := NewSpans("example.")
	first := s.Insert(one("a.example. NSEC m.example. A"))
	if again := s.Insert(first.Copy()); again != first {
		t.Error("the same record is kept twice")
	}
	second := s.Insert(one("a.example. NSEC c.example. A"))
	if got := s.Covering("d.example.", NewBudget(nil)); got != second {
		t.Error("the older record is still there")
	}
	s.Remove(first)
	if s.Empty() {
		t.Error("removing the older record removes the newer one")
	}
	s.Remove(second)
	if !s.Empty() {
		t.Error("a removed record is still there")
	}

	owner, next := "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "v5lrh6a7ghmqvm6t7vbl5lop2u3t2rp3"
	for i, salt := range []string{"aa", "aa", "bb"} {
		s.Insert(one(fmt.Sprintf("%d%s.example. NSEC3 1 0 1 %s %s A", i, owner[1:], salt, next)))
	}
	if n := len(s.nsec3.spans); n != 1 {
		t.Errorf("%d NSEC3 records after other parameters, want 1", n)
	}
}

// TestSpansCopy checks that a Span does not change with the TTLs of the response.
func TestSpansCopy(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	a := z.authenticated(t, z.signed(t, records(t, "a.example. 300 NSEC m.example. A")))[0]
	span := NewSpans("example.").Insert(a)
	a.set.RRs[0].Header().Ttl, a.sig.Hdr.Ttl = 1, 1
	if span.set.RRs[0].Header().Ttl != 300 || span.sig.Hdr.Ttl != 300 {
		t.Error("what is kept changed with the response")
	}
}

// TestSpansCost checks that names with many labels need few NSEC3 hashes, or none.
func TestSpansCost(t *testing.T) {
	s := newSpansWorld(t, testzone.NSEC3, 0)
	for _, name := range spanNames {
		s.query(t, name, dns.TypeHINFO)
	}
	b := NewBudget(nil)
	s.spans.About("1.2.3.4.5.6.7.8.9.example.", b)
	if spent := MaxHashes - b.hashes.Load(); spent != 0 {
		t.Errorf("%d hashes for a name of 10 labels", spent)
	}
	s.spans.About("8.7.6.5.4.3.2.1.example.", b)
	if spent := MaxHashes - b.hashes.Load(); spent > maxSpanDepth+2 {
		t.Errorf("%d hashes for a name of 9 labels", spent)
	}
}
