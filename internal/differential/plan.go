package differential

import (
	"fmt"
	"strings"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// topToken stands for the name of the top-level domain in records.
const topToken = "TOP."

// Plan describes a world. Names in it are relative to the top-level domain,
// whose own name is "".
type Plan struct {
	Top       string // label of the top-level domain
	Zones     []Zone // the top-level domain comes first, parents before children
	Defect    Defect
	Questions []Question
}

// Zone describes a zone of a Plan.
type Zone struct {
	Name       string
	Algorithm  uint8 // 0: unsigned
	CSK        bool
	Denial     testzone.Denial
	Iterations uint16
	Salt       string
	DS         []uint8
	Phase      Phase
	Records    []string // zone-file lines relative to the zone
}

// Defect is the one fault of a world. Kind is a key of defects or edits. The
// zero value means no defect.
type Defect struct {
	Kind string
	Zone string
	Name string // owner name of the RRset, or the name whose answer or denial is affected
	Type uint16
}

// Question is a qname, a qtype and the kind of answer that is expected.
type Question struct {
	Name string
	Type uint16
	Kind string
}

func (q Question) String() string { return fmt.Sprintf("%s %s", q.Name, dns.Type(q.Type)) }

// In returns the question with the absolute qname of the world p.
func (q Question) In(p *Plan) dns.Question {
	return dns.Question{Name: p.absolute(q.Name), Qtype: q.Type, Qclass: dns.ClassINET}
}

// absolute returns the absolute name for a name relative to the top-level
// domain.
func (p *Plan) absolute(name string) string {
	if name == "" {
		return p.Top + "."
	}
	return name + "." + p.Top + "."
}

// join returns name, which is relative to zone, relative to the top-level
// domain.
func join(name, zone string) string {
	switch {
	case name == "@" || name == "":
		return zone
	case zone == "":
		return name
	}
	return name + "." + zone
}

// zone returns the zone with the given name, or nil.
func (p *Plan) zone(name string) *Zone {
	for i := range p.Zones {
		if p.Zones[i].Name == name {
			return &p.Zones[i]
		}
	}
	return nil
}

// ZoneOf returns the zone that answers a question: the closest zone at or above
// the qname, or for qtype DS the closest zone above it.
func (p *Plan) ZoneOf(q Question) *Zone {
	name := q.Name
	if q.Type == dns.TypeDS {
		_, name, _ = strings.Cut(name, ".")
	}
	return p.closest(name)
}

func (p *Plan) closest(name string) *Zone {
	for {
		if z := p.zone(name); z != nil {
			return z
		}
		_, name, _ = strings.Cut(name, ".")
	}
}

// parentOf returns the parent zone of z, or nil for the top-level domain.
func (p *Plan) parentOf(z *Zone) *Zone {
	if z.Name == "" {
		return nil
	}
	_, up, _ := strings.Cut(z.Name, ".")
	return p.closest(up)
}

// secure reports whether there is an authentication chain to the zone.
func (p *Plan) secure(z *Zone) bool {
	for ; z != nil; z = p.parentOf(z) {
		if !z.supported() || len(z.DS) == 0 {
			return false
		}
	}
	return true
}

// supported reports whether validators support the zone's algorithm.
func (z *Zone) supported() bool { return z.Algorithm != 0 && z.Algorithm != unassigned }

// spec returns the testzone.Spec for the zone.
func (p *Plan) spec(z *Zone) testzone.Spec {
	s := testzone.Spec{
		Name: p.absolute(z.Name), Algorithm: z.Algorithm, Bits: rsaBits, CSK: z.CSK,
		Denial: z.Denial, Iterations: z.Iterations, Salt: z.Salt, DS: z.DS,
	}
	if z.Algorithm != 0 {
		s.Extra = phases[z.Phase]
	}
	for _, line := range z.Records {
		s.Records = append(s.Records, strings.ReplaceAll(line, topToken, p.Top+"."))
	}
	return s
}

// rsaBits is the size of RSA keys. Small keys sign faster.
const rsaBits = 1024

// String returns a readable description of the plan.
func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "defect: %s\n", p.Defect)
	for i := range p.Zones {
		z := &p.Zones[i]
		fmt.Fprintf(&b, "zone %s: ", p.absolute(z.Name))
		if z.Algorithm == 0 {
			fmt.Fprint(&b, "unsigned")
		} else {
			fmt.Fprintf(&b, "algorithm %d, %s", z.Algorithm, z.Denial)
			if z.Iterations > 0 || z.Salt != "" {
				fmt.Fprintf(&b, " (%d iterations, salt %q)", z.Iterations, z.Salt)
			}
			fmt.Fprintf(&b, ", DS %v, keys: %s", z.DS, z.Phase)
			if z.CSK {
				fmt.Fprint(&b, ", CSK")
			}
		}
		fmt.Fprintln(&b)
		for _, line := range p.spec(z).Records {
			fmt.Fprintf(&b, "    %s\n", line)
		}
	}
	return b.String()
}

func (d Defect) String() string {
	if d.Kind == "" {
		return "none"
	}
	s := fmt.Sprintf("%s, zone %q", d.Kind, d.Zone)
	if d.Name != "" || d.Type != 0 {
		s += fmt.Sprintf(", %q", d.Name)
	}
	if d.Type != 0 {
		s += " " + dns.Type(d.Type).String()
	}
	return s
}
