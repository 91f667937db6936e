package validator

import (
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// What the chain proves may be the answer, so that an attacker who can change every response
// makes responses for DS of genuine records of other places. None of them may make a name or
// a type that exists go away, neither as a proven denial nor as an insecure one.
func TestAttackAbsenceOfWhatExists(t *testing.T) {
	for _, denial := range cutDenials {
		w := cutWorld(t, denial)
		genuine := func(name string, qtype uint16) []dns.RR { return w.Answer(newQuestion(name, qtype, withDO)).Ns }
		for what, ns := range map[string][]dns.RR{
			"the honest denial":                nil,
			"a name that does not exist":       genuine("no.example.", typeA),
			"a name in the child":              genuine("no.sub.example.", typeA),
			"a name below the name":            genuine("no.www.example.", typeA),
			"a name of the root":               genuine("no.", typeA),
			"a top-level domain that is alike": genuine("exampl.", typeA),
			"no name below the wildcard":       genuine("x.wild.example.", typeMX),
			"an empty non-terminal":            genuine("ent.example.", typeA),
			"a type of the name":               genuine("www.example.", dns.TypeTXT),
			"a type of the child's name":       genuine("www.sub.example.", dns.TypeTXT),
			"the child's apex":                 genuine("sub.example.", typeMX),
			"the delegation":                   matching(t, w, "example.", "sub.example."),
			"a delegation without DS":          genuine("plain.example.", dns.TypeDS),
			"all, as far as allowed":           few(allDenials(w, "example.")),
			"all of the child":                 append(few(allDenials(w, "sub.example.")), rrset(t, w, "sub.example.", "sub.example.", dns.TypeSOA)...),
		} {
			for _, q := range []struct {
				name  string
				qtype uint16
			}{{"www.example.", typeA}, {"www.example.", typeMX}, {"www.sub.example.", typeA}, {"sub.example.", dns.TypeNS}, {"a.ent.example.", typeA}, {"x.wild.example.", typeA}} {
				if denial == testzone.NSEC3OptOut && q.name == "x.wild.example." {
					continue // in the opt-out span an insecure delegation may be
				}
				for _, rcode := range []int{dns.RcodeNameError, dns.RcodeSuccess} {
					v := newTestValidator(t, w)
					w.Intercept(func(asked, a *dns.Msg) *dns.Msg {
						switch {
						case asked.Question[0].Qtype == q.qtype && asked.Question[0].Name == q.name:
							a.Rcode, a.Answer, a.Ns = rcode, nil, copies(ns)
						case asked.Question[0].Qtype == dns.TypeDS && ns != nil && dns.IsSubDomain(asked.Question[0].Name, q.name) && asked.Question[0].Name != "example.":
							a.Rcode, a.Answer, a.Ns = rcode, nil, copies(ns)
						}
						return a
					})
					for range 2 {
						if m := ask(t, v, q.name, q.qtype, withDO); m.Rcode != servfail {
							t.Errorf("%s, %s, %s: %s %s was denied:\n%s", denial, what, dns.RcodeToString[rcode], q.name, dns.Type(q.qtype), m)
						}
						v.cache.forgetFailure(question{q.name, q.qtype})
					}
					w.Intercept(nil)
				}
			}
		}
	}
}

// A proof that a name does not exist, and that is kept with the chain, is bounded: a zone of
// the attacker's may have big records.
func TestAttackBigProofIsNotKept(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	q := v.newQuery(t.Context(), newQuestion("no.example.", typeA, withDO))
	if c := q.cutAt("no.example."); c.delegation != dnssec.NoSuchName || len(c.absence) == 0 {
		t.Fatalf("%+v", c)
	}
	v = newTestValidator(t, w)
	forge(w, "no.example.", dns.TypeDS, func(a *dns.Msg) {
		for _, rr := range a.Ns {
			if soa, ok := rr.(*dns.SOA); ok {
				for range 100 {
					more := dns.Copy(soa).(*dns.SOA)
					more.Serial++
					a.Ns = append(a.Ns, more)
				}
			}
		}
	})
	q = v.newQuery(t.Context(), newQuestion("no.example.", typeA, withDO))
	if c := q.cutAt("no.example."); c.delegation != dnssec.NoSuchName || len(c.absence) > 0 {
		t.Errorf("%d records kept", len(c.absence))
	}
}

// A signature over the SOA that does not verify costs one check, and the name stays refused.
func TestAttackForgedSOAInTheChain(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	var seen tally
	v := newTestValidator(t, w, tallied(&seen))
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Name == "no.example." {
			for _, rr := range a.Ns {
				if soa, ok := rr.(*dns.SOA); ok {
					soa.Minttl = 1
				}
			}
			if q.Question[0].Qtype == typeA {
				return unsigned(a)
			}
		}
		return a
	})
	if m := ask(t, v, "no.example.", typeA, withDO); m.Rcode != servfail {
		t.Errorf("%s", m)
	}
	if _, bad := seen.signatures(); bad > 1 {
		t.Errorf("%d signatures do not verify", bad)
	}
}
