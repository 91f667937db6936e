package dnssec

import (
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// question is one question to a Denial.
type question struct {
	proof    string // nxdomain, nodata, wildcard or ds
	name     string
	qtype    uint16 // nodata only
	encloser string // wildcard only
}

func (q question) of(d *Denial) (Delegation, Finding) {
	switch q.proof {
	case "nxdomain":
		return DelegationUnproven, d.NameError(q.name)
	case "nodata":
		return DelegationUnproven, d.NoData(q.name, q.qtype)
	case "wildcard":
		return DelegationUnproven, d.WildcardAnswer(q.name, q.encloser)
	default:
		return d.Delegation(q.name)
	}
}

func nameError(name string) question { return question{proof: "nxdomain", name: name} }
func noData(name string, qtype uint16) question {
	return question{proof: "nodata", name: name, qtype: qtype}
}
func wildcardAnswer(name, encloser string) question {
	return question{proof: "wildcard", name: name, encloser: encloser}
}
func delegation(name string) question { return question{proof: "ds", name: name} }

type denialCase struct {
	name    string
	zone    string // default example.
	records []string
	ask     question
	status  Status
	reason  Reason
	shows   Delegation
}

// Type bit maps of an insecure delegation, a signed delegation, an apex and a leaf.
const (
	cut    = " NS RRSIG NSEC"
	signed = " NS DS RRSIG NSEC"
	apex   = " NS SOA RRSIG NSEC DNSKEY"
	leaf   = " A RRSIG NSEC"
)

// run checks one case. If it is secure, no mutation of the records may be.
func (c denialCase) run(t *testing.T, section func(z *testZone) []dns.RR) {
	z := newTestZone(t, zoneOr(c.zone), dns.ED25519)
	authority := section(z)
	shows, f := c.ask.of(verifierAt(now).Denial(z.name, z.authenticated(t, authority)))
	wantFinding(t, f, c.status, c.reason)
	if shows != c.shows {
		t.Errorf("shows %s, want %s", shownWords[shows], shownWords[c.shows])
	}
	if c.status != Secure {
		return
	}
	for what, changed := range mutations(t, authority) {
		var sets []*Authenticated
		v := verifierAt(now)
		for _, set := range GroupRRsets(changed) {
			if a, f := v.Authenticate(set, z.keys); f == nil {
				sets = append(sets, a)
			}
		}
		if _, f := c.ask.of(v.Denial(z.name, sets)); f.Status == Secure {
			t.Errorf("still secure: %s", what)
		}
	}
}

func zoneOr(zone string) string {
	if zone == "" {
		return "example."
	}
	return zone
}

func runNSEC(t *testing.T, tests []denialCase) {
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.run(t, func(z *testZone) []dns.RR { return z.signed(t, nsecs(t, tt.records)) })
		})
	}
}

// nsecs reads lines of the form "owner next TYPES".
func nsecs(t *testing.T, lines []string) []dns.RR {
	t.Helper()
	var rrs []dns.RR
	for _, line := range lines {
		owner, rest := cutField(line)
		rr, err := parseRecord(owner + " 300 NSEC " + rest)
		must(t, err)
		rrs = append(rrs, roundTrip(t, rr))
	}
	return rrs
}

func cutField(line string) (first, rest string) {
	i := slices.Index([]byte(line), ' ')
	return line[:i], line[i+1:]
}

func TestNSECNameError(t *testing.T) {
	runNSEC(t, []denialCase{
		{name: "name and wildcard", records: []string{"b.example. d.example." + leaf, "example. a.example." + apex}, ask: nameError("c.example."), status: Secure},
		{name: "one record for both", records: []string{"example. d.example." + apex}, ask: nameError("c.example."), status: Secure},
		{name: "last record of the zone", records: []string{"x.example. example." + leaf, "example. a.example." + apex}, ask: nameError("z.example."), status: Secure},
		{name: "only record of the zone", records: []string{"example. example." + apex}, ask: nameError("a.b.example."), status: Secure},
		{name: "below a name that exists", records: []string{"b.example. d.example." + leaf}, ask: nameError("x.b.example."), status: Secure},
		{name: "below a name that does not exist", records: []string{"b.example. d.example." + leaf, "example. a.example." + apex}, ask: nameError("x.y.c.example."), status: Secure},
		{name: "wildcard at the empty non-terminal", records: []string{"b.example. x.y.d.example." + leaf, "x.y.d.example. e.example." + leaf}, ask: nameError("z.y.d.example."), status: Secure},
		{name: "root zone", zone: ".", records: []string{"com. net. NS DS RRSIG NSEC", ". aaa." + apex}, ask: nameError("example."), status: Secure},
		{name: "a wildcard asked for by name", records: []string{"example. a.example." + apex}, ask: nameError("*.example."), status: Secure},
		{name: "names below a DNAME", records: []string{"b.example. d.example. DNAME RRSIG NSEC", "example. a.example." + apex}, ask: nameError("x.b.example."), status: Bogus, reason: DenialIncomplete},
		{name: "names below a delegation", records: []string{"b.example. d.example." + cut, "example. a.example." + apex}, ask: nameError("x.b.example."), status: Bogus, reason: DenialIncomplete},
		{name: "names below a signed delegation", records: []string{"b.example. d.example." + signed, "example. a.example." + apex}, ask: nameError("x.b.example."), status: Bogus, reason: DenialIncomplete},
		{name: "names beside a delegation", records: []string{"b.example. d.example." + cut, "example. a.example." + apex}, ask: nameError("c.example."), status: Secure},
		{name: "the wildcard exists", records: []string{"b.example. d.example." + leaf, "*.example. a.example." + leaf}, ask: nameError("c.example."), status: Bogus, reason: DenialContradicted},
		{name: "no proof of the wildcard", records: []string{"b.example. d.example." + leaf}, ask: nameError("c.example."), status: Bogus, reason: DenialIncomplete},
		{name: "proof of a wildcard further up", zone: "a.example.", records: []string{"b.x.a.example. d.x.a.example." + leaf, "a.example. b.a.example." + apex}, ask: nameError("c.x.a.example."), status: Bogus, reason: DenialIncomplete},
		{name: "the wildcard is an empty non-terminal", records: []string{"b.example. d.example." + leaf, "example. x.*.example." + apex}, ask: nameError("c.example."), status: Bogus, reason: DenialIncomplete},
		{name: "the name exists", records: []string{"c.example. d.example." + leaf, "example. a.example." + apex}, ask: nameError("c.example."), status: Bogus, reason: DenialContradicted},
		{name: "the name is an empty non-terminal", records: []string{"b.example. x.c.example." + leaf, "example. a.example." + apex}, ask: nameError("c.example."), status: Bogus, reason: DenialContradicted},
		{name: "the name is the next name", records: []string{"b.example. c.example." + leaf, "example. a.example." + apex}, ask: nameError("c.example."), status: Bogus, reason: DenialIncomplete},
		{name: "the name is before the span", records: []string{"d.example. e.example." + leaf, "example. a.example." + apex}, ask: nameError("c.example."), status: Bogus, reason: DenialIncomplete},
		{name: "unrelated records", records: []string{"x.example. y.example." + leaf, "y.example. z.example." + leaf}, ask: nameError("c.example."), status: Bogus, reason: DenialIncomplete},
		{name: "next before the owner, not the apex", records: []string{"x.example. b.example." + leaf, "example. a.example." + apex}, ask: nameError("z.example."), status: Bogus, reason: DenialIncomplete},
		{name: "a name of another zone", records: []string{"b.example. example." + leaf}, ask: nameError("x.other."), status: Bogus, reason: DenialIncomplete},
		{name: "a name above the zone", zone: "a.example.", records: []string{"a.example. a.example." + apex}, ask: nameError("b.example."), status: Bogus, reason: DenialIncomplete},
		{name: "no records", ask: nameError("c.example."), status: Bogus, reason: DenialMissing},
	})
}

func TestNSECNoData(t *testing.T) {
	runNSEC(t, []denialCase{
		{name: "type not there", records: []string{"c.example. d.example." + leaf}, ask: noData("c.example.", dns.TypeMX), status: Secure},
		{name: "type is there", records: []string{"c.example. d.example." + leaf}, ask: noData("c.example.", dns.TypeA), status: Bogus, reason: DenialContradicted},
		{name: "CNAME is there", records: []string{"c.example. d.example. CNAME RRSIG NSEC"}, ask: noData("c.example.", dns.TypeA), status: Bogus, reason: DenialContradicted},
		{name: "CNAME asked for", records: []string{"c.example. d.example." + leaf}, ask: noData("c.example.", dns.TypeCNAME), status: Secure},
		{name: "apex", records: []string{"example. a.example." + apex}, ask: noData("example.", dns.TypeA), status: Secure},
		{name: "apex, DS", records: []string{"example. a.example." + apex}, ask: noData("example.", dns.TypeDS), status: Bogus, reason: DenialIncomplete},
		{name: "root, DS", zone: ".", records: []string{". aaa." + apex}, ask: noData(".", dns.TypeDS), status: Secure},
		{name: "delegation, from the parent", records: []string{"c.example. d.example." + cut}, ask: noData("c.example.", dns.TypeA), status: Bogus, reason: DenialIncomplete},
		{name: "delegation, DS", records: []string{"c.example. d.example." + cut}, ask: noData("c.example.", dns.TypeDS), status: Secure},
		{name: "signed delegation, DS", records: []string{"c.example. d.example." + signed}, ask: noData("c.example.", dns.TypeDS), status: Bogus, reason: DenialContradicted},
		{name: "owner of a DNAME", records: []string{"c.example. d.example. DNAME RRSIG NSEC"}, ask: noData("c.example.", dns.TypeA), status: Secure},
		{name: "empty non-terminal", records: []string{"b.example. x.c.example." + leaf}, ask: noData("c.example.", dns.TypeA), status: Secure},
		{name: "empty non-terminal two levels up", records: []string{"b.example. x.y.c.example." + leaf}, ask: noData("c.example.", dns.TypeA), status: Secure},
		{name: "not an empty non-terminal by text", records: []string{"b.example. xc.example." + leaf}, ask: noData("c.example.", dns.TypeA), status: Bogus, reason: DenialIncomplete},
		{name: "empty non-terminal below a delegation", records: []string{"b.example. x.y.b.example." + cut}, ask: noData("y.b.example.", dns.TypeA), status: Bogus, reason: DenialIncomplete},
		{name: "wildcard without the type", records: []string{"b.example. d.example." + leaf, "*.example. a.example." + leaf}, ask: noData("c.example.", dns.TypeMX), status: Secure},
		{name: "wildcard with the type", records: []string{"b.example. d.example." + leaf, "*.example. a.example." + leaf}, ask: noData("c.example.", dns.TypeA), status: Bogus, reason: DenialContradicted},
		{name: "wildcard with CNAME", records: []string{"b.example. d.example." + leaf, "*.example. a.example. CNAME RRSIG NSEC"}, ask: noData("c.example.", dns.TypeMX), status: Bogus, reason: DenialContradicted},
		{name: "wildcard alone", records: []string{"*.example. a.example." + leaf}, ask: noData("c.example.", dns.TypeMX), status: Bogus, reason: DenialIncomplete},
		{name: "wildcard not at the closest encloser", records: []string{"x.b.example. y.b.example." + leaf, "*.example. a.example." + leaf}, ask: noData("xx.b.example.", dns.TypeMX), status: Bogus, reason: DenialIncomplete},
		{name: "wildcard that is an empty non-terminal", records: []string{"b.example. d.example." + leaf, "example. x.*.example." + apex}, ask: noData("c.example.", dns.TypeMX), status: Secure},
		{name: "wildcard that is a delegation", records: []string{"b.example. d.example." + leaf, "*.example. a.example." + cut}, ask: noData("c.example.", dns.TypeMX), status: Bogus, reason: DenialIncomplete},
		{name: "the wildcard by name", records: []string{"*.example. a.example." + leaf}, ask: noData("*.example.", dns.TypeMX), status: Secure},
		{name: "the name does not exist, and no wildcard", records: []string{"example. d.example." + apex}, ask: noData("c.example.", dns.TypeMX), status: Bogus, reason: DenialIncomplete},
		{name: "unrelated records", records: []string{"x.example. y.example." + leaf}, ask: noData("c.example.", dns.TypeMX), status: Bogus, reason: DenialIncomplete},
		{name: "no records", ask: noData("c.example.", dns.TypeMX), status: Bogus, reason: DenialMissing},
	})
}

func TestNSECWildcardAnswer(t *testing.T) {
	runNSEC(t, []denialCase{
		{name: "covered", records: []string{"b.example. d.example." + leaf}, ask: wildcardAnswer("c.example.", "example."), status: Secure},
		{name: "several labels", records: []string{"b.example. d.example." + leaf}, ask: wildcardAnswer("x.y.c.example.", "example."), status: Secure},
		{name: "deeper encloser", records: []string{"x.b.example. z.b.example." + leaf}, ask: wildcardAnswer("y.b.example.", "b.example."), status: Secure},
		{name: "last record", records: []string{"b.example. example." + leaf}, ask: wildcardAnswer("c.example.", "example."), status: Secure},
		{name: "only the whole name is covered", records: []string{"b.c.example. d.c.example." + leaf}, ask: wildcardAnswer("c.c.example.", "example."), status: Bogus, reason: WildcardDenialMissing},
		{name: "the next closer name exists", records: []string{"c.example. d.example." + leaf}, ask: wildcardAnswer("x.c.example.", "example."), status: Bogus, reason: DenialContradicted},
		{name: "the name exists", records: []string{"c.example. d.example." + leaf}, ask: wildcardAnswer("c.example.", "example."), status: Bogus, reason: DenialContradicted},
		{name: "the next closer name is an empty non-terminal", records: []string{"b.example. a.c.example." + leaf}, ask: wildcardAnswer("x.c.example.", "example."), status: Bogus, reason: DenialContradicted},
		{name: "below a delegation", records: []string{"b.example. d.example." + cut}, ask: wildcardAnswer("x.b.example.", "b.example."), status: Bogus, reason: WildcardDenialMissing},
		{name: "below a DNAME", records: []string{"b.example. d.example. DNAME RRSIG NSEC"}, ask: wildcardAnswer("x.b.example.", "b.example."), status: Bogus, reason: WildcardDenialMissing},
		{name: "unrelated record", records: []string{"x.example. y.example." + leaf}, ask: wildcardAnswer("c.example.", "example."), status: Bogus, reason: WildcardDenialMissing},
		{name: "no records", ask: wildcardAnswer("c.example.", "example."), status: Bogus, reason: WildcardDenialMissing},
	})
}

func TestNSECDelegation(t *testing.T) {
	runNSEC(t, []denialCase{
		{name: "insecure delegation", records: []string{"c.example. d.example." + cut}, ask: delegation("c.example."), status: Insecure, reason: DelegationInsecure, shows: DelegationUnsigned},
		{name: "signed delegation", records: []string{"c.example. d.example." + signed}, ask: delegation("c.example."), status: Bogus, reason: DenialContradicted},
		{name: "no NS: not a delegation", records: []string{"c.example. d.example." + leaf}, ask: delegation("c.example."), status: Secure, shows: NotDelegation},
		{name: "NS and SOA: of the child", records: []string{"c.example. d.example." + apex}, ask: delegation("c.example."), status: Bogus, reason: DenialIncomplete},
		{name: "SOA alone: of the child", records: []string{"c.example. d.example. SOA RRSIG NSEC"}, ask: delegation("c.example."), status: Bogus, reason: DenialIncomplete},
		{name: "DS without NS", records: []string{"c.example. d.example. DS RRSIG NSEC"}, ask: delegation("c.example."), status: Bogus, reason: DenialContradicted},
		{name: "alias", records: []string{"c.example. d.example. CNAME RRSIG NSEC"}, ask: delegation("c.example."), status: Secure, shows: NotDelegation},
		{name: "empty non-terminal", records: []string{"b.example. x.c.example." + leaf}, ask: delegation("c.example."), status: Secure, shows: NotDelegation},
		{name: "no such name", records: []string{"b.example. d.example." + leaf}, ask: delegation("c.example."), status: Secure, shows: NoSuchName},
		{name: "below an insecure delegation", records: []string{"b.example. d.example." + cut}, ask: delegation("x.b.example."), status: Bogus, reason: DenialIncomplete},
		{name: "below a DNAME", records: []string{"b.example. d.example. DNAME RRSIG NSEC"}, ask: delegation("x.b.example."), status: Bogus, reason: DenialIncomplete},
		{name: "sibling's denial", records: []string{"b.example. c.example." + cut}, ask: delegation("c.example."), status: Bogus, reason: DenialIncomplete},
		{name: "no records", ask: delegation("c.example."), status: Bogus, reason: DenialMissing},
	})
}

// TestCompactDenial checks compact denial of existence (RFC 9824): an NSEC that
// matches qname and whose next name is its immediate successor.
func TestCompactDenial(t *testing.T) {
	runNSEC(t, []denialCase{
		{name: "name error", records: []string{`c.example. \000.c.example. RRSIG NSEC NXNAME`}, ask: nameError("c.example."), status: Secure},
		{name: "name error as NOERROR", records: []string{`c.example. \000.c.example. RRSIG NSEC NXNAME`}, ask: noData("c.example.", dns.TypeA), status: Secure},
		{name: "name error, DS", records: []string{`c.example. \000.c.example. RRSIG NSEC NXNAME`}, ask: delegation("c.example."), status: Secure, shows: NoSuchName},
		{name: "no data", records: []string{`c.example. \000.c.example. A RRSIG NSEC`}, ask: noData("c.example.", dns.TypeMX), status: Secure},
		{name: "no data is no name error", records: []string{`c.example. \000.c.example. RRSIG NSEC`}, ask: nameError("c.example."), status: Bogus, reason: DenialContradicted},
		{name: "empty non-terminal", records: []string{`c.example. \000.c.example. RRSIG NSEC`}, ask: noData("c.example.", dns.TypeA), status: Secure},
		{name: "type is there", records: []string{`c.example. \000.c.example. A RRSIG NSEC`}, ask: noData("c.example.", dns.TypeA), status: Bogus, reason: DenialContradicted},
		{name: "insecure delegation", records: []string{`c.example. \000.c.example. NS RRSIG NSEC`}, ask: delegation("c.example."), status: Insecure, reason: DelegationInsecure, shows: DelegationUnsigned},
		{name: "another name", records: []string{`c.example. \000.c.example. RRSIG NSEC NXNAME`}, ask: nameError("d.example."), status: Bogus, reason: DenialIncomplete},
		{name: "NXNAME above says nothing of names below", records: []string{`c.example. \000.c.example. RRSIG NSEC NXNAME`}, ask: nameError("x.c.example."), status: Bogus, reason: DenialIncomplete},
		{name: "RFC 4470: next name just behind", records: []string{`b~.example. c-.example.` + leaf, `\)\255.example. \+.example.` + leaf}, ask: nameError("c.example."), status: Secure},
	})
}
