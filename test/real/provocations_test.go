package real

import (
	"bytes"
	"encoding/base64"
	"slices"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// provocation describes how to get a reason: what is wrong in a zone of its own
// or in the upstream's answers, and what to ask.
type provocation struct {
	reason       dnssec.Reason
	spec         testzone.Spec // of the zone; name and algorithm are added
	breakage     func(zone string) testzone.Breakage
	upstream     func(zone string) upstream // changes the answers for names at and below the zone
	ask          string                     // "www A", relative to the zone; this one if empty
	options      []string                   // of the command, with ZONE for the zone
	unchecked    string                     // why the command can't find it
	separateTest string                     // the test with a server of its own for it, or why there is none and which test is closest
}

// below returns an upstream that applies f to the answers for one name of a
// zone and one type.
func below(label string, qtype uint16, f upstream) func(string) upstream {
	return func(zone string) upstream {
		return func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Qtype == qtype && dns.CanonicalName(q.Question[0].Name) == label+zone {
				return f(q, a)
			}
			return a
		}
	}
}

func always(b testzone.Breakage) func(string) testzone.Breakage {
	return func(string) testzone.Breakage { return b }
}

func breakHost(f func(string, uint16) testzone.Breakage) func(string) testzone.Breakage {
	return func(zone string) testzone.Breakage { return f("www."+zone, dns.TypeA) }
}

// editSignatures applies f to copies of the RRSIG records in an answer.
func editSignatures(f func(*dns.RRSIG)) upstream {
	return func(_, a *dns.Msg) *dns.Msg {
		for i, rr := range a.Answer {
			if sig, ok := dns.Copy(rr).(*dns.RRSIG); ok {
				f(sig)
				a.Answer[i] = sig
			}
		}
		return a
	}
}

// loop answers with two aliases that point to each other.
func loop(q, a *dns.Msg) *dns.Msg {
	name := q.Question[0].Name
	alias := func(from, to string) dns.RR {
		return &dns.CNAME{Hdr: dns.RR_Header{Name: from, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 300}, Target: to}
	}
	a.Answer = []dns.RR{alias(name, "x."+name), alias("x."+name, name)}
	return a
}

// redirect changes the target of a CNAME synthesized from a DNAME.
func redirect(_, a *dns.Msg) *dns.Msg {
	for i, rr := range a.Answer {
		if alias, ok := dns.Copy(rr).(*dns.CNAME); ok {
			alias.Target = "elsewhere.test."
			a.Answer[i] = alias
		}
	}
	return a
}

// nameError changes the rcode to NXDOMAIN and keeps the answer.
func nameError(_, a *dns.Msg) *dns.Msg {
	a.Rcode = dns.RcodeNameError
	return a
}

// manySignatures adds invalid signatures with the right key tag.
func manySignatures(_, a *dns.Msg) *dns.Msg {
	for _, rr := range slices.Clone(a.Answer) {
		sig, ok := rr.(*dns.RRSIG)
		for n := byte('A'); ok && n <= 'P'; n++ {
			bad := dns.Copy(sig).(*dns.RRSIG)
			bad.Signature = string([]byte{n, n}) + bad.Signature[2:]
			a.Answer = append([]dns.RR{bad}, a.Answer...)
		}
	}
	return a
}

// manyKeys adds more keys than a zone may have.
func manyKeys(q, a *dns.Msg) *dns.Msg {
	for n := range byte(40) {
		a.Answer = append(a.Answer, &dns.DNSKEY{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300},
			Flags: 256, Protocol: 3, Algorithm: dns.ED25519, PublicKey: base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{n}, 32))})
	}
	return a
}

// malformedKey returns a key that can't verify signatures.
func malformedKey(zone string) *dns.DNSKEY {
	return &dns.DNSKEY{Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300},
		Flags: 257, Protocol: 3, Algorithm: dns.ECDSAP256SHA256, PublicKey: "AAAA"}
}

// onlyMalformedKey replaces the zone's keys by malformedKey.
func onlyMalformedKey(q, a *dns.Msg) *dns.Msg {
	key := malformedKey(dns.CanonicalName(q.Question[0].Name))
	answer := []dns.RR{key}
	for _, rr := range a.Answer {
		if sig, ok := dns.Copy(rr).(*dns.RRSIG); ok {
			sig.KeyTag = key.KeyTag()
			answer = append(answer, sig)
		}
	}
	a.Answer = answer
	return a
}

// noRecords takes all records out of an answer.
func noRecords(_, a *dns.Msg) *dns.Msg {
	a.Answer, a.Ns = nil, nil
	return a
}

var provocations = []provocation{
	{reason: dnssec.TrustAnchorMissing, separateTest: "TestTrustAnchorMissing", unchecked: "the command falls back on the built-in keys of the root"},
	{reason: dnssec.PrivateZone, unchecked: "the command asks one resolver, and forwards nothing by name"},
	{reason: dnssec.TypeNotSigned, ask: "www RRSIG"},
	{reason: dnssec.DelegationInsecure, breakage: always(testzone.RemoveDS())},
	{reason: dnssec.OptOut, spec: testzone.Spec{Denial: testzone.NSEC3OptOut}, ask: "www.kid A"},
	{reason: dnssec.AlgorithmUnsupported, breakage: always(testzone.DSAlgorithm(100))},
	{reason: dnssec.DigestUnsupported, breakage: always(testzone.DSDigestType(100))},
	{reason: dnssec.NSEC3IterationsHigh, spec: testzone.Spec{Denial: testzone.NSEC3, Iterations: 200}, ask: "none A"},
	{reason: dnssec.NegativeTrustAnchor, options: []string{"--negative-trust-anchor", "ZONE"}},
	{reason: dnssec.LocallyServed, upstream: func(string) upstream { return stripSignatures }},

	{reason: dnssec.ResponseMalformed, ask: "www RRSIG", upstream: below("www.", dns.TypeRRSIG, nameError)},
	{reason: dnssec.CNAMEChainInvalid, upstream: below("www.", dns.TypeA, loop)},
	{reason: dnssec.DNAMEMismatch, spec: testzone.Spec{Records: []string{"dn DNAME secure.test."}}, ask: "www.dn A", upstream: below("www.dn.", dns.TypeA, redirect)},
	{reason: dnssec.AnswerUnavailable, separateTest: "TestAnswerUnavailable", unchecked: "the command says that there is no answer, and judges none"},
	{reason: dnssec.DSUnavailable, upstream: below("", dns.TypeDS, failOn(dns.TypeDS, dns.RcodeServerFailure))},
	{reason: dnssec.DNSKEYUnavailable, upstream: below("", dns.TypeDNSKEY, failOn(dns.TypeDNSKEY, dns.RcodeServerFailure))},
	{reason: dnssec.DNSKEYAbsent, upstream: below("", dns.TypeDNSKEY, noRecords)},
	{reason: dnssec.DenialMissing, breakage: always(testzone.DropDenial()), ask: "none A"},
	{reason: dnssec.DenialIncomplete, breakage: func(zone string) testzone.Breakage { return testzone.DropDenialOf("wm." + zone) }, ask: "wm A"},
	{reason: dnssec.DenialContradicted, breakage: func(zone string) testzone.Breakage { return testzone.SetTypeBit("www."+zone, dns.TypeMX) }, ask: "www MX"},
	{reason: dnssec.WildcardDenialMissing, breakage: always(testzone.DropWildcardProofs()), ask: "x.wild A"},

	{reason: dnssec.SignatureMissing, breakage: breakHost(testzone.DropSignatures)},
	{reason: dnssec.SignatureSignerInvalid, breakage: func(zone string) testzone.Breakage {
		return testzone.ForeignSigner("www."+zone, dns.TypeA, "secure.test.")
	}},
	{reason: dnssec.SignatureLabelsInvalid, breakage: func(zone string) testzone.Breakage { return testzone.WrongLabels("www."+zone, dns.TypeA, 1) }},
	{reason: dnssec.SignatureAlgorithmUnsupported, upstream: below("www.", dns.TypeA, editSignatures(func(sig *dns.RRSIG) { sig.Algorithm = 100 }))},
	{reason: dnssec.SignatureExpiredBeforeValid, breakage: breakHost(testzone.InceptionAfterExpiration)},
	{reason: dnssec.SignatureNotYetValid, breakage: breakHost(testzone.NotYetValid)},
	{reason: dnssec.SignatureExpired, breakage: breakHost(testzone.Expired)},
	{reason: dnssec.DNSKEYMissing, breakage: always(testzone.RemoveZSK())},
	{reason: dnssec.DNSKEYProtocolInvalid, breakage: always(testzone.WrongProtocol(testzone.KSK))},
	{reason: dnssec.DNSKEYZoneFlagMissing, breakage: always(testzone.ClearZoneFlag(testzone.KSK))},
	{reason: dnssec.DNSKEYRevoked, breakage: always(testzone.SetRevoke(testzone.KSK))},
	{reason: dnssec.DNSKEYMalformed, upstream: below("", dns.TypeDNSKEY, onlyMalformedKey)},
	{reason: dnssec.DNSKEYNoDSMatch, breakage: always(testzone.WrongDSTag())},
	{reason: dnssec.DNSKEYNoAnchorMatch},
	{reason: dnssec.DNSKEYLimitExceeded, upstream: below("", dns.TypeDNSKEY, manyKeys)},
	{reason: dnssec.SignatureInvalid, breakage: breakHost(testzone.FlipSignatureBit)},

	{reason: dnssec.LimitExceeded, upstream: below("www.", dns.TypeA, manySignatures)},
	{reason: dnssec.Overloaded, separateTest: "a turn has to be waited for for a second, which takes more questions at once than a test may send: TestOverloaded in the root package is the closest",
		unchecked: "the command has one question, and nobody to wait for"},
}
