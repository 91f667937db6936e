package differential

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// feature is an optional part of a zone: records, and questions about them.
// OTHER stands for the name of a zone in the same world.
type feature struct {
	records   []string
	questions string // lines of qname, qtype and kind
}

// apex has the questions that every zone gets.
const apex = `
@ SOA positive
@ NS positive
@ DNSKEY DNSKEY
@ DS DS
@ MX NODATA at the apex
@ NSEC3PARAM positive or NODATA
none A NXDOMAIN
none.none2 A NXDOMAIN
ns A positive
ns AAAA NODATA
`

var features = []feature{
	{[]string{"www A 192.0.2.1", "www AAAA 2001:db8::1"}, `
www A positive
www AAAA positive
www MX NODATA
www CNAME NODATA
www DS DS of no zone cut
www ANY ANY
www RRSIG RRSIG
www NSEC NSEC
x.www A NXDOMAIN
x.www DS NXDOMAIN
`},
	{[]string{"multi A 192.0.2.2", "multi A 192.0.2.3", "multi A 192.0.2.4"}, `
multi A positive
multi TXT NODATA
`},
	{[]string{"txt TXT one two", "mail MX 10 www"}, `
txt TXT positive
mail MX positive
mail A NODATA
`},
	{[]string{"a.b.ent A 192.0.2.5"}, `
a.b.ent A positive
b.ent A empty non-terminal
ent TXT empty non-terminal
ent DS DS of an empty non-terminal
x.ent A NXDOMAIN
x.b.ent A NXDOMAIN
`},
	{[]string{"*.wild A 192.0.2.6", "*.wild TXT w", "exact.wild MX 10 www"}, `
x.wild A wildcard
x.y.wild A wildcard
y.wild TXT wildcard
x.wild MX wildcard NODATA
x.wild DS wildcard NODATA
exact.wild A NODATA
x.exact.wild A NXDOMAIN
*.wild A wildcard itself
*.wild MX NODATA
x.*.wild A NXDOMAIN
wild A empty non-terminal
x.wild ANY ANY from a wildcard
`},
	{[]string{"*.cw CNAME www"}, `
x.cw A wildcard CNAME
x.cw CNAME wildcard CNAME itself
x.cw MX wildcard CNAME to NODATA
`},
	{[]string{"alias CNAME www", "twice CNAME alias"}, `
alias A CNAME
alias MX CNAME to NODATA
alias CNAME CNAME itself
alias DS CNAME to NODATA
twice A CNAME
`},
	{[]string{"dangling CNAME none"}, `
dangling A CNAME to NXDOMAIN
`},
	{[]string{"across CNAME www.OTHER", "acrossnx CNAME none.OTHER", "acrosswild CNAME q.wild.OTHER"}, `
across A CNAME across
across MX CNAME across to NODATA
acrossnx A CNAME across to NXDOMAIN
acrosswild A CNAME across to wildcard
`},
	{[]string{"dn DNAME OTHER"}, `
www.dn A DNAME
alias.dn A DNAME
none.dn A DNAME to NXDOMAIN
www.dn MX DNAME to NODATA
x.wild.dn A DNAME to wildcard
www.dn CNAME CNAME of a DNAME
dn DNAME DNAME itself
dn A NODATA at a DNAME
`},
	{[]string{"lame NS ns.elsewhere.TOP."}, `
lame DS DS of an insecure delegation
lam DS NXDOMAIN
`},
	{[]string{"lame.deep NS ns.elsewhere.TOP."}, `
lame.deep DS DS of an insecure delegation
deep A empty non-terminal
`},
}

// parseQuestions parses lines of qname, qtype and kind, relative to a zone.
func parseQuestions(lines, zone string) []Question {
	var list []Question
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		fields := strings.SplitN(strings.TrimSpace(line), " ", 3)
		list = append(list, Question{Name: join(fields[0], zone), Type: dns.StringToType[fields[1]], Kind: fields[2]})
	}
	return list
}

// withOther returns the records with OTHER replaced by the name of a zone.
func (f feature) withOther(other string) []string {
	var lines []string
	for _, line := range f.records {
		line = strings.ReplaceAll(line, "OTHER", strings.TrimPrefix(fmt.Sprintf("%s.%s", other, topToken), "."))
		lines = append(lines, line)
	}
	return lines
}
