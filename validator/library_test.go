package validator_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// The promises of docs/library.md that other tests do not check.

var errLost = errors.New("lost")

// over returns a validator of the tree that asks through a function.
func over(t *testing.T, exchange validator.ExchangerFunc) *validator.Validator {
	t.Helper()
	anchors, _, err := anchor.Parse("anchors", treeAnchors(), anchor.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	set, _ := anchor.NewSet(anchors)
	v, err := validator.New(exchange, validator.Options{Anchors: set})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestExchangerErrors: what Resolve makes of the errors of an Exchanger.
func TestExchangerErrors(t *testing.T) {
	wrapped := errors.Join(validator.ErrNotAsked, errors.New("too many questions"))
	for _, test := range []struct {
		name     string
		err      error // nil: neither a response nor an error
		chain    bool  // of the questions for DS and DNSKEY, instead of the client's
		status   validator.Status
		reason   validator.Reason
		rcode    int
		repeated bool // the question is not asked a second time
	}{
		{name: "no response", err: errLost, status: validator.Bogus, reason: validator.AnswerUnavailable, rcode: dns.RcodeServerFailure, repeated: true},
		{name: "neither response nor error", status: validator.Bogus, reason: validator.AnswerUnavailable, rcode: dns.RcodeServerFailure, repeated: true},
		{name: "not asked", err: wrapped, status: validator.Bogus, reason: validator.AnswerUnavailable, rcode: dns.RcodeServerFailure},
		{name: "no route", err: validator.ErrNoRoute, status: validator.Bogus, reason: validator.AnswerUnavailable, rcode: dns.RcodeServerFailure},
		{name: "no response for the chain", err: errLost, chain: true, status: validator.Bogus, reason: validator.DSUnavailable, rcode: dns.RcodeServerFailure, repeated: true},
		{name: "no route for the chain", err: validator.ErrNoRoute, chain: true, status: validator.Indeterminate, reason: validator.PrivateZone},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked atomic.Int32 // by the client
			v := over(t, func(_ context.Context, request *dns.Msg, how validator.Manner) (*dns.Msg, error) {
				if !how.Chain {
					asked.Add(1)
				}
				if how.Chain == test.chain {
					return nil, test.err
				}
				return tree().Answer(request), nil
			})
			answer, result := v.Resolve(t.Context(), question("www.signed.example.", dns.TypeA))
			if result.Status != test.status || result.Reason != test.reason || answer.Rcode != test.rcode || answer.AuthenticatedData {
				t.Errorf("%s, %s:\n%s", result.Status, result.Finding, answer)
			}
			if failed := !test.chain; (result.Err != nil) != failed || test.err != nil && failed && !errors.Is(result.Err, test.err) {
				t.Errorf("the error is %v", result.Err)
			}
			before := asked.Load()
			_, result = v.Resolve(t.Context(), question("www.signed.example.", dns.TypeA))
			if result.Repeated != test.repeated || (asked.Load() == before) != test.repeated {
				t.Errorf("the second time: repeated %t, asked %d times more", result.Repeated, asked.Load()-before)
			}
		})
	}
}

// TestExchangerPanics: a panic in a question for DS or DNSKEY fails the question.
func TestExchangerPanics(t *testing.T) {
	v := over(t, func(_ context.Context, request *dns.Msg, how validator.Manner) (*dns.Msg, error) {
		if how.Chain {
			panic("a bug")
		}
		return tree().Answer(request), nil
	})
	if _, result := v.Resolve(t.Context(), question("www.signed.example.", dns.TypeA)); result.Status != validator.Bogus || result.Reason != validator.DSUnavailable {
		t.Errorf("%s, %s", result.Status, result.Finding)
	}
}

// TestTransports: the validator asks again over TCP, with CD, and of another server.
func TestTransports(t *testing.T) {
	for _, test := range []struct {
		name string
		bad  func(request *dns.Msg, how validator.Manner) (rcode int, truncated, bad bool)
	}{
		{name: "truncated over UDP", bad: func(_ *dns.Msg, how validator.Manner) (int, bool, bool) { return dns.RcodeSuccess, true, !how.TCP }},
		{name: "a resolver that validates", bad: func(request *dns.Msg, _ validator.Manner) (int, bool, bool) {
			return dns.RcodeServerFailure, false, !request.CheckingDisabled
		}},
		{name: "a server that answers on the second try", bad: func(_ *dns.Msg, how validator.Manner) (int, bool, bool) {
			return dns.RcodeSuccess, false, how.Again == 0 && !how.Chain
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := over(t, func(_ context.Context, request *dns.Msg, how validator.Manner) (*dns.Msg, error) {
				rcode, truncated, bad := test.bad(request, how)
				if !bad {
					return tree().Answer(request), nil
				}
				m := new(dns.Msg).SetRcode(request, rcode)
				m.Truncated = truncated
				return m, nil
			})
			if answer, result := v.Resolve(t.Context(), question("www.signed.example.", dns.TypeA)); result.Status != validator.Secure {
				t.Errorf("%s, %s:\n%s", result.Status, result.Finding, answer)
			}
		})
	}
}

// TestNotJudged: requests and responses that are not judged.
func TestNotJudged(t *testing.T) {
	refused := func(_ context.Context, request *dns.Msg, _ validator.Manner) (*dns.Msg, error) {
		m := new(dns.Msg).SetRcode(request, dns.RcodeRefused)
		m.AuthenticatedData = true
		return m, nil
	}
	cd := question("www.tampered.example.", dns.TypeA)
	cd.CheckingDisabled = true
	chaos := question("version.bind.", dns.TypeTXT)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	for _, test := range []struct {
		name      string
		exchanger validator.ExchangerFunc
		request   *dns.Msg
		rcode     int
	}{
		{name: "REFUSED", exchanger: refused, request: question("www.signed.example.", dns.TypeA), rcode: dns.RcodeRefused},
		{name: "CD", exchanger: resolver, request: cd, rcode: dns.RcodeSuccess},
		{name: "class CH", exchanger: refused, request: chaos, rcode: dns.RcodeRefused},
		{name: "no question", exchanger: resolver, request: new(dns.Msg), rcode: dns.RcodeFormatError},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer, result := over(t, test.exchanger).Resolve(t.Context(), test.request)
			if answer.Rcode != test.rcode || answer.AuthenticatedData || result.Status != validator.Indeterminate || result.Reason != validator.ReasonNone || result.Err != nil {
				t.Errorf("%s, %s:\n%s", result.Status, result.Finding, answer)
			}
		})
	}
	v := newValidator()
	result := v.Validate(t.Context(), new(dns.Msg), new(dns.Msg))
	if answer := result.Reply(new(dns.Msg), new(dns.Msg)); result.Status != validator.Indeterminate || answer.Rcode != dns.RcodeFormatError {
		t.Errorf("Validate of no question: %s\n%s", result.Finding, answer)
	}
}

// TestNewErrors: what New refuses.
func TestNewErrors(t *testing.T) {
	if _, err := validator.New(nil, validator.Options{}); err == nil || !strings.Contains(err.Error(), "Exchanger") {
		t.Errorf("no Exchanger: %v", err)
	}
	if _, err := validator.New(resolver, validator.Options{Capacity: -1}); err == nil || !strings.Contains(err.Error(), "-1") {
		t.Errorf("capacity -1: %v", err)
	}
}

// TestExplainErrors: an error wraps ErrNoAnswer and that of the Exchanger.
func TestExplainErrors(t *testing.T) {
	v := over(t, func(context.Context, *dns.Msg, validator.Manner) (*dns.Msg, error) { return nil, errLost })
	if _, err := v.Explain(t.Context(), "www.signed.example", dns.TypeA); !errors.Is(err, validator.ErrNoAnswer) || !errors.Is(err, errLost) {
		t.Errorf("%v", err)
	}
}

// TestKeyReports: which keys of a zone match, and which can't be used.
func TestKeyReports(t *testing.T) {
	report, err := newValidator().Explain(t.Context(), "www.signed.example", dns.TypeA)
	if err != nil {
		t.Fatal(err)
	}
	for _, zone := range report.Zones {
		digests := len(zone.Anchors) + len(zone.DS.RRs)
		matches := 0
		for _, key := range zone.Keys {
			matches += len(key.Matches)
			if key.Reason != validator.ReasonNone || !slices.Contains(zone.DNSKEY.RRs, dns.RR(key.DNSKEY)) {
				t.Errorf("%s: %+v", zone.Name, key)
			}
		}
		if len(zone.Keys) != len(zone.DNSKEY.RRs) || matches != digests || digests != 1 {
			t.Errorf("%s has %d keys of %d, and %d of %d digests match", zone.Name, len(zone.Keys), len(zone.DNSKEY.RRs), matches, digests)
		}
	}
	if len(report.Zones) != 3 {
		t.Errorf("%d zones", len(report.Zones))
	}
}
