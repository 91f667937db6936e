package differential

import (
	"slices"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// Smaller returns plans that are smaller than p in one way each: without the
// defect, one zone or one record, or with one special property less in a zone.
// They have only the question q. The caller has to set their Top labels.
func Smaller(p *Plan, q Question) []*Plan {
	var list []*Plan
	add := func(edit func(*Plan)) {
		c := p.clone()
		c.Questions = []Question{q}
		edit(c)
		list = append(list, c)
	}
	if p.Defect.Kind != "" {
		add(func(c *Plan) { c.Defect = Defect{} })
	}
	for i := len(p.Zones) - 1; i > 0; i-- {
		if p.Zones[i].Name != p.Defect.Zone {
			add(func(c *Plan) { c.Zones = slices.Delete(c.Zones, i, i+1) })
		}
	}
	for i := range p.Zones {
		for _, simpler := range p.Zones[i].simplified() {
			add(func(c *Plan) { c.Zones[i] = simpler })
		}
	}
	for i, z := range p.Zones {
		for j := range z.Records {
			add(func(c *Plan) { c.Zones[i].Records = slices.Delete(c.Zones[i].Records, j, j+1) })
		}
	}
	return list
}

func (p *Plan) clone() *Plan {
	c := *p
	c.Zones = slices.Clone(p.Zones)
	for i := range c.Zones {
		c.Zones[i].Records = slices.Clone(c.Zones[i].Records)
	}
	return &c
}

// Merge returns a plan with the reductions of all the smaller plans of p.
func Merge(p *Plan, smaller []*Plan) *Plan {
	c := smaller[0].clone()
	for _, s := range smaller {
		if s.Defect != p.Defect {
			c.Defect = s.Defect
		}
		c.Zones = slices.DeleteFunc(c.Zones, func(z Zone) bool { return s.zone(z.Name) == nil })
		for i := range c.Zones {
			c.Zones[i] = mergeZone(c.Zones[i], *p.zone(c.Zones[i].Name), *s.zone(c.Zones[i].Name))
		}
	}
	return c
}

// mergeZone applies to z the differences between p and s.
func mergeZone(z, p, s Zone) Zone {
	z.Records = slices.DeleteFunc(slices.Clone(z.Records), func(line string) bool { return !slices.Contains(s.Records, line) })
	if s.Algorithm != p.Algorithm {
		z.Algorithm = s.Algorithm
	}
	if s.Denial != p.Denial {
		z.Denial = s.Denial
	}
	if s.Phase != p.Phase {
		z.Phase = s.Phase
	}
	if s.Iterations != p.Iterations || s.Salt != p.Salt {
		z.Iterations, z.Salt = s.Iterations, s.Salt
	}
	if s.CSK != p.CSK {
		z.CSK = s.CSK
	}
	if !slices.Equal(s.DS, p.DS) {
		z.DS = s.DS
	}
	return z
}

// simplified returns copies of the zone with one special property less each.
func (z Zone) simplified() []Zone {
	var list []Zone
	add := func(special bool, edit func(*Zone)) {
		if special {
			c := z
			edit(&c)
			list = append(list, c)
		}
	}
	add(z.Algorithm != 0 && z.Algorithm != dns.ECDSAP256SHA256, func(c *Zone) { c.Algorithm = dns.ECDSAP256SHA256 })
	add(z.Denial != testzone.NSEC, func(c *Zone) { c.Denial, c.Iterations, c.Salt = testzone.NSEC, 0, "" })
	add(z.Iterations != 0 || z.Salt != "", func(c *Zone) { c.Iterations, c.Salt = 0, "" })
	add(z.Algorithm != 0 && z.Phase != steady, func(c *Zone) { c.Phase = steady })
	add(z.CSK, func(c *Zone) { c.CSK = false })
	add(len(z.DS) > 0 && !slices.Equal(z.DS, []uint8{dns.SHA256}), func(c *Zone) { c.DS = []uint8{dns.SHA256} })
	return list
}
