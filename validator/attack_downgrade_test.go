package validator

import (
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// The attackers below can change every response of the upstream, or own a zone.

// A wildcard CNAME of the parent that is expanded to an existing name must not prove that no
// zone is delegated there: a zone that is forwarded by name would be private then, and
// forged records in it would be passed on.
func TestAttackWildcardCNAMEHidesTheDSOfAForwardedZone(t *testing.T) {
	w := newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"* CNAME lb", "lb A 192.0.2.1"}},
		testzone.Spec{Name: "corp.example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.2"}},
	)
	v := newTestValidator(t, w)
	forwarding{".": resolver{w}, "corp.example.": resolver{w}}.use(v)
	expanded := renamed(rrset(t, w, "example.", "*.example.", dns.TypeCNAME), "corp.example.")
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		switch {
		case q.Question[0].Qtype == dns.TypeDS && q.Question[0].Name == "corp.example.":
			a.Answer, a.Ns = expanded, nil
		case q.Question[0].Name == "www.corp.example." && q.Question[0].Qtype == dns.TypeA:
			a.Answer = []dns.RR{newRR(t, "www.corp.example. 60 IN A 203.0.113.66")}
		}
		return a
	})
	m := ask(t, v, "www.corp.example.", dns.TypeA, withDO)
	if m.Rcode != servfail {
		t.Errorf("forged data of a signed zone were passed: %s %v", dns.RcodeToString[m.Rcode], m.Answer)
	}
}

// The same expansion proves it for a name that the zone proves not to exist.
func TestWildcardCNAMEForDSOfANameThatDoesNotExist(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"* CNAME lb", "lb A 192.0.2.1"}})
	v := newTestValidator(t, w)
	q := v.newQuery(t.Context(), newQuestion("x.example.", dns.TypeA, withDO))
	if c := q.cutAt("x.example."); c.delegation == dnssec.DelegationUnsigned || c.finding.Status != dnssec.Secure {
		t.Errorf("delegation %d, %v", c.delegation, c.finding)
	}
}

// RRSIG records are not signed, but a name error beside them has to be proven: caches would
// forget the name.
func TestAttackNameErrorForAQuestionForRRSIG(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	forge(w, "www.example.", dns.TypeRRSIG, func(a *dns.Msg) { a.Rcode, a.Ns = dns.RcodeNameError, nil })
	if m := ask(t, v, "www.example.", dns.TypeRRSIG, withDO); m.Rcode != servfail {
		t.Errorf("%s was passed", dns.RcodeToString[m.Rcode])
	}
}

// An insecure answer has no records of other names: those of a signed zone would be passed
// on without being judged.
func TestAttackForgedRecordsRideOnAnInsecureAnswer(t *testing.T) {
	w := newWorld(t,
		testzone.Spec{Name: "bank.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1"}},
		testzone.Spec{Name: "evil.", Records: []string{"www A 192.0.2.2", "alias CNAME www"}},
	)
	forged := newRR(t, "www.bank. 60 IN A 203.0.113.66")
	for _, c := range []struct {
		name  string
		qtype uint16
	}{{name: "www.evil.", qtype: dns.TypeA}, {name: "alias.evil.", qtype: dns.TypeA}, {name: "www.evil.", qtype: dns.TypeMX}, {name: "nx.evil.", qtype: dns.TypeA}, {name: "www.bank.", qtype: dns.TypeRRSIG}} {
		v := newTestValidator(t, w)
		forge(w, c.name, c.qtype, func(a *dns.Msg) {
			a.Answer, a.Ns, a.Extra = append(a.Answer, forged), append(a.Ns, dns.Copy(forged)), append(a.Extra, dns.Copy(forged))
		})
		m := ask(t, v, c.name, c.qtype, withDO)
		for section, rrs := range map[string][]dns.RR{"answer": m.Answer, "authority": m.Ns, "additional": m.Extra} {
			if hasRecord(rrs, "www.bank.", dns.TypeA) {
				t.Errorf("%s %s: the forged record is in the %s section", c.name, dns.Type(c.qtype), section)
			}
		}
		if m.Rcode == servfail {
			t.Errorf("%s %s: refused", c.name, dns.Type(c.qtype))
		}
		if c.name == "alias.evil." && len(m.Answer) != 2 {
			t.Errorf("the answer itself is gone: %v", m.Answer)
		}
	}
}

// An answer with AD has only proven records, in all sections and of all classes.
func TestAttackForgedRecordsRideOnASecureAnswer(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "bank.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1", "* A 192.0.2.9"}})
	chaos := newRR(t, "www.bank. 60 CH A 203.0.113.66")
	forged := newRR(t, "www.bank. 60 IN A 203.0.113.66")
	for name, change := range map[string]func(*dns.Msg){
		"class CH":            func(a *dns.Msg) { a.Answer = append(a.Answer, chaos) },
		"authority":           func(a *dns.Msg) { a.Ns = append(a.Ns, forged) },
		"additional":          func(a *dns.Msg) { a.Extra = append(a.Extra, forged) },
		"class CH, authority": func(a *dns.Msg) { a.Ns = append(a.Ns, chaos) },
	} {
		v := newTestValidator(t, w)
		forge(w, "www.bank.", dns.TypeA, change)
		m := ask(t, v, "www.bank.", dns.TypeA, withDO)
		for _, rr := range append(append(append([]dns.RR{}, m.Answer...), m.Ns...), m.Extra...) {
			if a, ok := rr.(*dns.A); ok && a.A.String() == "203.0.113.66" && m.AuthenticatedData {
				t.Errorf("%s: forged record beside AD: %v", name, rr)
			}
		}
	}
	v := newTestValidator(t, w)
	forge(w, "www.bank.", dns.TypeMX, func(a *dns.Msg) {
		a.Answer = append(a.Answer, newRR(t, "bank. 60 IN SOA evil. evil. 1 1 1 1 1"))
	})
	if m := ask(t, v, "www.bank.", dns.TypeMX, withDO); m.AuthenticatedData && len(m.Answer) > 0 {
		t.Errorf("beside AD, since the SOA in the authority section is proven: %v", m.Answer)
	}
}

// The NSEC of a name that has records does not prove NODATA for ANY.
func TestAttackNoDataForANYByTheNSECOfANameWithRecords(t *testing.T) {
	for _, denial := range []testzone.Denial{testzone.NSEC, testzone.NSEC3} {
		w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Denial: denial, Records: []string{"www A 192.0.2.1"}})
		v := newTestValidator(t, w)
		w.Intercept(func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Qtype == dns.TypeANY {
				nodata := q.Copy()
				nodata.Question[0].Qtype = dns.TypeMX
				a = w.Answer(nodata)
			}
			return a
		})
		if m := ask(t, v, "www.example.", dns.TypeANY, withDO); m.AuthenticatedData || m.Rcode == dns.RcodeSuccess {
			t.Errorf("%v: %s, AD %t", denial, dns.RcodeToString[m.Rcode], m.AuthenticatedData)
		}
	}
}

// A parent whose NSEC3 records have too many iterations makes its own names insecure, not
// those of a zone below it whose keys are known.
func TestAttackIterationsOfTheParentInAKnownSecureChild(t *testing.T) {
	w := newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Denial: testzone.NSEC3, Iterations: 200},
		testzone.Spec{Name: "child.example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1", "txt TXT x"}},
	)
	v := newTestValidator(t, w)
	if m := ask(t, v, "www.child.example.", dns.TypeA, withDO); !m.AuthenticatedData {
		t.Fatalf("the child is not secure: %v", m)
	}
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Name == "child.example." {
			return a
		}
		nx := q.Copy()
		nx.Question[0] = dns.Question{Name: "nx.example.", Qtype: dns.TypeA, Qclass: dns.ClassINET}
		forged := w.Answer(nx)
		if q.Question[0].Qtype == dns.TypeTXT { // data without signatures, and no DS at the name
			forged = new(dns.Msg).SetReply(q)
			forged.Answer = []dns.RR{newRR(t, "txt.child.example. 60 IN TXT forged")}
		}
		forged.Question = q.Question
		return forged
	})
	if m := ask(t, v, "www.child.example.", dns.TypeMX, withDO); m.Rcode != servfail {
		t.Errorf("the name error was passed: %s", dns.RcodeToString[m.Rcode])
	}
	if m := ask(t, v, "txt.child.example.", dns.TypeTXT, withDO); m.Rcode != servfail {
		t.Errorf("the forged data were passed: %v", m.Answer)
	}
}

// A failed look for a zone cut below the known secure zone, which the attacker causes by a
// response without a proof, does not hide that zone.
func TestAttackFailedCutHidesAKnownSecureZone(t *testing.T) {
	w := newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Denial: testzone.NSEC3, Iterations: 200},
		testzone.Spec{Name: "child.example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1", "www MX 1 www", "www TXT x"}},
	)
	v := newTestValidator(t, w)
	ask(t, v, "www.child.example.", dns.TypeA, withDO)
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Name == "child.example." {
			return a
		}
		nx := q.Copy()
		nx.Question[0] = dns.Question{Name: "nx.example.", Qtype: dns.TypeA, Qclass: dns.ClassINET}
		forged := w.Answer(nx)
		forged.Question = q.Question
		if q.Question[0].Qtype == dns.TypeMX {
			forged.Ns = nil
		}
		return forged
	})
	for _, qtype := range []uint16{dns.TypeMX, dns.TypeTXT} {
		if m := ask(t, v, "www.child.example.", qtype, withDO); m.Rcode != servfail {
			t.Errorf("%s: the name error was passed: %s", dns.Type(qtype), dns.RcodeToString[m.Rcode])
		}
	}
}

// The CNAME that a DNAME makes is not signed. If it is removed a client that does not know
// DNAME must not take the answer, with AD, for NODATA.
func TestAttackCNAMEOfADNAMETakenAway(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"old DNAME new", "www.new A 192.0.2.1"}})
	v := newTestValidator(t, w)
	forge(w, "www.old.example.", dns.TypeA, func(a *dns.Msg) {
		for i, rr := range a.Answer {
			if rr.Header().Rrtype == dns.TypeCNAME {
				a.Answer = append(a.Answer[:i:i], a.Answer[i+1:]...)
				break
			}
		}
	})
	m := ask(t, v, "www.old.example.", dns.TypeA, withDO)
	if !m.AuthenticatedData || !hasRecord(m.Answer, "www.old.example.", dns.TypeCNAME) || !hasRecord(m.Answer, "www.new.example.", dns.TypeA) {
		t.Errorf("%v", m)
	}
}

// A response code of more than four bits does not fit into an answer without OPT: it could
// not be packed, and the client would get none.
func TestAttackExtendedResponseCodeForAClientWithoutEDNS(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	forge(w, "www.example.", dns.TypeA, func(a *dns.Msg) { a.Rcode, a.Answer = dns.RcodeBadCookie, nil })
	m := ask(t, v, "www.example.", dns.TypeA, bits{})
	if _, err := m.Pack(); err != nil {
		t.Errorf("%s: %v", dns.RcodeToString[m.Rcode], err)
	}
}
