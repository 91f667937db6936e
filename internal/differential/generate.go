package differential

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// generator generates one plan.
type generator struct {
	*rand.Rand
	plan *Plan
	all  []Question         // questions of all zones
	sets map[string][]rrset // RRsets that a defect can apply to, by zone
	kind string             // kind of the defect; empty: any or none
}

// rrset is the key of an RRset.
type rrset struct {
	name string
	typ  uint16
}

// Generate returns the plan with the given number of a seed, with n questions
// and a defect of the given kind. An empty kind stands for any or none.
func Generate(seed, number uint64, n int, kind string) *Plan {
	g := &generator{
		Rand: rand.New(rand.NewPCG(seed, number)),
		plan: &Plan{Top: fmt.Sprintf("w%d-%d", number, seed%100000)},
		sets: make(map[string][]rrset),
		kind: kind,
	}
	g.makeZones()
	for i := range g.plan.Zones {
		g.fill(&g.plan.Zones[i])
	}
	for i := range g.plan.Zones {
		g.addDS(&g.plan.Zones[i])
	}
	if g.chance(90) || kind != "" {
		g.makeDefect()
	}
	g.choose(n)
	return g.plan
}

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// makeZones makes the top-level domain and several zones below it.
func (g *generator) makeZones() {
	g.plan.Zones = []Zone{g.signed("")}
	for i := range 3 + g.IntN(3) {
		parent := g.plan.Zones[g.IntN(len(g.plan.Zones))].Name
		if strings.Count(parent, ".") >= 2 {
			parent = ""
		}
		label := string(rune('a' + i))
		if g.chance(15) {
			label += ".in" // below an empty non-terminal
		}
		z := g.signed(join(label, parent))
		switch n := g.IntN(100); {
		case n < 15:
			z = Zone{Name: z.Name}
		case n < 21:
			z.DS = []uint8{} // an island of security
		case n < 24:
			z.Algorithm, z.Phase = unassigned, steady
		}
		g.plan.Zones = append(g.plan.Zones, z)
	}
}

// signed returns a signed zone with random parameters.
func (g *generator) signed(name string) Zone {
	z := Zone{
		Name:      name,
		Algorithm: pick(g, dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519, dns.ED448),
		CSK:       g.chance(20),
		Denial:    pick(g, testzone.NSEC, testzone.NSEC, testzone.NSEC3, testzone.NSEC3OptOut),
		DS:        []uint8{pick(g, dns.SHA256, dns.SHA256, dns.SHA384)},
		Phase:     steady,
	}
	if g.chance(5) {
		z.Denial = testzone.CompactNSEC
	}
	if z.Denial == testzone.NSEC3 || z.Denial == testzone.NSEC3OptOut {
		z.Iterations = pick[uint16](g, 0, 0, 0, 0, 1, 1, 5, 10, 10, 100, 150)
		if g.chance(5) {
			z.Iterations = pick[uint16](g, 151, 500)
		}
		z.Salt = pick(g, "", "", "ab", "0123456789abcdef")
	}
	if g.chance(10) {
		z.DS = append(z.DS, pick(g, dns.SHA1, dns.SHA256, dns.SHA384, 200))
		slices.Sort(z.DS)
		z.DS = slices.Compact(z.DS)
	}
	if g.chance(40) {
		z.Phase = pick(g, slices.Sorted(maps.Keys(phases))...)
	}
	return z
}

// fill adds records to a zone and collects its questions and RRsets.
func (g *generator) fill(z *Zone) {
	questions := parseQuestions(apex, z.Name)
	g.sets[z.Name] = []rrset{{z.Name, dns.TypeSOA}, {z.Name, dns.TypeNS}}
	if z.Algorithm != 0 {
		g.sets[z.Name] = append(g.sets[z.Name], rrset{z.Name, dns.TypeDNSKEY})
	}
	for _, f := range features {
		if g.chance(30) {
			continue
		}
		records := f.withOther(g.plan.Zones[g.IntN(len(g.plan.Zones))].Name)
		z.Records = append(z.Records, records...)
		for _, line := range records {
			g.addSet(z, line)
		}
		questions = append(questions, parseQuestions(f.questions, z.Name)...)
	}
	g.all = append(g.all, questions...)
}

func (g *generator) addSet(z *Zone, line string) {
	fields := strings.Fields(line)
	set := rrset{join(fields[0], z.Name), dns.StringToType[fields[1]]}
	if set.typ != dns.TypeNS && !slices.Contains(g.sets[z.Name], set) {
		g.sets[z.Name] = append(g.sets[z.Name], set)
	}
}

// addDS adds the DS RRset of z to the RRsets of the parent zone.
func (g *generator) addDS(z *Zone) {
	if up := g.plan.parentOf(z); up != nil && z.Algorithm != 0 && up.Algorithm != 0 && len(z.DS) > 0 {
		g.sets[up.Name] = append(g.sets[up.Name], rrset{z.Name, dns.TypeDS})
	}
}

// makeDefect chooses a defect: a change to the stored data of a secure zone, or
// an edit of an answer, sometimes in an insecure zone.
func (g *generator) makeDefect() {
	var signed []*Zone
	for i := range g.plan.Zones {
		if z := &g.plan.Zones[i]; g.plan.secure(z) {
			signed = append(signed, z)
		}
	}
	if len(signed) == 0 {
		return
	}
	z := pick(g, signed...)
	d := Defect{Kind: pick(g, slices.Sorted(maps.Keys(defects))...), Zone: z.Name}
	if g.chance(30) {
		d.Kind = pick(g, slices.Sorted(maps.Keys(edits))...)
	}
	if g.kind != "" {
		d.Kind = g.kind
	}
	if _, ok := edits[d.Kind]; ok && g.chance(20) {
		z = &g.plan.Zones[g.IntN(len(g.plan.Zones))]
		d.Zone = z.Name
	}
	switch {
	case edits[d.Kind].apex != 0:
	case edits[d.Kind].edit != nil || defects[d.Kind].scope == nameScope:
		d.Name, d.Type = g.pickQuestion(z, edits[d.Kind].word)
	case defects[d.Kind].scope == rrsetScope:
		set := pick(g, g.sets[z.Name]...)
		d.Name, d.Type = set.name, set.typ
		if g.chance(15) {
			d.Name, d.Type = g.denialRecord(z)
		}
	}
	g.plan.Defect = d
}

// pickQuestion chooses a question of the zone, with the word in its kind if
// there is one.
func (g *generator) pickQuestion(z *Zone, word string) (string, uint16) {
	var own, matching []Question
	for _, q := range g.all {
		if g.plan.ZoneOf(q) != z {
			continue
		}
		own = append(own, q)
		if strings.Contains(q.Kind, word) {
			matching = append(matching, q)
		}
	}
	if len(matching) == 0 {
		matching = own
	}
	q := pick(g, matching...)
	return q.Name, q.Type
}

// denialRecord chooses an NSEC or NSEC3 RRset. It returns a name that the RRset
// matches or covers, and the type.
func (g *generator) denialRecord(z *Zone) (string, uint16) {
	name, _ := g.pickQuestion(z, "")
	if z.Denial == testzone.NSEC3 || z.Denial == testzone.NSEC3OptOut {
		return name, dns.TypeNSEC3
	}
	return name, dns.TypeNSEC
}

// choose selects n questions: all for the name with the defect, then half of
// the rest from the zone with the defect, then from all zones.
func (g *generator) choose(n int) {
	var first, own, rest []Question
	d := g.plan.Defect
	for _, q := range g.all {
		switch {
		case d.Kind != "" && q.Name == d.Name:
			first = append(first, q)
		case d.Kind != "" && g.plan.ZoneOf(q).Name == d.Zone:
			own = append(own, q)
		default:
			rest = append(rest, q)
		}
	}
	for _, list := range [][]Question{own, rest} {
		g.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	half := min(n/2, len(own))
	chosen := append(first, own[:half]...)
	chosen = append(chosen, rest...)
	chosen = append(chosen, own[half:]...)
	g.plan.Questions = chosen[:min(n, len(chosen))]
}

// Kinds returns the sorted kinds of defects.
func Kinds() []string {
	kinds := slices.AppendSeq(slices.Collect(maps.Keys(defects)), maps.Keys(edits))
	slices.Sort(kinds)
	return kinds
}
