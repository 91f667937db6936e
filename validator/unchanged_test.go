package validator

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// lender is an Exchanger whose responses have records and sections that belong to others, as
// those of CoreDNS's file plugin belong to its zone.
type lender struct {
	next Exchanger
	edit func(section []dns.RR, qname string) []dns.RR

	mu   sync.Mutex
	lent []loan
}

// loan is a section with the memory behind it, and what was in it.
type loan struct {
	memory, records []dns.RR
	texts           []string
}

func (l *lender) Exchange(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
	m, err := l.next.Exchange(ctx, request, how)
	if err != nil {
		return nil, err
	}
	for _, section := range []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra} {
		*section = l.lend(l.edit(slices.Clone(*section), request.Question[0].Name))
	}
	return m, nil
}

func (l *lender) lend(section []dns.RR) []dns.RR {
	memory := append(slices.Clone(section), record("beyond.the.end. TXT end"), record("beyond.the.end. TXT end"))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lent = append(l.lent, loan{memory, slices.Clone(memory), texts(memory)})
	return memory[:len(section)]
}

func texts(records []dns.RR) (texts []string) {
	for _, rr := range records {
		texts = append(texts, rr.String())
	}
	return texts
}

// TestResponseUnchanged: what a response has may belong to a zone or to a cache, which other
// queries read.
func TestResponseUnchanged(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(section []dns.RR, qname string) []dns.RR
	}{
		{name: "as it is", edit: func(section []dns.RR, _ string) []dns.RR { return section }},
		{name: "signatures first", edit: func(section []dns.RR, _ string) []dns.RR {
			slices.SortStableFunc(section, func(a, b dns.RR) int { return -isType(a, dns.TypeRRSIG) + isType(b, dns.TypeRRSIG) })
			return section
		}},
		{name: "longer TTLs, and twice", edit: func(section []dns.RR, _ string) (edited []dns.RR) {
			for _, rr := range section {
				rr = dns.Copy(rr)
				rr.Header().Ttl += 86400 * (1 - uint32(isType(rr, dns.TypeOPT)))
				edited = append(edited, rr, rr)
			}
			return edited
		}},
		{name: "aliases without target", edit: func(section []dns.RR, qname string) []dns.RR {
			return slices.DeleteFunc(section, func(rr dns.RR) bool {
				return isType(rr, dns.TypeDNAME)+isType(rr, dns.TypeRRSIG)+isType(rr, dns.TypeOPT) == 0 && dnsname.Canonical(rr.Header().Name) != dnsname.Canonical(qname)
			})
		}},
		{name: "no CNAME", edit: func(section []dns.RR, _ string) []dns.RR {
			return slices.DeleteFunc(section, func(rr dns.RR) bool { return isType(rr, dns.TypeCNAME) == 1 })
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := richWorld(t)
			l := &lender{next: resolver{w}, edit: tc.edit}
			v := newTestValidator(t, w)
			v.exchanger = l
			for _, zone := range []string{"example.", "nsec3.test.", "unsigned.example."} {
				for _, q := range secureAnswers {
					for _, b := range []bits{{}, withDO} {
						ask(t, v, q.name+zone, q.qtype, b)
					}
				}
			}
			l.mu.Lock() // a question that was asked ahead may be under way
			defer l.mu.Unlock()
			for _, was := range l.lent {
				if !slices.Equal(was.memory, was.records) || !slices.Equal(texts(was.memory), was.texts) {
					t.Fatalf("changed:\n%v\nfrom\n%q", was.memory, was.texts)
				}
			}
		})
	}
}

// isType returns 1 for a record of the type, and 0 for others.
func isType(rr dns.RR, rtype uint16) int {
	if rr.Header().Rrtype == rtype {
		return 1
	}
	return 0
}
