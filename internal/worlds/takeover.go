package worlds

import (
	"math/rand/v2"

	"github.com/miekg/dns"
)

// takeover returns what the usurper of a zone below the top zone answers: his key as the
// DNSKEY RRset, data of his own to the client's question, and something else than the
// truth, or nothing, for the DS RRset. The rest is honest.
func (f *forger) takeover(z *zone, q question, honest func(question) *response, seed uint64) func(question) *response {
	own := f.usurped(z, q.name)
	return func(asked question) *response {
		switch asked {
		case q:
			return &response{answer: own[1:]}
		case question{z.apex, dns.TypeDNSKEY}:
			return &response{answer: own[:1]}
		case question{z.apex, dns.TypeDS}:
			return f.takeoverDS(asked, honest(asked), rand.New(rand.NewPCG(seed, 3)))
		default:
			return honest(asked)
		}
	}
}

// takeoverDS returns what the usurper answers for the DS of the zone: the honest response
// with RRsets of the parent of another class, with an unsigned DS, or without its signatures.
func (f *forger) takeoverDS(asked question, honest *response, random *rand.Rand) *response {
	r := *honest
	ds := f.usurper(asked.name).record.ToDS(dns.SHA256)
	ds.Hdr = header(asked.name, dns.TypeDS)
	choices := append(f.ofClass(f.versions[0].holding(asked.name, dns.TypeDS), asked.name), item{record: ds})
	chosen := choices[random.IntN(len(choices))]
	switch random.IntN(4) {
	case 0:
		r.answer = append([]item{chosen}, r.answer...)
	case 1:
		r = response{answer: []item{chosen}}
	case 2:
		r = response{answer: []item{chosen}, authority: honest.authority}
	default:
		r.answer, r.authority = withoutSignatures(r.answer), withoutSignatures(r.authority)
	}
	return &r
}

// withoutSignatures returns RRsets without their signatures.
func withoutSignatures(items []item) []item {
	bare := append([]item(nil), items...)
	for i := range bare {
		bare[i].bare = true
	}
	return bare
}
