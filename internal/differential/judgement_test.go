package differential

import (
	"slices"
	"strings"
	"testing"
)

// TestJudgements checks that each judgement has a reason and a section of an
// RFC, and that it is not too broad.
func TestJudgements(t *testing.T) {
	kinds := Kinds()
	for _, j := range judgements {
		if j.Name == "" || j.Because == "" || !strings.HasPrefix(j.Section, "RFC ") || !strings.Contains(j.Section, "section") {
			t.Errorf("%q: name, reason or section is missing", j.Name)
		}
		if len(j.Defects) == 0 && len(j.Question) == 0 && len(j.Traits) == 0 {
			t.Errorf("%q fits everything", j.Name)
		}
		if len(j.Statuses) == 0 {
			t.Errorf("%q fits no verdicts", j.Name)
		}
		for _, kind := range j.Defects {
			if kind != "" && !slices.Contains(kinds, kind) {
				t.Errorf("%q: there is no defect %q", j.Name, kind)
			}
		}
		for _, kind := range j.Question {
			if !slices.Contains(questionKinds(), kind) {
				t.Errorf("%q: there is no question %q", j.Name, kind)
			}
		}
		for _, trait := range j.Traits {
			if !slices.Contains(everyTrait(), trait) {
				t.Errorf("%q: there is no trait %q", j.Name, trait)
			}
		}
	}
}

func questionKinds() []string {
	var kinds []string
	lines := apex
	for _, f := range features {
		lines += f.questions
	}
	for _, q := range parseQuestions(strings.ReplaceAll(lines, "\n\n", "\n"), "") {
		kinds = append(kinds, q.Kind)
	}
	return kinds
}

func everyTrait() []string {
	traits := []string{belowNonTerminal, manyIterations, revokedAlone, "unsigned", "unknown algorithm", "NSEC", "NSEC3", "NSEC3 opt-out", "compact NSEC"}
	for phase := range phases {
		traits = append(traits, string(phase))
	}
	return traits
}

// TestTrust checks that an answer that only we call secure is accepted only by
// a judgement with a section that names each disagreeing peer as wrong.
func TestTrust(t *testing.T) {
	for _, tt := range []struct {
		name     string
		wrong    []string
		section  string
		verdicts Verdicts
		want     bool
	}{
		{name: "we are stricter", verdicts: Verdicts{"NOERROR AD", "NOERROR AD", "SERVFAIL"}, want: true},
		{name: "a peer is stricter", verdicts: Verdicts{"SERVFAIL", "NOERROR AD", "NOERROR AD"}},
		{name: "the peer is named", wrong: []string{"unbound"}, section: "RFC 1", verdicts: Verdicts{"SERVFAIL", "NOERROR AD", "NOERROR AD"}, want: true},
		{name: "the other one is", wrong: []string{"named"}, section: "RFC 1", verdicts: Verdicts{"SERVFAIL", "NOERROR AD", "NOERROR AD"}},
		{name: "without a section", wrong: []string{"unbound"}, verdicts: Verdicts{"SERVFAIL", "NOERROR AD", "NOERROR AD"}},
		{name: "both are stricter, one is named", wrong: []string{"named"}, section: "RFC 1", verdicts: Verdicts{"SERVFAIL", "SERVFAIL", "NOERROR AD"}},
		{name: "both are named", wrong: []string{"named", "unbound"}, section: "RFC 1", verdicts: Verdicts{"SERVFAIL", "SERVFAIL", "NXDOMAIN AD"}, want: true},
		{name: "no answer is a refusal", verdicts: Verdicts{"NOERROR AD", NoAnswer, "NOERROR AD"}},
		{name: "insecure is no trust", verdicts: Verdicts{"SERVFAIL", "SERVFAIL", "NOERROR"}, want: true},
	} {
		j := Judgement{
			Name: tt.name, Defects: []string{"expired"}, Section: tt.section, WrongPeers: tt.wrong,
			Statuses: []Statuses{tt.verdicts.Statuses()},
		}
		if got := j.fits(Class{Defect: "expired", Verdicts: tt.verdicts}); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestFits(t *testing.T) {
	verdicts := Verdicts{"NOERROR", "NOERROR AD", "NOERROR"}
	j := Judgement{
		Defects: []string{"expired", "DS removed"}, Question: []string{"ANY"}, Traits: []string{"NSEC3", "steady"},
		Statuses: []Statuses{{insecure, secure, insecure}},
	}
	class := func(edit func(*Class)) Class {
		c := Class{Defect: "expired", Question: "ANY", Verdicts: verdicts, Traits: "NSEC, NSEC3, steady"}
		edit(&c)
		return c
	}
	for _, tt := range []struct {
		name string
		edit func(*Class)
		want bool
	}{
		{name: "all", edit: func(*Class) {}, want: true},
		{name: "the other defect", edit: func(c *Class) { c.Defect = "DS removed" }, want: true},
		{name: "no defect", edit: func(c *Class) { c.Defect = "" }},
		{name: "another question", edit: func(c *Class) { c.Question = "positive" }},
		{name: "a trait that only begins alike", edit: func(c *Class) { c.Traits = "NSEC, NSEC3 opt-out" }},
		{name: "one trait of two", edit: func(c *Class) { c.Traits = "NSEC3" }},
		{name: "another verdict of one", edit: func(c *Class) { c.Unbound = "SERVFAIL" }},
		{name: "another code of one", edit: func(c *Class) { c.Named = "NXDOMAIN AD" }},
		{name: "the same code of all", edit: func(c *Class) { c.Verdicts = Verdicts{"NXDOMAIN", "NXDOMAIN AD", "NXDOMAIN"} }, want: true},
	} {
		if got := j.fits(class(tt.edit)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestReport(t *testing.T) {
	plan := &Plan{Top: "w", Zones: []Zone{{}}}
	ask := func(kind string, v Verdicts) Case {
		return Case{Plan: plan, Question: Question{Name: "www", Kind: kind}, Verdicts: v}
	}
	r := NewReport([]Case{
		ask("positive", Verdicts{"NOERROR AD", "NOERROR AD", "NOERROR AD"}),
		ask("positive", Verdicts{"SERVFAIL", NoAnswer, "SERVFAIL"}),
		ask("positive", Verdicts{"SERVFAIL", "SERVFAIL", NoAnswer}),
		ask("positive", Verdicts{"SERVFAIL", "NOERROR AD", "NOERROR AD"}),
		ask("RRSIG", Verdicts{"NOERROR", "NOERROR AD", "NOERROR"}),
	})
	if r.Asked != 5 || r.Agreed != 2 || len(r.Judged) != 1 || len(r.Unjudged) != 2 || r.Trusting != 1 || len(r.Examples()) != 2 {
		t.Errorf("%+v", r)
	}
}
