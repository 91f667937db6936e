package dnssec

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestNSECOutsideTheZone checks that a record is ignored if its next name is outside
// the zone (CVE-2026-10723).
func TestNSECOutsideTheZone(t *testing.T) {
	for _, next := range []string{"victim.", ".", "z.other.", "example.victim.", "notexample."} {
		runNSEC(t, []denialCase{
			{name: "name error to " + next, zone: "a.example.", records: []string{"a.example. " + next + apex}, ask: nameError("b.a.example."), status: Bogus, reason: DenialMissing},
			{name: "no data to " + next, zone: "a.example.", records: []string{"a.example. " + next + apex}, ask: noData("a.example.", dns.TypeTXT), status: Bogus, reason: DenialMissing},
		})
	}
	// A valid record covers no name outside the zone either.
	z := newTestZone(t, "m.example.", dns.ED25519)
	d := verifierAt(now).Denial(z.name, z.authenticated(t, z.signed(t, nsecs(t, []string{"m.example. m.example." + apex}))))
	for _, name := range []string{"n.example.", "xm.example.", "x.", `x\.m.example.`, "example.", "."} {
		if f := d.NameError(name); f.Status == Secure {
			t.Errorf("m.example. denies %s", name)
		}
		if _, f := d.Delegation(name); f.Status != Bogus {
			t.Errorf("m.example. decides on the delegation of %s: %v", name, f)
		}
		if f := d.WildcardAnswer(name, "."); f.Status == Secure {
			t.Errorf("m.example. decides on a wildcard for %s", name)
		}
	}
}

// TestDenialIgnores checks that records of other types, of other signers, and
// expanded from a wildcard prove nothing.
func TestDenialIgnores(t *testing.T) {
	z, parent := newTestZone(t, "example.", dns.ED25519), newTestZone(t, ".", dns.ED25519)
	nsec := nsecs(t, []string{"c.example. d.example." + leaf})
	tests := []struct {
		name string
		sets []*Authenticated
		want Reason
	}{
		{name: "valid", sets: z.authenticated(t, z.signed(t, nsec)), want: ReasonNone},
		{name: "expanded", sets: z.authenticated(t, z.signed(t, nsec, func(sig *dns.RRSIG) { sig.Labels = 1 })), want: DenialMissing},
		{name: "signed by the parent zone", sets: parent.authenticated(t, parent.signed(t, nsec)), want: DenialMissing},
		{name: "another type", sets: z.authenticated(t, z.signed(t, records(t, "c.example. 300 TXT NSEC"))), want: DenialMissing},
		{name: "nothing", want: DenialMissing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := verifierAt(now).Denial("example.", tt.sets)
			if got := d.NoData("c.example.", dns.TypeMX); got.Reason != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if d.Zone() != "example." {
				t.Errorf("the zone is %s", d.Zone())
			}
		})
	}
}

// TestAncestorDelegation checks that the record of an ancestor delegation or a DNAME
// proves nothing about names below it (RFC 6840, section 4.1).
func TestAncestorDelegation(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	for _, types := range []string{cut, signed, " DNAME RRSIG NSEC"} {
		sets := z.authenticated(t, z.signed(t, nsecs(t, []string{"sub.example. t.example." + types, "example. sub.example." + apex})))
		sets3 := z.authenticated(t, z.nsec3Section(t, n3{match: "sub.example.", types: strings.TrimSuffix(types, " NSEC")}, n3{match: "example.", types: "NS SOA RRSIG"},
			n3{cover: "x.sub.example."}, n3{cover: "*.sub.example."}))
		for _, all := range [][]*Authenticated{sets, sets3, append(sets, sets3...)} {
			d := verifierAt(now).Denial("example.", all)
			for _, name := range []string{"x.sub.example.", "y.x.sub.example.", "*.sub.example."} {
				for _, q := range []question{nameError(name), noData(name, dns.TypeA), noData(name, dns.TypeDS), wildcardAnswer(name, "sub.example."), delegation(name)} {
					if _, f := q.of(d); f.Status != Bogus && !(q.proof == "wildcard" && len(all) != len(sets)) {
						t.Errorf("%s at sub.example.: %s of %s is %v", types, q.proof, name, f)
					}
				}
			}
		}
	}
}

// TestNSECAndNSEC3 checks a response with both record types: one valid proof is
// enough, and if both fail, the Reason is that of the later check.
func TestNSECAndNSEC3(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	nsec := func(line string) []*Authenticated { return z.authenticated(t, z.signed(t, nsecs(t, []string{line}))) }
	good, bad := nsec("c.example. d.example."+leaf), nsec("x.example. y.example."+leaf)
	good3, bad3 := z.authenticated(t, z.nsec3Section(t, n3{match: "c.example.", types: "A"})), z.authenticated(t, z.nsec3Section(t, n3{match: "c.example.", types: "MX"}))
	for _, tt := range []struct {
		name string
		sets []*Authenticated
		want Reason
	}{
		{name: "both good", sets: append(good, good3...)},
		{name: "NSEC good", sets: append(append([]*Authenticated{}, good...), bad3...)},
		{name: "NSEC3 good", sets: append(append([]*Authenticated{}, bad...), good3...)},
		{name: "none good", sets: append(append([]*Authenticated{}, bad...), bad3...), want: DenialContradicted},
	} {
		if got := verifierAt(now).Denial("example.", tt.sets).NoData("c.example.", dns.TypeMX); got.Reason != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestDeniesType checks every combination of NS, SOA, DS, CNAME and the qtype in the
// type bit map of a matching record (RFC 6840, sections 4.1 to 4.4).
func TestDeniesType(t *testing.T) {
	bits := []uint16{dns.TypeNS, dns.TypeSOA, dns.TypeDS, dns.TypeCNAME, dns.TypeMX}
	for n := range 1 << len(bits) {
		var types typeBitMap
		for i, bit := range bits {
			if n>>i&1 == 1 {
				types = append(types, bit)
			}
		}
		ns, soa, ds, cname, mx := types.has(dns.TypeNS), types.has(dns.TypeSOA), types.has(dns.TypeDS), types.has(dns.TypeCNAME), types.has(dns.TypeMX)
		if got, want := types.deniesType("c.example.", dns.TypeMX).Status == Secure, !mx && !cname && (!ns || soa); got != want {
			t.Errorf("%v denies MX: %v", types, got)
		}
		if got, want := types.deniesType("c.example.", dns.TypeDS).Status == Secure, !ds && !cname && !soa; got != want {
			t.Errorf("%v denies DS: %v", types, got)
		}
		shown, f := types.delegation("c.example.")
		if want := ns && !soa && !ds && !cname; (shown == DelegationUnsigned) != want && !(cname && ns) {
			t.Errorf("%v shows an insecure delegation: %v", types, f)
		}
		if (soa || ds) && f.Status != Bogus {
			t.Errorf("%v, of the child or signed: %v", types, f)
		}
	}
}
