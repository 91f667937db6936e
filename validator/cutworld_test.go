package validator

import (
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// cutWorld has a signed parent zone with an unsigned child, a signed one, and an island of
// security that has no trust anchor.
func cutWorld(t *testing.T, denial testzone.Denial) *testzone.World {
	t.Helper()
	records := []string{"www A 192.0.2.1", "www MX 10 www"}
	return newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: p256, Denial: denial, Records: append(records,
			"toplain CNAME plain", "tosub CNAME sub", "*.wild A 192.0.2.2", "a.ent A 192.0.2.3")},
		testzone.Spec{Name: "plain.example.", Records: records},
		testzone.Spec{Name: "island.example.", Algorithm: p256, DS: []uint8{}, Records: records},
		testzone.Spec{Name: "sub.example.", Algorithm: p256, Denial: denial, Records: records},
		testzone.Spec{Name: "plain.sub.example.", Records: records})
}

var cutDenials = []testzone.Denial{testzone.NSEC, testzone.NSEC3, testzone.NSEC3OptOut}

// matching returns the parent zone's denial of a name's DS, or for a signed delegation the
// record that matches it, with the SOA.
func matching(t *testing.T, w *testzone.World, parent, name string) []dns.RR {
	t.Helper()
	ns := w.Answer(newQuestion(name, dns.TypeDS, withDO)).Ns
	if len(ns) > 0 {
		return ns
	}
	hash := ""
	for _, rr := range allDenials(w, parent) {
		if nsec3, ok := rr.(*dns.NSEC3); ok && nsec3.Match(name) {
			hash = nsec3.Hdr.Name
		}
	}
	for _, rr := range allDenials(w, parent) {
		if owner := rr.Header().Name; owner == hash || owner == name {
			ns = append(ns, dns.Copy(rr))
		}
	}
	return append(ns, rrset(t, w, parent, parent, dns.TypeSOA)...)
}

// parentOf returns the zone that delegates a name.
func parentOf(w *testzone.World, name string) string {
	for name = dnsname.Parent(name); w.Zone(name) == nil; name = dnsname.Parent(name) {
	}
	return name
}
