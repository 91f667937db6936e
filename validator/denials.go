package validator

import (
	"sync"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/miekg/dns"
)

// denials is what zones have proven not to exist, and the wildcards in them, kept for
// names that were not asked for yet (RFC 8198). It is bounded, and drops what was used
// longest ago.
type denials struct {
	mu        sync.Mutex // must not be locked while a worker is waited for
	zones     map[string]*deniedZone
	spans     *simplelru.LRU[spanKey, keptSpan]
	wildcards *simplelru.LRU[question, keptProof] // by the wildcard's name and the type
}

// deniedZone is the entry of one zone.
type deniedZone struct {
	name    string
	anchors *anchor.Set // from which the spans were proven
	spans   *dnssec.Spans
	soa     keptProof
}

// spanKey is the key of an NSEC or NSEC3 record: its zone and its owner name.
type spanKey struct {
	zone  *deniedZone
	owner string
}

// keptSpan is the span that a record denies, until it expires.
type keptSpan struct {
	*dnssec.Span
	expires time.Time
}

// keptProof is an RRset that was proven, until it expires.
type keptProof struct {
	*dnssec.Authenticated
	anchors *anchor.Set
	expires time.Time
}

// holds reports whether the proof counts for a query.
func (k keptProof) holds(q *query) bool { return k.anchors == q.anchors && q.now.Before(k.expires) }

// newDenials makes denials with so many entries of each kind.
func newDenials(capacity int) (*denials, error) {
	d := &denials{zones: make(map[string]*deniedZone)}
	var err error
	if d.spans, err = simplelru.NewLRU(capacity, d.forget); err != nil {
		return nil, err
	}
	d.wildcards, err = simplelru.NewLRU[question, keptProof](capacity, nil)
	return d, err
}

// forget is called for a span that expired or was evicted.
func (d *denials) forget(key spanKey, kept keptSpan) {
	key.zone.spans.Remove(kept.Span)
	if key.zone.spans.Empty() && d.zones[key.zone.name] == key.zone {
		delete(d.zones, key.zone.name)
	}
}

// Len returns how many RRsets are kept.
func (d *denials) Len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.spans.Len() + d.wildcards.Len()
}

// zone returns the entry of a zone, an empty one if it was proven from other trust anchors.
func (d *denials) zone(name string, anchors *anchor.Set) *deniedZone {
	z := d.zones[name]
	if z == nil || z.anchors != anchors {
		z = &deniedZone{name: name, anchors: anchors, spans: dnssec.NewSpans(name)}
		d.zones[name] = z
	}
	return z
}

// keep adds the denial records of a response, each for its TTL or the zone's TTL of
// negative answers, whichever is less.
func (d *denials) keep(sets []*dnssec.Authenticated, negative uint32, q *query) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range sets {
		zone := d.zone(a.Signer(), q.anchors)
		if span := zone.spans.Insert(a); span != nil {
			d.spans.Add(spanKey{zone, a.RRset().Name}, keptSpan{span, q.until(min(negative, a.TTL()))})
		}
		if zone.spans.Empty() { // nothing would remove it later
			delete(d.zones, zone.name)
		}
	}
}

// keepSOA adds the SOA of a zone, which belongs to each denial. It is of no use alone.
func (d *denials) keepSOA(a *dnssec.Authenticated, negative uint32, q *query) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if zone := d.zones[a.Signer()]; zone != nil && zone.anchors == q.anchors {
		zone.soa = keptProof{a.Copy(), q.anchors, q.until(min(negative, a.TTL()))}
	}
}

// keepWildcard adds an RRset that is proven to be the expansion of a wildcard, unless it is large.
func (d *denials) keepWildcard(a *dnssec.Authenticated, encloser string, q *query) {
	if weight(a.RRset().RRs) > maxKept {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wildcards.Add(question{dnsname.Wildcard(encloser), a.RRset().Type}, keptProof{a.Copy(), q.anchors, q.until(a.TTL())})
}

// live returns the spans that have not expired, and when the first of them does.
func (d *denials) live(zone *deniedZone, spans []*dnssec.Span, now time.Time) (live []*dnssec.Span, expires time.Time) {
	live = spans[:0]
	for _, span := range spans {
		key := spanKey{zone, span.RRset().Name}
		kept, ok := d.spans.Get(key)
		if !ok || !now.Before(kept.expires) {
			d.spans.Remove(key)
			continue
		}
		live = append(live, span)
		expires = earlier(expires, kept.expires)
	}
	return live, expires
}

// denied is what is known about a name that was not asked for.
type denied struct {
	*dnssec.Denial
	spans   []*dnssec.Span
	soa     keptProof // which may have expired
	expires time.Time
}

// about returns the records of a zone that match or cover a name, its ancestors or the
// wildcards there, or nil.
func (d *denials) about(name, zone string, q *query) *denied {
	d.mu.Lock()
	defer d.mu.Unlock()
	z := d.zones[zone]
	if z == nil || z.anchors != q.anchors {
		return nil
	}
	return d.proofs(z, z.spans.About(name, dnssec.NewBudget(nil)), q)
}

// proofs returns what the spans that have not expired deny, or nil.
func (d *denials) proofs(z *deniedZone, spans []*dnssec.Span, q *query) *denied {
	live, expires := d.live(z, spans, q.now)
	if len(live) == 0 {
		return nil
	}
	return &denied{Denial: z.spans.Denial(live, dnssec.NewBudget(q.v.turns)), spans: live, soa: z.soa, expires: expires}
}

// wildcard returns the RRset of the deepest wildcard between zone and name that is known,
// and the record that covers the next closer name; nil if either is missing.
func (d *denials) wildcard(name, zone string, qtype uint16, q *query) (keptProof, *denied) {
	d.mu.Lock()
	defer d.mu.Unlock()
	z := d.zones[zone]
	if z == nil || z.anchors != q.anchors || d.wildcards.Len() == 0 {
		return keptProof{}, nil
	}
	for encloser := name; encloser != zone; {
		encloser = dnsname.Parent(encloser)
		found, _ := d.wildcards.Get(question{dnsname.Wildcard(encloser), qtype})
		if !found.holds(q) || found.Signer() != zone {
			continue
		}
		if span := z.spans.Covering(dnsname.NextCloser(name, encloser), dnssec.NewBudget(nil)); span != nil {
			return found, d.proofs(z, []*dnssec.Span{span}, q)
		}
		break
	}
	return keptProof{}, nil
}

// secondsLeft returns the TTL of what expires at a time.
func secondsLeft(expires, now time.Time) uint32 {
	return uint32(max(expires.Sub(now)/time.Second, 0))
}

// negativeTTL is how long a denial may be kept, as its SOA says it (RFC 2308, section
// 5; RFC 9077).
func negativeTTL(section []dns.RR) uint32 {
	ttl := ^uint32(0)
	for _, rr := range section {
		if soa, ok := rr.(*dns.SOA); ok {
			ttl = min(ttl, soa.Hdr.Ttl, soa.Minttl)
		}
	}
	return ttl
}
