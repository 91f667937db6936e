package worlds

import (
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// deepest is how many labels below the top zone the names have that are asked for.
const deepest = 3

// judgeProofs judges every set of up to most denial records as an answer about every name.
// The zones of a world with compact denial have a record for each name: those of the
// name, its ancestors and their wildcards are taken.
func (s *signer) judgeProofs(w World, most int, tally *Tally) {
	j := &proofJudge{signer: s, world: w, versions: s.versionsOf(w), tally: tally}
	tally.Worlds++
	pool := j.versions.denials()
	for _, name := range namesTo(deepest) {
		tally.Questions++
		j.name = name
		j.judgeHonest()
		records := pool
		if w.Modes[0] == Compact || w.Modes[1] == Compact {
			records = append(j.compactDenials(), pool...)
		}
		for zone := range j.zonesAbove() {
			subsets(records, most, func(sets []*Set) {
				j.denies(zone, sets)
				j.judge()
			})
		}
	}
}

// versionsOf makes and signs the zones of a world.
func (s *signer) versionsOf(w World) versions {
	s.tidy()
	v := versions{plant(w, w.Nodes)}
	if w.Older != nil {
		v = append(v, plant(w, w.Older))
	}
	for _, t := range v {
		s.publish(t)
	}
	return v
}

// denials returns the denial records of all zones and versions.
func (v versions) denials() []*Set {
	var sets []*Set
	for _, t := range v {
		for _, set := range t.sets {
			if set.isDenial() {
				sets = append(sets, set)
			}
		}
	}
	return distinct(sets...)
}

// zonesAbove returns the zones that the name is in or below.
func (j *proofJudge) zonesAbove() map[string]bool {
	zones := make(map[string]bool)
	for _, t := range j.versions {
		for apex, z := range t.zones {
			if z.signed && !z.hostile && isAtOrBelow(j.name, apex) {
				zones[apex] = true
			}
		}
	}
	return zones
}

// compactDenials returns the records that on-line signers make for the name, for those
// above it, and for the wildcards there.
func (j *proofJudge) compactDenials() []*Set {
	var sets []*Set
	for _, t := range j.versions {
		for name := j.name; name != ""; name = parent(name) {
			sets = append(sets, j.compactAt(t, name)...)
			sets = append(sets, j.compactAt(t, wildcardAt(name))...)
		}
	}
	return distinct(sets...)
}

// compactAt returns the record that is made for a name, and at a delegation also the
// parent's.
func (s *signer) compactAt(t *tree, name string) []*Set {
	var sets []*Set
	for _, qtype := range []uint16{dns.TypeA, dns.TypeDS} {
		at := t.step(name, qtype)
		if at.outcome != unknown && at.outcome != redirected && at.zone.mode == Compact {
			sets = append(sets, s.compactDenial(at.zone, name))
		}
	}
	return sets
}

// subsets calls f with each set of up to most records, which f must not keep.
func subsets(pool []*Set, most int, f func([]*Set)) {
	chosen := make([]*Set, 0, most)
	var choose func(from int)
	choose = func(from int) {
		f(chosen)
		if len(chosen) == most {
			return
		}
		for i := from; i < len(pool); i++ {
			chosen = append(chosen, pool[i])
			choose(i + 1)
			chosen = chosen[:len(chosen)-1]
		}
	}
	choose(0)
}

// judgeHonest checks that what an authority sends to prove a denial proves it, alone and
// among all other denial records of the zone.
func (j *proofJudge) judgeHonest() {
	t := j.versions[0]
	a := authority{j.signer, t}
	for _, qtype := range deniedTypes {
		s := t.step(j.name, qtype)
		if s.outcome != noData && s.outcome != noName || !a.isProvable(j.name, s) {
			continue
		}
		want := dnssec.Secure
		if t.mayBeInsecure(j.name, qtype) {
			want = dnssec.Insecure
		}
		minimal := a.denials(j.name, s)
		for _, sets := range [][]*Set{minimal, append(a.all(s.zone), minimal...)} {
			j.denies(s.zone.apex, sets)
			f := j.honestFinding(s, qtype)
			j.tally.Responses++
			j.check(HonestProof, f.Status == want, f, dns.TypeToString[qtype]+" ought to be "+want.String())
		}
	}
}

// honestFinding asks the denial for what the authority says of the name. With the NXNAME
// type that is a name error too (RFC 9824, section 2).
func (j *proofJudge) honestFinding(s step, qtype uint16) dnssec.Finding {
	if s.outcome == noName {
		return j.denial.NameError(j.name)
	}
	return j.denial.NoData(j.name, qtype)
}
