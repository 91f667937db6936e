package dnssecval

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
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

var reliedOn = []uint8{dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519, dns.ED448}

// richSpecs is a tree with one zone of each kind.
func richSpecs() []testzone.Spec {
	p256 := dns.ECDSAP256SHA256
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

func algorithmZone(alg uint8) string { return fmt.Sprintf("alg%d.example.", alg) }

// secureAnswers has each kind of answer, relative to a zone; the CNAME chain leads
// over three zones.
var secureAnswers = []struct {
	kind, name string
	qtype      uint16
}{
	{"positive", "www.", dns.TypeA},
	{"positive, several records", "www.", dns.TypeTXT},
	{"TTL 0", "zero.", dns.TypeA},
	{"odd octets", `odd\ name\.x.`, dns.TypeA},
	{"name in RDATA", "mail.", dns.TypeMX},
	{"wildcard", "x.wild.", dns.TypeA},
	{"wildcard, deep", "x.y.wild.", dns.TypeA},
	{"wildcard CNAME", "x.cnames.", dns.TypeA},
	{"wildcard CNAME to NODATA", "x.cnames.", dns.TypeMX},
	{"the wildcard itself", "*.wild.", dns.TypeA},
	{"the wildcard itself, NODATA", "*.wild.", dns.TypeMX},
	{"CNAME", "alias.", dns.TypeA},
	{"CNAME asked for", "alias.", dns.TypeCNAME},
	{"CNAME chain over three zones", "across.", dns.TypeA},
	{"CNAME chain over three zones to NODATA", "across.", dns.TypeMX},
	{"CNAME to NXDOMAIN", "nowhere.", dns.TypeA},
	{"DNAME", "www.dn.", dns.TypeA},
	{"DNAME, CNAME asked for", "www.dn.", dns.TypeCNAME},
	{"DNAME to NXDOMAIN", "no.dn.", dns.TypeA},
	{"DNAME asked for", "dn.", dns.TypeDNAME},
	{"NODATA", "www.", dns.TypeMX},
	{"NODATA at the apex", "", dns.TypeMX},
	{"NODATA for DS of no cut", "www.", dns.TypeDS},
	{"empty non-terminal", "b.ent.", dns.TypeA},
	{"empty non-terminal, top", "ent.", dns.TypeA},
	{"NXDOMAIN", "no.", dns.TypeA},
	{"NXDOMAIN, deep", "x.y.no.", dns.TypeA},
	{"NXDOMAIN after the last name", "zzz.", dns.TypeA},
	{"NXDOMAIN beside a wildcard", "exact.wild.", dns.TypeA},
	{"wildcard NODATA", "x.wild.", dns.TypeMX},
	{"DNSKEY", "", dns.TypeDNSKEY},
	{"SOA", "", dns.TypeSOA},
	{"NS", "", dns.TypeNS},
	{"DS", "", dns.TypeDS},
	{"ANY", "www.", dns.TypeANY},
	{"NSEC", "www.", dns.TypeNSEC},
}

// secureZones are the zones in which all of secureAnswers is secure.
func secureZones() []string {
	zones := []string{"example.", "compact.example.", "csk.example.", "nsec3.test.", "it150.test."}
	for _, alg := range reliedOn {
		zones = append(zones, algorithmZone(alg))
	}
	return zones
}

func TestSecureAnswers(t *testing.T) {
	w := richWorld(t)
	brief := []string{"www.", "x.wild.", "no.", "alias.", ""}
	for _, zone := range secureZones() {
		for _, tc := range secureAnswers {
			if strings.HasPrefix(zone, "alg") && !slices.Contains(brief, tc.name) {
				continue
			}
			checkSecure(t, w, newTestValidator(t, w), tc.kind, tc.name+zone, tc.qtype)
		}
	}
}

// TestSecureAnswersWarm asks all of one validator, twice.
func TestSecureAnswersWarm(t *testing.T) {
	w := richWorld(t)
	v := newTestValidator(t, w)
	for range 2 {
		for _, tc := range secureAnswers {
			for _, zone := range []string{"example.", "compact.example.", "nsec3.test."} {
				checkSecure(t, w, v, tc.kind+", warm", tc.name+zone, tc.qtype)
			}
		}
	}
}

// checkSecure wants AD, and all that the world answered.
func checkSecure(t *testing.T, w *testzone.World, v *Validator, kind, name string, qtype uint16) {
	t.Helper()
	m := ask(t, newExplainer(v, v), name, qtype, withDO)
	want := w.Answer(newQuestion(name, qtype, withDO))
	if !m.AuthenticatedData || m.Rcode != want.Rcode || edeOf(m) != noCode {
		t.Errorf("%s, %s %s: %s, AD %v, %v; want %s with AD", kind, name, dns.Type(qtype),
			dns.RcodeToString[m.Rcode], m.AuthenticatedData, extendedError(m), dns.RcodeToString[want.Rcode])
		return
	}
	if got, want := records(m.Answer, m.Ns), records(want.Answer, want.Ns); got != want {
		t.Errorf("%s, %s %s:\n got %s\nwant %s", kind, name, dns.Type(qtype), got, want)
	}
}

// TestInsecureAnswers: the proof that there is no chain, by each kind of denial.
func TestInsecureAnswers(t *testing.T) {
	w := richWorld(t)
	for _, tc := range []struct {
		name   string
		qtype  uint16
		reason dnssec.Reason
		ede    uint16
	}{
		{name: "www.unsigned.example.", qtype: dns.TypeA, reason: dnssec.DelegationInsecure, ede: noCode},
		{name: "no.unsigned.example.", qtype: dns.TypeA, reason: dnssec.DelegationInsecure, ede: noCode},
		{name: "www.unsigned.example.", qtype: dns.TypeMX, reason: dnssec.DelegationInsecure, ede: noCode},
		{name: "alias.unsigned.example.", qtype: dns.TypeA, reason: dnssec.DelegationInsecure, ede: noCode},
		{name: "www.dn.unsigned.example.", qtype: dns.TypeA, reason: dnssec.DelegationInsecure, ede: noCode},
		{name: "www.below.unsigned.example.", qtype: dns.TypeA, reason: dnssec.DelegationInsecure, ede: noCode},
		{name: "no.below.unsigned.example.", qtype: dns.TypeA, reason: dnssec.DelegationInsecure, ede: noCode},
		{name: "below.unsigned.example.", qtype: dns.TypeDS, reason: dnssec.DelegationInsecure, ede: noCode},
		{name: "www.island.example.", qtype: dns.TypeA, reason: dnssec.DelegationInsecure, ede: noCode},
		{name: "island.example.", qtype: dns.TypeDNSKEY, reason: dnssec.DelegationInsecure, ede: noCode},
		{name: "www.unsigned.nsec3.test.", qtype: dns.TypeA, reason: dnssec.DelegationInsecure, ede: noCode},
		{name: "www.unsigned.test.", qtype: dns.TypeA, reason: dnssec.OptOut, ede: noCode},
		{name: "unsigned.test.", qtype: dns.TypeDS, reason: dnssec.OptOut, ede: noCode},
		{name: "www.deep.in.out.test.", qtype: dns.TypeA, reason: dnssec.OptOut, ede: noCode},
		{name: "no.test.", qtype: dns.TypeA, reason: dnssec.OptOut, ede: noCode},
		{name: "x.wild.test.", qtype: dns.TypeA, reason: dnssec.OptOut, ede: noCode},
		{name: "www.private.example.", qtype: dns.TypeA, reason: dnssec.AlgorithmUnsupported, ede: dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm},
		{name: "www.sha1.example.", qtype: dns.TypeA, reason: dnssec.AlgorithmUnsupported, ede: dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm},
		{name: "www.gost.example.", qtype: dns.TypeA, reason: dnssec.DigestUnsupported, ede: dns.ExtendedErrorCodeUnsupportedDSDigestType},
		{name: "no.it151.test.", qtype: dns.TypeA, reason: dnssec.NSEC3IterationsHigh, ede: dns.ExtendedErrorCodeUnsupportedNSEC3IterValue},
		{name: "www.it151.test.", qtype: dns.TypeMX, reason: dnssec.NSEC3IterationsHigh, ede: dns.ExtendedErrorCodeUnsupportedNSEC3IterValue},
		{name: "toinsecure.example.", qtype: dns.TypeA, reason: dnssec.DelegationInsecure, ede: noCode},
	} {
		want := outcome{rcode: w.Answer(newQuestion(tc.name, tc.qtype, withDO)).Rcode, reason: tc.reason, ede: tc.ede}
		if got := observe(t, newTestValidator(t, w), tc.name, tc.qtype); got != want {
			t.Errorf("%s %s: %+v, want %+v", tc.name, dns.Type(tc.qtype), got, want)
		}
	}
}

// TestIterationsForged: what is forged is not insecure because of a number in it.
func TestIterationsForged(t *testing.T) {
	w := richWorld(t)
	w.Intercept(func(_, a *dns.Msg) *dns.Msg {
		for _, rr := range a.Ns {
			if sig, ok := rr.(*dns.RRSIG); ok && sig.TypeCovered == dns.TypeNSEC3 {
				flip(sig)
			}
		}
		return a
	})
	got := observe(t, newTestValidator(t, w), "no.it151.test.", dns.TypeA)
	want := outcome{rcode: dns.RcodeServerFailure, reason: dnssec.SignatureInvalid, ede: dns.ExtendedErrorCodeDNSBogus}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestAllowSHA1(t *testing.T) {
	w := richWorld(t)
	checkSecure(t, w, newTestValidator(t, w, "allow-sha1"), "allow-sha1", "www.sha1.example.", dns.TypeA)
}

// TestCodeOfWhatExists: the code is not signed. NXDOMAIN for data that are proven is
// corrected, and for data that are not it is a failure.
func TestCodeOfWhatExists(t *testing.T) {
	for _, tc := range []struct {
		what, name string
		qtype      uint16
		rcode      int
		ad         bool
	}{
		{what: "one RRset", name: "www.example.", qtype: dns.TypeA, ad: true},
		{what: "a chain over zones", name: "across.example.", qtype: dns.TypeA, ad: true},
		{what: "an expansion", name: "x.wild.example.", qtype: dns.TypeA, ad: true},
		{what: "the CNAME of a DNAME", name: "www.dn.example.", qtype: dns.TypeCNAME, ad: true},
		{what: "an empty non-terminal", name: "b.ent.example.", qtype: dns.TypeA, ad: true},
		{what: "an insecure RRset", name: "www.unsigned.example.", qtype: dns.TypeA, rcode: dns.RcodeServerFailure},
		{what: "a chain that ends insecure", name: "toinsecure.example.", qtype: dns.TypeA, rcode: dns.RcodeServerFailure},
		{what: "signatures", name: "www.example.", qtype: dns.TypeRRSIG, rcode: dns.RcodeServerFailure},
	} {
		w := richWorld(t)
		v := newTestValidator(t, w)
		w.Intercept(func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Qtype == tc.qtype { // for what an alias leads to, too
				a.Rcode = dns.RcodeNameError
			}
			return a
		})
		if m := ask(t, v, tc.name, tc.qtype, withDO); m.Rcode != tc.rcode || m.AuthenticatedData != tc.ad {
			t.Errorf("%s: %s, AD %v; want %s, AD %v", tc.what, dns.RcodeToString[m.Rcode], m.AuthenticatedData, dns.RcodeToString[tc.rcode], tc.ad)
		}
		w.Intercept(nil)
	}
}
