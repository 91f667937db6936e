package worlds

import "github.com/miekg/dns"

// A hostile zone signs records of other zones with its own keys, and names itself as the
// signer. A usurper signs with a key of his own, and names the zone as the signer.

// usurped returns RRsets of a zone that are signed with a key that no DS matches: the key
// itself, and an address.
func (f *forger) usurped(z *zone, name string) []item {
	if z == nil {
		return nil
	}
	key := f.usurper(z.apex)
	sign := func(rr dns.RR) item {
		sig := f.signature(key, []dns.RR{rr})
		return item{set: &Set{Zone: "usurper of " + z.apex, Of: rr.Header().Name, Type: rr.Header().Rrtype, RRs: []dns.RR{rr}, Sig: sig}}
	}
	return []item{sign(key.record), sign(&dns.A{Hdr: header(name, dns.TypeA), A: []byte{6, 6, 6, 6}})}
}

// usurper returns the key with which the usurper of a zone signs.
func (f *forger) usurper(apex string) *zoneKey {
	forged := f.key("usurper of " + apex)
	key := dns.Copy(forged.record).(*dns.DNSKEY)
	key.Hdr.Name = apex
	return &zoneKey{private: forged.private, record: key}
}

// ofClass returns RRsets that a zone signed with its own key in class CH, where the
// attacker has a zone of the same name: an address, and the DS of the usurper's key.
// They also come as records of class IN.
func (f *forger) ofClass(z *zone, name string) []item {
	if z == nil || !z.signed || z.hostile {
		return nil
	}
	sign := func(rr dns.RR) item {
		rr.Header().Class = dns.ClassCHAOS
		return item{set: f.sign(z.apex, name, rr)}
	}
	items := []item{sign(&dns.A{Hdr: header(name, dns.TypeA), A: []byte{6, 6, 6, 6}})}
	if isBelow(name, z.apex) {
		ds := f.usurper(name).record.ToDS(dns.SHA256)
		ds.Hdr = header(name, dns.TypeDS)
		items = append(items, sign(ds))
	}
	for _, i := range items {
		i.class = classes{dns.ClassINET, dns.ClassINET}
		items = append(items, i)
	}
	return items
}

// hostileData returns RRsets about a name outside the hostile zone.
func (f *forger) hostileData(z *zone, name string) []item {
	if isAtOrBelow(name, z.apex) {
		return nil
	}
	sign := func(rr dns.RR) item { return item{set: f.sign(z.apex, name, rr)} }
	items := []item{
		sign(&dns.A{Hdr: header(name, dns.TypeA), A: []byte{6, 6, 6, 6}}),
		sign(&dns.CNAME{Hdr: header(name, dns.TypeCNAME), Target: z.apex}),
	}
	if name != top {
		ds := f.key(z.apex).record.ToDS(dns.SHA256)
		ds.Hdr = header(name, dns.TypeDS)
		wildcard := f.sign(z.apex, name, &dns.A{Hdr: header(wildcardAt(top), dns.TypeA), A: []byte{6, 6, 6, 6}})
		items = append(items, sign(ds), as(name, wildcard), sign(&dns.DNAME{Hdr: header(parent(name), dns.TypeDNAME), Target: z.apex}))
	}
	return items
}

// hostileDenials returns NSEC, NSEC3 and SOA RRsets that deny a name outside the hostile
// zone.
func (f *forger) hostileDenials(z *zone, name string) []item {
	if isAtOrBelow(name, z.apex) {
		return nil
	}
	types := []uint16{dns.TypeNS, dns.TypeRRSIG, dns.TypeNSEC}
	denial := func(owner, next string) item {
		return item{set: f.sign(z.apex, owner, &dns.NSEC{Hdr: header(owner, dns.TypeNSEC), NextDomain: next, TypeBitMap: types})}
	}
	nsec3 := &dns.NSEC3{Hdr: header(f.hash(name, 0)+"."+top, dns.TypeNSEC3), Hash: dns.SHA1, SaltLength: 2, Salt: saltText(0), HashLength: 20, NextDomain: f.hash(top, 0), TypeBitMap: types}
	own := &dns.NSEC3{Hdr: header(f.hash(z.apex, 0)+"."+z.apex, dns.TypeNSEC3), Hash: dns.SHA1, SaltLength: 2, Salt: saltText(0), HashLength: 20, NextDomain: f.hash(z.apex, 0), Flags: 1, TypeBitMap: types}
	return []item{
		denial(z.apex, z.apex), denial(z.apex, top), denial(top, z.apex), denial(name, z.apex), denial(wildcardAt(z.apex), wildcardAt(z.apex)),
		{set: f.sign(z.apex, name, nsec3)}, {set: f.sign(z.apex, z.apex, own)},
		{set: f.sign(z.apex, top, soaOf(top))},
	}
}
