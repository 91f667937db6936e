package worlds

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// proofJudge gives sets of genuine denial records of one world to internal/dnssec, and
// compares what that takes for proven with the truth.
type proofJudge struct {
	*signer
	world    World
	versions versions
	tally    *Tally

	name   string // the question
	zone   string // whose denial is asked
	sets   []*Set // the response
	denial *dnssec.Denial
}

// deniedTypes are the types that are asked for.
var deniedTypes = []uint16{dns.TypeA, dns.TypeTXT, dns.TypeCNAME, dns.TypeDS}

// denies starts the judgement of a response.
func (j *proofJudge) denies(zone string, sets []*Set) {
	proofs := make([]*dnssec.Authenticated, len(sets))
	for i, set := range sets {
		proofs[i] = set.proof
	}
	j.zone, j.sets = zone, sets
	j.verifier.Budget = dnssec.NewBudget(nil)
	j.denial = j.verifier.Denial(zone, proofs)
}

// judge makes the claims about a name and the records that denies was given.
func (j *proofJudge) judge() {
	j.judgeNoName()
	for _, qtype := range deniedTypes {
		j.judgeNoData(qtype)
	}
	if isBelow(j.name, j.zone) {
		j.judgeCut()
		j.judgeExpansions()
	}
}

// holds reports whether the zone is the one that holds an RRset, in some version. With
// several versions a name that was moved to a zone below may be denied by both.
func (j *proofJudge) holds(qtype uint16) bool {
	return j.versions.any(func(t *tree) bool {
		z := t.holding(j.name, qtype)
		return z != nil && z.apex == j.zone
	}) || len(j.versions) > 1
}

// hasSpan reports whether the zone has an opt-out span that the name is in.
func (j *proofJudge) hasSpan() bool { return j.versions.allowsSpan(j.zone, j.name) }

// hasUnsigned reports whether the zone has an unsigned delegation at the name.
func (j *proofJudge) hasUnsigned() bool {
	return j.versions.inZone(j.zone, func(z *zone) bool { return z.owners[j.name].Kind == Unsigned })
}

func (j *proofJudge) judgeNoName() {
	j.tally.Responses++
	f := j.denial.NameError(j.name)
	switch f.Status {
	case dnssec.Secure:
		j.check(ProvenNoName, j.holds(dns.TypeA) && j.versions.allowsNoName(j.name, dns.TypeA), f, "no such name")
	case dnssec.Insecure:
		j.check(ProvenSpan, j.hasSpan(), f, "no such name")
	}
}

func (j *proofJudge) judgeNoData(qtype uint16) {
	j.tally.Responses++
	f := j.denial.NoData(j.name, qtype)
	asked := "no " + dns.TypeToString[qtype]
	switch f.Status {
	case dnssec.Secure:
		j.check(ProvenNoData, j.holds(qtype) && j.versions.allowsNoData(j.name, qtype), f, asked)
	case dnssec.Insecure:
		j.check(ProvenSpan, j.hasSpan(), f, asked)
	}
}

// judgeCut makes the claims about a zone cut at the name.
func (j *proofJudge) judgeCut() {
	j.tally.Responses++
	shown, f := j.denial.Delegation(j.name)
	switch shown {
	case dnssec.DelegationUnsigned:
		j.check(ProvenUnsigned, j.hasUnsigned() || j.hasSpan(), f, "an unsigned delegation")
	case dnssec.NotDelegation:
		j.check(ProvenNoCut, j.versions.allowsNoCut(j.zone, j.name, false), f, "no delegation")
	case dnssec.NoSuchName:
		j.check(ProvenNoCut, j.versions.allowsNoCut(j.zone, j.name, true), f, "no zone cut at or below")
	}
}

// judgeExpansions makes the claims about wildcards above the name that have an RRset.
func (j *proofJudge) judgeExpansions() {
	for above := parent(j.name); isAtOrBelow(above, j.zone); above = parent(above) {
		wildcard := wildcardAt(above)
		for _, rtype := range []uint16{dns.TypeA, dns.TypeCNAME} {
			if wildcard != j.name && j.hasSet(wildcard, rtype) {
				j.judgeExpansion(above, wildcard, rtype)
			}
		}
	}
}

// hasSet reports whether the zone has an RRset.
func (j *proofJudge) hasSet(name string, rtype uint16) bool {
	return j.versions.inZone(j.zone, func(z *zone) bool { return slices.Contains(z.types(name), rtype) })
}

func (j *proofJudge) judgeExpansion(above, wildcard string, rtype uint16) {
	j.tally.Responses++
	f := j.denial.WildcardAnswer(j.name, above)
	said := wildcard + " " + dns.TypeToString[rtype] + " stands for the name"
	switch f.Status {
	case dnssec.Secure:
		j.check(ProvenExpansion, j.holds(rtype) && j.versions.allowsExpansion(j.name, wildcard, rtype, rtype), f, said)
	case dnssec.Insecure:
		j.check(ProvenSpan, j.hasSpan(), f, said)
	}
}

// check counts a property of a verdict.
func (j *proofJudge) check(p Property, holds bool, f dnssec.Finding, said string) {
	j.tally.check(p, holds, func() Counterexample {
		return Counterexample{
			World: j.world.String(), Question: j.name, Response: "from " + j.zone + ": " + describeSets(j.sets),
			Verdict: f.Status.String() + ", " + said + " (" + f.String() + ")",
		}
	})
}

// describeSets returns the RRsets on one line.
func describeSets(sets []*Set) string {
	texts := make([]string, len(sets))
	for i, set := range sets {
		texts[i] = set.String()
	}
	return strings.Join(texts, "; ")
}

// String describes the RRset by what it is about. An NSEC3 record is described by names
// instead of hashes as far as that is possible.
func (s *Set) String() string {
	text := fmt.Sprintf("[%s] %s %s", s.Zone, s.Of, dns.TypeToString[s.Type])
	if class := s.RRs[0].Header().Class; class != dns.ClassINET {
		text += " of class " + dns.Class(class).String()
	}
	switch rr := s.RRs[0].(type) {
	case *dns.NSEC:
		text += " " + rr.NextDomain + bitMap(rr.TypeBitMap)
	case *dns.NSEC3:
		text += fmt.Sprintf(" (%.4s to %.4s)", rr.Hdr.Name, strings.ToLower(rr.NextDomain)) + bitMap(rr.TypeBitMap)
	}
	return text
}

func bitMap(types []uint16) (text string) {
	for _, t := range types {
		text += " " + dns.Type(t).String()
	}
	return text
}
