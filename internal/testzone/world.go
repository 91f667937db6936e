package testzone

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// Spec describes a zone.
type Spec struct {
	Name    string
	Records []string // zone-file lines relative to the zone; SOA and NS are added if missing
	TTL     uint32   // TTL of records without one; default 3600

	Algorithm uint8 // DNSSEC algorithm number; 0 for an unsigned zone
	Bits      int   // size of RSA keys; default 2048
	CSK       bool  // one key signs everything, instead of a KSK and a ZSK
	Extra     []ExtraKey

	Denial     Denial
	Iterations uint16 // of NSEC3
	Salt       string // of NSEC3, in hex

	// DS has the digest types of the DS RRs for the KSK; the default is
	// SHA-256. If it is empty but not nil, there are none, and the zone is an
	// island of security unless an extra key has a DS RR.
	DS []uint8

	Inception, Expiration time.Time // of the signatures; default from a day ago to 14 days from now
}

// World is a tree of zones and a resolver that answers from them. It is safe
// for concurrent use.
type World struct {
	mu    sync.RWMutex
	zones map[string]*Zone

	questionsMu sync.Mutex
	questions   map[Question]int

	intercept atomic.Pointer[func(q, a *dns.Msg) *dns.Msg]
	delay     atomic.Int64
}

// New builds and signs the zones. Without a Spec for the root, it adds a root
// zone signed with ECDSAP256SHA256. Each other zone is delegated from its
// closest ancestor, with a DS RRset if both are signed and insecurely
// otherwise.
func New(now time.Time, specs ...Spec) (*World, error) {
	w := &World{zones: make(map[string]*Zone), questions: make(map[Question]int)}
	isRoot := func(s Spec) bool { return dns.Fqdn(s.Name) == "." }
	if !slices.ContainsFunc(specs, isRoot) {
		specs = append(slices.Clone(specs), Spec{Name: ".", Algorithm: dns.ECDSAP256SHA256})
	}
	for _, spec := range specs {
		if err := w.addZone(now, spec); err != nil {
			return nil, err
		}
	}
	for _, z := range w.zones {
		if err := w.delegate(z); err != nil {
			return nil, err
		}
	}
	for _, z := range w.zones {
		z.index()
		if err := z.signAll(); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// addZone adds a zone with its keys and records, but does not sign it.
func (w *World) addZone(now time.Time, spec Spec) error {
	spec.setDefaults(now)
	if _, ok := dns.IsDomainName(spec.Name); !ok || spec.Name == "." && w.zones["."] != nil {
		return fmt.Errorf("testzone: bad zone name %q", spec.Name)
	}
	if w.zones[spec.Name] != nil {
		return fmt.Errorf("testzone: zone %s is there twice", spec.Name)
	}
	if _, err := hex.DecodeString(spec.Salt); err != nil {
		return fmt.Errorf("testzone: zone %s: salt: %w", spec.Name, err)
	}
	z := &Zone{Name: spec.Name, world: w, spec: spec, sets: make(map[setKey]*RRset)}
	w.zones[z.Name] = z
	if err := z.makeKeys(); err != nil {
		return err
	}
	rrs, err := z.parse(spec.Records)
	if err != nil {
		return err
	}
	for _, rr := range rrs {
		z.add(rr)
	}
	return z.completeApex()
}

func (s *Spec) setDefaults(now time.Time) {
	s.Name = dns.CanonicalName(s.Name)
	if s.TTL == 0 {
		s.TTL = 3600
	}
	if s.DS == nil {
		s.DS = []uint8{dns.SHA256}
	}
	now = now.Truncate(time.Hour)
	if s.Inception.IsZero() {
		s.Inception = now.AddDate(0, 0, -1)
	}
	if s.Expiration.IsZero() {
		s.Expiration = now.AddDate(0, 0, 14)
	}
}

func (z *Zone) makeKeys() (err error) {
	if z.spec.Algorithm == 0 {
		return nil
	}
	if z.KSK, err = newKey(z.Name, KSK, &z.spec); err != nil {
		return err
	}
	if err := z.makeExtraKeys(); err != nil {
		return err
	}
	if z.spec.CSK {
		z.ZSK = z.KSK
		return nil
	}
	// Key tags must not collide by chance: that is a test of its own. RSA keys
	// are cached and would collide again, so don't try forever.
	for range 3 {
		if z.ZSK, err = newKey(z.Name, ZSK, &z.spec); err != nil || z.ZSK.tag != z.KSK.tag {
			return err
		}
	}
	return nil
}

// completeApex adds the SOA and NS RRsets if they are missing.
func (z *Zone) completeApex() error {
	var lines []string
	if z.set(z.Name, dns.TypeSOA) == nil {
		lines = append(lines, "@ SOA ns hostmaster 1 7200 3600 1209600 300")
	}
	if z.set(z.Name, dns.TypeNS) == nil {
		lines = append(lines, "@ NS ns", "ns A 192.0.2.53")
	}
	rrs, err := z.parse(lines)
	for _, rr := range rrs {
		z.add(rr)
	}
	return err
}

// delegate adds the NS and DS RRs and the glue for z to its parent zone.
func (w *World) delegate(z *Zone) error {
	up, ok := parent(z.Name)
	if !ok {
		return nil
	}
	z.parent = w.closest(up)
	for _, rr := range z.set(z.Name, dns.TypeNS).RRs {
		z.parent.add(dns.Copy(rr))
		for _, typ := range []uint16{dns.TypeA, dns.TypeAAAA} {
			if glue := z.set(rr.(*dns.NS).Ns, typ); glue != nil {
				z.parent.addAll(glue.RRs)
			}
		}
	}
	if !z.Signed() || !z.parent.Signed() {
		return nil
	}
	for _, digest := range z.spec.DS {
		ds := z.KSK.ds(digest)
		ds.Hdr.Ttl = z.parent.spec.TTL
		z.parent.add(ds)
	}
	z.delegateExtraKeys()
	return nil
}

func (z *Zone) addAll(rrs []dns.RR) {
	for _, rr := range rrs {
		z.add(dns.Copy(rr))
	}
}

// ds returns the DS RR for k. For a digest type that is not implemented it
// contains the SHA-256 digest.
func (k *Key) ds(digest uint8) *dns.DS {
	ds := k.DNSKEY.ToDS(digest)
	if ds == nil {
		ds = k.DNSKEY.ToDS(dns.SHA256)
		ds.DigestType = digest
	}
	return ds
}

// closest returns the zone with the longest name at or above name.
func (w *World) closest(name string) *Zone {
	for {
		if z := w.zones[name]; z != nil {
			return z
		}
		up, ok := parent(name)
		if !ok {
			return nil
		}
		name = up
	}
}

// Zone returns the zone with the given name, or nil.
func (w *World) Zone(name string) *Zone { return w.zones[dns.CanonicalName(name)] }

// Anchors returns the zone's trust anchors as DS RRs in zone-file format. They
// match the current KSK. An unsigned zone has none.
func (w *World) Anchors(zone string) []string {
	return w.anchors(zone, func(k *Key) dns.RR { return k.ds(dns.SHA256) })
}

// AnchorKeys is Anchors with DNSKEY RRs instead of DS RRs.
func (w *World) AnchorKeys(zone string) []string {
	return w.anchors(zone, func(k *Key) dns.RR { return k.DNSKEY })
}

func (w *World) anchors(zone string, form func(*Key) dns.RR) []string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	z := w.Zone(zone)
	if z == nil || !z.Signed() {
		return nil
	}
	return []string{form(z.KSK).String()}
}

// Break applies breakages to a zone. It returns an error if a breakage does not
// find its target or changes nothing, so that no test passes because of that.
func (w *World) Break(zone string, breakages ...Breakage) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	z := w.Zone(zone)
	if z == nil {
		return fmt.Errorf("testzone: no zone %s", zone)
	}
	for _, b := range breakages {
		before := z.fingerprint()
		if err := b.apply(z); err != nil {
			return fmt.Errorf("%s: %w", b.Name, err)
		}
		if z.fingerprint() == before {
			return fmt.Errorf("%s: %w in zone %s", b.Name, errUnchanged, z.Name)
		}
		z.index()
	}
	return nil
}

var errUnchanged = errors.New("testzone: the breakage changed nothing")
