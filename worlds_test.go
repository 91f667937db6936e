package dnssecval

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	p256     = dns.ECDSAP256SHA256
	typeA    = dns.TypeA
	servfail = dns.RcodeServerFailure

	ede6  = dns.ExtendedErrorCodeDNSBogus
	ede7  = dns.ExtendedErrorCodeSignatureExpired
	ede9  = dns.ExtendedErrorCodeDNSKEYMissing
	ede10 = dns.ExtendedErrorCodeRRSIGsMissing
)

// richRecords has every kind of name that a zone can have.
var richRecords = []string{
	"WWW A 192.0.2.1", "www AAAA 2001:db8::1", "www 60 TXT one", "www 60 TXT two",
	"alias CNAME www", "across CNAME hop.nsec3.test.", "hop CNAME www.csk.example.", "nowhere CNAME no.such",
	"toinsecure CNAME www.unsigned.example.",
	"*.wild A 192.0.2.2", "*.cnames CNAME www", "*.text TXT t", "exact.wild TXT t",
	"a.b.ent A 192.0.2.3", "dn DNAME nsec3.test.", "zero 0 A 192.0.2.4",
	`odd\032name\.x A 192.0.2.5`, "mail MX 10 WWW.Example.Test.",
}

// reliedOn are the algorithms that count without allow-sha1.
var reliedOn = []uint8{dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519, dns.ED448}

// richSpecs is a tree with one zone of each kind.
func richSpecs() []testzone.Spec {
	specs := []testzone.Spec{
		{Name: "example.", Algorithm: p256, Records: richRecords},
		{Name: "compact.example.", Algorithm: p256, Denial: testzone.CompactNSEC, Records: richRecords},
		{Name: "csk.example.", Algorithm: dns.ED25519, CSK: true, Records: richRecords},
		{Name: "unsigned.example.", Records: richRecords},
		{Name: "below.unsigned.example.", Algorithm: p256, Records: richRecords},
		{Name: "sha1.example.", Algorithm: dns.RSASHA1, Bits: 1024, Records: richRecords},
		{Name: "private.example.", Algorithm: 200, Records: richRecords},
		{Name: "gost.example.", Algorithm: p256, DS: []uint8{3}, Records: richRecords},
		{Name: "island.example.", Algorithm: p256, DS: []uint8{}, Records: richRecords},
		{Name: "test.", Algorithm: p256, Denial: testzone.NSEC3OptOut, Records: richRecords},
		{Name: "nsec3.test.", Algorithm: p256, Denial: testzone.NSEC3, Iterations: 5, Salt: "beef", Records: richRecords, DS: []uint8{1, 2, 4}},
		{Name: "unsigned.nsec3.test.", Records: richRecords},
		{Name: "unsigned.test.", Records: richRecords},
		{Name: "deep.in.out.test.", Records: richRecords},
		{Name: "it150.test.", Algorithm: p256, Denial: testzone.NSEC3, Iterations: 150, Records: richRecords},
		{Name: "it151.test.", Algorithm: p256, Denial: testzone.NSEC3, Iterations: 151, Records: richRecords},
	}
	for i, alg := range reliedOn {
		specs = append(specs, testzone.Spec{Name: algorithmZone(alg), Algorithm: alg, Bits: 1024, Denial: testzone.Denial(i % 2), Records: richRecords})
	}
	return specs
}

func algorithmZone(alg uint8) string { return fmt.Sprintf("alg%d.example.", alg) }

// secureZones returns the zones of richSpecs in which every name is Secure.
func secureZones() []string {
	zones := []string{"example.", "compact.example.", "csk.example.", "nsec3.test.", "it150.test."}
	for _, alg := range reliedOn {
		zones = append(zones, algorithmZone(alg))
	}
	return zones
}

// exampleWorld is a small tree for tests that break it or count its questions.
func exampleWorld(t *testing.T) *testzone.World {
	t.Helper()
	return newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: p256, Records: append([]string{"txt TXT big"}, richRecords...)},
		testzone.Spec{Name: "unsigned.example.", Records: richRecords},
		testzone.Spec{Name: "csk.example.", Algorithm: p256, Records: richRecords},
	)
}

// calmNames is how many names calm has.
const calmNames = 500

// calm is a zone with many names.
func calm() testzone.Spec {
	spec := testzone.Spec{Name: "calm.", Algorithm: p256}
	for i := range calmNames {
		spec.Records = append(spec.Records, fmt.Sprintf("h%d A 192.0.2.1", i))
	}
	return spec
}

func calmQuestion(i int) (string, uint16) { return fmt.Sprintf("h%d.calm.", i%calmNames), dns.TypeA }

// dayOf returns a time so many days from now.
func dayOf(days int) time.Time {
	return time.Now().Add(time.Duration(days) * 24 * time.Hour).Add(-10 * time.Minute)
}

// intercept has f change the responses to one question. A nil response is a lost one.
func intercept(w *testzone.World, q testzone.Question, f func(a *dns.Msg) *dns.Msg) {
	w.Intercept(func(asked, a *dns.Msg) *dns.Msg {
		if dns.CanonicalName(asked.Question[0].Name) == q.Name && asked.Question[0].Qtype == q.Type {
			return f(a)
		}
		return a
	})
}

func lost(*dns.Msg) *dns.Msg { return nil }

// hasType reports whether a section has records of a type.
func hasType(section []dns.RR, rtype uint16) bool {
	return slices.ContainsFunc(section, func(rr dns.RR) bool { return rr.Header().Rrtype == rtype })
}

type handlerFunc func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error)

func (f handlerFunc) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	return f(ctx, w, r)
}

func (handlerFunc) Name() string { return "forward" }

var metricSetsMade atomic.Int32

// ownMetrics gives the validator metrics that no other test counts in.
func ownMetrics(v *Validator) (subsystem string) {
	subsystem = fmt.Sprintf("test%d", metricSetsMade.Add(1))
	v.metrics = metricsFor(subsystem)
	return subsystem
}

// sum adds up a metric over its labels, or over those that have all the values.
func sum(t *testing.T, subsystem, name string, values ...string) (total float64) {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "coredns_"+subsystem+"_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := m.String()
			missing := false
			for _, v := range values {
				missing = missing || !strings.Contains(labels, `value:"`+v+`"`)
			}
			if !missing {
				total += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return total
}
