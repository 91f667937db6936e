package validator

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// deep asks for names with as many labels as possible.
func deep(zone string) func(int) (string, uint16) {
	return func(i int) (string, uint16) {
		name := fmt.Sprintf("q%d.%s", i%names, zone)
		return strings.Repeat("a.", (250-len(name))/2) + name, dns.TypeA
	}
}

// denialAttacks are those of CVE-2023-50868: proofs with many hashes.
func denialAttacks() []attack {
	deny := func(iterations uint16, salt int) []testzone.Spec {
		specs := hosts("deny.", p384, address)
		specs[0].Denial, specs[0].Iterations, specs[0].Salt = testzone.NSEC3, iterations, strings.Repeat("ab", salt)
		return specs
	}
	return []attack{
		{
			name: "120 labels, 150 iterations with a salt of 255 octets", zones: deny(150, 255), ask: deep("deny."), warm: true,
			want: outcome{ad: true, rcode: dns.RcodeNameError}, cost: operations{hashes: 4, blocks: 4 * 760, questions: 2},
		},
		{
			name: "the same without the record of the closest encloser", zones: deny(150, 255), ask: deep("deny."), forge: withoutApex, warm: true,
			want: failsFor(dnssec.LimitExceeded), cost: operations{hashes: 12, blocks: dnssec.MaxHashBlocks, questions: 2},
		},
		{
			name: "the same without iterations and salt", zones: deny(0, 0), ask: deep("deny."), forge: withoutApex, warm: true,
			want: failsFor(dnssec.LimitExceeded), cost: operations{good: 1, hashes: dnssec.MaxHashes, blocks: dnssec.MaxHashes * 5, questions: 2},
		},
		{
			name: "120 labels, 2500 iterations", zones: deny(2500, 8), ask: deep("deny."), warm: true,
			want: outcome{rcode: dns.RcodeNameError, reason: dnssec.NSEC3IterationsHigh}, cost: operations{good: 1, questions: 2},
		},
		crowded("300 NSEC3 of P-384, rightly signed", p384, 300, 33),
		crowded("300 NSEC3 of P-256, rightly signed", p256, 300, 35),
		{
			name: "100 NSEC3 that nobody signed", zones: deny(0, 0), ask: deep("deny."), forge: manyNSEC3(100), warm: true,
			want: failsFor(dnssec.LimitExceeded), cost: operations{bad: 4, questions: 2},
		},
	}
}

// crowded has n NSEC3 records of the zone in each response, all with good signatures.
func crowded(name string, algorithm uint8, n, good int) attack {
	spec := testzone.Spec{Name: "deny.", Algorithm: algorithm, Denial: testzone.NSEC3}
	for i := range n {
		spec.Records = append(spec.Records, fmt.Sprintf("n%d A 192.0.2.1", i))
	}
	var all []dns.RR
	return attack{
		name: name, zones: []testzone.Spec{spec}, ask: host("no.deny.", dns.TypeA),
		build: func(_ testing.TB, w *testzone.World, zone string) {
			all = slices.DeleteFunc(w.Zone(zone).Records(), func(rr dns.RR) bool { return covered(rr) != dns.TypeNSEC3 })
		},
		forge: func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Qtype == dns.TypeA {
				a.Ns = append(slices.Clone(all), a.Ns...)
			}
			return a
		},
		want: failsFor(dnssec.LimitExceeded), cost: operations{good: good, hashes: 3, blocks: 3, questions: 8},
	}
}

// withoutApex leaves out the NSEC3 that matches the apex, so that the search for the closest
// encloser hashes every name.
func withoutApex(_, a *dns.Msg) *dns.Msg {
	owner := ""
	for _, rr := range a.Ns {
		if nsec3, ok := rr.(*dns.NSEC3); ok && slices.Contains(nsec3.TypeBitMap, dns.TypeSOA) {
			owner = nsec3.Hdr.Name
		}
	}
	a.Ns = slices.DeleteFunc(a.Ns, func(rr dns.RR) bool { return rr.Header().Name == owner })
	return a
}

// manyNSEC3 replaces a denial by n NSEC3 records with other owner names and the signature
// of the first.
func manyNSEC3(n int) func(q, a *dns.Msg) *dns.Msg {
	return func(_, a *dns.Msg) *dns.Msg {
		denial := slices.DeleteFunc(copies(a.Ns), func(rr dns.RR) bool {
			sig, ok := rr.(*dns.RRSIG)
			return rr.Header().Rrtype != dns.TypeNSEC3 && !(ok && sig.TypeCovered == dns.TypeNSEC3)
		})
		if len(denial) < 2 || a.Question[0].Qtype != dns.TypeA {
			return a
		}
		a.Ns = nil
		for i := range n {
			for _, rr := range copies(denial[:2]) {
				rr.Header().Name = fmt.Sprintf("%032d.deny.", i)
				a.Ns = append(a.Ns, rr)
			}
		}
		return a
	}
}

// chainAttacks have many aliases, zones or signers.
func chainAttacks() []attack {
	aliases := func(n int) (data []string) {
		data = append(data, "end A 192.0.2.1")
		for i := range names {
			target := "end"
			for j := n - 1; j > 0; j-- {
				data = append(data, fmt.Sprintf("c%d-%d CNAME %s", j, i, target))
				target = fmt.Sprintf("c%d-%d", j, i)
			}
			data = append(data, fmt.Sprintf("n%d CNAME %s", i, target))
		}
		return data
	}
	links := func(records []string) []testzone.Spec {
		return []testzone.Spec{{Name: "links.", Algorithm: p384, Records: records}}
	}
	dnames := func(n int) (data []string) {
		for i := range n {
			data = append(data, fmt.Sprintf("d%d DNAME d%d.links.", i, i+1))
		}
		return append(data, fmt.Sprintf("*.d%d A 192.0.2.1", n))
	}
	ask := host("links.", dns.TypeA)
	empty := links([]string{strings.Repeat("x.", 100) + "end A 192.0.2.1"})
	empty[0].Denial = testzone.NSEC3
	return []attack{
		{
			name: "11 aliases", zones: links(aliases(maxLinks)), ask: ask, warm: true,
			want: outcome{ad: true}, cost: operations{good: maxLinks, questions: 2},
		},
		{
			name: "12 aliases", zones: links(aliases(maxLinks + 1)), ask: ask, warm: true,
			want: failsFor(dnssec.CNAMEChainInvalid), cost: operations{questions: 6},
		},
		{
			name: "11 aliases, each given alone", zones: links(aliases(maxLinks)), forge: aliasesAlone, ask: ask, warm: true,
			want: outcome{ad: true}, cost: operations{good: maxLinks, questions: 2 * maxLinks},
		},
		{
			name: "11 DNAMEs", zones: links(dnames(maxLinks)), warm: true,
			ask:  func(i int) (string, uint16) { return fmt.Sprintf("q%d.d0.links.", i%names), dns.TypeA },
			want: outcome{ad: true}, cost: operations{questions: 2}, // the DNAMEs are known from the last time
		},
		{
			name: "aliases in a circle", zones: links(nil), forge: leads("n0.links. CNAME n1.links.", "n1.links. CNAME n0.links."), ask: func(int) (string, uint16) { return "n0.links.", dns.TypeA },
			want: failsFor(dnssec.CNAMEChainInvalid), cost: operations{questions: 3},
		},
		{
			name: "DNAME that leads below itself", zones: links(nil), forge: leads("d.links. DNAME x.d.links."),
			ask:  func(i int) (string, uint16) { return fmt.Sprintf("q%d.d.links.", i%names), dns.TypeA },
			want: failsFor(dnssec.CNAMEChainInvalid), cost: operations{questions: 3},
		},
		{
			name: "100 cuts", zones: cuts(100), ask: func(int) (string, uint16) { return "www." + strings.Repeat("x.", 100), dns.TypeA },
			want: failsFor(dnssec.LimitExceeded), cost: operations{questions: 1 + maxQuestions},
		},
		{
			name: "unsigned answer below 100 names that are empty", zones: links([]string{strings.Repeat("x.", 100) + "end A 192.0.2.1"}), forge: unsignedA,
			ask:  func(int) (string, uint16) { return strings.Repeat("x.", 100) + "end.links.", dns.TypeA },
			want: failsFor(dnssec.SignatureMissing), cost: operations{good: 5, questions: 10}, // one NSEC denies all zone cuts
		},
		{
			name: "the same with a signature that nobody made", zones: links([]string{strings.Repeat("x.", 100) + "end A 192.0.2.1"}), forge: wronglySignedA,
			ask:  func(int) (string, uint16) { return strings.Repeat("x.", 100) + "end.links.", dns.TypeA },
			want: failsFor(dnssec.SignatureInvalid), cost: operations{good: 5, bad: 1, questions: 10},
		},
		{
			name: "the same with NSEC3", zones: empty, forge: unsignedA,
			ask:  func(int) (string, uint16) { return strings.Repeat("x.", 100) + "end.links.", dns.TypeA },
			want: failsFor(dnssec.SignatureMissing), cost: operations{good: 19, hashes: 16, blocks: 40, questions: 22},
		},
		{
			name: "11 aliases to zones of their own", zones: parents(linked(maxLinks, p256, testzone.NSEC, func(i int) string { return fmt.Sprintf("z.t%d.", i) }), p256, 1),
			ask:  func(int) (string, uint16) { return "www.z.t0.", dns.TypeA },
			want: outcome{ad: true}, cost: operations{good: 61, questions: 1 + maxQuestions + maxLinks*questionsPerLink},
		},
		{
			name: "signatures of 100 zones above", zones: links(nil), forge: manySigners, ask: deep("links."),
			want: outcome{ad: true, rcode: dns.RcodeNameError}, cost: operations{good: 6, questions: 20}, // the name is proven not to exist
		},
	}
}

// cuts returns n zones, each below the one before.
func cuts(n int) (specs []testzone.Spec) {
	for i := range n {
		specs = append(specs, testzone.Spec{Name: strings.Repeat("x.", i+1), Algorithm: p256, CSK: true, Records: []string{"www A 192.0.2.1"}})
	}
	return specs
}

// leads replaces the answers for addresses by records.
func leads(lines ...string) func(q, a *dns.Msg) *dns.Msg {
	return func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype == dns.TypeA {
			a.Rcode, a.Answer, a.Ns = dns.RcodeSuccess, nil, nil
			for _, line := range lines {
				rr, _ := dns.NewRR(line)
				a.Answer = append(a.Answer, rr)
			}
		}
		return a
	}
}

// unsignedA removes the signatures of answers for addresses.
func unsignedA(q, a *dns.Msg) *dns.Msg {
	if q.Question[0].Qtype == dns.TypeA {
		return unsigned(a)
	}
	return a
}

// wronglySignedA changes a bit of the signatures of answers for addresses.
func wronglySignedA(q, a *dns.Msg) *dns.Msg {
	for _, rr := range a.Answer {
		if sig, ok := rr.(*dns.RRSIG); ok && q.Question[0].Qtype == dns.TypeA {
			sig.Signature = "AAAA" + sig.Signature[4:]
		}
	}
	return a
}

// manySigners answers with an RRset that has a signature by each name above it.
func manySigners(q, a *dns.Msg) *dns.Msg {
	name := q.Question[0].Name
	if q.Question[0].Qtype != dns.TypeA {
		return a
	}
	rr, _ := dns.NewRR(name + " 60 IN A 192.0.2.1")
	a.Rcode, a.Ns, a.Answer = dns.RcodeSuccess, nil, []dns.RR{rr}
	for off, end := 0, false; !end; off, end = dns.NextLabel(name, off) {
		sig := badSignature(name, dns.TypeA, name[off:], p384, trapTag, 0)
		a.Answer = append(a.Answer, sig)
	}
	return a
}
