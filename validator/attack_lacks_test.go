package validator

import (
	"fmt"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// A response may have thousands of records that lack their signatures. Only a few of them are
// asked for by their types, and what comes costs no more than it has to: a response is bounded
// by its size, and what is computed for it has to be about as little (RFC 4035, section 5,
// leaves the limits to the validator).
func TestAttackThousandsOfRecordsWithoutSignatures(t *testing.T) {
	for what, supplied := range map[string]bool{"nothing comes": false, "thousands of signatures come": true} {
		w := newWorld(t, testzone.Spec{Name: "evil.", Algorithm: p256, Records: []string{"*.wild A 192.0.2.1"}})
		v := newTestValidator(t, w)
		ask(t, v, "no.evil.", typeA, withDO)
		var bare, signed []dns.RR
		for i := range 2500 {
			nsec := &dns.NSEC{Hdr: header(fmt.Sprintf("%04d.evil.", i), dns.TypeNSEC), NextDomain: "evil.", TypeBitMap: []uint16{dns.TypeA}}
			bare = append(bare, nsec)
			if i < 1000 {
				signed = append(signed, nsec, &dns.RRSIG{Hdr: header(nsec.Hdr.Name, dns.TypeRRSIG), TypeCovered: dns.TypeNSEC, SignerName: "evil.", Signature: "AA=="})
			}
		}
		w.Intercept(func(q, a *dns.Msg) *dns.Msg {
			switch {
			case q.Question[0].Name == "x.wild.evil." && q.Question[0].Qtype == typeA:
				a.Ns = copies(bare)
			case q.Question[0].Qtype == dns.TypeNSEC:
				a.Answer, a.Ns = nil, nil
				if supplied {
					a.Ns = copies(signed)
				}
			}
			return a
		})
		w.ResetQuestions()
		start := time.Now()
		m := ask(t, v, "x.wild.evil.", typeA, withDO)
		took := time.Since(start)
		byType := 0
		for q, n := range w.Questions() {
			if q.Type == dns.TypeNSEC {
				byType += n
			}
		}
		t.Logf("%s: %s, %d questions by type", what, took, byType)
		if m.Rcode != servfail {
			t.Errorf("%s", m)
		}
		if took > time.Second || byType > 2*maxLacks { // those that are truncated are asked again over TCP
			t.Errorf("%s: it took %s, and %d questions", what, took, byType)
		}
	}
}
