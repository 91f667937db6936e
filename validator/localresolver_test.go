package validator

import (
	"context"
	"testing"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// localResolver answers names in the zones of its data by itself, without signatures, as
// Unbound does with its default zones, and asks the world for all others. Each zone has an SOA
// at its apex. With publicDS it asks the world for the DS of the zones too, as BIND does.
type localResolver struct {
	world    *testzone.World
	data     map[string][]string // zones, and records with absolute names
	publicDS bool
}

// servingAll has all zones of the registry.
func servingAll(w *testzone.World) localResolver {
	r := localResolver{world: w, data: make(map[string][]string)}
	for _, zone := range anchor.BuiltinNegativeZones() {
		r.data[zone] = []string{"host." + zone + " 60 A 192.0.2.1"}
	}
	return r
}

func (r localResolver) Exchange(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
	name, qtype := dnsname.Canonical(request.Question[0].Name), request.Question[0].Qtype
	zone := r.zone(name)
	if zone == "" || r.publicDS && qtype == dns.TypeDS && name == zone {
		return resolver{r.world}.Exchange(ctx, request, how)
	}
	m := new(dns.Msg).SetReply(request)
	m.Authoritative, m.RecursionAvailable, m.Rcode = true, true, dns.RcodeNameError
	soa := record(zone + " 60 SOA localhost. nobody.invalid. 1 3600 1200 604800 60")
	for _, rr := range append([]dns.RR{soa}, recordsOf(r.data[zone])...) {
		if dnsname.IsSubdomain(rr.Header().Name, name) {
			m.Rcode = dns.RcodeSuccess
		}
		if rr.Header().Name == name && rr.Header().Rrtype == qtype {
			m.Answer = append(m.Answer, rr)
		}
	}
	if len(m.Answer) == 0 {
		m.Ns = []dns.RR{soa}
	}
	return m, nil
}

func (r localResolver) zone(name string) string {
	for zone := range r.data {
		if dnsname.IsSubdomain(name, zone) {
			return zone
		}
	}
	return ""
}

func recordsOf(lines []string) (rrs []dns.RR) {
	for _, line := range lines {
		rrs = append(rrs, record(line))
	}
	return rrs
}

func record(line string) dns.RR {
	rr, err := dns.NewRR(line)
	if err != nil {
		panic(err)
	}
	return rr
}

// publicTree has what the registry's zones lie below, and none of them.
func publicTree(t *testing.T, more ...testzone.Spec) *testzone.World {
	t.Helper()
	return newWorld(t, append([]testzone.Spec{
		{Name: "arpa.", Algorithm: p256}, {Name: "in-addr.arpa.", Algorithm: p256}, {Name: "ip6.arpa.", Algorithm: p256, Denial: testzone.NSEC3},
		{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1", "local CNAME host.test."}},
	}, more...)...)
}

// localValidator asks the resolver, trusts the root of its world, and has the built-in negative
// trust anchors, unless an option sets other anchors.
func localValidator(t *testing.T, r localResolver, opts ...option) *Validator {
	t.Helper()
	v := newTestValidator(t, r.world, append([]option{locallyServed(r.world.Anchors(".")...)}, opts...)...)
	v.exchanger = r
	return v
}

// locallyServed sets the trust anchors, beside the built-in negative ones.
func locallyServed(lines ...string) option {
	return func(t testing.TB, o *Options) { o.Anchors = builtinSet(t, lines...) }
}

// locally is what a client sees of a name that the resolver answers by itself.
func locally(rcode int) outcome {
	return outcome{rcode: rcode, reason: dnssec.LocallyServed, ede: noCode}
}
