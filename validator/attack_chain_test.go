package validator

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// Records of the child in the response for its DS do not count: to ask for the child's keys
// would wait for this very query.
func TestAttackRecordsOfTheChildMakeTheChainWaitForItself(t *testing.T) {
	w := newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"x A 192.0.2.7"}},
		testzone.Spec{Name: "child.example.", Algorithm: p256, Records: []string{"www A 192.0.2.1", "sub A 192.0.2.2"}},
		testzone.Spec{Name: "deep.child.example.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}},
	)
	child := rrset(t, w, "child.example.", "child.example.", dns.TypeNSEC)
	deep := rrset(t, w, "deep.child.example.", "deep.child.example.", dns.TypeNSEC)
	alias := []dns.RR{newRR(t, "child.example. 60 IN CNAME x.example."), dns.Copy(child[1])}
	alias[1].(*dns.RRSIG).TypeCovered = dns.TypeCNAME
	for name, change := range map[string]func(a *dns.Msg){
		"NSEC of the child":         func(a *dns.Msg) { a.Answer, a.Ns = nil, child },
		"NSEC of the child's child": func(a *dns.Msg) { a.Answer, a.Ns = nil, deep },
		"CNAME of the child":        func(a *dns.Msg) { a.Answer, a.Ns = alias, nil },
	} {
		v := newTestValidator(t, w)
		forge(w, "child.example.", dns.TypeDS, change)
		start := time.Now()
		m := ask(t, v, "www.child.example.", dns.TypeA, withDO)
		if took := time.Since(start); took > Patience/4 {
			t.Errorf("%s: took %v", name, took)
		}
		if m.Rcode != servfail {
			t.Errorf("%s: %s", name, dns.RcodeToString[m.Rcode])
		}
	}
}

// A client that gives up, as one of DoH can, must not fail others that wait for the question
// that it asked first.
func TestAttackClientThatLeavesFailsThoseThatWait(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1", "mail A 192.0.2.2"}})
	v := newTestValidator(t, w)
	asked, release := make(chan struct{}, 10), make(chan struct{})
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype == dns.TypeDNSKEY && q.Question[0].Name == "example." {
			asked <- struct{}{}
			<-release
		}
		return a
	})
	ctx, leave := context.WithCancel(context.Background())
	leader := v.newQuery(ctx, newQuestion("www.example.", dns.TypeA, withDO))
	go leader.cutAt("example.")
	<-asked
	waiter := v.newQuery(context.Background(), newQuestion("mail.example.", dns.TypeA, withDO))
	got := make(chan *cut)
	go func() { got <- waiter.cutAt("example.") }()
	time.Sleep(20 * time.Millisecond) // until it waits
	leave()
	time.Sleep(20 * time.Millisecond)
	close(release)
	if c := <-got; c.finding.Status != dnssec.Secure {
		t.Errorf("%v", c.finding)
	}
}

// An alias into a zone that is forwarded by name must not make that zone fail for clients
// that ask for it directly.
func TestAttackAliasIntoAForwardedZoneMakesItFail(t *testing.T) {
	w := newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"x A 192.0.2.7"}},
		testzone.Spec{Name: "evil.", Records: []string{"www CNAME www.corp.example."}},
	)
	v := newTestValidator(t, w)
	forwarding{".": resolver{w}, "corp.example.": resolver{w}}.use(v)
	w.Intercept(func(q, a *dns.Msg) *dns.Msg { // the operator's own server, and the alias to it
		if name := q.Question[0].Name; q.Question[0].Qtype == dns.TypeA && (name == "www.corp.example." || name == "www.evil.") {
			a.Rcode, a.Ns = dns.RcodeSuccess, nil
			a.Answer = append(a.Answer, newRR(t, "www.corp.example. 60 IN A 10.0.0.1"))
		}
		return a
	})
	ask(t, v, "www.evil.", dns.TypeA, withDO)
	if m := ask(t, v, "www.corp.example.", dns.TypeA, withDO); m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 {
		t.Errorf("%s %v", dns.RcodeToString[m.Rcode], m.Answer)
	}
}

// Questions that are asked ahead must leave enough of the limit for those that are needed,
// as in an honest answer with several deep signers.
func TestQuestionsAskedAheadLeaveEnoughForAnHonestAnswer(t *testing.T) {
	specs := []testzone.Spec{{Name: "example.", Algorithm: p256, Records: []string{"www CNAME www.a.b.c.d.z0.example."}}}
	for i := range 4 {
		spec := testzone.Spec{Name: fmt.Sprintf("a.b.c.d.z%d.example.", i), Algorithm: p256, Records: []string{"www A 192.0.2.1"}}
		if i < 3 {
			spec.Records = []string{fmt.Sprintf("www CNAME www.a.b.c.d.z%d.example.", i+1)}
		}
		specs = append(specs, spec)
	}
	w := newWorld(t, specs...)
	v := newTestValidator(t, w)
	if r := judged(t, v, "www.a.b.c.d.z0.example.", dns.TypeA); r.Status != dnssec.Secure {
		t.Errorf("%v", r.Finding)
	}
}

// The number of questions for one question of a client is bounded, whatever the upstream
// answers.
func TestAttackQuestionsMultiplied(t *testing.T) {
	name := strings.Repeat("x.", 60) + "example."
	specs := []testzone.Spec{{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}}}
	for kind, change := range map[string]func(q, a *dns.Msg) *dns.Msg{
		"SERVFAIL": func(q, a *dns.Msg) *dns.Msg { a.Rcode, a.Answer, a.Ns = servfail, nil, nil; return a },
		"nothing":  func(q, a *dns.Msg) *dns.Msg { return nil },
		"TC":       func(q, a *dns.Msg) *dns.Msg { a.Truncated = true; return a },
		"SERVFAIL for the chain": func(q, a *dns.Msg) *dns.Msg {
			if t := q.Question[0].Qtype; t == dns.TypeDS || t == dns.TypeDNSKEY {
				a.Rcode, a.Answer, a.Ns = servfail, nil, nil
			}
			return a
		},
		"unsigned": func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Name != name {
				return a
			}
			a.Rcode, a.Ns, a.Answer = dns.RcodeSuccess, nil, []dns.RR{newRR(t, name+" 60 IN A 192.0.2.9")}
			return a
		},
		"many signers": func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Qtype == dns.TypeDNSKEY {
				return a
			}
			a.Rcode, a.Ns, a.Answer = dns.RcodeSuccess, nil, nil
			rr := newRR(t, q.Question[0].Name+" 60 IN NSEC "+q.Question[0].Name+" A")
			a.Ns = append(a.Ns, rr)
			for s := q.Question[0].Name; ; {
				i, end := dns.NextLabel(s, 0)
				sig := &dns.RRSIG{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: 60},
					TypeCovered: dns.TypeNSEC, Algorithm: p256, Labels: 1, SignerName: s, Signature: "AAAA"}
				a.Ns = append(a.Ns, sig)
				if end {
					break
				}
				s = s[i:]
			}
			return a
		},
	} {
		w := newWorld(t, specs...)
		v := newTestValidator(t, w)
		w.Intercept(change)
		start := time.Now()
		m := ask(t, v, name, dns.TypeA, withDO)
		time.Sleep(100 * time.Millisecond)
		t.Logf("%s: %d questions, %v, %s", kind, askedInAll(w), time.Since(start), dns.RcodeToString[m.Rcode])
		if n := askedInAll(w); n > 3*maxQuestions {
			t.Errorf("%s: %d questions", kind, n)
		}
	}
}

// An honest answer with as many aliases as the limit allows is within the budgets.
func TestChainOfElevenSignedAliases(t *testing.T) {
	var specs []testzone.Spec
	for i := range maxLinks + 1 {
		spec := testzone.Spec{Name: fmt.Sprintf("z%d.", i), Algorithm: p256, Records: []string{fmt.Sprintf("www CNAME www.z%d.", i+1)}}
		if i == maxLinks {
			spec.Records = []string{"www A 192.0.2.1"}
		}
		specs = append(specs, spec)
	}
	w := newWorld(t, specs...)
	v := newTestValidator(t, w)
	for try := range 5 {
		r := judged(t, v, "www.z0.", dns.TypeA)
		t.Logf("try %d: %v, %d questions so far", try+1, r.Finding, askedInAll(w))
		if r.Status == dnssec.Secure {
			return
		}
	}
	t.Error("never secure")
}

// A chain of more zones than one query may ask for is proven in several.
func TestChainOfManyCuts(t *testing.T) {
	const cuts = 20
	var specs []testzone.Spec
	name := ""
	for range cuts {
		name = "x." + name
		specs = append(specs, testzone.Spec{Name: name, Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	}
	w := newWorld(t, specs...)
	v := newTestValidator(t, w)
	for try := range 3 {
		r := judged(t, v, "www."+name, dns.TypeA)
		t.Logf("try %d: %v, %d questions so far", try+1, r.Finding, askedInAll(w))
		if r.Status == dnssec.Secure {
			return
		}
	}
	t.Error("never secure")
}
