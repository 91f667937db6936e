package validator

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestMannerOfOneClient: what one client's RD and EDNS options make an upstream do says nothing of the
// name. The client gets the answer if there is one without them, and others are not refused
// (RFC 9520, section 3.2; RFC 7871, section 7.1.1).
func TestMannerOfOneClient(t *testing.T) {
	norec := func(r *dns.Msg) { r.RecursionDesired = false }
	subnet := func(r *dns.Msg) {
		opt := r.IsEdns0()
		opt.Option = append(opt.Option, &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, SourceScope: 24, Address: net.IPv4(192, 0, 2, 0)})
	}
	scoped := func(o dns.EDNS0) bool { s, ok := o.(*dns.EDNS0_SUBNET); return ok && s.SourceScope > 0 }
	hasScope := func(q *dns.Msg) bool {
		opt := q.IsEdns0()
		return opt != nil && slices.ContainsFunc(opt.Option, scoped)
	}
	for _, tc := range []struct {
		name   string
		client func(r *dns.Msg)
		upset  func(q, a *dns.Msg) *dns.Msg
		silent func(q *dns.Msg) bool
		refuse bool // the client itself
	}{
		{name: "a referral without recursion", client: norec, upset: func(q, a *dns.Msg) *dns.Msg {
			if !q.RecursionDesired {
				a.Answer, a.Rcode = nil, dns.RcodeSuccess
				a.Ns = []dns.RR{record("bank. 300 NS ns.bank.")}
			}
			return a
		}},
		{name: "a format error for an option", client: subnet, upset: func(q, a *dns.Msg) *dns.Msg {
			if hasScope(q) {
				return new(dns.Msg).SetRcode(q, dns.RcodeFormatError)
			}
			return a
		}},
		{name: "a failure for an option", client: subnet, refuse: true, upset: func(q, a *dns.Msg) *dns.Msg {
			if hasScope(q) {
				return new(dns.Msg).SetRcode(q, servfail)
			}
			return a
		}},
		{name: "no answer for an option", client: subnet, silent: hasScope, refuse: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			names := []string{"a.bank.", "b.bank.", "c.bank.", "d.bank."} // an outage is of three
			w := newWorld(t, testzone.Spec{Name: "bank.", Algorithm: p256, Records: []string{"a A 192.0.2.1", "b A 192.0.2.1", "c A 192.0.2.1", "d A 192.0.2.1", "e A 192.0.2.1"}})
			w.Intercept(tc.upset)
			v := newTestValidator(t, w)
			v.exchanger = ExchangerFunc(func(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
				if tc.silent != nil && tc.silent(request) {
					return nil, errors.New("timeout")
				}
				return resolver{w}.Exchange(ctx, request, how)
			})
			for _, name := range names {
				request := newQuestion(name, typeA, withDO)
				tc.client(request)
				if m, r := v.Resolve(t.Context(), request); m.AuthenticatedData == tc.refuse {
					t.Errorf("%s: the client gets %v\n%s", name, r, m)
				}
			}
			if v.mixed.until.Load() != 0 {
				t.Error("it is taken for a difference between upstreams")
			}
			for _, name := range append(names, "e.bank.") {
				if m, r := v.Resolve(t.Context(), newQuestion(name, typeA, withDO)); !m.AuthenticatedData || r.Repeated {
					t.Errorf("%s: another client gets %v\n%s", name, r, m)
				}
			}
		})
	}
}

// TestMannerOfBrokenName: a name that is broken for all clients is kept as failed, however it
// was asked first (RFC 9520, section 3.2).
func TestMannerOfBrokenName(t *testing.T) {
	for _, tc := range []struct {
		name  string
		broke testzone.Breakage
	}{
		{name: "itself", broke: testzone.FlipSignatureBit("www.csk.example.", typeA)},
		{name: "its zone", broke: testzone.Expired("csk.example.", dns.TypeDNSKEY)},
	} {
		w := exampleWorld(t)
		breakZone(t, w, "csk.example.", tc.broke)
		v := newTestValidator(t, w)
		request := newQuestion("www.csk.example.", typeA, withDO)
		request.RecursionDesired = false
		v.Resolve(t.Context(), request)
		n := asked(w, "www.csk.example.", typeA)
		if m, r := v.Resolve(t.Context(), newQuestion("www.csk.example.", typeA, withDO)); m.Rcode != servfail || !r.Repeated || asked(w, "www.csk.example.", typeA) != n {
			t.Errorf("%s: %v, %d questions\n%s", tc.name, r, asked(w, "www.csk.example.", typeA)-n, m)
		}
	}
}
