package validator

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

func targetWorld(t *testing.T) *testzone.World {
	t.Helper()
	records := append([]string{
		"one CNAME two", "two CNAME three.csk.example.", "there CNAME here", "here CNAME there", "below DNAME csk.example.",
	}, richRecords...)
	for i := range maxLinks + 1 {
		records = append(records, fmt.Sprintf("n%d CNAME n%d", i, i+1))
	}
	return newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: p256, Records: records},
		testzone.Spec{Name: "unsigned.example.", Records: []string{"www A 192.0.2.1", "alias CNAME www", "nowhere CNAME no.such", "across CNAME www.csk.example.", "back CNAME www.example.", "there CNAME here", "here CNAME there"}},
		testzone.Spec{Name: "csk.example.", Algorithm: p256, Records: append([]string{"three CNAME www"}, richRecords...)},
	)
}

// aliasesAlone leaves in a response only what is at the name that was asked for, the DNAME
// above it, and the proofs of a wildcard expansion.
func aliasesAlone(q, a *dns.Msg) *dns.Msg {
	name := dnsname.Canonical(q.Question[0].Name)
	if !slices.ContainsFunc(a.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeCNAME }) || q.Question[0].Qtype == dns.TypeCNAME {
		return a
	}
	expanded := slices.ContainsFunc(a.Answer, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return ok && dnsname.Canonical(sig.Hdr.Name) == name && int(sig.Labels) < dnsname.Labels(name)
	})
	a.Answer = slices.DeleteFunc(a.Answer, func(rr dns.RR) bool {
		owner := dnsname.Canonical(rr.Header().Name)
		return owner != name && !(dnsname.IsBelow(name, owner) && covered(rr) == dns.TypeDNAME)
	})
	a.Rcode, a.Ns = dns.RcodeSuccess, slices.DeleteFunc(a.Ns, func(rr dns.RR) bool { return !expanded || covered(rr) == dns.TypeSOA })
	return a
}

// covered returns the type of a record, or the type that a signature covers.
func covered(rr dns.RR) uint16 {
	if sig, ok := rr.(*dns.RRSIG); ok {
		return sig.TypeCovered
	}
	return rr.Header().Rrtype
}

// withoutAuthority leaves denials out of answers with aliases, as some upstreams do.
func withoutAuthority(q, a *dns.Msg) *dns.Msg {
	if len(a.Answer) > 0 {
		a.Ns = nil
	}
	return a
}

// endUnsigned leaves out the signatures of everything but the first alias.
func endUnsigned(q, a *dns.Msg) *dns.Msg {
	name := dnsname.Canonical(q.Question[0].Name)
	a.Answer = slices.DeleteFunc(a.Answer, func(rr dns.RR) bool {
		return rr.Header().Rrtype == dns.TypeRRSIG && dnsname.Canonical(rr.Header().Name) != name
	})
	return a
}

// TestTarget: the target of aliases that an upstream leaves out, or gives without a proof,
// is asked for once.
func TestTarget(t *testing.T) {
	w := targetWorld(t)
	for _, tt := range []struct {
		what    string
		upset   func(q, a *dns.Msg) *dns.Msg
		name    string
		qtype   uint16
		rcode   int
		ad      bool
		records int    // in the answer, without signatures
		target  string // asked for
	}{
		{what: "an alias", upset: aliasesAlone, name: "alias.example.", ad: true, records: 2, target: "www.example."},
		{what: "its end unsigned", upset: endUnsigned, name: "alias.example.", ad: true, records: 2, target: "www.example."},
		{what: "to a type that is not there", upset: aliasesAlone, name: "alias.example.", qtype: dns.TypeMX, ad: true, records: 1, target: "www.example."},
		{what: "its denial left out", upset: withoutAuthority, name: "alias.example.", qtype: dns.TypeMX, ad: true, records: 1, target: "www.example."},
		{what: "to no name", upset: aliasesAlone, name: "nowhere.example.", rcode: dns.RcodeNameError, ad: true, records: 1, target: "no.such.example."},
		{what: "from a wildcard", upset: aliasesAlone, name: "x.cnames.example.", ad: true, records: 2, target: "www.example."},
		{what: "three one by one", upset: aliasesAlone, name: "one.example.", ad: true, records: 4, target: "three.csk.example."},
		{what: "by a DNAME", upset: aliasesAlone, name: "www.below.example.", ad: true, records: 3, target: "www.csk.example."},
		{what: "into an unsigned zone", upset: aliasesAlone, name: "toinsecure.example.", records: 2, target: "www.unsigned.example."},
		{what: "in an unsigned zone", upset: aliasesAlone, name: "alias.unsigned.example.", records: 2, target: "www.unsigned.example."},
		{what: "in an unsigned zone to no name", upset: aliasesAlone, name: "nowhere.unsigned.example.", rcode: dns.RcodeNameError, records: 1, target: "no.such.unsigned.example."},
		{what: "from an unsigned zone", upset: aliasesAlone, name: "across.unsigned.example.", records: 2, target: "www.csk.example."},
		{what: "whole, from an unsigned zone", upset: endUnsigned, name: "toinsecure.example.", records: 2},
	} {
		t.Run(tt.what, func(t *testing.T) {
			if tt.qtype == 0 {
				tt.qtype = dns.TypeA
			}
			w.Intercept(tt.upset)
			w.ResetQuestions()
			m := ask(t, newTestValidator(t, w), tt.name, tt.qtype, bits{ad: true})
			if m.Rcode != tt.rcode || m.AuthenticatedData != tt.ad || len(m.Answer) != tt.records {
				t.Errorf("want %s, AD %t, %d records:\n%s", dns.RcodeToString[tt.rcode], tt.ad, tt.records, m)
			}
			if got, want := asked(w, tt.target, tt.qtype), min(len(tt.target), 1); got != want {
				t.Errorf("%s was asked for %d times", tt.target, got)
			}
			if got := asked(w, tt.name, tt.qtype); got != 1 {
				t.Errorf("the question was asked %d times", got)
			}
		})
	}
}

// cnameAt answers a question with the CNAME at the name alone.
func cnameAt(w *testzone.World, q *dns.Msg) *dns.Msg {
	a := w.Answer(newQuestion(q.Question[0].Name, dns.TypeCNAME, withDO))
	a.Question = q.Question
	return a
}

// TestTargetForged: the target has to be proven as well, and takes no more questions than
// a name without aliases.
func TestTargetForged(t *testing.T) {
	w := targetWorld(t)
	atWWW := func(f func(a *dns.Msg) *dns.Msg) func(q, a *dns.Msg) *dns.Msg {
		return func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Name == "www.example." && q.Question[0].Qtype == dns.TypeA {
				return f(a)
			}
			return aliasesAlone(q, a)
		}
	}
	circle := func(q, a *dns.Msg) *dns.Msg {
		if a.Rcode == servfail {
			return cnameAt(w, q)
		}
		return a
	}
	for _, tt := range []struct {
		what   string
		upset  func(q, a *dns.Msg) *dns.Msg
		name   string
		reason dnssec.Reason
		most   int // questions for addresses
	}{
		{what: "another address", upset: atWWW(func(a *dns.Msg) *dns.Msg { a.Answer[0].(*dns.A).A[3]++; return a }), name: "alias.example.", reason: dnssec.SignatureInvalid, most: 4},
		{what: "nothing at all", upset: atWWW(func(a *dns.Msg) *dns.Msg { a.Answer, a.Ns = nil, nil; return a }), name: "alias.example.", reason: dnssec.DenialMissing, most: 3},
		{what: "refused", upset: atWWW(refused), name: "alias.example.", reason: dnssec.DenialMissing, most: 5},
		{what: "no answer", upset: atWWW(lost), name: "alias.example.", reason: dnssec.DenialMissing, most: 3},
		{what: "no such name", upset: atWWW(func(a *dns.Msg) *dns.Msg { a.Rcode, a.Answer = dns.RcodeNameError, nil; return a }), name: "alias.example.", reason: dnssec.DenialMissing, most: 3},
		{what: "without signatures", upset: atWWW(unsigned), name: "alias.example.", reason: dnssec.SignatureMissing, most: 4},
		{what: "a circle", upset: circle, name: "there.example.", reason: dnssec.DenialMissing, most: 4},
		{what: "an address that nobody signed the way to", upset: atWWW(func(a *dns.Msg) *dns.Msg { a.Answer[0].(*dns.A).A[3]++; return a }), name: "back.unsigned.example.", reason: dnssec.SignatureInvalid, most: 4},
		{what: "a chain that is too long", upset: aliasesAlone, name: "n0.example.", reason: dnssec.DenialMissing, most: maxLinks + 3},
	} {
		t.Run(tt.what, func(t *testing.T) {
			v := newTestValidator(t, w)
			w.Intercept(tt.upset)
			w.ResetQuestions()
			if r := judged(t, v, tt.name, dns.TypeA); r.Status != dnssec.Bogus || r.Reason != tt.reason {
				t.Errorf("%v, want %v", r, tt.reason)
			}
			n := 0
			for q, times := range w.Questions() {
				if q.Type == dns.TypeA {
					n += times
				}
			}
			if n > tt.most {
				t.Errorf("%d questions: %v", n, w.Questions())
			}
		})
	}
}

// TestTargetOutOfReach: an unsigned alias whose target the upstream does not answer is
// answered without the target.
func TestTargetOutOfReach(t *testing.T) {
	w := targetWorld(t)
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		switch {
		case q.Question[0].Name == "www.unsigned.example.":
			return refused(a)
		case a.Rcode == servfail:
			return cnameAt(w, q)
		default:
			return aliasesAlone(q, a)
		}
	})
	for what, name := range map[string]string{"refused": "alias.unsigned.example.", "a circle": "there.unsigned.example."} {
		w.ResetQuestions()
		m := ask(t, newTestValidator(t, w), name, dns.TypeA, withDO)
		if m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 || m.AuthenticatedData {
			t.Errorf("%s: want the alias:\n%s", what, m)
		}
		if n := askedInAll(w); n > 12 {
			t.Errorf("%s: %d questions: %v", what, n, w.Questions())
		}
	}
}

// TestTargetElsewhere: the target is asked like any other question, wherever the Exchanger
// asks for it.
func TestTargetElsewhere(t *testing.T) {
	w := targetWorld(t)
	w.Intercept(aliasesAlone)
	for _, elsewhere := range []bool{false, true} {
		v := newTestValidator(t, w)
		var mu sync.Mutex
		var seen []string
		forwarding{".": resolver{w}, "csk.example.": ExchangerFunc(func(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
			mu.Lock()
			seen = append(seen, questionOf(request))
			mu.Unlock()
			return resolver{w}.Exchange(ctx, request, how)
		})}.use(v)
		name, want := "alias.example.", ""
		if elsewhere {
			name, want = "two.example.", "three.csk.example. A"
		}
		m := ask(t, v, name, dns.TypeA, withDO)
		if got := slices.Contains(seen, want); !m.AuthenticatedData || got != elsewhere {
			t.Errorf("%s: %q was asked\n%s", name, seen, m)
		}
	}
}

// TestTargetExplained: a report has the records of the target as well.
func TestTargetExplained(t *testing.T) {
	w := targetWorld(t)
	w.Intercept(aliasesAlone)
	report := explained(t, newTestValidator(t, w), "one.example", typeA)
	var sets []string
	for _, set := range report.RRsets {
		sets = append(sets, set.String()+" "+set.Status.String())
	}
	want := []string{"CNAME one.example. secure", "CNAME two.example. secure", "CNAME three.csk.example. secure", "A www.csk.example. secure"}
	if report.Status != dnssec.Secure || !slices.Equal(sets, want) {
		t.Errorf("%v: %q, want %q", report.Finding, sets, want)
	}
}

// TestTargetToAndFro: an endless alias chain over two validators that ask each other ends.
func TestTargetToAndFro(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "a."}, testzone.Spec{Name: "b."})
	n := 0
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype != dns.TypeA {
			return a
		}
		n++
		a.Rcode, a.Ns = dns.RcodeSuccess, nil
		a.Answer = []dns.RR{newRR(t, fmt.Sprintf("%s 60 IN CNAME n%d.%c.", q.Question[0].Name, n, 'a'+n%2))}
		return a
	})
	validators := map[string]*Validator{"a.": newTestValidator(t, w), "b.": newTestValidator(t, w)}
	for zone, v := range validators {
		for other, next := range validators {
			if zone != other {
				forwarding{".": resolver{w}, other: validating{next}}.use(v)
			}
		}
	}
	m := ask(t, validators["a."], "n0.a.", dns.TypeA, withDO)
	if n < 2 || n > maxQuestions+1 {
		t.Errorf("%d questions\n%s", n, m)
	}
}

// validating is an Exchanger that asks another validator.
type validating struct{ next *Validator }

func (v validating) Exchange(ctx context.Context, request *dns.Msg, _ Manner) (*dns.Msg, error) {
	m, r := v.next.Resolve(ctx, request)
	return m, r.Err
}

func questionOf(m *dns.Msg) string {
	return m.Question[0].Name + " " + dns.Type(m.Question[0].Qtype).String()
}

// TestOnlyProving: of the signatures of proven RRsets those stay that verified. At a zone cut
// there are two NSEC RRsets of one owner name.
func TestOnlyProving(t *testing.T) {
	sig := func(rtype uint16, signer string) *dns.RRSIG {
		return &dns.RRSIG{Hdr: header("sub.example.", dns.TypeRRSIG), TypeCovered: rtype, SignerName: signer}
	}
	above, apex, other, unproven := sig(dns.TypeNSEC, "example."), sig(dns.TypeNSEC, "sub.example."), sig(dns.TypeNSEC, "example."), sig(dns.TypeA, "sub.example.")
	kept := []keptRRset{
		{name: "sub.example.", rtype: dns.TypeNSEC, section: authoritySection, sig: above},
		{name: "sub.example.", rtype: dns.TypeNSEC, section: authoritySection, sig: apex},
	}
	got := onlyProving([]dns.RR{above, other, apex, unproven}, kept, authoritySection)
	if want := []dns.RR{above, apex, unproven}; !slices.Equal(got, want) {
		t.Errorf("left are %v, want %v", got, want)
	}
}
