package validator

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestLocallyServedAlias: an alias in a signed zone makes an answer as weak as its target.
func TestLocallyServedAlias(t *testing.T) {
	w := publicTree(t)
	r := servingAll(w)
	v := localValidator(t, r)
	v.exchanger = ExchangerFunc(func(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
		m, err := r.Exchange(ctx, request, how)
		if err == nil && request.Question[0].Name == "local.example." && request.Question[0].Qtype == typeA {
			m.Answer, m.Ns, m.Rcode = append(m.Answer, record("host.test. 60 A 192.0.2.1")), nil, dns.RcodeSuccess
		}
		return m, err
	})
	if got := observe(t, v, "local.example.", typeA); got != locally(dns.RcodeSuccess) {
		t.Errorf("%+v %s", got, got.reason)
	}
}

// TestLocallyServedRedirection: an unproven DNAME in a locally served zone redirects no name
// below a trust anchor.
func TestLocallyServedRedirection(t *testing.T) {
	w := publicTree(t)
	signed := newWorld(t, testzone.Spec{Name: "corp.test.", Algorithm: p256, Records: []string{"db A 192.0.2.1"}})
	v := newTestValidator(t, w, locallyServed(append(w.Anchors("."), signed.Anchors("corp.test.")...)...))
	v.exchanger = ExchangerFunc(func(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
		switch q := request.Question[0]; {
		case q.Qtype == typeA:
			m := new(dns.Msg).SetReply(request)
			prefix := strings.TrimSuffix(q.Name, "test.")
			m.Answer = recordsOf([]string{"test. 60 DNAME invalid.", q.Name + " 60 CNAME " + prefix + "invalid.", prefix + "invalid. 60 A 203.0.113.66"})
			return m, nil
		case dns.IsSubDomain("corp.test.", q.Name):
			return resolver{signed}.Exchange(ctx, request, how)
		default:
			return resolver{w}.Exchange(ctx, request, how)
		}
	})
	if got := observe(t, v, "db.corp.test.", typeA); got.rcode != servfail {
		t.Errorf("below the trust anchor: %+v %s", got, got.reason)
	}
	if got := observe(t, v, "db.other.test.", typeA); got != locally(dns.RcodeSuccess) {
		t.Errorf("beside it: %+v %s", got, got.reason)
	}
}

// TestLocallyServedPrivate: a zone that the operator forwards by name is judged as it is
// elsewhere, whether the public resolver proves that it is not signed or not.
func TestLocallyServedPrivate(t *testing.T) {
	w := publicTree(t)
	internal := newWorld(t, testzone.Spec{Name: "corp.test.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}},
		testzone.Spec{Name: "home.arpa.", Records: []string{"www A 192.0.2.1"}}, testzone.Spec{Name: "5.10.in-addr.arpa.", Records: []string{"www A 192.0.2.1"}})
	private := outcome{reason: dnssec.PrivateZone, ede: noCode}
	for _, publicDS := range []bool{false, true} {
		public := servingAll(w)
		public.publicDS = publicDS
		for _, zone := range []string{"corp.test.", "home.arpa.", "5.10.in-addr.arpa."} {
			var seen tally
			v := forwarding{".": public, zone: resolver{internal}}.use(newTestValidator(t, w, locallyServed(w.Anchors(".")...), tallied(&seen)))
			for _, asked := range []struct {
				name string
				want outcome
			}{
				{name: "host.test.", want: locally(dns.RcodeSuccess)}, {name: "host.10.in-addr.arpa.", want: locally(dns.RcodeSuccess)}, // known before and after
				{name: "www." + zone, want: private}, {name: "host.test.", want: locally(dns.RcodeSuccess)}, {name: "www." + zone, want: private},
			} {
				if got := observe(t, v, asked.name, typeA); got != asked.want {
					t.Errorf("forward %s, public DS %t: %s is %+v %s, want %+v %s", zone, publicDS, asked.name, got, got.reason, asked.want, asked.want.reason)
				}
			}
			if zones := slices.Collect(maps.Keys(seen.zonesNotValidated())); !slices.Equal(zones, []string{zone}) {
				t.Errorf("forward %s, public DS %t: not validated: %v", zone, publicDS, seen.zonesNotValidated())
			}
			own := locallyServed(append(w.Anchors("."), internal.Anchors("corp.test.")...)...)
			v = forwarding{".": public, zone: resolver{internal}}.use(newTestValidator(t, w, own))
			if got := observe(t, v, "www.corp.test.", typeA); zone == "corp.test." && got != (outcome{ad: true, ede: noCode}) {
				t.Errorf("with a trust anchor, public DS %t: %+v %s", publicDS, got, got.reason)
			}
		}
	}
}
