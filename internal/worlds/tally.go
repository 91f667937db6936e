package worlds

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// Property is a claim about verdicts.
type Property string

const (
	ProvenNoName    Property = "no such name: true"
	ProvenNoData    Property = "no such type: true"
	ProvenExpansion Property = "wildcard applies: true"
	ProvenNoCut     Property = "no zone cut: true"
	ProvenUnsigned  Property = "unsigned delegation: there"
	ProvenSpan      Property = "opt-out span: there"
	HonestProof     Property = "honest proof: accepted"

	SecureAnswer    Property = "secure answer: true"
	InsecureAnswer  Property = "insecure answer: may be"
	NoAnchor        Property = "indeterminate answer: outside"
	GenuineRecords  Property = "secure records: genuine"
	BoundedTTL      Property = "secure TTL: not raised"
	HonestAnswer    Property = "honest answer: accepted"
	Synthesized     Property = "synthesized answer: true"
	KeptState       Property = "after other questions: true"
	HonestAfterward Property = "honest after honest: accepted"
	HonestRecovery  Property = "honest after forged, 31 s later: accepted"
)

// isLoss reports whether a violation is an honest response that is lost.
func (p Property) isLoss() bool {
	return p == HonestProof || p == HonestAnswer || p == HonestAfterward || p == HonestRecovery
}

// count is how often a property was looked at, and how often it did not hold.
type count struct{ Judged, Violated int }

// Tally counts.
type Tally struct {
	Worlds, Questions, Responses int
	Properties                   map[Property]count
	Counterexamples              []Counterexample // the first few of each property
}

// Counterexample is a verdict that is wrong.
type Counterexample struct {
	Property Property
	World    string
	Question string
	Response string
	Verdict  string
}

// String returns the counterexample on several lines.
func (c Counterexample) String() string {
	return fmt.Sprintf("violated: %s\n  world     %s\n  question  %s\n  response  %s\n  verdict   %s", c.Property, c.World, c.Question, c.Response, c.Verdict)
}

// mostExamples is how many counterexamples of a property are kept.
const mostExamples = 3

func newTally() *Tally { return &Tally{Properties: make(map[Property]count)} }

// check counts a property. If it does not hold, the counterexample is made.
func (t *Tally) check(p Property, holds bool, example func() Counterexample) {
	c := t.Properties[p]
	c.Judged++
	if !holds {
		c.Violated++
		if c.Violated <= mostExamples {
			e := example()
			e.Property = p
			t.Counterexamples = append(t.Counterexamples, e)
		}
	}
	t.Properties[p] = c
}

// Add adds the counts of another tally.
func (t *Tally) Add(other *Tally) {
	t.Worlds += other.Worlds
	t.Questions += other.Questions
	t.Responses += other.Responses
	for p, c := range other.Properties {
		sum := t.Properties[p]
		t.Properties[p] = count{sum.Judged + c.Judged, sum.Violated + c.Violated}
	}
	t.Counterexamples = append(t.Counterexamples, other.Counterexamples...)
}

// Unsound returns how many verdicts were untrue.
func (t *Tally) Unsound() int { return t.violated(false) }

// Lost returns how many honest responses were not accepted.
func (t *Tally) Lost() int { return t.violated(true) }

func (t *Tally) violated(loss bool) (n int) {
	for p, c := range t.Properties {
		if p.isLoss() == loss {
			n += c.Violated
		}
	}
	return n
}

// Print writes the counterexamples, the counts of each property, and last the sums.
func (t *Tally) Print(w io.Writer) {
	for _, e := range t.Counterexamples {
		fmt.Fprintln(w, e)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "property\tjudged\tviolated")
	for _, p := range slices.Sorted(maps.Keys(t.Properties)) {
		fmt.Fprintf(table, "%s\t%d\t%d\n", p, t.Properties[p].Judged, t.Properties[p].Violated)
	}
	table.Flush()
	fmt.Fprintf(w, "worlds %d, questions %d, responses %d, unsound %d, lost %d\n", t.Worlds, t.Questions, t.Responses, t.Unsound(), t.Lost())
}
