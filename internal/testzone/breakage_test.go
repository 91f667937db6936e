package testzone

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// faults returns the RRsets of the zone, and its DS RRset, whose signatures do
// not verify.
func faults(w *World, z *Zone) map[setKey]error {
	bad := make(map[setKey]error)
	check := func(z *Zone, key setKey) {
		set := z.set(key.name, key.typ)
		if set == nil || !z.Signed() || !z.authoritative(key.name, key.typ) {
			return
		}
		err := error(dns.ErrSig)
		for _, sig := range set.Sigs {
			err = verify(w, sig, set.RRs)
		}
		if err != nil {
			bad[key] = err
		}
	}
	for key := range z.sets {
		check(z, key)
	}
	if z.parent != nil {
		check(z.parent, setKey{z.Name, dns.TypeDS})
	}
	return bad
}

func breakSpecs() []Spec {
	records := []string{"www A 192.0.2.1", "www AAAA ::1", "txt TXT t", "mx MX 1 mx", "alias CNAME www", "*.wild A 192.0.2.2", "many A 192.0.2.3", "many A 192.0.2.4"}
	return []Spec{
		{Name: "nsec.example.", Algorithm: dns.ECDSAP256SHA256, Records: records},
		{Name: "nsec3.example.", Algorithm: dns.ECDSAP256SHA256, Denial: NSEC3, Records: records},
		{Name: "evil.example.", Algorithm: dns.ECDSAP256SHA256, Records: records},
		{Name: "unsigned.example.", Records: records},
	}
}

// These are the zone and the names that TestBreakOneThing breaks.
const zone, www, many = "nsec.example.", "www.nsec.example.", "many.nsec.example."

// sets returns the keys of the RRsets at name with the given types.
func sets(name string, types ...uint16) []setKey {
	var keys []setKey
	for _, typ := range types {
		keys = append(keys, setKey{name, typ})
	}
	return keys
}

var none = []setKey{}

// oneThing lists breakages and the RRsets that do not verify after each; nil
// means all RRsets.
var oneThing = []struct {
	breakage Breakage
	want     []setKey
}{
	{DropSignatures(www, typeA), sets(www, typeA)},
	{DropAllSignatures(), nil},
	{Expired(www, typeA), sets(www, typeA)},
	{Expired("", 0), nil},
	{NotYetValid(www, typeA), sets(www, typeA)},
	{InceptionAfterExpiration(www, typeA), sets(www, typeA)},
	{SignedDuring(www, typeA, now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0)), sets(www, typeA)},
	{FlipSignatureBit(www, typeA), sets(www, typeA)},
	{FlipSignatureBit("", 0), nil},
	{ChangeRDATA(www, typeA), sets(www, typeA)},
	{ChangeRDATA(www, dns.TypeAAAA), sets(www, dns.TypeAAAA)},
	{ChangeRDATA("txt.nsec.example.", dns.TypeTXT), sets("txt.nsec.example.", dns.TypeTXT)},
	{ChangeRDATA("mx.nsec.example.", dns.TypeMX), sets("mx.nsec.example.", dns.TypeMX)},
	{ChangeRDATA("alias.nsec.example.", dns.TypeCNAME), sets("alias.nsec.example.", dns.TypeCNAME)},
	{ChangeRDATA(zone, dns.TypeSOA), sets(zone, dns.TypeSOA)},
	{ChangeRDATA(zone, dns.TypeNS), sets(zone, dns.TypeNS)},
	{ChangeRDATA(zone, dns.TypeNSEC), sets(zone, dns.TypeNSEC)},
	{WrongLabels(www, typeA, 1), sets(www, typeA)},
	{WrongLabels(www, typeA, -1), none}, // as if expanded from *.nsec.example.
	{WrongLabels(www, typeA, -2), none}, // miekg/dns does not detect it
	{ForeignSigner(www, typeA, "evil.example."), sets(www, typeA)},
	{ForeignSigner(www, typeA, "."), none}, // miekg/dns does not check that the signer is the zone
	{ForeignSigner(www, typeA, "no.such.zone."), sets(www, typeA)},
	{WrongDSDigest(), none},
	{WrongDSTag(), none},
	{WrongDSAlgorithm(), none},
	{DSAlgorithm(200), none},
	{DSDigestType(200), none},
	{RemoveDS(), none},
	{RemoveZSK(), nil},
	{RemoveKSK(), none},
	{ClearZoneFlag(KSK), sets(zone, dns.TypeDNSKEY)},
	{ClearZoneFlag(ZSK), nil},
	{WrongProtocol(KSK), sets(zone, dns.TypeDNSKEY)},
	{WrongProtocol(ZSK), nil},
	{SetRevoke(KSK), none}, // miekg/dns does not check the flag
	{SetRevoke(ZSK), none},
	{DropRecord(many, typeA), sets(many, typeA)},
	{AddRecord(www, typeA), sets(www, typeA)},
	{TakeSignatures(www, typeA, zone, dns.TypeSOA), sets(www, typeA)},
	{WrongKeyTag(www, typeA), sets(www, typeA)},
	{WrongSignatureAlgorithm(www, typeA), sets(www, typeA)},
	{OriginalTTL(www, typeA, 5), none},
	{BarelyExpired(www, typeA, time.Minute, now), sets(www, typeA)},
	{SignedBy(KSK, www, typeA), none},
	{SignedBy(ZSK, zone, dns.TypeDNSKEY), none},
	{SignedByUnknownKey(www, typeA), sets(www, typeA)},
	{PrependSignature(FlippedBit, www, typeA), none}, // the good signature is the last
	{PrependSignature(ExpiredSignature, www, typeA), none},
	{PrependSignature(UnknownTag, www, typeA), none},
	{DropDenial(), none},
	{DropDenialOf("no.nsec.example."), none},
	{DropWildcardProofs(), none},
	{ReplaceNext(www, "zzz.nsec.example."), none},
	{SetTypeBit(www, dns.TypeMX), none},
	{ClearTypeBit(www, dns.TypeA), none},
}

// TestBreakOneThing checks that a breakage affects only its target.
func TestBreakOneThing(t *testing.T) {
	for _, tc := range oneThing {
		w := newWorld(t, breakSpecs()...)
		if err := w.Break(zone, tc.breakage); err != nil {
			t.Errorf("%s: %v", tc.breakage, err)
			continue
		}
		got := faults(w, w.Zone(zone))
		if tc.want == nil {
			checkAllBroken(t, w.Zone(zone), tc.breakage, got)
			continue
		}
		for key, err := range got {
			if !slices.Contains(tc.want, key) {
				t.Errorf("%s broke %v: %v", tc.breakage, key, err)
			}
		}
		if len(got) != len(tc.want) {
			t.Errorf("%s broke %v, want %v", tc.breakage, slices.Collect(maps.Keys(got)), tc.want)
		}
	}
}

// checkAllBroken checks that no RRset of the zone verifies, except the DNSKEY
// RRset, which a breakage of the ZSK leaves intact.
func checkAllBroken(t *testing.T, z *Zone, b Breakage, got map[setKey]error) {
	t.Helper()
	for key := range z.sets {
		if got[key] == nil && key.typ != dns.TypeDNSKEY {
			t.Errorf("%s: %v verifies", b, key)
		}
	}
	if got[setKey{z.Name, dns.TypeDS}] != nil {
		t.Errorf("%s: the DS RRset does not verify", b)
	}
}

// TestBreakKeepsDS checks that the DS RR matches the KSK after a breakage of
// it.
func TestBreakKeepsDS(t *testing.T) {
	for _, b := range []Breakage{ClearZoneFlag(KSK), SetRevoke(KSK), WrongProtocol(KSK)} {
		w := newWorld(t, breakSpecs()...)
		if err := w.Break("nsec.example.", b); err != nil {
			t.Fatal(err)
		}
		z := w.Zone("nsec.example.")
		ds, _ := w.Zone(".").RRset("nsec.example.", dns.TypeDS)
		if got, want := ds.RRs[0].(*dns.DS).Digest, z.KSK.DNSKEY.ToDS(dns.SHA256).Digest; got != want {
			t.Errorf("%s: DS %s, want %s", b, got, want)
		}
		keys, _ := z.RRset(z.Name, dns.TypeDNSKEY)
		if !slices.ContainsFunc(keys.RRs, func(rr dns.RR) bool { return dns.IsDuplicate(rr, z.KSK.DNSKEY) }) {
			t.Errorf("%s: the DNSKEY RRset lacks the key", b)
		}
	}
}

func TestBreakDenial(t *testing.T) {
	for _, tc := range []struct {
		zone, name string
		breakage   Breakage
		want       string
	}{
		{"nsec.example.", "no.", DropDenial(), "NXDOMAIN: ; nsec.example. SOA"},
		{"nsec3.example.", "no.", DropDenial(), "NXDOMAIN: ; nsec3.example. SOA"},
		{"nsec.example.", "no.", DropDenialOf("no.nsec.example."), "NXDOMAIN: ; nsec.example. SOA, nsec.example. NSEC"},
		{"nsec3.example.", "no.", DropDenialOf("nsec3.example."), "NXDOMAIN: ; nsec3.example. SOA, # NSEC3"},
		{"nsec.example.", "x.wild.", DropWildcardProofs(), "NOERROR: x.wild A; "},
		{"nsec3.example.", "x.wild.", DropWildcardProofs(), "NOERROR: x.wild A; "},
		{"nsec3.example.", "no.", DropSignatures("", 0), "NXDOMAIN: ; nsec3.example. SOA!, # NSEC3!, # NSEC3!"},
	} {
		w := newWorld(t, breakSpecs()...)
		if err := w.Break(tc.zone, tc.breakage); err != nil {
			t.Fatal(err)
		}
		if got := shape(w, ask(w, tc.name+tc.zone, dns.TypeA), tc.zone); got != tc.want {
			t.Errorf("%s: %s:\n got %q\nwant %q", tc.zone, tc.breakage, got, tc.want)
		}
	}
}

func TestBreakNSEC3(t *testing.T) {
	for _, b := range []Breakage{
		NSEC3Flags(2), NSEC3Hash(6), NSEC3Salt("ab"), NSEC3Iterations(3),
		ReplaceNext("www.nsec3.example.", "x.nsec3.example."), SetTypeBit("www.nsec3.example.", dns.TypeMX),
		ClearTypeBit("www.nsec3.example.", dns.TypeA),
	} {
		w := newWorld(t, breakSpecs()...)
		if err := w.Break("nsec3.example.", b); err != nil {
			t.Error(err)
		}
		if bad := faults(w, w.Zone("nsec3.example.")); len(bad) > 0 {
			t.Errorf("%s broke %v", b, bad)
		}
	}
}

func TestBreakNothing(t *testing.T) {
	w := newWorld(t, breakSpecs()...)
	for _, tc := range []struct {
		zone      string
		breakage  Breakage
		unchanged bool
	}{
		{"no.such.zone.", DropAllSignatures(), false},
		{"nsec.example.", Expired("no.nsec.example.", dns.TypeA), false},
		{"nsec.example.", SetTypeBit("www.nsec.example.", dns.TypeA), true},
		{"nsec.example.", DropSignatures("www.nsec.example.", dns.TypeMX), false},
		{"nsec.example.", DropDenialOf("www.test."), false},
		{"unsigned.example.", DropAllSignatures(), true},
		{"unsigned.example.", DropDenial(), false},
		{"evil.example.", ForeignSigner("www.evil.example.", dns.TypeA, "evil.example."), true},
		{"evil.example.", DSDigestType(dns.SHA256), true},
		{"evil.example.", WrongLabels("www.evil.example.", dns.TypeA, 0), true},
		{"evil.example.", DropRecord("www.evil.example.", dns.TypeA), false},
		{"evil.example.", SignedBy(ZSK, "www.evil.example.", dns.TypeA), true},
		{"evil.example.", NSEC3Flags(1), false},
		{"nsec3.example.", NSEC3Flags(0), true},
		{"unsigned.example.", PrependSignature(FlippedBit, "www.unsigned.example.", dns.TypeA), false},
		{"unsigned.example.", SignedByUnknownKey("www.unsigned.example.", dns.TypeA), false},
		{".", DropWildcardProofs(), false},
		{"unsigned.example.", WrongDSDigest(), false},
		{"unsigned.example.", SetRevoke(KSK), false},
		{"unsigned.example.", RemoveZSK(), false},
		{"unsigned.example.", FlipSignatureBit("www.unsigned.example.", dns.TypeA), false},
		{"unsigned.example.", Expired("www.unsigned.example.", dns.TypeA), false},
		{".", WrongDSDigest(), false},
		{".", RemoveDS(), false},
	} {
		err := w.Break(tc.zone, tc.breakage)
		if err == nil || errors.Is(err, errUnchanged) != tc.unchanged {
			t.Errorf("%s in %s: %v", tc.breakage, tc.zone, err)
		}
	}
}

func TestReplaceRemoveSign(t *testing.T) {
	w := newWorld(t, breakSpecs()...)
	z := w.Zone("nsec.example.")
	if err := z.Replace("www A 192.0.2.99", "new A 192.0.2.98"); err != nil {
		t.Fatal(err)
	}
	if got := shape(w, ask(w, "www.nsec.example.", dns.TypeA), z.Name); got != "NOERROR: www A(dns: bad signature); " {
		t.Error(got)
	}
	if err := z.Resign("www.nsec.example.", dns.TypeA); err != nil {
		t.Fatal(err)
	}
	if err := z.Remove("txt.nsec.example.", dns.TypeTXT); err != nil {
		t.Fatal(err)
	}
	if got := shape(w, ask(w, "txt.nsec.example.", dns.TypeTXT), z.Name); got != "NOERROR: ; nsec.example. SOA, txt NSEC" {
		t.Error(got) // the NSEC chain is unchanged
	}
	if err := z.Sign(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, want string
	}{
		{"www", "NOERROR: www A; "}, {"new", "NOERROR: new A; "},
		{"txt", "NXDOMAIN: ; nsec.example. SOA, ns NSEC, nsec.example. NSEC"},
	} {
		if got := shape(w, ask(w, tc.name+".nsec.example.", dns.TypeA), z.Name); got != tc.want {
			t.Errorf("%s:\n got %q\nwant %q", tc.name, got, tc.want)
		}
	}
}
