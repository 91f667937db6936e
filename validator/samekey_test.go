package validator_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// TestKeyInTwoZones: a parent and its child have the same keys, since RSA keys of testzone are
// the same in all zones. A signature for one of the zones does not count in the other.
func TestKeyInTwoZones(t *testing.T) {
	w, err := testzone.New(time.Now(),
		testzone.Spec{Name: "example.", Algorithm: dns.RSASHA256, Bits: 1024, Records: []string{"www A 192.0.2.1"}},
		testzone.Spec{Name: "sub.example.", Algorithm: dns.RSASHA256, Bits: 1024, Records: []string{"www A 192.0.2.1", "txt TXT t"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		asked  string
		forge  func(response *dns.Msg) // the response to the question for forged
		forged dns.Question
		reason validator.Reason
	}{
		{name: "parent", asked: "www.example.", reason: validator.ReasonNone},
		{name: "child", asked: "www.sub.example.", reason: validator.ReasonNone},
		{name: "no such name in the child", asked: "no.sub.example.", reason: validator.ReasonNone},
		{
			name: "denial by the parent", asked: "txt.sub.example.", forged: dns.Question{Name: "txt.sub.example.", Qtype: dns.TypeA},
			forge: func(response *dns.Msg) {
				response.Rcode, response.Answer = dns.RcodeNameError, nil
				response.Ns = append(w.Answer(question("sub.example.", dns.TypeDS)).Ns, w.Answer(question("txt.example.", dns.TypeA)).Ns...)
			},
			reason: validator.DenialIncomplete,
		},
		{
			name: "keys of the parent", asked: "www.sub.example.", forged: dns.Question{Name: "sub.example.", Qtype: dns.TypeDNSKEY},
			forge: func(response *dns.Msg) {
				response.Answer = w.Answer(question("example.", dns.TypeDNSKEY)).Answer
				for _, rr := range response.Answer {
					rr.Header().Name = "sub.example."
					if sig, ok := rr.(*dns.RRSIG); ok {
						sig.SignerName, sig.Labels = "sub.example.", 2
					}
				}
			},
			reason: validator.SignatureInvalid,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			exchanger := validator.ExchangerFunc(func(_ context.Context, request *dns.Msg, _ validator.Manner) (*dns.Msg, error) {
				response := w.Answer(request)
				if q := request.Question[0]; q.Name == test.forged.Name && q.Qtype == test.forged.Qtype {
					test.forge(response)
				}
				return response, nil
			})
			anchors, _, err := anchor.Parse("test", strings.Join(w.Anchors("."), "\n"), anchor.Rules{})
			if err != nil {
				t.Fatal(err)
			}
			set, _ := anchor.NewSet(anchors)
			v, err := validator.New(exchanger, validator.Options{Anchors: set})
			if err != nil {
				t.Fatal(err)
			}
			answer, result := v.Resolve(t.Context(), question(test.asked, dns.TypeA))
			if result.Reason != test.reason || answer.AuthenticatedData != (test.reason == validator.ReasonNone) {
				t.Errorf("%s, %s, want %s:\n%s", result.Status, result.Finding, test.reason, answer)
			}
		})
	}
}

// question returns a client's question with DO.
func question(name string, qtype uint16) *dns.Msg {
	return new(dns.Msg).SetQuestion(name, qtype).SetEdns0(1232, true)
}
