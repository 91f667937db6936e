package differential

import (
	"slices"
	"strings"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// Batch is several worlds under one root, served by one testzone.World.
type Batch struct {
	World *testzone.World
	Plans []*Plan

	byTop  map[string]*Plan
	intact map[*Plan]map[Question]evidence // answers without the defects
}

// NewBatch builds the worlds of the plans, whose Top labels must differ. If a
// defect can't be applied, for example because there are no signatures to drop,
// it is removed from its plan.
func NewBatch(now time.Time, plans []*Plan) (*Batch, error) {
	b := &Batch{Plans: plans, byTop: make(map[string]*Plan), intact: make(map[*Plan]map[Question]evidence)}
	var specs []testzone.Spec
	for _, p := range plans {
		b.byTop[p.Top] = p
		for i := range p.Zones {
			specs = append(specs, p.spec(&p.Zones[i]))
		}
	}
	var err error
	if b.World, err = testzone.New(now, specs...); err != nil {
		return nil, err
	}
	for _, p := range plans {
		b.intact[p] = make(map[Question]evidence)
		for _, q := range p.Questions {
			b.intact[p][q] = gatherEvidence(q.In(p), b.World.Answer)
		}
		if err := b.apply(p); err != nil {
			p.Defect = Defect{}
		}
	}
	b.World.Intercept(b.edit)
	return b, nil
}

// changed returns the answer of the upstream to q, including edits.
func (b *Batch) changed(q *dns.Msg) *dns.Msg { return b.edit(q, b.World.Answer(q)) }

// apply applies the plan's defect to the stored data of the World.
func (b *Batch) apply(p *Plan) error {
	d := p.Defect
	kind, ok := defects[d.Kind]
	if !ok {
		return nil
	}
	f := target{zone: p.absolute(d.Zone), parent: ".", name: p.absolute(d.Name), typ: d.Type}
	if up := p.parentOf(p.zone(d.Zone)); up != nil {
		f.parent = p.absolute(up.Name)
	}
	if kind.scope == rrsetScope && (d.Type == dns.TypeNSEC || d.Type == dns.TypeNSEC3) {
		owner, typ, err := b.World.Zone(f.zone).Denial(f.name)
		if err != nil {
			return err
		}
		f.name, f.typ = owner, typ
	}
	return b.World.Break(f.zone, kind.breakage(f))
}

// edit applies the defect of the plan that q belongs to, if it is an edit, to
// the answer a.
func (b *Batch) edit(q, a *dns.Msg) *dns.Msg {
	if len(q.Question) != 1 {
		return a
	}
	p := b.byTop[topLabel(q.Question[0].Name)]
	if p == nil {
		return a
	}
	kind, ok := edits[p.Defect.Kind]
	if !ok || !p.editsAnswer(kind, q.Question[0]) {
		return a
	}
	c := &change{Msg: a, world: b.World, zone: b.World.Zone(p.absolute(p.Defect.Zone)), up: b.World.Zone(".")}
	if up := p.parentOf(p.zone(p.Defect.Zone)); up != nil {
		c.up = b.World.Zone(p.absolute(up.Name))
	}
	kind.edit(c)
	return a
}

// editsAnswer reports whether the edit applies to the answer to q.
func (p *Plan) editsAnswer(kind edit, q dns.Question) bool {
	name, typ := p.Defect.Name, p.Defect.Type
	if kind.apex != 0 {
		name, typ = p.Defect.Zone, kind.apex
	}
	return q.Qtype == typ && strings.EqualFold(q.Name, p.absolute(name))
}

// topLabel returns the rightmost label of name in lower case.
func topLabel(name string) string {
	labels := dns.SplitDomainName(name)
	if len(labels) == 0 {
		return ""
	}
	return strings.ToLower(labels[len(labels)-1])
}

// Undisturbed reports whether the answer to a question is independent of the
// name whose answer is edited. It is not if the qname is that name with another
// qtype, or if it is an alias to that name: validators that have the edited
// answer cached, or query the target separately, would get different results.
func (b *Batch) Undisturbed(p *Plan, q Question) bool {
	kind, ok := edits[p.Defect.Kind]
	if !ok || kind.apex != 0 || p.editsAnswer(kind, q.In(p)) {
		return true
	}
	if q.Name == p.Defect.Name {
		return false
	}
	changed := p.absolute(p.Defect.Name)
	a := b.World.Answer(new(dns.Msg).SetQuestion(p.absolute(q.Name), q.Type).SetEdns0(1232, true))
	return !slices.ContainsFunc(a.Answer, func(rr dns.RR) bool {
		cname, ok := rr.(*dns.CNAME)
		return ok && (strings.EqualFold(cname.Hdr.Name, changed) || strings.EqualFold(cname.Target, changed))
	})
}

// Traits returns the notable properties of the zones that take part in the
// answer to a question and of their ancestors.
func (b *Batch) Traits(p *Plan, q Question) string {
	var traits []string
	a := b.World.Answer(new(dns.Msg).SetQuestion(p.absolute(q.Name), q.Type).SetEdns0(1232, true))
	for _, z := range p.zonesOf(q, slices.Concat(a.Answer, a.Ns)) {
		for ; z != nil; z = p.parentOf(z) {
			traits = append(traits, z.traits()...)
			if p.skipsLabel(z) {
				traits = append(traits, belowNonTerminal)
			}
		}
	}
	slices.Sort(traits)
	return strings.Join(slices.Compact(traits), ", ")
}

// zonesOf returns the zones of a question and of the records in its answer.
func (p *Plan) zonesOf(q Question, records []dns.RR) []*Zone {
	zones := []*Zone{p.ZoneOf(q)}
	for _, rr := range records {
		if name, ok := strings.CutSuffix(strings.ToLower(rr.Header().Name), p.Top+"."); ok {
			zones = append(zones, p.closest(strings.TrimSuffix(name, ".")))
		}
	}
	return zones
}

// skipsLabel reports whether there are labels between the zone and its parent.
func (p *Plan) skipsLabel(z *Zone) bool {
	up := p.parentOf(z)
	return up != nil && strings.Contains(strings.TrimSuffix(strings.TrimSuffix(z.Name, up.Name), "."), ".")
}

// traits returns the words for Judgement.Traits that apply to the zone.
func (z *Zone) traits() []string {
	traits := []string{z.Denial.String(), string(z.Phase)}
	if z.Phase == "KSK revoked with DS" && len(z.DS) == 0 {
		traits = append(traits, revokedAlone)
	}
	switch {
	case z.Algorithm == 0:
		return []string{"unsigned"}
	case z.Algorithm == unassigned:
		traits = append(traits, "unknown algorithm")
	}
	if z.Iterations > 150 {
		traits = append(traits, manyIterations)
	}
	return traits
}

const (
	revokedAlone     = "DS of nothing but a revoked key"
	manyIterations   = "over 150 iterations"
	belowNonTerminal = "cut below an empty non-terminal"
)
