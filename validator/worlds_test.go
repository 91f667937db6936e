package validator

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

const (
	p256 = dns.ECDSAP256SHA256
	p384 = dns.ECDSAP384SHA384
	rsa  = dns.RSASHA512

	typeA  = dns.TypeA
	typeMX = dns.TypeMX

	servfail = dns.RcodeServerFailure

	ede6  = dns.ExtendedErrorCodeDNSBogus
	ede7  = dns.ExtendedErrorCodeSignatureExpired
	ede8  = dns.ExtendedErrorCodeSignatureNotYetValid
	ede9  = dns.ExtendedErrorCodeDNSKEYMissing
	ede10 = dns.ExtendedErrorCodeRRSIGsMissing
	ede11 = dns.ExtendedErrorCodeNoZoneKeyBitSet
	ede12 = dns.ExtendedErrorCodeNSECMissing
	ede25 = dns.ExtendedErrorCodeSignatureExpiredBeforeValid
)

// wwwA is a question that is answered by one RRset in most of the worlds.
var wwwA = testzone.Question{Name: "www.example.", Type: dns.TypeA}

// richRecords has every kind of name that a zone can have.
var richRecords = []string{
	"WWW A 192.0.2.1", "www AAAA 2001:db8::1", "www 60 TXT one", "www 60 TXT two",
	"alias CNAME www", "across CNAME hop.nsec3.test.", "hop CNAME www.csk.example.", "nowhere CNAME no.such",
	"toinsecure CNAME www.unsigned.example.",
	"*.wild A 192.0.2.2", "*.cnames CNAME www", "*.text TXT t", "exact.wild TXT t",
	"a.b.ent A 192.0.2.3", "dn DNAME nsec3.test.", "zero 0 A 192.0.2.4",
	`odd\032name\.x A 192.0.2.5`, "mail MX 10 WWW.Example.Test.",
}

// reliedOn are the algorithms that count without AllowSHA1.
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

var madeRichWorld = sync.OnceValues(func() (*testzone.World, error) { return testzone.New(time.Now(), richSpecs()...) })

// richWorld is shared by tests that neither break it nor count its questions.
func richWorld(t testing.TB) *testzone.World {
	t.Helper()
	w, err := madeRichWorld()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Intercept(nil) })
	return w
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
