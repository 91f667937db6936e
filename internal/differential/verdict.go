package differential

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Verdict is the part of an answer that is compared: the rcode, followed by AD
// if it is set, or NoAnswer.
type Verdict string

// Verdicts with special treatment.
const (
	NoAnswer Verdict = "no answer"
	Failure  Verdict = "SERVFAIL"
)

// VerdictOf returns the verdict for an answer; nil means no answer.
func VerdictOf(a *dns.Msg) Verdict {
	switch {
	case a == nil:
		return NoAnswer
	case a.AuthenticatedData:
		return Verdict(dns.RcodeToString[a.Rcode] + " AD")
	}
	return Verdict(dns.RcodeToString[a.Rcode])
}

// secure reports whether the validator called the answer secure.
func (v Verdict) secure() bool { return v == "NOERROR AD" || v == "NXDOMAIN AD" }

// refused reports whether the client gets no data.
func (v Verdict) refused() bool { return v == Failure || v == NoAnswer }

// Status is a verdict without the rcode: a status of RFC 4033, or the verdict
// itself if none applies.
type Status string

const (
	secure   Status = "secure"
	insecure Status = "insecure"
	bogus    Status = "bogus"
)

func (v Verdict) status() Status {
	switch {
	case v.secure():
		return secure
	case v.refused():
		return bogus
	case v == "NOERROR" || v == "NXDOMAIN":
		return insecure
	}
	return Status(v)
}

// Verdicts has the verdicts of the three validators on one question.
type Verdicts struct {
	Unbound, Named, Ours Verdict
}

// Agree reports whether the verdicts are the same. SERVFAIL and no answer from
// a peer count as the same, since the client gets no data either way.
func (v Verdicts) Agree() bool {
	if v.Unbound.refused() && v.Named.refused() && v.Ours == Failure {
		return true
	}
	return v.Unbound == v.Named && v.Named == v.Ours
}

// Trusting reports whether we call secure what a peer calls bogus.
func (v Verdicts) Trusting() bool {
	return v.Ours.secure() && (v.Unbound.refused() || v.Named.refused())
}

// Statuses has the statuses of Unbound, BIND and us, in this order.
type Statuses [3]Status

// Statuses returns the status of each verdict. If two of them have data with
// different rcodes, it returns the verdicts themselves.
func (v Verdicts) Statuses() Statuses {
	all := [3]Verdict{v.Unbound, v.Named, v.Ours}
	code := ""
	var s Statuses
	for i, verdict := range all {
		s[i] = verdict.status()
		own, _, _ := strings.Cut(string(verdict), " ")
		if s[i] == bogus {
			continue
		}
		if code != "" && own != code {
			return Statuses{Status(v.Unbound), Status(v.Named), Status(v.Ours)}
		}
		code = own
	}
	return s
}

func (v Verdicts) String() string {
	return fmt.Sprintf("unbound %s, named %s, ours %s", v.Unbound, v.Named, v.Ours)
}

// Class is a kind of disagreement.
type Class struct {
	Defect   string // kind; empty if the defect does not touch the question
	Question string // kind
	Verdicts
	Traits string
}

func (c Class) String() string {
	s := fmt.Sprintf("%s | %s | %s", cmp.Or(c.Defect, "no defect"), c.Question, c.Verdicts)
	if c.Traits != "" {
		s += " | " + c.Traits
	}
	return s
}

// broad returns the class without traits.
func (c Class) broad() Class {
	return Class{Defect: c.Defect, Question: c.Question, Verdicts: c.Verdicts}
}

// Case is a question with the verdicts of all validators.
type Case struct {
	Plan     *Plan
	Question Question
	Verdicts Verdicts
	Traits   string // see Batch.Traits
	Touched  bool   // see Batch.Touches
	Reason   string // our Extended DNS Error
}

// Class returns the class of the case.
func (c Case) Class() Class {
	class := Class{Question: c.Question.Kind, Verdicts: c.Verdicts, Traits: c.Traits}
	if c.Touched {
		class.Defect = c.Plan.Defect.Kind
	}
	return class
}

// Report sorts cases by their judgement.
type Report struct {
	Asked, Agreed int
	Answers       map[Verdict]int // number of our answers
	Judged        map[*Judgement][]Case
	Unjudged      map[Class][]Case // key has no traits
	Trusting      int              // number of unjudged cases with Verdicts.Trusting
	PeerWrong     int              // number of judged cases with Verdicts.Trusting
}

// NewReport sorts cases with the table of judgements.
func NewReport(cases []Case) *Report {
	r := &Report{Answers: make(map[Verdict]int), Judged: make(map[*Judgement][]Case), Unjudged: make(map[Class][]Case)}
	for _, c := range cases {
		r.Asked++
		r.Answers[c.Verdicts.Ours]++
		if c.Verdicts.Agree() {
			r.Agreed++
			continue
		}
		class := c.Class()
		if j := judgementOf(judgements, class); j != nil {
			r.Judged[j] = append(r.Judged[j], c)
			if c.Verdicts.Trusting() {
				r.PeerWrong++
			}
			continue
		}
		r.Unjudged[class.broad()] = append(r.Unjudged[class.broad()], c)
		if c.Verdicts.Trusting() {
			r.Trusting++
		}
	}
	return r
}

// Classes returns the unjudged classes, sorted by the number of cases.
func (r *Report) Classes() []Class {
	var list []Class
	for class := range r.Unjudged {
		list = append(list, class)
	}
	slices.SortFunc(list, func(a, b Class) int {
		return cmp.Or(len(r.Unjudged[b])-len(r.Unjudged[a]), cmp.Compare(a.String(), b.String()))
	})
	return list
}

// Examples returns one unjudged case for each combination of defect and
// statuses.
func (r *Report) Examples() []Case {
	var list []Case
	type kind struct {
		defect   string
		statuses Statuses
	}
	seen := make(map[kind]bool)
	for _, class := range r.Classes() {
		c := r.Unjudged[class][0]
		if key := (kind{class.Defect, c.Verdicts.Statuses()}); !seen[key] {
			seen[key] = true
			list = append(list, c)
		}
	}
	return list
}
