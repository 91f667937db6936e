package dnssec

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// fixedZone returns a zone with a fixed key, so that signatures in the corpora stay
// valid.
func fixedZone(t testing.TB, name string) *testZone {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	s := newSigner(t, name, dns.ED25519)
	s.key.PublicKey = base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey))
	s.sign = func(data []byte) []byte { return ed25519.Sign(private, data) }
	return &testZone{signer: s, name: name, keys: keysOf(t, verifierAt(now), s)}
}

// fuzzSections returns the sections that seed the corpora.
func fuzzSections(t testing.TB, z *testZone) map[string][]dns.RR {
	t.Helper()
	return map[string][]dns.RR{
		"positive": z.signed(t, records(t, "www.example. 300 A 192.0.2.1", "www.example. 300 A 192.0.2.2", "www.example. 300 MX 1 Mail.example.")),
		"wildcard": append(z.signed(t, records(t, "a.b.example. 300 TXT x"), func(sig *dns.RRSIG) { sig.Labels = 1 }),
			z.signed(t, records(t, "a.example. 300 NSEC c.example. A RRSIG NSEC"))...),
		"name error":    z.signed(t, records(t, "example. 300 NSEC z.example. NS SOA RRSIG NSEC DNSKEY")),
		"NSEC3 nodata":  z.nsec3Section(t, n3{match: "www.example.", types: "A RRSIG"}),
		"NSEC3 opt-out": z.nsec3Section(t, apex3, coverXOut, coverStar),
		"NSEC3":         z.nsec3Section(t, apex3, coverX, coverStar),
	}
}

func packed(t testing.TB, section []dns.RR) []byte {
	t.Helper()
	wire, err := (&dns.Msg{Answer: section}).Pack()
	must(t, err)
	return wire
}

// FuzzResponse checks that no message causes a panic, and that miekg/dns verifies all
// that is authenticated.
func FuzzResponse(f *testing.F) {
	z := fixedZone(f, "example.")
	for _, section := range fuzzSections(f, z) {
		f.Add(packed(f, section), "x.example.")
	}
	f.Fuzz(func(t *testing.T, wire []byte, qname string) {
		msg := new(dns.Msg)
		if msg.Unpack(wire) != nil {
			t.Skip()
		}
		v := verifierAt(now)
		var sets []*Authenticated
		for _, set := range GroupRRsets(append(append(msg.Answer, msg.Ns...), msg.Extra...)) {
			a, failure := v.Authenticate(set, z.keys)
			if failure != nil {
				_ = failure.Error()
				continue
			}
			checkWithMiekg(t, z, a)
			sets = append(sets, a)
		}
		d := v.Denial("example.", sets)
		for _, q := range questions(dnsname.Canonical(qname)) {
			if _, got := q.of(d); got.Status == Secure && len(sets) == 0 {
				t.Errorf("%s of %s is secure by nothing", q.proof, q.name)
			}
		}
	})
}

func questions(name string) []question {
	return []question{nameError(name), noData(name, dns.TypeA), noData(name, dns.TypeDS), wildcardAnswer(name, "example."), delegation(name)}
}

// checkWithMiekg verifies the signature with miekg/dns, and makes the checks that
// miekg/dns leaves to its callers.
func checkWithMiekg(t *testing.T, z *testZone, a *Authenticated) {
	t.Helper()
	sig := dns.Copy(a.Signature()).(*dns.RRSIG)
	name := a.RRset().Name
	var rrs []dns.RR
	for _, rr := range a.RRset().RRs {
		rr = dns.Copy(rr)
		rr.Header().Name = name
		rrs = append(rrs, rr)
	}
	sig.Hdr.Name = name
	if err := sig.Verify(z.key, rrs); err != nil && sig.Labels > 0 {
		t.Errorf("%s is authentic by %s: %v", a.RRset(), sig, err)
	}
	if !dnsname.IsSubdomain(name, z.name) || !sig.ValidityPeriod(now) || int(sig.Labels) > dnsname.Labels(name) {
		t.Errorf("%s is authentic by %s", a.RRset(), sig)
	}
}

// FuzzDenial proves from records that are taken to be authenticated. The proofs have
// to terminate and to prove nothing about names outside the zone.
func FuzzDenial(f *testing.F) {
	for _, zone := range []string{"example.", "."} {
		for _, section := range fuzzSections(f, fixedZone(f, "example.")) {
			f.Add(packed(f, section), "x.example.", zone)
			f.Add(packed(f, section), "a.b.www.example.", zone)
		}
	}
	f.Fuzz(func(t *testing.T, wire []byte, qname, zone string) {
		msg := new(dns.Msg)
		if _, ok := dns.IsDomainName(qname); !ok || msg.Unpack(wire) != nil {
			t.Skip()
		}
		if _, ok := dns.IsDomainName(zone); !ok {
			t.Skip()
		}
		qname, zone = dnsname.Canonical(qname), dnsname.Canonical(zone)
		var sets []*Authenticated
		for _, set := range GroupRRsets(msg.Answer) {
			if zoneMayHold(&set, zone) {
				sig := &dns.RRSIG{Labels: uint8(dnsname.SignedLabels(set.Name))}
				sets = append(sets, &Authenticated{set: set, signer: zone, sig: sig})
			}
		}
		d := verifierAt(now).Denial(zone, sets)
		for _, q := range questions(qname) {
			if q.proof == "wildcard" {
				q.encloser = dnsname.Parent(qname)
			}
			if _, got := q.of(d); got.Status == Secure && !dnsname.IsSubdomain(qname, zone) {
				t.Errorf("%s denies %s by %s", zone, qname, q.proof)
			}
		}
	})
}

// unpacked returns the canonical name as unpacked from a message. ok is false if text
// is no name.
func unpacked(text string) (name string, ok bool) {
	wire := make([]byte, 256)
	if _, err := dns.PackDomainName(dns.Fqdn(text), wire, 0, nil, false); err != nil {
		return "", false
	}
	name, _, err := dns.UnpackDomainName(wire, 0)
	return dnsname.Canonical(name), err == nil
}

// FuzzNSECSpan checks that a record does not both match and cover a name, and that
// names it covers are in the zone and between its ends.
func FuzzNSECSpan(f *testing.F) {
	f.Add("a.", "c.", "b.example.", "example.", false)
	f.Add("x.", "", "z.example.", "example.", true)
	f.Add("a.", "b.c.", `\.c.example.`, "example.", false)
	f.Add("", "", "com.", ".", false)
	f.Fuzz(func(t *testing.T, owner, next, name, zone string, cut bool) {
		var ok [4]bool
		zone, ok[0] = unpacked(zone)
		owner, ok[1] = unpacked(owner + zone) // nsecRecords.add ignores records with other names
		next, ok[2] = unpacked(next + zone)
		name, ok[3] = unpacked(name)
		if ok != [4]bool{true, true, true, true} || !dnsname.IsSubdomain(owner, zone) || !dnsname.IsSubdomain(next, zone) {
			t.Skip()
		}
		r := nsecRecord{owner: owner, next: next}
		if cut {
			r.typeBitMap = typeBitMap{dns.TypeNS}
		}
		chain := nsecRecords{zone: zone, records: []nsecRecord{r}}
		_, matched := chain.match(name)
		_, covered := chain.cover(name)
		switch {
		case !covered:
		case matched:
			t.Errorf("%s to %s matches and covers %s", owner, next, name)
		case name == owner || name == next:
			t.Errorf("%s to %s covers its end %s", owner, next, name)
		case !dnsname.IsSubdomain(name, zone):
			t.Errorf("%s to %s covers %s outside %s", owner, next, name, zone)
		case cut && dnsname.IsSubdomain(name, owner):
			t.Errorf("the delegation %s covers %s", owner, name)
		case dnsname.Compare(owner, name) >= 0 || next != zone && dnsname.Compare(name, next) >= 0:
			t.Errorf("%s to %s covers %s", owner, next, name)
		}
	})
}

// FuzzNSEC3Span checks that a record does not cover its ends, and that it covers any
// other hash exactly if the record with the ends exchanged does not.
func FuzzNSEC3Span(f *testing.F) {
	for _, seed := range []string{"abc", "cab", "aab", "aaa", "aba"} {
		f.Add([]byte(strings.Repeat(seed[:1], 20)), []byte(strings.Repeat(seed[1:2], 20)), []byte(strings.Repeat(seed[2:], 20)))
	}
	f.Fuzz(func(t *testing.T, owner, next, hash []byte) {
		if len(owner) != 20 || len(next) != 20 || len(hash) != 20 {
			t.Skip()
		}
		r := nsec3Record{owner: nsec3Hash(owner), next: nsec3Hash(next)}
		other := nsec3Record{owner: r.next, next: r.owner}
		h := nsec3Hash(hash)
		switch {
		case h == r.owner:
			if r.covers(h) {
				t.Error("a record covers its owner")
			}
		case h == r.next:
			if r.covers(h) {
				t.Error("a record covers its next hash")
			}
		case r.owner == r.next:
			if !r.covers(h) {
				t.Error("the only record does not cover")
			}
		case r.covers(h) == other.covers(h):
			t.Errorf("%x is in both halves or in none", h)
		}
	})
}

// nsec3ZoneOf returns all NSEC3 records of a zone with the names, which are relative
// to example., and the set of its names including empty non-terminals.
func nsec3ZoneOf(names []string, budget *Budget) (chain *nsec3Records, exist map[string]bool) {
	chain = &nsec3Records{zone: "example.", budget: budget}
	exist = map[string]bool{"example.": true}
	for _, name := range names {
		name, _ = unpacked(name + ".example.")
		for ; name != "example."; name = dnsname.Parent(name) {
			exist[name] = true
		}
	}
	owners := make([]nsec3Hash, 0, len(exist))
	for name := range exist {
		owners = append(owners, chain.hashWire(dnsname.AppendWire(nil, name)))
	}
	slices.SortFunc(owners, func(a, b nsec3Hash) int { return bytes.Compare(a[:], b[:]) })
	for i, owner := range owners {
		chain.records = append(chain.records, nsec3Record{typeBitMap: typeBitMap{dns.TypeA}, owner: owner, next: owners[(i+1)%len(owners)]})
	}
	return chain, exist
}

// FuzzNSEC3Zone checks that all records of a zone prove a name error exactly for the
// names that do not exist, and that a part of the records proves it for no others.
func FuzzNSEC3Zone(f *testing.F) {
	f.Add("a b.c", "x", uint16(0xffff))
	f.Add("a b.c", "x.y.c", uint16(0xffff))
	f.Add("a.b.c.d", "c.d", uint16(0x5555))
	f.Add("*.w x.w", "y.w", uint16(0xffff))
	f.Add("", "a.b.c.d.e.f", uint16(1))
	f.Fuzz(func(t *testing.T, names, name string, some uint16) {
		fields := strings.Fields(names)
		for _, field := range append(fields, name) {
			if full, ok := unpacked(field + ".example."); !ok || len(fields) > 6 || !dnsname.IsBelow(full, "example.") {
				t.Skip()
			}
		}
		chain, exist := nsec3ZoneOf(fields, NewBudget(nil))
		if len(exist) > 16 {
			t.Skip()
		}
		name, _ = unpacked(name + ".example.")
		absent := !exist[name]
		for n := 1; absent && n <= dnsname.Labels(name); n++ { // no wildcard may match the name either
			if encloser := dnsname.Ancestor(name, n); exist[encloser] && !exist[dnsname.Ancestor(name, n+1)] {
				absent = !exist[dnsname.Wildcard(encloser)]
			}
		}
		if got := chain.nameError(name); (got.Status == Secure) != absent {
			t.Errorf("in a zone with %q the proof that %s is not there: %v", fields, name, got)
		}
		all := chain.records
		chain.records = nil
		for i, r := range all {
			if some>>i&1 == 1 {
				chain.records = append(chain.records, r)
			}
		}
		if got := chain.nameError(name); got.Status == Secure && !absent {
			t.Errorf("in a zone with %q some records prove that %s is not there", fields, name)
		}
	})
}
