package dnssecval

import (
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// The attacks below are those of somebody who can change every answer on its way
// from the upstream, or who owns a zone.

// forge has answers to one question replaced; the others are left as they are.
func forge(w *testzone.World, name string, qtype uint16, change func(a *dns.Msg)) {
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if dns.CanonicalName(q.Question[0].Name) == name && q.Question[0].Qtype == qtype {
			change(a)
		}
		return a
	})
}

func newRR(t *testing.T, line string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(line)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

// signedSet returns an RRset of a zone with its signatures, under another owner name.
func signedSet(t *testing.T, w *testzone.World, zone, name string, qtype uint16, owner string) []dns.RR {
	t.Helper()
	set, ok := w.Zone(zone).RRset(name, qtype)
	if !ok {
		t.Fatalf("no %s %s in %s", name, dns.Type(qtype), zone)
	}
	var rrs []dns.RR
	rrs = append(rrs, set.RRs...)
	for _, sig := range set.Sigs {
		rrs = append(rrs, sig)
	}
	for _, rr := range rrs {
		rr.Header().Name = owner
	}
	return rrs
}

func hasRecord(section []dns.RR, name string, rtype uint16) bool {
	for _, rr := range section {
		if dns.CanonicalName(rr.Header().Name) == name && rr.Header().Rrtype == rtype {
			return true
		}
	}
	return false
}

// A wildcard CNAME of the parent, expanded to a name that does exist, must not show
// that no zone is delegated there: what is forwarded by name would be private then,
// and anything forged in it would pass.
func TestAttackWildcardCNAMEHidesTheDSOfAForwardedZone(t *testing.T) {
	w := newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"* CNAME lb", "lb A 192.0.2.1"}},
		testzone.Spec{Name: "corp.example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.2"}},
	)
	v := newTestValidator(t, w)
	v.routes.Own.Stanzas = []*placement.Stanza{
		forward("corp.example.", w),
		forward(".", w),
	}
	expanded := signedSet(t, w, "example.", "*.example.", dns.TypeCNAME, "corp.example.")
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
	if m.Rcode != dns.RcodeServerFailure {
		t.Errorf("forged data of a signed zone were passed: %s %v", dns.RcodeToString[m.Rcode], m.Answer)
	}
}

// The same expansion is fine for a name that the zone proves not to exist.
func TestWildcardCNAMEForDSOfANameThatDoesNotExist(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"* CNAME lb", "lb A 192.0.2.1"}})
	v := newTestValidator(t, w)
	q := v.newQuery(t.Context(), new(client), newQuestion("x.example.", dns.TypeA, withDO))
	if c := q.cutAt("x.example."); c.delegation == dnssec.DelegationUnsigned || c.finding.Status != dnssec.Secure {
		t.Errorf("delegation %d, %v", c.delegation, c.finding)
	}
}

// RRSIG records are signed by nothing, but a name error is: one beside an RRSIG
// would make caches below forget the name.
func TestAttackNameErrorForAQuestionForRRSIG(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	forge(w, "www.example.", dns.TypeRRSIG, func(a *dns.Msg) { a.Rcode, a.Ns = dns.RcodeNameError, nil })
	if m := ask(t, v, "www.example.", dns.TypeRRSIG, withDO); m.Rcode != dns.RcodeServerFailure {
		t.Errorf("%s was passed", dns.RcodeToString[m.Rcode])
	}
}

// Where nothing has to be proven, records of other names still have no business in
// the answer: those of a signed zone would be passed unjudged.
func TestAttackForgedRecordsRideOnAnInsecureAnswer(t *testing.T) {
	w := newWorld(t,
		testzone.Spec{Name: "bank.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1"}},
		testzone.Spec{Name: "evil.", Records: []string{"www A 192.0.2.2", "alias CNAME www"}},
	)
	forged := newRR(t, "www.bank. 60 IN A 203.0.113.66")
	for _, c := range []struct {
		name  string
		qtype uint16
	}{{"www.evil.", dns.TypeA}, {"alias.evil.", dns.TypeA}, {"www.evil.", dns.TypeMX}, {"nx.evil.", dns.TypeA}, {"www.bank.", dns.TypeRRSIG}} {
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
		if m.Rcode == dns.RcodeServerFailure {
			t.Errorf("%s %s: refused", c.name, dns.Type(c.qtype))
		}
		if c.name == "alias.evil." && len(m.Answer) != 2 {
			t.Errorf("the answer itself is gone: %v", m.Answer)
		}
	}
}

// Beside AD there is only what was proven, whatever class or section it is in.
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

// The NSEC of a name that has records proves no empty answer to ANY.
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

// A parent whose NSEC3 records have too many iterations makes its own names
// insecure, not those of a zone below whose keys are known.
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
		if q.Question[0].Qtype == dns.TypeTXT { // data without signatures, and no DS below
			forged = new(dns.Msg).SetReply(q)
			forged.Answer = []dns.RR{newRR(t, "txt.child.example. 60 IN TXT forged")}
		}
		forged.Question = q.Question
		return forged
	})
	if m := ask(t, v, "www.child.example.", dns.TypeMX, withDO); m.Rcode != dns.RcodeServerFailure {
		t.Errorf("the name error was passed: %s", dns.RcodeToString[m.Rcode])
	}
	if m := ask(t, v, "txt.child.example.", dns.TypeTXT, withDO); m.Rcode != dns.RcodeServerFailure {
		t.Errorf("the forged data were passed: %v", m.Answer)
	}
}

// The CNAME that a DNAME makes is not signed: whoever takes it away must not make a
// client that knows no DNAME believe that there is nothing, beside AD.
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

// A response code that only fits into an OPT record can't be told to a client that
// sent none: the answer would not be packed, and the client wait in vain.
func TestAttackExtendedResponseCodeForAClientWithoutEDNS(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	forge(w, "www.example.", dns.TypeA, func(a *dns.Msg) { a.Rcode, a.Answer = dns.RcodeBadCookie, nil })
	m := ask(t, v, "www.example.", dns.TypeA, bits{})
	if _, err := m.Pack(); err != nil {
		t.Errorf("%s: %v", dns.RcodeToString[m.Rcode], err)
	}
}
