package differential

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"maps"
	"slices"

	"github.com/miekg/dns"
)

// evidence is a digest of all answers that the verdict on a question can depend
// on: the answer itself, the answers for the targets of its aliases, and DS and
// DNSKEY of each name at or above their owner names.
type evidence [sha256.Size]byte

// Touches reports whether the plan's defect changes an answer that the verdict
// on the question can depend on.
func (b *Batch) Touches(p *Plan, q Question) bool {
	return gatherEvidence(q.In(p), b.changed) != b.intact[p][q] || b.deniesAbove(p, q)
}

// deniesAbove reports whether the edited answer is a name error at or above the
// qname, which denies the qname as well (RFC 8020).
func (b *Batch) deniesAbove(p *Plan, q Question) bool {
	_, ok := edits[p.Defect.Kind]
	changed := Question{Name: p.Defect.Name, Type: p.Defect.Type}.In(p)
	if !ok || !dns.IsSubDomain(changed.Name, q.In(p).Name) {
		return false
	}
	return b.changed(new(dns.Msg).SetQuestion(changed.Name, changed.Qtype).SetEdns0(1232, true)).Rcode == dns.RcodeNameError
}

// gatherEvidence collects the evidence for q.
func gatherEvidence(q dns.Question, answer func(*dns.Msg) *dns.Msg) evidence {
	g := evidenceGatherer{answer: answer, hash: sha256.New(), asked: make(map[dns.Question]bool)}
	names := make(map[string]bool)
	for todo := []string{q.Name}; len(todo) > 0; todo = todo[1:] {
		a := g.ask(todo[0], q.Qtype)
		if a == nil {
			continue
		}
		for _, rr := range slices.Concat(a.Answer, a.Ns) {
			names[rr.Header().Name] = true
			if cname, ok := rr.(*dns.CNAME); ok && q.Qtype != dns.TypeCNAME {
				todo = append(todo, cname.Target)
			}
		}
	}
	names[q.Name] = true
	above := make(map[string]bool)
	for name := range names {
		for off, end := 0, false; !end; off, end = dns.NextLabel(name, off) {
			above[name[off:]] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(above)) {
		g.askChain(name, dns.TypeDS)
		g.askChain(name, dns.TypeDNSKEY)
	}
	return evidence(g.hash.Sum(nil))
}

// evidenceGatherer collects the answers of an evidence.
type evidenceGatherer struct {
	answer func(*dns.Msg) *dns.Msg
	hash   hash.Hash
	asked  map[dns.Question]bool
}

// ask adds the answer to a question. It returns nil if the question was asked
// before.
func (g *evidenceGatherer) ask(name string, qtype uint16) *dns.Msg {
	m := new(dns.Msg).SetQuestion(name, qtype).SetEdns0(1232, true)
	if g.asked[m.Question[0]] {
		return nil
	}
	g.asked[m.Question[0]] = true
	a := g.answer(m)
	fmt.Fprintln(g.hash, m.Question[0], a.Rcode, a.Answer, a.Ns)
	return a
}

// askChain adds the answer for DS or DNSKEY. At an alias there is no zone cut,
// and the target of the alias does not count.
func (g *evidenceGatherer) askChain(name string, qtype uint16) {
	a := g.answer(new(dns.Msg).SetQuestion(name, qtype).SetEdns0(1232, true))
	records := slices.Concat(a.Answer, a.Ns)
	if slices.ContainsFunc(a.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeCNAME }) {
		records = slices.DeleteFunc(records, func(rr dns.RR) bool { return !dns.IsSubDomain(rr.Header().Name, name) })
	} else {
		fmt.Fprintln(g.hash, a.Rcode)
	}
	fmt.Fprintln(g.hash, name, qtype, records)
}
