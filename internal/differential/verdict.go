package differential

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Verdict is what is compared of an answer: the response code, and AD after
// it if it is set; or NoAnswer.
type Verdict string

// The verdicts that are named in the code.
const (
	NoAnswer Verdict = "no answer"
	Failure  Verdict = "SERVFAIL"
)

// VerdictOf returns the verdict that a message is; nil is no answer.
func VerdictOf(a *dns.Msg) Verdict {
	switch {
	case a == nil:
		return NoAnswer
	case a.AuthenticatedData:
		return Verdict(dns.RcodeToString[a.Rcode] + " AD")
	}
	return Verdict(dns.RcodeToString[a.Rcode])
}

// secure reports whether the answer is vouched for.
func (v Verdict) secure() bool { return v == "NOERROR AD" || v == "NXDOMAIN AD" }

// refused reports whether the client gets no data.
func (v Verdict) refused() bool { return v == Failure || v == NoAnswer }

// Status is a verdict without the response code: one of the words of RFC
// 4033, or the verdict if no word fits.
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

// Verdicts are those of the three validators on one question.
type Verdicts struct {
	Unbound, Named, Ours Verdict
}

// Agree reports whether all are the same. That a failure is told by SERVFAIL
// by one and by silence by another is none: who asks gets nothing.
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

// Statuses are those of Unbound, BIND and us, in this order.
type Statuses [3]Status

// Statuses returns the verdicts in a word each; as they are, if two of them
// have data with different response codes.
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

// Class is what disagreements have in common that are of one kind.
type Class struct {
	Defect   string // kind; empty if it changes nothing for the question
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

// broad returns the class without what is told of the zones.
func (c Class) broad() Class {
	return Class{Defect: c.Defect, Question: c.Question, Verdicts: c.Verdicts}
}

// Case is a question that was asked of all.
type Case struct {
	Plan     *Plan
	Question Question
	Verdicts Verdicts
	Traits   string // see Batch.Traits
	Touched  bool   // see Batch.Touches
	Reason   string // that we gave
}

// Class returns the class that the case is of.
func (c Case) Class() Class {
	class := Class{Question: c.Question.Kind, Verdicts: c.Verdicts, Traits: c.Traits}
	if c.Touched {
		class.Defect = c.Plan.Defect.Kind
	}
	return class
}

// Report sorts cases by what is to be thought of them.
type Report struct {
	Asked, Agreed int
	Answers       map[Verdict]int // ours
	Judged        map[*Judgement][]Case
	Unjudged      map[Class][]Case // by broad classes
	Trusting      int              // of the unjudged: we call secure what a peer calls bogus
	PeerWrong     int              // of the judged: the same, and the peer is in error
}

// NewReport judges cases by the table of judgements.
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

// Classes returns the unjudged classes, those with most cases first.
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

// Examples returns an unjudged case for each kind of defect and way to
// disagree.
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
