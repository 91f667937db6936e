//go:build integration && linux

package integration

import (
	"strings"

	"github.com/miekg/dns"
)

// question is a question that every resolver is asked.
type question struct {
	name  string
	qtype uint16
}

func (q question) String() string { return q.name + " " + dns.TypeToString[q.qtype] }

// everyZone has the questions for each zone; @ is its apex.
const everyZone = `
@ SOA
@ NS
@ DNSKEY
@ DS
@ SRV
@ NSEC3PARAM
ns A
ns AAAA
nothing A
a.nothing A
`

// everyLeaf has the questions for each zone with content.
const everyLeaf = `
@ A
@ MX
@ TXT
www A
www AAAA
www TXT
www DS
www DNSKEY
mixed A
a.b.ent A
b.ent A
ent A
x.ent A
deep.x.ent TXT
a.wild A
a.b.wild A
a.wild TXT
a.wild MX
exact.wild A
exact.wild TXT
x.exact.wild A
wild A
*.wild A
*.wild MX
a.walias A
a.walias CNAME
a.walias MX
alias A
alias AAAA
alias TXT
alias CNAME
twice A
dangling A
nothing DS
`

// everyCrossing has the questions for each zone with aliases to other zones.
const everyCrossing = `
to-nsec A
to-nsec TXT
to-nsec3 A
to-insecure A
to-insecure CNAME
to-insecure TXT
to-expired A
to-expired CNAME
to-tampered A
to-tampered AAAA
to-name-error A
to-nodata A
to-wildcard A
to-wildcard MX
to-far A
d-nsec3 DNAME
d-nsec3 A
www.d-nsec3 A
www.d-nsec3 CNAME
nothing.d-nsec3 A
a.wild.d-nsec3 A
www.d-insecure A
www.d-insecure CNAME
www.d-expired A
www.d-expired CNAME
`

// outside has the questions for names outside of these zones.
const outside = `
nothing.example. A
a.nothing.example. A
nothing.thin. A
nothing. A
nothing. DS
a.nothing. A
example. DS
`

// questions returns all questions in the order in which they are asked.
func questions() []question {
	list := parse(outside, ".")
	for _, z := range world {
		list = append(list, parse(everyZone, z.name)...)
		if z.depth() > 1 {
			list = append(list, parse(everyLeaf, z.name)...)
		}
		if z.records == crossings {
			list = append(list, parse(everyCrossing, z.name)...)
		}
	}
	return list
}

func parse(lines, origin string) []question {
	var list []question
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		name, qtype, _ := strings.Cut(strings.TrimSpace(line), " ")
		list = append(list, question{absolute(name, origin), dns.StringToType[qtype]})
	}
	return list
}

func absolute(name, origin string) string {
	switch {
	case name == "@":
		return origin
	case strings.HasSuffix(name, "."):
		return name
	case origin == ".":
		return name + "."
	}
	return name + "." + origin
}
