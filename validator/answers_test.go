package validator

import (
	"slices"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// secureAnswers has each kind of answer. The names are relative to a zone, and the CNAME
// chain leads over three zones.
var secureAnswers = []struct {
	kind, name string
	qtype      uint16
}{
	{kind: "positive", name: "www.", qtype: dns.TypeA},
	{kind: "positive, several records", name: "www.", qtype: dns.TypeTXT},
	{kind: "TTL 0", name: "zero.", qtype: dns.TypeA},
	{kind: "odd octets", name: `odd\ name\.x.`, qtype: dns.TypeA},
	{kind: "name in RDATA", name: "mail.", qtype: dns.TypeMX},
	{kind: "wildcard", name: "x.wild.", qtype: dns.TypeA},
	{kind: "wildcard, deep", name: "x.y.wild.", qtype: dns.TypeA},
	{kind: "wildcard CNAME", name: "x.cnames.", qtype: dns.TypeA},
	{kind: "wildcard CNAME to NODATA", name: "x.cnames.", qtype: dns.TypeMX},
	{kind: "the wildcard itself", name: "*.wild.", qtype: dns.TypeA},
	{kind: "the wildcard itself, NODATA", name: "*.wild.", qtype: dns.TypeMX},
	{kind: "CNAME", name: "alias.", qtype: dns.TypeA},
	{kind: "CNAME asked for", name: "alias.", qtype: dns.TypeCNAME},
	{kind: "CNAME chain over three zones", name: "across.", qtype: dns.TypeA},
	{kind: "CNAME chain over three zones to NODATA", name: "across.", qtype: dns.TypeMX},
	{kind: "CNAME to NXDOMAIN", name: "nowhere.", qtype: dns.TypeA},
	{kind: "DNAME", name: "www.dn.", qtype: dns.TypeA},
	{kind: "DNAME, CNAME asked for", name: "www.dn.", qtype: dns.TypeCNAME},
	{kind: "DNAME to NXDOMAIN", name: "no.dn.", qtype: dns.TypeA},
	{kind: "DNAME asked for", name: "dn.", qtype: dns.TypeDNAME},
	{kind: "NODATA", name: "www.", qtype: dns.TypeMX},
	{kind: "NODATA at the apex", name: "", qtype: dns.TypeMX},
	{kind: "NODATA for DS of no cut", name: "www.", qtype: dns.TypeDS},
	{kind: "empty non-terminal", name: "b.ent.", qtype: dns.TypeA},
	{kind: "empty non-terminal, top", name: "ent.", qtype: dns.TypeA},
	{kind: "NXDOMAIN", name: "no.", qtype: dns.TypeA},
	{kind: "NXDOMAIN, deep", name: "x.y.no.", qtype: dns.TypeA},
	{kind: "NXDOMAIN after the last name", name: "zzz.", qtype: dns.TypeA},
	{kind: "NXDOMAIN beside a wildcard", name: "exact.wild.", qtype: dns.TypeA},
	{kind: "wildcard NODATA", name: "x.wild.", qtype: dns.TypeMX},
	{kind: "DNSKEY", name: "", qtype: dns.TypeDNSKEY},
	{kind: "SOA", name: "", qtype: dns.TypeSOA},
	{kind: "NS", name: "", qtype: dns.TypeNS},
	{kind: "DS", name: "", qtype: dns.TypeDS},
	{kind: "ANY", name: "www.", qtype: dns.TypeANY},
	{kind: "NSEC", name: "www.", qtype: dns.TypeNSEC},
}

// secureZones returns the zones in which all of secureAnswers are Secure.
func secureZones() []string {
	zones := []string{"example.", "compact.example.", "csk.example.", "nsec3.test.", "it150.test."}
	for _, alg := range reliedOn {
		zones = append(zones, algorithmZone(alg))
	}
	return zones
}

// TestSecureAnswers asks each question of a validator that knows nothing yet.
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

// TestSecureAnswersWarm asks one validator everything twice.
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

// checkSecure checks that the answer has AD and all records that the world has for it.
func checkSecure(t *testing.T, w *testzone.World, v *Validator, kind, name string, qtype uint16) {
	t.Helper()
	m := ask(t, v, name, qtype, withDO)
	want := w.Answer(newQuestion(name, qtype, withDO))
	if !m.AuthenticatedData || m.Rcode != want.Rcode || edeOf(m) != noCode {
		t.Errorf("%s, %s %s: %s, AD %v, %v; want %s with AD", kind, name, dns.Type(qtype),
			dns.RcodeToString[m.Rcode], m.AuthenticatedData, testzone.ExtendedError(m), dns.RcodeToString[want.Rcode])
		return
	}
	if got, want := records(m.Answer, m.Ns), records(want.Answer, want.Ns); got != want {
		t.Errorf("%s, %s %s:\n got %s\nwant %s", kind, name, dns.Type(qtype), got, want)
	}
}

// TestInsecureAnswers has each proof that there is no authentication chain.
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

// TestIterationsForged: a forged NSEC3 with too many iterations is bogus, not insecure.
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
	want := outcome{rcode: servfail, reason: dnssec.SignatureInvalid, ede: dns.ExtendedErrorCodeDNSBogus}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestAllowSHA1: RSASHA1 counts if the policy says so.
func TestAllowSHA1(t *testing.T) {
	w := richWorld(t)
	checkSecure(t, w, newTestValidator(t, w, allowSHA1), "allow-sha1", "www.sha1.example.", dns.TypeA)
}

// TestCodeOfWhatExists: the response code is not signed. NXDOMAIN beside proven data is
// corrected to NOERROR; beside other data it is a failure.
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
		{what: "an insecure RRset", name: "www.unsigned.example.", qtype: dns.TypeA, rcode: servfail},
		{what: "a chain that ends insecure", name: "toinsecure.example.", qtype: dns.TypeA, rcode: servfail},
		{what: "signatures", name: "www.example.", qtype: dns.TypeRRSIG, rcode: servfail},
	} {
		w := richWorld(t)
		v := newTestValidator(t, w)
		w.Intercept(func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Qtype == tc.qtype { // for the target of an alias too
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
