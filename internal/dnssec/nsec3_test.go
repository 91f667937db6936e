package dnssec

import (
	"testing"

	"github.com/miekg/dns"
)

type nsec3Case struct {
	denialCase
	set []n3
}

func runNSEC3(t *testing.T, tests []nsec3Case) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.run(t, func(z *testZone) []dns.RR { return z.nsec3Section(t, tt.set...) })
		})
	}
}

// The records of proofs about names below example.
var (
	apex3     = n3{match: "example.", types: "NS SOA RRSIG DNSKEY NSEC3PARAM"}
	coverX    = n3{cover: "x.example."}
	coverXOut = n3{cover: "x.example.", optOut: true}
	coverStar = n3{cover: "*.example."}
	matchStar = n3{match: "*.example.", types: "A RRSIG"}
)

func TestNSEC3NameError(t *testing.T) {
	secure := func(name, zone, qname string, set ...n3) nsec3Case {
		return nsec3Case{denialCase{name: name, zone: zone, ask: nameError(qname), status: Secure}, set}
	}
	bogus := func(name, qname string, reason Reason, set ...n3) nsec3Case {
		return nsec3Case{denialCase{name: name, ask: nameError(qname), status: Bogus, reason: reason}, set}
	}
	runNSEC3(t, []nsec3Case{
		secure("closest encloser, next closer name and wildcard", "", "x.example.", apex3, coverX, coverStar),
		secure("several labels below", "", "a.b.x.example.", apex3, coverX, coverStar),
		secure("deeper closest encloser", "", "x.e.example.", n3{match: "e.example."}, n3{cover: "x.e.example."}, n3{cover: "*.e.example."}),
		secure("closest encloser that is an empty non-terminal", "", "x.e.example.", n3{match: "e.example.", types: ""}, n3{cover: "x.e.example."}, n3{cover: "*.e.example."}),
		secure("single record of the zone", "", "x.example.", n3{match: "example.", types: "NS SOA RRSIG", next: "self"}),
		secure("salt and iterations", "", "x.example.", n3{match: "example.", salt: "aabbccdd", iterations: 12}, n3{cover: "x.example.", salt: "aabbccdd", iterations: 12}, n3{cover: "*.example.", salt: "aabbccdd", iterations: 12}),
		secure("150 iterations", "", "x.example.", n3{match: "example.", iterations: 150}, n3{cover: "x.example.", iterations: 150}, n3{cover: "*.example.", iterations: 150}),
		secure("root zone", ".", "x.", n3{match: ".", types: "NS SOA"}, n3{cover: "x."}, n3{cover: "*."}),
		secure("compact", "", "x.example.", n3{match: "x.example.", types: "NXNAME RRSIG"}),
		bogus("the whole name is covered and not the next closer name", "a.x.example.", DenialIncomplete, apex3, n3{cover: "a.x.example."}, coverStar),
		bogus("the wildcard exists", "x.example.", DenialIncomplete, apex3, coverX, matchStar),
		bogus("wildcard of another encloser", "x.e.example.", DenialIncomplete, n3{match: "e.example."}, n3{cover: "x.e.example."}, coverStar),
		bogus("closest encloser not matched", "x.e.example.", DenialIncomplete, n3{cover: "e.example."}, n3{cover: "x.e.example."}, n3{cover: "*.e.example."}),
		bogus("the name exists", "x.example.", DenialContradicted, apex3, n3{match: "x.example.", types: "A"}, coverStar),
		bogus("the name is an empty non-terminal", "x.example.", DenialContradicted, n3{match: "x.example."}),
		bogus("closest encloser is a delegation", "x.e.example.", DenialIncomplete, n3{match: "e.example.", types: "NS"}, n3{cover: "x.e.example."}, n3{cover: "*.e.example."}),
		bogus("closest encloser is a signed delegation", "x.e.example.", DenialIncomplete, n3{match: "e.example.", types: "NS DS RRSIG"}, n3{cover: "x.e.example."}, n3{cover: "*.e.example."}),
		bogus("closest encloser has a DNAME", "x.e.example.", DenialIncomplete, n3{match: "e.example.", types: "DNAME RRSIG"}, n3{cover: "x.e.example."}, n3{cover: "*.e.example."}),
		bogus("the apex itself", "example.", DenialContradicted, apex3, coverX, coverStar),
		bogus("the apex, covered", "example.", DenialIncomplete, n3{cover: "example."}, coverX, coverStar),
		bogus("a name of another zone", "x.other.", DenialIncomplete, apex3, n3{cover: "x.other."}, n3{cover: "*.other."}),
		bogus("a name above the zone", ".", DenialIncomplete, apex3, n3{cover: "."}, n3{cover: "*."}),
		bogus("a name that has the zone as text suffix", "xexample.", DenialIncomplete, apex3, n3{cover: "xexample."}, n3{cover: "*."}),
		bogus("unrelated records", "x.example.", DenialIncomplete, n3{match: "a.example."}, n3{match: "b.example."}),
		bogus("no records", "x.example.", DenialMissing),
	})
}

func TestNSEC3NoData(t *testing.T) {
	ask := func(name, qname string, qtype uint16, status Status, reason Reason, set ...n3) nsec3Case {
		return nsec3Case{denialCase{name: name, ask: noData(qname, qtype), status: status, reason: reason}, set}
	}
	runNSEC3(t, []nsec3Case{
		ask("type not there", "x.example.", dns.TypeMX, Secure, ReasonNone, n3{match: "x.example.", types: "A RRSIG"}),
		ask("type not there, opt-out on a matching record", "x.example.", dns.TypeMX, Secure, ReasonNone, n3{match: "x.example.", types: "A RRSIG", optOut: true}),
		ask("type is there", "x.example.", dns.TypeA, Bogus, DenialContradicted, n3{match: "x.example.", types: "A RRSIG"}),
		ask("CNAME is there", "x.example.", dns.TypeA, Bogus, DenialContradicted, n3{match: "x.example.", types: "CNAME RRSIG"}),
		ask("empty non-terminal", "x.example.", dns.TypeA, Secure, ReasonNone, n3{match: "x.example."}),
		ask("apex", "example.", dns.TypeA, Secure, ReasonNone, apex3),
		ask("apex, DS", "example.", dns.TypeDS, Bogus, DenialIncomplete, apex3),
		ask("delegation, from the parent", "x.example.", dns.TypeA, Bogus, DenialIncomplete, n3{match: "x.example.", types: "NS"}),
		ask("delegation, DS", "x.example.", dns.TypeDS, Secure, ReasonNone, n3{match: "x.example.", types: "NS"}),
		ask("signed delegation, DS", "x.example.", dns.TypeDS, Bogus, DenialContradicted, n3{match: "x.example.", types: "NS DS RRSIG"}),
		ask("wildcard without the type", "x.example.", dns.TypeMX, Secure, ReasonNone, apex3, coverX, matchStar),
		ask("wildcard with the type", "x.example.", dns.TypeA, Bogus, DenialContradicted, apex3, coverX, matchStar),
		ask("wildcard with CNAME", "x.example.", dns.TypeMX, Bogus, DenialContradicted, apex3, coverX, n3{match: "*.example.", types: "CNAME RRSIG"}),
		ask("wildcard in an opt-out span", "x.example.", dns.TypeMX, Insecure, OptOut, apex3, coverXOut, matchStar),
		ask("empty non-terminal in an opt-out span, wildcard with the type (RFC 5155, sections 7.1 and 9.2)", "x.example.", dns.TypeA, Insecure, OptOut, apex3, coverXOut, matchStar),
		ask("DS in an opt-out span, wildcard with CNAME (RFC 5155, section 8.6)", "x.example.", dns.TypeDS, Insecure, OptOut, apex3, coverXOut, n3{match: "*.example.", types: "CNAME RRSIG"}),
		ask("wildcard not at the closest encloser", "x.e.example.", dns.TypeMX, Bogus, DenialIncomplete, n3{match: "e.example."}, n3{cover: "x.e.example."}, matchStar),
		ask("wildcard without the closest encloser", "x.example.", dns.TypeMX, Bogus, DenialIncomplete, coverX, matchStar),
		ask("wildcard without the next closer name", "x.example.", dns.TypeMX, Bogus, DenialIncomplete, apex3, matchStar),
		ask("opt-out, DS", "x.example.", dns.TypeDS, Insecure, OptOut, apex3, coverXOut),
		ask("opt-out, another type", "x.example.", dns.TypeA, Insecure, OptOut, apex3, coverXOut),
		ask("opt-out on the wrong record", "x.example.", dns.TypeDS, Bogus, DenialIncomplete, n3{match: "example.", types: "NS SOA", optOut: true}, coverX),
		ask("the name does not exist, and no wildcard", "x.example.", dns.TypeA, Bogus, DenialIncomplete, apex3, coverX),
		ask("no records", "x.example.", dns.TypeA, Bogus, DenialMissing),
	})
}

func TestNSEC3WildcardAnswer(t *testing.T) {
	ask := func(name string, q question, status Status, reason Reason, set ...n3) nsec3Case {
		return nsec3Case{denialCase{name: name, ask: q, status: status, reason: reason}, set}
	}
	runNSEC3(t, []nsec3Case{
		ask("covered", wildcardAnswer("x.example.", "example."), Secure, ReasonNone, coverX),
		ask("several labels", wildcardAnswer("a.b.x.example.", "example."), Secure, ReasonNone, coverX),
		ask("opt-out", wildcardAnswer("x.example.", "example."), Insecure, OptOut, coverXOut),
		ask("only the whole name is covered", wildcardAnswer("a.x.example.", "example."), Bogus, WildcardDenialMissing, n3{cover: "a.x.example."}),
		ask("the next closer name exists", wildcardAnswer("a.x.example.", "example."), Bogus, WildcardDenialMissing, n3{match: "x.example.", types: "A"}),
		ask("unrelated record", wildcardAnswer("x.example.", "example."), Bogus, WildcardDenialMissing, n3{match: "a.example."}),
		ask("a delegation at the closest encloser", wildcardAnswer("x.w.example.", "w.example."), Bogus, DenialIncomplete, n3{match: "w.example.", types: "NS"}, n3{cover: "x.w.example."}),
		ask("a DNAME at the closest encloser", wildcardAnswer("x.w.example.", "w.example."), Bogus, DenialIncomplete, n3{match: "w.example.", types: "DNAME"}, n3{cover: "x.w.example."}),
		ask("no records", wildcardAnswer("x.example.", "example."), Bogus, WildcardDenialMissing),
	})
}

func TestNSEC3Delegation(t *testing.T) {
	ask := func(name, qname string, status Status, reason Reason, shows Delegation, set ...n3) nsec3Case {
		return nsec3Case{denialCase{name: name, ask: delegation(qname), status: status, reason: reason, shows: shows}, set}
	}
	runNSEC3(t, []nsec3Case{
		ask("insecure delegation", "x.example.", Insecure, DelegationInsecure, DelegationUnsigned, n3{match: "x.example.", types: "NS"}),
		ask("insecure delegation with opt-out", "x.example.", Insecure, DelegationInsecure, DelegationUnsigned, n3{match: "x.example.", types: "NS", optOut: true}),
		ask("opt-out span", "x.example.", Insecure, OptOut, DelegationUnsigned, apex3, coverXOut),
		ask("opt-out span above", "a.b.x.example.", Insecure, OptOut, DelegationUnsigned, apex3, coverXOut),
		ask("opt-out span without the closest encloser", "x.example.", Bogus, DenialIncomplete, DelegationUnproven, coverXOut),
		ask("opt-out span at the wrong name", "a.x.example.", Bogus, DenialIncomplete, DelegationUnproven, apex3, n3{cover: "a.x.example.", optOut: true}),
		ask("signed delegation", "x.example.", Bogus, DenialContradicted, DelegationUnproven, n3{match: "x.example.", types: "NS DS RRSIG"}),
		ask("signed delegation beside opt-out", "x.example.", Bogus, DenialContradicted, DelegationUnproven, apex3, coverXOut, n3{match: "x.example.", types: "NS DS RRSIG"}),
		ask("not a delegation", "x.example.", Secure, ReasonNone, NotDelegation, n3{match: "x.example.", types: "A RRSIG"}),
		ask("empty non-terminal", "x.example.", Secure, ReasonNone, NotDelegation, n3{match: "x.example."}),
		ask("alias", "x.example.", Secure, ReasonNone, NotDelegation, n3{match: "x.example.", types: "CNAME RRSIG"}),
		ask("of the child", "x.example.", Bogus, DenialIncomplete, DelegationUnproven, n3{match: "x.example.", types: "NS SOA RRSIG"}),
		ask("no such name", "x.example.", Secure, ReasonNone, NoSuchName, apex3, coverX),
		ask("below a delegation", "x.e.example.", Bogus, DenialIncomplete, DelegationUnproven, n3{match: "e.example.", types: "NS"}, n3{cover: "x.e.example.", optOut: true}),
		ask("no records", "x.example.", Bogus, DenialMissing, DelegationUnproven),
	})
}

// TestNSEC3OptOut checks that a proof is insecure if the Opt-Out flag is set on the
// record that covers the next closer name (RFC 5155, section 9.2), and on no other.
func TestNSEC3OptOut(t *testing.T) {
	out := func(n n3) n3 { n.optOut = true; return n }
	ask := func(name string, status Status, reason Reason, set ...n3) nsec3Case {
		return nsec3Case{denialCase{name: name, ask: nameError("x.example."), status: status, reason: reason}, set}
	}
	runNSEC3(t, []nsec3Case{
		ask("next closer name", Insecure, OptOut, apex3, coverXOut, coverStar),
		ask("all", Insecure, OptOut, out(apex3), coverXOut, out(coverStar)),
		ask("closest encloser", Secure, ReasonNone, out(apex3), coverX, coverStar),
		ask("wildcard not covered", Bogus, DenialIncomplete, apex3, coverXOut),
	})
}

// TestNSEC3Parameters checks which records are ignored (RFC 5155, sections 8.1 and
// 8.2) and that a high iteration count is insecure (RFC 9276, section 3.2).
func TestNSEC3Parameters(t *testing.T) {
	x := n3{match: "x.example.", types: "A"}
	with := func(n n3, edit func(*n3)) n3 { edit(&n); return n }
	high := func(n n3) n3 { n.iterations = 151; return n }
	ask := func(name string, q question, status Status, reason Reason, shows Delegation, set ...n3) nsec3Case {
		return nsec3Case{denialCase{name: name, ask: q, status: status, reason: reason, shows: shows}, set}
	}
	mx := noData("x.example.", dns.TypeMX)
	runNSEC3(t, []nsec3Case{
		ask("hash algorithm 2", mx, Bogus, DenialMissing, 0, with(x, func(n *n3) { n.hash = 2 })),
		ask("hash algorithm 255", nameError("x.example."), Bogus, DenialMissing, 0, with(apex3, func(n *n3) { n.hash = 255 })),
		ask("flags 2", mx, Bogus, DenialMissing, 0, with(x, func(n *n3) { n.flags = 2 })),
		ask("flags 129", mx, Bogus, DenialMissing, 0, with(x, func(n *n3) { n.flags = 129 })),
		ask("151 iterations", mx, Insecure, NSEC3IterationsHigh, 0, high(x)),
		ask("151 iterations, type is there", noData("x.example.", dns.TypeA), Insecure, NSEC3IterationsHigh, 0, high(x)),
		ask("151 iterations, name error", nameError("x.example."), Insecure, NSEC3IterationsHigh, 0, high(apex3)),
		ask("151 iterations, wildcard", wildcardAnswer("x.example.", "example."), Insecure, NSEC3IterationsHigh, 0, high(coverX)),
		ask("151 iterations, DS", delegation("x.example."), Insecure, NSEC3IterationsHigh, DelegationUnsigned, high(x)),
		ask("65535 iterations cost nothing", mx, Insecure, NSEC3IterationsHigh, 0, with(x, func(n *n3) { n.match, n.iterations = "y.example.", 65535 })),
		ask("mixed salts", nameError("x.example."), Bogus, DenialIncomplete, 0, apex3, coverX, with(coverStar, func(n *n3) { n.salt = "aa" })),
		ask("mixed iterations", nameError("x.example."), Bogus, DenialIncomplete, 0, apex3, with(coverX, func(n *n3) { n.iterations = 1 }), coverStar),
		ask("another salt, hashed with the first", nameError("x.example."), Bogus, DenialIncomplete, 0, apex3, coverX,
			with(coverStar, func(n *n3) { n.declare = func(rr *dns.NSEC3) { rr.Salt, rr.SaltLength = "aa", 1 } })),
		ask("other iterations, hashed with the first", nameError("x.example."), Bogus, DenialIncomplete, 0, apex3, coverX,
			with(coverStar, func(n *n3) { n.declare = func(rr *dns.NSEC3) { rr.Iterations = 1 } })),
		ask("empty salt", mx, Secure, ReasonNone, 0, x),
	})
	z := newTestZone(t, "example.", dns.ED25519)
	budget := NewBudget(nil)
	z.nsec3Denial(t, budget, high(x)).NoData("x.example.", dns.TypeMX)
	if budget.hashes.Load() != MaxHashes {
		t.Error("hashes with too many iterations were computed")
	}
}

// TestNSEC3OwnerName checks that the owner name is directly below the apex (RFC 5155,
// section 3), and that the hashes have 20 octets.
func TestNSEC3OwnerName(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	for _, zone := range []string{"a.example.", "other.", "notexample.", "."} {
		set := GroupRRsets(z.signed(t, []dns.RR{n3{match: "x.example.", types: "A", zone: zone}.rr(t)}))[0]
		_, f := verifierAt(now).Authenticate(set, z.keys)
		wantReason(t, f, SignatureSignerInvalid)
	}
	for _, line := range []string{
		"0p9mhaveqvm6t7vbl5lop2u3t2rp3t.example. 300 NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A",
		"zzzzhaveqvm6t7vbl5lop2u3t2rp3tom.example. 300 NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A",
		"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom0p9mhave.example. 300 NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A",
	} {
		d := verifierAt(now).Denial("example.", z.authenticated(t, z.signed(t, records(t, line))))
		wantFinding(t, d.NoData("x.example.", dns.TypeMX), Bogus, DenialMissing)
	}
}
