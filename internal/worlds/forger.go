package worlds

import (
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/miekg/dns"
)

// forger makes the responses of an attacker: genuine RRsets of all zones and versions of
// a world, of which any may be left out, and unsigned records.
type forger struct {
	*signer
	versions versions
	genuine  []item // what is signed whatever the question is
	pools    map[question]pool
	random   *rand.Rand
}

// pool is what there is to choose from for a question: RRsets about the name, for the
// answer section, and all others.
type pool struct{ about, others []item }

func newForger(s *signer, v versions) *forger {
	f := &forger{signer: s, versions: v, pools: make(map[question]pool)}
	var sets []*Set
	for _, t := range v {
		sets = append(sets, t.sets...)
	}
	for _, set := range distinct(sets...) {
		f.genuine = append(f.genuine, item{set: set})
	}
	return f
}

// pool returns the pool of a question.
func (f *forger) pool(q question) pool {
	p, ok := f.pools[q]
	if !ok {
		p.about, p.others = f.gather(q.name, q.qtype)
		f.pools[q] = p
	}
	return p
}

// gather makes the pool of a question.
func (f *forger) gather(name string, qtype uint16) (about, others []item) {
	about = f.unsigned(name)
	for _, i := range f.genuine {
		if i.set.owner() == name || i.set.Type == dns.TypeDNAME && isBelow(name, i.set.owner()) {
			about = append(about, i)
		}
		if isWildcard(i.set.owner()) && isBelow(name, parent(i.set.owner())) {
			about = append(about, as(name, i.set))
		}
	}
	others = append(slices.Clone(f.genuine), f.expandedDenials(name)...)
	for _, t := range f.versions {
		about = append(about, f.online(t, name, qtype)...)
		about = append(about, f.usurped(t.holding(name, qtype), name)...)
		about = append(about, f.ofClass(t.holding(name, qtype), name)...)
		for _, apex := range slices.Sorted(maps.Keys(t.zones)) {
			if z := t.zones[apex]; z.hostile {
				about = append(about, f.hostileData(z, name)...)
				others = append(others, f.hostileDenials(z, name)...)
			}
		}
		for above := name; isAtOrBelow(above, top); above = parent(above) {
			for _, set := range slices.Concat(f.compactAt(t, above), f.compactAt(t, wildcardAt(above))) {
				others = append(others, item{set: set})
			}
		}
	}
	return about, others
}

// expandedDenials returns the NSEC RRsets of wildcards, with the name as their owner name
// (RFC 4035, section 5.4).
func (f *forger) expandedDenials(name string) []item {
	var items []item
	for _, i := range f.genuine {
		if i.set.Type == dns.TypeNSEC && isWildcard(i.set.owner()) && isBelow(name, parent(i.set.owner())) {
			items = append(items, as(name, i.set))
		}
	}
	return items
}

// online returns what an on-line signer answers for a name that a wildcard stands for.
func (f *forger) online(t *tree, name string, qtype uint16) []item {
	s := t.step(name, qtype)
	switch {
	case s.outcome == answered && s.zone.mode == Compact:
		return []item{{set: f.data(s.zone, s.source, name, qtype)}}
	case s.outcome == aliased && s.zone.mode == Compact:
		return []item{{set: f.data(s.zone, s.source, name, dns.TypeCNAME)}}
	}
	return nil
}

// unsigned returns records that nobody signed.
func (f *forger) unsigned(name string) []item {
	items := []item{
		{record: &dns.A{Hdr: header(name, dns.TypeA), A: []byte{6, 6, 6, 6}}},
		{record: &dns.CNAME{Hdr: header(name, dns.TypeCNAME), Target: aliasTarget}},
		{record: &dns.CNAME{Hdr: header(name, dns.TypeCNAME), Target: outside}},
	}
	if isBelow(name, top) {
		items = append(items, item{record: &dns.DNAME{Hdr: header(parent(name), dns.TypeDNAME), Target: outside}})
	}
	for _, i := range f.genuine {
		if rr, ok := i.set.RRs[0].(*dns.DNAME); ok && isBelow(name, rr.Hdr.Name) {
			items = append(items, synthesizedCNAME(name, substitute(name, rr.Hdr.Name, rr.Target)))
		}
	}
	return items
}

// forge makes a response: half of them are the honest one, changed. It is the same for
// the same seed and question, whatever was asked in the meantime.
func (f *forger) forge(q question, seed uint64) *response {
	h := fnv.New64()
	h.Write([]byte(q.String()))
	chosen := *f
	chosen.random = rand.New(rand.NewPCG(seed, h.Sum64()))
	return chosen.choose(q)
}

// choose chooses the records of a response.
func (f *forger) choose(q question) *response {
	about, others := f.pool(q).about, f.pool(q).others
	r := new(response)
	if f.random.IntN(2) == 0 {
		t := f.versions[f.random.IntN(len(f.versions))]
		*r = f.thinned(&authority{f.signer, t}.answer(q.name, q.qtype).response)
		r.answer = append(r.answer, f.some(about, 1)...)
		r.authority = append(r.authority, f.some(others, 2)...)
	} else {
		r.answer = f.some(about, 2)
		r.authority = f.some(others, 4)
	}
	if f.random.IntN(8) == 0 {
		r.answer = append(r.answer, f.some(others, 2)...)
	}
	if f.random.IntN(8) == 0 {
		f.strip(r)
	}
	if f.random.IntN(8) == 0 {
		f.reclassify(r)
	}
	switch f.random.IntN(12) {
	case 0, 1, 2, 3:
		r.rcode = dns.RcodeNameError - r.rcode
	case 4:
		r.rcode = otherCodes[f.random.IntN(len(otherCodes))]
	}
	if f.random.IntN(8) == 0 {
		r.style = style{upper: f.random.IntN(2) == 0, ttl: ttls[f.random.IntN(len(ttls))]}
	}
	return r
}

// otherCodes are response codes besides NOERROR and NXDOMAIN, and ttls are those of the
// attacker. The first leaves them as they are.
var (
	otherCodes = []int{dns.RcodeYXDomain, dns.RcodeServerFailure, dns.RcodeRefused, dns.RcodeFormatError, dns.RcodeNotImplemented}
	ttls       = []uint32{0, 1, 3601, 1 << 20, 1 << 31}
)

// foreign are the classes that the attacker puts instead of IN.
var foreign = []uint16{dns.ClassCHAOS, dns.ClassANY, dns.ClassNONE, dns.ClassHESIOD}

// reclassify gives one RRset of the answer or the authority section, its signature, or
// both another class.
func (f *forger) reclassify(r *response) {
	class := foreign[f.random.IntN(len(foreign))]
	c := []classes{{class, class}, {class, dns.ClassINET}, {dns.ClassINET, class}}[f.random.IntN(3)]
	for _, section := range [][]item{r.answer, r.authority} {
		if n := len(section); n > 0 && f.random.IntN(2) == 0 {
			section[f.random.IntN(n)].class = c
		}
	}
}

// thinned returns a copy of a response that may lack items.
func (f *forger) thinned(r *response) response {
	lacks := func(item) bool { return f.random.IntN(4) == 0 }
	return response{rcode: r.rcode, answer: slices.DeleteFunc(slices.Clone(r.answer), lacks), authority: slices.DeleteFunc(slices.Clone(r.authority), lacks)}
}

// some returns up to most items.
func (f *forger) some(pool []item, most int) []item {
	var chosen []item
	for range f.random.IntN(most + 1) {
		if len(pool) > 0 {
			chosen = append(chosen, pool[f.random.IntN(len(pool))])
		}
	}
	return chosen
}

// strip takes the signature of one RRset away.
func (f *forger) strip(r *response) {
	if n := len(r.authority); n > 0 {
		r.authority[f.random.IntN(n)].bare = true
	}
	if n := len(r.answer); n > 0 && f.random.IntN(2) == 0 {
		r.answer[f.random.IntN(n)].bare = true
	}
}
