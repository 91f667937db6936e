package differential

import (
	"slices"
	"strings"
)

// Judgement says who is right about a kind of disagreement. It counts for a
// class that all its fields fit, and for nothing else.
type Judgement struct {
	Name     string
	Defects  []string // kinds, "" for none that touches the question; empty: any, and none
	Question []string // kinds; empty: any
	Traits   []string // that the zones on the way all together have
	Statuses []Statuses

	// WrongPeers names the peers that are in error where they call bogus what
	// we call secure. Without it such a disagreement is never judged.
	WrongPeers []string
	Section    string // of the RFC that decides
	Because    string
}

// fits reports whether the judgement is about the class.
func (j *Judgement) fits(c Class) bool {
	return (len(j.Defects) == 0 || slices.Contains(j.Defects, c.Defect)) &&
		(len(j.Question) == 0 || slices.Contains(j.Question, c.Question)) &&
		j.isOf(strings.Split(c.Traits, ", ")) &&
		slices.Contains(j.Statuses, c.Verdicts.Statuses()) && j.excuses(c.Verdicts)
}

// isOf reports whether all the traits are there.
func (j *Judgement) isOf(traits []string) bool {
	return !slices.ContainsFunc(j.Traits, func(trait string) bool { return !slices.Contains(traits, trait) })
}

// excuses reports whether the judgement may let the verdicts pass: where we
// are the one who trusts it has to name each peer that does not as wrong.
func (j *Judgement) excuses(v Verdicts) bool {
	if !v.Trusting() {
		return true
	}
	wrong := func(peer string, verdict Verdict) bool {
		return !verdict.refused() || slices.Contains(j.WrongPeers, peer) && j.Section != ""
	}
	return wrong("unbound", v.Unbound) && wrong("named", v.Named)
}

// judgementOf returns the first judgement that fits; nil if there is none.
func judgementOf(table []Judgement, c Class) *Judgement {
	for i := range table {
		if table[i].fits(c) {
			return &table[i]
		}
	}
	return nil
}
