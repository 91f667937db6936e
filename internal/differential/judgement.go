package differential

import (
	"slices"
	"strings"
)

// Judgement decides who is right in one kind of disagreement. It applies to a
// class only if all its fields match.
type Judgement struct {
	Name     string
	Defects  []string // kinds; "" means no defect touches the question; empty: any
	Question []string // kinds; empty: any
	Traits   []string // the zones of the answer must have all of them
	Statuses []Statuses

	// WrongPeers names the peers that are wrong to call bogus what we call
	// secure. A disagreement of that kind needs each such peer to be named.
	WrongPeers []string
	Section    string // section of the RFC that decides
	Because    string
}

// fits reports whether the judgement applies to the class.
func (j *Judgement) fits(c Class) bool {
	return (len(j.Defects) == 0 || slices.Contains(j.Defects, c.Defect)) &&
		(len(j.Question) == 0 || slices.Contains(j.Question, c.Question)) &&
		j.hasTraits(strings.Split(c.Traits, ", ")) &&
		slices.Contains(j.Statuses, c.Verdicts.Statuses()) && j.excuses(c.Verdicts)
}

// hasTraits reports whether all traits of the judgement are in traits.
func (j *Judgement) hasTraits(traits []string) bool {
	return !slices.ContainsFunc(j.Traits, func(trait string) bool { return !slices.Contains(traits, trait) })
}

// excuses reports whether the judgement can accept the verdicts. Where only we
// call an answer secure, it must name each peer that does not as wrong.
func (j *Judgement) excuses(v Verdicts) bool {
	if !v.Trusting() {
		return true
	}
	wrong := func(peer string, verdict Verdict) bool {
		return !verdict.refused() || slices.Contains(j.WrongPeers, peer) && j.Section != ""
	}
	return wrong("unbound", v.Unbound) && wrong("named", v.Named)
}

// judgementOf returns the first judgement that fits the class, or nil.
func judgementOf(table []Judgement, c Class) *Judgement {
	for i := range table {
		if table[i].fits(c) {
			return &table[i]
		}
	}
	return nil
}
