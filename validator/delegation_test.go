package validator

import (
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// TestDSUnavailable: a DS that is not answered is a failure, except below an insecure zone,
// where it is of no use.
func TestDSUnavailable(t *testing.T) {
	for _, tc := range []struct {
		zone   string
		rcode  int
		reason dnssec.Reason
		ede    uint16
	}{
		{zone: "below.unsigned.example.", reason: dnssec.DelegationInsecure, ede: noCode},
		{zone: "unsigned.example.", rcode: servfail, reason: dnssec.DSUnavailable, ede: dns.ExtendedErrorCodeNoReachableAuthority},
		{zone: "csk.example.", rcode: servfail, reason: dnssec.DSUnavailable, ede: dns.ExtendedErrorCodeNoReachableAuthority},
	} {
		w := richWorld(t)
		w.Intercept(func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Name == tc.zone && q.Question[0].Qtype == dns.TypeDS {
				return new(dns.Msg).SetRcode(q, servfail)
			}
			return a
		})
		want := outcome{rcode: tc.rcode, reason: tc.reason, ede: tc.ede}
		if got := observe(t, newTestValidator(t, w), "www."+tc.zone, dns.TypeA); got != want {
			t.Errorf("%s: %+v, want %+v", tc.zone, got, want)
		}
		w.Intercept(nil)
	}
}
