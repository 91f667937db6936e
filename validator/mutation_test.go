package validator

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// mutation is one change of a response.
type mutation struct {
	what  string
	apply func(m *dns.Msg)
}

// sectionOf returns the answer or the authority section.
func sectionOf(m *dns.Msg, authority bool) *[]dns.RR {
	if authority {
		return &m.Ns
	}
	return &m.Answer
}

// mutations returns changes of a response: each record dropped, each record changed in each
// way, other records added, and the other response code.
func mutations(m *dns.Msg) []mutation {
	var all []mutation
	for _, authority := range []bool{false, true} {
		for i, rr := range *sectionOf(m, authority) {
			where := fmt.Sprintf("record %d (%s %s, authority %v)", i, rr.Header().Name, dns.Type(rr.Header().Rrtype), authority)
			all = append(all, mutation{where + " dropped", func(m *dns.Msg) {
				s := sectionOf(m, authority)
				*s = slices.Delete(*s, i, i+1)
			}})
			for _, e := range recordEdits(rr) {
				all = append(all, mutation{where + " " + e.what, func(m *dns.Msg) { e.edit((*sectionOf(m, authority))[i]) }})
			}
		}
	}
	return append(all, additions(m)...)
}

type recordEdit struct {
	what string
	edit func(rr dns.RR)
}

// recordEdits returns the changes of a record: those for all types, and those for its type.
func recordEdits(rr dns.RR) []recordEdit {
	edits := []recordEdit{
		{"with another owner", func(rr dns.RR) { rr.Header().Name = "evil." + strings.TrimPrefix(rr.Header().Name, ".") }},
		{"of class CH", func(rr dns.RR) { rr.Header().Class = dns.ClassCHAOS }},
		{"with a longer TTL", func(rr dns.RR) { rr.Header().Ttl += 1 << 20 }},
	}
	if _, ok := rr.(*dns.RRSIG); !ok {
		return append(edits, recordEdit{"with other RDATA", changeRDATA})
	}
	for what, edit := range map[string]func(*dns.RRSIG){
		"with a bit flipped": flip,
		"of another type":    func(s *dns.RRSIG) { s.TypeCovered ^= 1 },
		"of algorithm 8":     func(s *dns.RRSIG) { s.Algorithm ^= 1 },
		"with more labels":   func(s *dns.RRSIG) { s.Labels++ },
		"with fewer labels":  func(s *dns.RRSIG) { s.Labels-- },
		"with more TTL":      func(s *dns.RRSIG) { s.OrigTtl += 1 << 20 },
		"that expires later": func(s *dns.RRSIG) { s.Expiration++ },
		"that began before":  func(s *dns.RRSIG) { s.Inception-- },
		"with another tag":   func(s *dns.RRSIG) { s.KeyTag ^= 1 },
		"of another signer": func(s *dns.RRSIG) {
			if s.SignerName != "." {
				s.SignerName = dnsname.Parent(dnsname.Canonical(s.SignerName))
			} else {
				s.SignerName = "test."
			}
		},
		"of a signer below": func(s *dns.RRSIG) { s.SignerName = "www." + strings.TrimPrefix(s.SignerName, ".") },
		"without octets":    func(s *dns.RRSIG) { s.Signature = "" },
	} {
		edits = append(edits, recordEdit{what, func(rr dns.RR) { edit(rr.(*dns.RRSIG)) }})
	}
	slices.SortFunc(edits, func(a, b recordEdit) int { return strings.Compare(a.what, b.what) }) // the fuzz corpora refer to them by index
	return edits
}

// changeRDATA changes the RDATA to other well-formed RDATA.
func changeRDATA(rr dns.RR) {
	switch rr := rr.(type) {
	case *dns.A:
		rr.A = slices.Clone(rr.A)
		rr.A[len(rr.A)-1] ^= 1
	case *dns.AAAA:
		rr.AAAA = slices.Clone(rr.AAAA)
		rr.AAAA[len(rr.AAAA)-1] ^= 1
	case *dns.TXT:
		rr.Txt = append(slices.Clone(rr.Txt), "changed")
	case *dns.CNAME:
		rr.Target = "evil." + rr.Target
	case *dns.DNAME:
		rr.Target = "evil." + rr.Target
	case *dns.NS:
		rr.Ns = "evil." + rr.Ns
	case *dns.MX:
		rr.Preference ^= 1
	case *dns.SOA:
		rr.Serial++
	case *dns.DS:
		rr.KeyTag ^= 1
	case *dns.DNSKEY:
		rr.Flags ^= dns.SEP
	case *dns.NSEC:
		rr.NextDomain = "evil." + strings.TrimPrefix(rr.NextDomain, ".")
	case *dns.NSEC3:
		rr.TypeBitMap = append(slices.Clone(rr.TypeBitMap), dns.TypeCAA)
	default:
		panic("no other RDATA for " + rr.String())
	}
}

// additions returns mutations that add records that do not belong to the response, and the
// one with the other response code.
func additions(m *dns.Msg) []mutation {
	name := m.Question[0].Name
	forged := func(owner, rdata string) dns.RR {
		rr, err := dns.NewRR(owner + " 3600 IN " + rdata)
		if err != nil {
			panic(err)
		}
		return rr
	}
	return []mutation{
		{"with a forged record beside the answer", func(m *dns.Msg) { m.Answer = append(m.Answer, forged(name, "A 203.0.113.66")) }},
		{"with a forged record before the answer", func(m *dns.Msg) { m.Answer = slices.Insert(m.Answer, 0, forged(name, "TXT forged")) }},
		{"with a record of another zone", func(m *dns.Msg) { m.Answer = append(m.Answer, forged("www.alg13.example.", "A 203.0.113.66")) }},
		{"with a record of an unsigned zone", func(m *dns.Msg) { m.Answer = append(m.Answer, forged("www.unsigned.example.", "A 203.0.113.66")) }},
		{"with a record of class CH", func(m *dns.Msg) {
			m.Answer = append(m.Answer, forged(name, "A 203.0.113.66"))
			m.Answer[len(m.Answer)-1].Header().Class = dns.ClassCHAOS
		}},
		{"with forged NS", func(m *dns.Msg) { m.Ns = append(m.Ns, forged("example.", "NS ns.evil.test.")) }},
		{"with a forged SOA", func(m *dns.Msg) { m.Ns = append(m.Ns, forged("evil.example.", "SOA ns.evil. h.evil. 1 2 3 4 5")) }},
		{"with forged glue", func(m *dns.Msg) { m.Extra = append(m.Extra, forged("ns.example.", "A 203.0.113.66")) }},
		{"with the other code", func(m *dns.Msg) { m.Rcode ^= dns.RcodeNameError }},
	}
}

// mutatedZones has a zone of each kind of denial.
var mutatedZones = []string{"example.", "nsec3.test.", "compact.example.", "test."}

// TestMutations changes one thing in each kind of answer. What was changed must not reach
// the client, neither with AD nor without.
func TestMutations(t *testing.T) {
	w := richWorld(t)
	for _, zone := range mutatedZones {
		v := newTestValidator(t, w)
		for _, tc := range secureAnswers {
			name := tc.name + zone
			honest := w.Answer(newQuestion(name, tc.qtype, withDO))
			w.Intercept(nil)
			v.cache.failed.Purge()
			if got := ask(t, v, name, tc.qtype, withDO); !got.AuthenticatedData {
				if zone != "test." {
					t.Errorf("%s %s is not secure without a change", name, dns.Type(tc.qtype))
				}
				continue // in an opt-out span there may be an insecure delegation
			}
			for _, mu := range mutations(honest) {
				checkMutation(t, w, v, honest, tc.kind, mu)
			}
		}
	}
}

func checkMutation(t *testing.T, w *testzone.World, v *Validator, honest *dns.Msg, kind string, mu mutation) {
	t.Helper()
	mutated := honest.Copy()
	mu.apply(mutated)
	if mutated.String() == honest.String() {
		t.Errorf("%s: %s: changed nothing", kind, mu.what)
	}
	q := honest.Question[0]
	w.Intercept(func(asked, a *dns.Msg) *dns.Msg {
		if asked.Question[0] != q {
			return a
		}
		m := mutated.Copy()
		m.Id = asked.Id
		return m
	})
	v.cache.failed.Purge()
	m := ask(t, v, q.Name, q.Qtype, withDO)
	if m.Rcode == dns.RcodeNameError && strings.HasSuffix(q.Name, "compact.example.") && strings.Contains(kind, "NXDOMAIN") {
		m.Rcode = honest.Rcode // NXDOMAIN is proven; compact denial answers NOERROR
	}
	if wrong := differs(m, honest); wrong != "" {
		t.Errorf("%s, %s %s, %s: %s\n%s", kind, q.Name, dns.Type(q.Qtype), mu.what, wrong, m)
	}
}

// differs returns how an answer differs from the honest one, or an empty string. SERVFAIL
// without data is fine, and so is the honest answer with or without signatures and the
// CNAME of a DNAME.
func differs(m, honest *dns.Msg) string {
	got := slices.Concat(m.Answer, m.Ns)
	if m.Rcode == servfail {
		if len(got)+len(withOPT(m.Extra, nil)) > 0 {
			return "SERVFAIL with data"
		}
		return ""
	}
	if m.Rcode != honest.Rcode {
		return "the code is " + dns.RcodeToString[m.Rcode]
	}
	ttl := make(map[string]uint32)
	for _, rr := range slices.Concat(honest.Answer, honest.Ns) {
		ttl[text(rr)] = rr.Header().Ttl
	}
	for _, rr := range slices.Concat(got, withOPT(m.Extra, nil)) {
		if most, ok := ttl[text(rr)]; !ok || rr.Header().Ttl > most {
			return "changed: " + rr.String()
		}
	}
	has, want := records(essential(m.Answer)), records(essential(honest.Answer))
	if has != want && honest.Question[0].Qtype != dns.TypeANY { // RFC 8482
		return "the answer is not complete"
	}
	return ""
}

// essential returns the records without signatures and without the CNAMEs of DNAMEs.
func essential(answer []dns.RR) []dns.RR {
	var dnames []string
	for _, rr := range answer {
		if rr.Header().Rrtype == dns.TypeDNAME {
			dnames = append(dnames, dnsname.Canonical(rr.Header().Name))
		}
	}
	return slices.DeleteFunc(slices.Clone(answer), func(rr dns.RR) bool {
		name := dnsname.Canonical(rr.Header().Name)
		below := slices.ContainsFunc(dnames, func(d string) bool { return dnsname.IsBelow(name, d) })
		return rr.Header().Rrtype == dns.TypeRRSIG || rr.Header().Rrtype == dns.TypeCNAME && below
	})
}
