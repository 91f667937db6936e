package validator

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// brokenZone is a zone with one thing broken in it.
type brokenZone struct {
	matrix   string // the name of the case in the matrix of other validators, if it has one
	breakage func(zone string) testzone.Breakage
	denial   testzone.Denial
	name     string // what is asked for
	qtype    uint16
	rcode    int
	reason   dnssec.Reason
	ede      uint16
	why      string // why the EDE code is not the one that most validators have
}

func just(b testzone.Breakage) func(string) testzone.Breakage {
	return func(string) testzone.Breakage { return b }
}

// everywhere breaks the whole zone. The failure is that of its keys.
func everywhere(f func(string, uint16) testzone.Breakage) func(string) testzone.Breakage {
	return just(f("", 0))
}

func inWWW(f func(string, uint16) testzone.Breakage) func(string) testzone.Breakage {
	return func(zone string) testzone.Breakage { return f("www."+zone, dns.TypeA) }
}

func ofName(f func(string) testzone.Breakage, label string) func(string) testzone.Breakage {
	return func(zone string) testzone.Breakage { return f(label + zone) }
}

// brokenKeys are zones whose DS or DNSKEY RRset is broken.
var brokenKeys = []brokenZone{
	{matrix: "ds-bad-tag", breakage: just(testzone.WrongDSTag()), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.DNSKEYNoDSMatch, ede: ede9},
	{matrix: "ds-bad-key-algo", breakage: just(testzone.WrongDSAlgorithm()), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.DNSKEYNoDSMatch, ede: ede9},
	{matrix: "ds-bogus-digest-value", breakage: just(testzone.WrongDSDigest()), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.DNSKEYNoDSMatch, ede: ede9},
	{matrix: "ds-unassigned-key-algo", breakage: just(testzone.DSAlgorithm(100)), name: "www.", qtype: typeA, reason: dnssec.AlgorithmUnsupported, ede: dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm},
	{matrix: "ds-reserved-key-algo", breakage: just(testzone.DSAlgorithm(200)), name: "www.", qtype: typeA, reason: dnssec.AlgorithmUnsupported, ede: dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm},
	{matrix: "ds-unassigned-digest-algo", breakage: just(testzone.DSDigestType(100)), name: "www.", qtype: typeA, reason: dnssec.DigestUnsupported, ede: dns.ExtendedErrorCodeUnsupportedDSDigestType},
	{matrix: "gost-ds", breakage: just(testzone.DSDigestType(dns.GOST94)), name: "www.", qtype: typeA, reason: dnssec.DigestUnsupported, ede: dns.ExtendedErrorCodeUnsupportedDSDigestType},
	{matrix: "dsa", breakage: just(testzone.DSAlgorithm(dns.DSA)), name: "www.", qtype: typeA, reason: dnssec.AlgorithmUnsupported, ede: dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm},
	{matrix: "rsamd5", breakage: just(testzone.DSAlgorithm(dns.RSAMD5)), name: "www.", qtype: typeA, reason: dnssec.AlgorithmUnsupported, ede: dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm},
	{matrix: "rsasha1", breakage: just(testzone.DSAlgorithm(dns.RSASHA1)), name: "www.", qtype: typeA, reason: dnssec.AlgorithmUnsupported, ede: dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm,
		why: "others still validate it; by RFC 9905 it is insecure"},
	{matrix: "no-ds", breakage: just(testzone.RemoveDS()), name: "www.", qtype: typeA, reason: dnssec.DelegationInsecure, ede: noCode},
	{matrix: "no-zsk", breakage: just(testzone.RemoveZSK()), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.DNSKEYMissing, ede: ede9},
	{matrix: "no-ksk", breakage: just(testzone.RemoveKSK()), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.DNSKEYNoDSMatch, ede: ede9},
	{matrix: "no-dnskey-256", breakage: just(testzone.ClearZoneFlag(testzone.ZSK)), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.DNSKEYZoneFlagMissing, ede: ede11,
		why: "the bit that is missing has a code of its own"},
	{matrix: "no-dnskey-257", breakage: just(testzone.ClearZoneFlag(testzone.KSK)), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.DNSKEYZoneFlagMissing, ede: ede11,
		why: "the bit that is missing has a code of its own"},
	{breakage: just(testzone.WrongProtocol(testzone.ZSK)), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.DNSKEYProtocolInvalid, ede: ede9},
	{breakage: just(testzone.WrongProtocol(testzone.KSK)), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.DNSKEYProtocolInvalid, ede: ede9},
	{breakage: just(testzone.SetRevoke(testzone.ZSK)), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.DNSKEYRevoked, ede: ede9},
	{breakage: just(testzone.SetRevoke(testzone.KSK)), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.DNSKEYRevoked, ede: ede9},
	{matrix: "no-rrsig-dnskey", breakage: func(zone string) testzone.Breakage { return testzone.DropSignatures(zone, dns.TypeDNSKEY) },
		name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureMissing, ede: ede10},
	{matrix: "bad-rrsig-dnskey", breakage: func(zone string) testzone.Breakage { return testzone.FlipSignatureBit(zone, dns.TypeDNSKEY) },
		name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureInvalid, ede: ede6, why: "it is the signature that is bad, not a key that is missing"},
	{matrix: "bad-ksk", breakage: func(zone string) testzone.Breakage { return testzone.ChangeRDATA(zone, dns.TypeDNSKEY) },
		name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.DNSKEYNoDSMatch, ede: ede9},
}

// brokenSets are zones whose signatures are broken.
var brokenSets = []brokenZone{
	{matrix: "rrsig-exp-all", breakage: everywhere(testzone.Expired), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureExpired, ede: ede7},
	{matrix: "rrsig-exp-a", breakage: inWWW(testzone.Expired), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureExpired, ede: ede7},
	{matrix: "rrsig-not-yet-all", breakage: everywhere(testzone.NotYetValid), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureNotYetValid, ede: ede8},
	{matrix: "rrsig-not-yet-a", breakage: inWWW(testzone.NotYetValid), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureNotYetValid, ede: ede8},
	{matrix: "rrsig-exp-before-all", breakage: everywhere(testzone.InceptionAfterExpiration), name: "www.", qtype: typeA, rcode: servfail,
		reason: dnssec.SignatureExpiredBeforeValid, ede: ede25, why: "no other validator has code 25"},
	{matrix: "rrsig-exp-before-a", breakage: inWWW(testzone.InceptionAfterExpiration), name: "www.", qtype: typeA, rcode: servfail,
		reason: dnssec.SignatureExpiredBeforeValid, ede: ede25, why: "no other validator has code 25"},
	{matrix: "rrsig-no-all", breakage: everywhere(testzone.DropSignatures), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureMissing, ede: ede10},
	{matrix: "rrsig-no-a", breakage: inWWW(testzone.DropSignatures), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureMissing, ede: ede10},
	{breakage: everywhere(testzone.FlipSignatureBit), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureInvalid, ede: ede6},
	{breakage: inWWW(testzone.FlipSignatureBit), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureInvalid, ede: ede6},
	{breakage: inWWW(testzone.ChangeRDATA), name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureInvalid, ede: ede6},
	{breakage: func(zone string) testzone.Breakage { return testzone.WrongLabels("www."+zone, typeA, 1) },
		name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureLabelsInvalid, ede: ede6},
	{breakage: func(zone string) testzone.Breakage { return testzone.WrongLabels("www."+zone, typeA, -1) },
		name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.WildcardDenialMissing, ede: ede12},
	{breakage: func(zone string) testzone.Breakage { return testzone.WrongLabels("www."+zone, typeA, -2) },
		name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureLabelsInvalid, ede: ede6},
	{breakage: func(zone string) testzone.Breakage { return testzone.ForeignSigner("www."+zone, typeA, "other.") },
		name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureSignerInvalid, ede: ede6},
	{breakage: func(zone string) testzone.Breakage {
		return testzone.ForeignSigner("www."+zone, typeA, zone[:1]+"."+zone)
	}, name: "www.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureSignerInvalid, ede: ede6},
	{breakage: inWWW(testzone.FlipSignatureBit), name: "zz.", qtype: typeA, reason: dnssec.ReasonNone, ede: noCode},
	{breakage: everywhere(func(name string, qtype uint16) testzone.Breakage {
		return testzone.SignedDuring(name, qtype, dayOf(-3), dayOf(0))
	}), name: "www.", qtype: typeA, reason: dnssec.ReasonNone, ede: noCode}, // within the skew
}

// brokenDenials are zones whose denial is broken. They are asked with NSEC and with NSEC3.
var brokenDenials = []brokenZone{
	{matrix: "nx1234.nsec3-missing", breakage: just(testzone.DropDenial()), name: "no.", qtype: typeA, rcode: servfail, reason: dnssec.DenialMissing, ede: ede12},
	{breakage: just(testzone.DropDenial()), name: "www.", qtype: typeMX, rcode: servfail, reason: dnssec.DenialMissing, ede: ede12},
	{breakage: just(testzone.DropDenial()), name: "x.wild.", qtype: typeA, rcode: servfail, reason: dnssec.WildcardDenialMissing, ede: ede12},
	{breakage: just(testzone.DropWildcardProofs()), name: "x.wild.", qtype: typeA, rcode: servfail, reason: dnssec.WildcardDenialMissing, ede: ede12},
	{matrix: "nx1234.nsec3param-missing", breakage: ofName(testzone.DropDenialOf, "no."), name: "no.", qtype: typeA, rcode: servfail, reason: dnssec.DenialIncomplete, ede: ede12},
	{breakage: ofName(testzone.DropDenialOf, "*."), name: "no.", qtype: typeA, rcode: servfail, reason: dnssec.DenialIncomplete, ede: ede12},
	{breakage: ofName(testzone.DropDenialOf, "www."), name: "www.", qtype: typeMX, rcode: servfail, reason: dnssec.DenialMissing, ede: ede12},
	{breakage: func(zone string) testzone.Breakage { return testzone.SetTypeBit("www."+zone, typeMX) },
		name: "www.", qtype: typeMX, rcode: servfail, reason: dnssec.DenialContradicted, ede: ede6},
	{breakage: func(zone string) testzone.Breakage { return testzone.SetTypeBit("www."+zone, dns.TypeCNAME) },
		name: "www.", qtype: typeMX, rcode: servfail, reason: dnssec.DenialContradicted, ede: ede6},
	{breakage: func(zone string) testzone.Breakage { return testzone.SetTypeBit("www."+zone, dns.TypeNS) },
		name: "www.", qtype: typeMX, reason: dnssec.DelegationInsecure, ede: noCode, why: "the zone states that it delegates the name without DS (RFC 4035, section 5.2)"},
	{breakage: func(zone string) testzone.Breakage { return testzone.ClearTypeBit("www."+zone, typeA) },
		name: "www.", qtype: typeMX, reason: dnssec.ReasonNone, ede: noCode},
	{breakage: func(zone string) testzone.Breakage { return testzone.ReplaceNext("no."+zone, justBefore("no."+zone)) },
		matrix: "nx1234.bad-nsec3-next", name: "no.", qtype: typeA, rcode: servfail, reason: dnssec.DenialIncomplete, ede: ede12,
		why: "the NSEC3 is signed here, so that the failure is that of the proof"},
}

// brokenBesides are zones in which something other than the answer or its proof is broken:
// the SOA of a denial, its signer, and a wildcard in an opt-out span.
var brokenBesides = []brokenZone{
	{breakage: inSOA(testzone.Expired), name: "no.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureExpired, ede: ede7},
	{breakage: func(zone string) testzone.Breakage { return testzone.ForeignSigner(zone, dns.TypeSOA, "test.") },
		name: "", qtype: dns.TypeSOA, rcode: servfail, reason: dnssec.SignatureSignerInvalid, ede: ede6},
	{breakage: func(zone string) testzone.Breakage { return testzone.ForeignSigner("www."+zone, dns.TypeNSEC, "test.") },
		name: "www.", qtype: typeMX, rcode: servfail, reason: dnssec.SignatureSignerInvalid, ede: ede6},
	{breakage: inSOA(testzone.DropSignatures), name: "www.", qtype: typeMX, rcode: servfail, reason: dnssec.SignatureMissing, ede: ede10},
	{breakage: inSOA(testzone.ChangeRDATA), denial: testzone.NSEC3OptOut, name: "no.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureInvalid, ede: ede6},
	{breakage: inWildcard(testzone.Expired), denial: testzone.NSEC3OptOut, name: "x.wild.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureExpired, ede: ede7},
	{breakage: inWildcard(testzone.InceptionAfterExpiration), denial: testzone.NSEC3OptOut, name: "x.wild.", qtype: typeA, rcode: servfail,
		reason: dnssec.SignatureExpiredBeforeValid, ede: ede25},
	{breakage: inWildcard(testzone.ChangeRDATA), denial: testzone.NSEC3OptOut, name: "x.wild.", qtype: typeA, rcode: servfail, reason: dnssec.SignatureInvalid, ede: ede6},
}

func inSOA(f func(string, uint16) testzone.Breakage) func(string) testzone.Breakage {
	return func(zone string) testzone.Breakage { return f(zone, dns.TypeSOA) }
}

func inWildcard(f func(string, uint16) testzone.Breakage) func(string) testzone.Breakage {
	return func(zone string) testzone.Breakage { return f("*.wild."+zone, typeA) }
}

// TestBreakages asks for a name in a zone that is broken in one way, twice.
func TestBreakages(t *testing.T) {
	cases := slices.Concat(brokenKeys, brokenSets, brokenBesides)
	for _, c := range brokenDenials {
		cases = append(cases, c)
		c.denial = testzone.NSEC3
		cases = append(cases, c)
	}
	specs := []testzone.Spec{{Name: "test.", Algorithm: dns.ECDSAP256SHA256}, {Name: "other.", Algorithm: dns.ECDSAP256SHA256}}
	for i, c := range cases {
		specs = append(specs, testzone.Spec{Name: brokenName(i), Algorithm: dns.ECDSAP256SHA256, Denial: c.denial,
			Records: []string{"www A 192.0.2.1", "*.wild A 192.0.2.2", "zz A 192.0.2.3", "cc A 192.0.2.4"}})
	}
	w := newWorld(t, specs...)
	v := newTestValidator(t, w)
	for i, c := range cases {
		breakZone(t, w, brokenName(i), c.breakage(brokenName(i)))
	}
	for i, c := range cases {
		want := outcome{rcode: c.rcode, ad: c.reason == dnssec.ReasonNone, reason: c.reason, ede: c.ede}
		for _, when := range []string{"cold", "warm"} {
			if got := observe(t, v, c.name+brokenName(i), c.qtype); got != want {
				t.Errorf("%s %s, %s%s, %s:\n got %+v %s\nwant %+v %s", c.breakage(brokenName(i)), c.matrix, c.name, c.denial, when, got, got.reason, want, want.reason)
			}
		}
	}
}

func brokenName(i int) string { return fmt.Sprintf("broken%d.test.", i) }
