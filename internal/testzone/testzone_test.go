package testzone

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

var now = time.Now()

// manyAlgorithms lists the algorithms of the zones algN.example.
var manyAlgorithms = []uint8{
	dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512,
	dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519, dns.ED448,
}

// mixedSpecs returns a tree with one zone of each kind.
func mixedSpecs() []Spec {
	records := []string{
		"WWW A 192.0.2.1", "www AAAA 2001:db8::1", "www 60 TXT one", "www 60 TXT two",
		"alias CNAME www", "across CNAME www.nsec3.test.", "nowhere CNAME no.such",
		"*.wild A 192.0.2.2", "*.cnames CNAME www", "*.text TXT t", "exact.wild TXT t",
		"a.b.ent A 192.0.2.3", "dn DNAME nsec3.test.", "lame NS ns.elsewhere.test.",
		"zero 0 A 192.0.2.4", `odd\032name\.x A 192.0.2.5`, "mail MX 10 WWW.Example.Test.",
	}
	specs := []Spec{
		{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: records},
		{Name: "compact.example.", Algorithm: dns.ECDSAP256SHA256, Denial: CompactNSEC, Records: records},
		{Name: "csk.example.", Algorithm: dns.ED25519, CSK: true, Records: records},
		{Name: "unsigned.example.", Records: records},
		{Name: "below.unsigned.example.", Algorithm: dns.ECDSAP256SHA256, Records: records},
		{Name: "private.example.", Algorithm: 200, Records: records},
		{Name: "island.example.", Algorithm: dns.ECDSAP256SHA256, DS: []uint8{}, Records: records},
		{Name: "test.", Algorithm: dns.ECDSAP256SHA256, Denial: NSEC3OptOut, Records: records},
		{Name: "nsec3.test.", Algorithm: dns.ECDSAP256SHA256, Denial: NSEC3, Iterations: 5, Salt: "beef", Records: records, DS: []uint8{1, 2, 4}},
		{Name: "unsigned.nsec3.test.", Records: records},
		{Name: "unsigned.test.", Records: records},
		{Name: "deep.in.out.test.", Records: records},
	}
	for _, alg := range manyAlgorithms {
		specs = append(specs, Spec{Name: algZone(alg), Algorithm: alg, Bits: 1024, Denial: Denial(alg % 2), Records: records})
	}
	return specs
}

func algZone(alg uint8) string {
	return map[uint8]string{5: "alg5", 7: "alg7", 8: "alg8", 10: "alg10", 13: "alg13", 14: "alg14", 15: "alg15", 16: "alg16"}[alg] + ".example."
}

func newWorld(t *testing.T, specs ...Spec) *World {
	t.Helper()
	w, err := New(now, specs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// ask returns the answer of w to a question with DO set.
func ask(w *World, name string, typ uint16) *dns.Msg {
	q := new(dns.Msg).SetQuestion(name, typ).SetEdns0(1232, true)
	return w.Answer(q)
}

// verify checks sig over rrs with the keys of the signer.
func verify(w *World, sig *dns.RRSIG, rrs []dns.RR) error {
	z := w.Zone(sig.SignerName)
	if z == nil {
		return dns.ErrKey
	}
	keys, _ := z.RRset(z.Name, dns.TypeDNSKEY)
	err := error(dns.ErrKey)
	for _, rr := range keys.RRs {
		key := rr.(*dns.DNSKEY)
		if key.KeyTag() != sig.KeyTag {
			continue
		}
		if err = sig.Verify(key, rrs); err == nil && !sig.ValidityPeriod(now) {
			err = dns.ErrTime
		}
	}
	return err
}

// verifiable reports whether miekg/dns supports the zone's algorithm.
func verifiable(z *Zone) bool {
	return z.spec.Algorithm != dns.ED448 && z.spec.Algorithm < 200
}

func TestSignaturesVerify(t *testing.T) {
	w := newWorld(t, mixedSpecs()...)
	for name, z := range w.zones {
		for key, set := range z.sets {
			signed := z.Signed() && z.authoritative(key.name, key.typ)
			if got := len(set.Sigs) == 1; got != signed {
				t.Errorf("zone %s, %v: %d signatures, want signed: %v", name, key, len(set.Sigs), signed)
			}
			for _, sig := range set.Sigs {
				if !verifiable(z) {
					continue
				}
				if err := verify(w, sig, set.RRs); err != nil {
					t.Errorf("zone %s, %v: %v", name, key, err)
				}
			}
		}
	}
}

func TestDelegations(t *testing.T) {
	w := newWorld(t, mixedSpecs()...)
	for name, z := range w.zones {
		if z.parent == nil {
			continue
		}
		set, ok := z.parent.RRset(name, dns.TypeDS)
		if want := z.Signed() && z.parent.Signed() && len(z.spec.DS) > 0; ok != want {
			t.Errorf("%s: has DS is %v, want %v", name, ok, want)
		}
		for i, rr := range set.RRs {
			if want := z.KSK.DNSKEY.ToDS(z.spec.DS[i]); want.Digest != rr.(*dns.DS).Digest {
				t.Errorf("%s: DS %v, want %v", name, rr, want)
			}
		}
		if _, ok := z.parent.RRset(name, dns.TypeNS); !ok {
			t.Errorf("%s is not delegated", name)
		}
	}
}

// TestNSECChain follows the NSEC chain from the apex back to the apex.
func TestNSECChain(t *testing.T) {
	w := newWorld(t, mixedSpecs()...)
	for _, apex := range []string{".", "example.", "csk.example."} {
		z := w.Zone(apex)
		seen := []string{apex}
		for {
			set, ok := z.RRset(seen[len(seen)-1], dns.TypeNSEC)
			if !ok {
				t.Fatalf("no NSEC at %s", seen[len(seen)-1])
			}
			next := set.RRs[0].(*dns.NSEC).NextDomain
			if next == apex {
				break
			}
			if compareNames(seen[len(seen)-1], next) >= 0 {
				t.Fatalf("%s is not after %s", next, seen[len(seen)-1])
			}
			seen = append(seen, next)
		}
		for key := range z.sets {
			if slices.Contains(seen, key.name) == z.isBelowCut(key.name) {
				t.Errorf("zone %s: %s: in the chain is %v", apex, key.name, z.isBelowCut(key.name))
			}
		}
	}
}

func TestCanonicalOrder(t *testing.T) {
	// RFC 4034, section 6.1.
	want := []string{
		"example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.",
		"z.example.", `\001.z.example.`, "*.z.example.", `\200.z.example.`,
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareNames)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if compareNames(`\065.example.`, "a.example.") != 0 {
		t.Error(`\065 is not a`)
	}
}

func TestTypeBitMaps(t *testing.T) {
	w := newWorld(t, mixedSpecs()...)
	for _, tc := range []struct {
		zone, name, want string // want is empty if no record matches
	}{
		{"example.", "example.", "NS SOA RRSIG NSEC DNSKEY"},
		{"example.", "www.example.", "A TXT AAAA RRSIG NSEC"},
		{"example.", "unsigned.example.", "NS RRSIG NSEC"},
		{"example.", "csk.example.", "NS DS RRSIG NSEC"},
		{"example.", "ns.csk.example.", ""},
		{"example.", "b.ent.example.", ""},
		{"nsec3.test.", "nsec3.test.", "NS SOA RRSIG DNSKEY NSEC3PARAM"},
		{"nsec3.test.", "unsigned.nsec3.test.", "NS"},
		{"nsec3.test.", "b.ent.nsec3.test.", "-"},
		{"nsec3.test.", "ns.unsigned.nsec3.test.", ""},
		{"test.", "nsec3.test.", "NS DS RRSIG"},
		{"test.", "unsigned.test.", ""},
		{"test.", "in.out.test.", ""},
		{"test.", "out.test.", ""},
		{"test.", "b.ent.test.", "-"},
	} {
		if got := bitmapText(w.Zone(tc.zone), tc.name); got != tc.want {
			t.Errorf("zone %s, %s: %q, want %q", tc.zone, tc.name, got, tc.want)
		}
	}
}

// bitmapText returns the type bit map of the record that matches name: "" for
// no record, "-" for an empty bit map.
func bitmapText(z *Zone, name string) string {
	var types []uint16
	if z.usesNSEC3() {
		owner, _ := z.matchNSEC3(name)
		set := z.set(owner, dns.TypeNSEC3)
		if set == nil {
			return ""
		}
		types = set.RRs[0].(*dns.NSEC3).TypeBitMap
	} else if set := z.set(name, dns.TypeNSEC); set != nil {
		types = set.RRs[0].(*dns.NSEC).TypeBitMap
	} else {
		return ""
	}
	if len(types) == 0 {
		return "-"
	}
	words := make([]string, len(types))
	for i, typ := range types {
		words[i] = dns.Type(typ).String()
	}
	return strings.Join(words, " ")
}

func TestNSEC3Chain(t *testing.T) {
	w := newWorld(t, mixedSpecs()...)
	for _, apex := range []string{"test.", "nsec3.test.", "alg7.example."} {
		z := w.Zone(apex)
		for i, owner := range z.chain {
			nsec3 := z.set(owner, dns.TypeNSEC3).RRs[0].(*dns.NSEC3)
			next := strings.ToLower(under(nsec3.NextDomain, apex))
			if want := z.chain[(i+1)%len(z.chain)]; next != want {
				t.Errorf("%s: next is %s, want %s", owner, next, want)
			}
			if optOut := nsec3.Flags == 1; optOut != (z.spec.Denial == NSEC3OptOut) {
				t.Errorf("%s: opt-out is %v", owner, optOut)
			}
		}
	}
}

func TestAnchors(t *testing.T) {
	w := newWorld(t, mixedSpecs()...)
	for _, form := range []func(string) []string{w.Anchors, w.AnchorKeys} {
		lines := form("Example.")
		if len(lines) != 1 {
			t.Fatalf("%q", lines)
		}
		if rr, err := dns.NewRR(lines[0]); err != nil || rr.Header().Name != "example." {
			t.Errorf("%q: %v, %v", lines[0], rr, err)
		}
		if lines := form("unsigned.example."); lines != nil {
			t.Errorf("an unsigned zone has the anchors %q", lines)
		}
	}
}

func TestBadSpecs(t *testing.T) {
	for _, tc := range []struct {
		name string
		spec Spec
	}{
		{"record of another zone", Spec{Name: "example.", Records: []string{"www.test. A 192.0.2.1"}}},
		{"no record", Spec{Name: "example.", Records: []string{"www A nonsense"}}},
		{"salt", Spec{Name: "example.", Salt: "xyz"}},
		{"name", Spec{Name: "a..b."}},
		{"asterisk in a label", Spec{Name: "example.", Algorithm: 13, Records: []string{"*a A 192.0.2.1"}}},
	} {
		if _, err := New(now, tc.spec); err == nil {
			t.Errorf("%s: no error", tc.name)
		}
	}
	if _, err := New(now, Spec{Name: "example."}, Spec{Name: "EXAMPLE"}); err == nil {
		t.Error("duplicate zone: no error")
	}
}
