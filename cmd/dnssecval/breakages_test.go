package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// broken is a zone with one breakage, and the finding about it.
type broken struct {
	breakage func(zone string) testzone.Breakage
	denial   testzone.Denial
	question string // below the zone: "www A"
	token    string
	code     int
	nothing  bool // no record is at fault, since one is missing
}

func just(b testzone.Breakage) func(string) testzone.Breakage {
	return func(string) testzone.Breakage { return b }
}

func inWWW(f func(string, uint16) testzone.Breakage) func(string) testzone.Breakage {
	return func(zone string) testzone.Breakage { return f("www."+zone, dns.TypeA) }
}

func all(f func(string, uint16) testzone.Breakage) func(string) testzone.Breakage {
	return just(f("", 0))
}

const www = "www A"

var breakages = []broken{
	{breakage: just(testzone.WrongDSTag()), question: www, token: "dnskey_no_ds_match", code: exitBogus},
	{breakage: just(testzone.WrongDSAlgorithm()), question: www, token: "dnskey_no_ds_match", code: exitBogus},
	{breakage: just(testzone.WrongDSDigest()), question: www, token: "dnskey_no_ds_match", code: exitBogus},
	{breakage: just(testzone.DSAlgorithm(100)), question: www, token: "algorithm_unsupported", code: exitInsecure},
	{breakage: just(testzone.DSDigestType(100)), question: www, token: "digest_unsupported", code: exitInsecure},
	{breakage: just(testzone.RemoveDS()), question: www, token: "delegation_insecure", code: exitInsecure},
	{breakage: just(testzone.RemoveZSK()), question: www, token: "dnskey_missing", code: exitBogus},
	{breakage: just(testzone.RemoveKSK()), question: www, token: "dnskey_no_ds_match", code: exitBogus},
	{breakage: just(testzone.ClearZoneFlag(testzone.ZSK)), question: www, token: "dnskey_zone_flag_missing", code: exitBogus},
	{breakage: just(testzone.ClearZoneFlag(testzone.KSK)), question: www, token: "dnskey_zone_flag_missing", code: exitBogus},
	{breakage: just(testzone.WrongProtocol(testzone.KSK)), question: www, token: "dnskey_protocol_invalid", code: exitBogus},
	{breakage: just(testzone.SetRevoke(testzone.ZSK)), question: www, token: "dnskey_revoked", code: exitBogus},
	{breakage: just(testzone.SetRevoke(testzone.KSK)), question: www, token: "dnskey_revoked", code: exitBogus},
	{breakage: func(zone string) testzone.Breakage { return testzone.DropSignatures(zone, dns.TypeDNSKEY) }, question: www, token: "signature_missing", code: exitBogus},
	{breakage: func(zone string) testzone.Breakage { return testzone.FlipSignatureBit(zone, dns.TypeDNSKEY) }, question: www, token: "signature_invalid", code: exitBogus},
	{breakage: func(zone string) testzone.Breakage { return testzone.ChangeRDATA(zone, dns.TypeDNSKEY) }, question: www, token: "dnskey_no_ds_match", code: exitBogus},
	{breakage: just(testzone.DropAllSignatures()), question: www, token: "signature_missing", code: exitBogus},
	{breakage: all(testzone.Expired), question: www, token: "signature_expired", code: exitBogus},
	{breakage: inWWW(testzone.Expired), question: www, token: "signature_expired", code: exitBogus},
	{breakage: all(testzone.NotYetValid), question: www, token: "signature_not_yet_valid", code: exitBogus},
	{breakage: inWWW(testzone.NotYetValid), question: www, token: "signature_not_yet_valid", code: exitBogus},
	{breakage: inWWW(testzone.InceptionAfterExpiration), question: www, token: "signature_expired_before_valid", code: exitBogus},
	{breakage: func(zone string) testzone.Breakage {
		return testzone.SignedDuring("www."+zone, dns.TypeA, then.AddDate(0, -2, 0), then.AddDate(0, -1, 0))
	}, question: www, token: "signature_expired", code: exitBogus},
	{breakage: inWWW(testzone.DropSignatures), question: www, token: "signature_missing", code: exitBogus},
	{breakage: inWWW(testzone.FlipSignatureBit), question: www, token: "signature_invalid", code: exitBogus},
	{breakage: inWWW(testzone.ChangeRDATA), question: www, token: "signature_invalid", code: exitBogus},
	{breakage: func(zone string) testzone.Breakage { return testzone.WrongLabels("www."+zone, dns.TypeA, 1) }, question: www, token: "signature_labels_invalid", code: exitBogus},
	{breakage: func(zone string) testzone.Breakage { return testzone.WrongLabels("www."+zone, dns.TypeA, -1) }, question: www, token: "wildcard_denial_missing", code: exitBogus},
	{breakage: func(zone string) testzone.Breakage { return testzone.ForeignSigner("www."+zone, dns.TypeA, "other.") }, question: www, token: "signature_signer_invalid", code: exitBogus},
	{breakage: just(testzone.DropDenial()), question: "no A", token: "denial_missing", code: exitBogus, nothing: true},
	{breakage: just(testzone.DropDenial()), denial: testzone.NSEC3, question: "www MX", token: "denial_missing", code: exitBogus, nothing: true},
	{breakage: just(testzone.DropWildcardProofs()), question: "x.wild A", token: "wildcard_denial_missing", code: exitBogus},
	{breakage: just(testzone.DropWildcardProofs()), denial: testzone.NSEC3, question: "x.wild A", token: "wildcard_denial_missing", code: exitBogus},
	{breakage: func(zone string) testzone.Breakage { return testzone.DropDenialOf("no." + zone) }, denial: testzone.NSEC3, question: "no A", token: "denial_incomplete", code: exitBogus},
	{breakage: func(zone string) testzone.Breakage { return testzone.SetTypeBit("www."+zone, dns.TypeMX) }, question: "www MX", token: "denial_contradicted", code: exitBogus},
	{breakage: func(zone string) testzone.Breakage { return testzone.SetTypeBit("www."+zone, dns.TypeNS) }, question: "www MX", token: "delegation_insecure", code: exitInsecure},
	{breakage: func(zone string) testzone.Breakage { return testzone.ClearTypeBit("www."+zone, dns.TypeA) }, question: "www MX", token: "", code: exitSecure},
	{breakage: func(zone string) testzone.Breakage { return testzone.ReplaceNext("no."+zone, "nn."+zone) }, question: "no A", token: "denial_incomplete", code: exitBogus},
	{breakage: just(testzone.NSEC3Flags(2)), denial: testzone.NSEC3, question: "no A", token: "denial_missing", code: exitBogus},
	{breakage: just(testzone.NSEC3Hash(2)), denial: testzone.NSEC3, question: "no A", token: "denial_missing", code: exitBogus},
	{breakage: just(testzone.NSEC3Salt("dead")), denial: testzone.NSEC3, question: "no A", token: "denial_incomplete", code: exitBogus},
	{breakage: just(testzone.NSEC3Iterations(7)), denial: testzone.NSEC3, question: "no A", token: "denial_incomplete", code: exitBogus},
	{breakage: just(testzone.NSEC3Iterations(151)), denial: testzone.NSEC3, question: "no A", token: "nsec3_iterations_high", code: exitInsecure},
	{breakage: func(zone string) testzone.Breakage { return testzone.DropRecord("two."+zone, dns.TypeTXT) }, question: "two TXT", token: "signature_invalid", code: exitBogus},
	{breakage: inWWW(testzone.AddRecord), question: www, token: "signature_invalid", code: exitBogus},
	{breakage: func(zone string) testzone.Breakage {
		return testzone.TakeSignatures("www."+zone, dns.TypeA, "two."+zone, dns.TypeTXT)
	}, question: www, token: "signature_invalid", code: exitBogus},
	{breakage: inWWW(testzone.WrongKeyTag), question: www, token: "dnskey_missing", code: exitBogus},
	{breakage: func(zone string) testzone.Breakage { return testzone.OriginalTTL("www."+zone, dns.TypeA, 7) }, question: www, token: "", code: exitSecure},
	{breakage: inWWW(testzone.WrongSignatureAlgorithm), question: www, token: "dnskey_missing", code: exitBogus},
	{breakage: func(zone string) testzone.Breakage { return testzone.SignedBy(testzone.KSK, "www."+zone, dns.TypeA) }, question: www, token: "", code: exitSecure},
	{breakage: inWWW(testzone.SignedByUnknownKey), question: www, token: "dnskey_missing", code: exitBogus},
	{breakage: func(zone string) testzone.Breakage {
		return testzone.PrependSignature(testzone.ExpiredSignature, "www."+zone, dns.TypeA)
	}, question: www, token: "", code: exitSecure},
	{breakage: func(zone string) testzone.Breakage {
		return testzone.BarelyExpired("www."+zone, dns.TypeA, time.Hour, then)
	}, question: www, token: "", code: exitSecure},
}

// brokenWorld has a zone for each breakage.
func brokenWorld(t testing.TB) *served {
	t.Helper()
	specs := []testzone.Spec{{Name: "test.", Algorithm: alg}, {Name: "other.", Algorithm: alg}}
	for i, b := range breakages {
		specs = append(specs, testzone.Spec{Name: brokenZone(i), Algorithm: alg, Denial: b.denial, Records: append([]string{"*.wild A 192.0.2.2", "two TXT one", "two TXT two"}, host...)})
	}
	w, err := testzone.New(then, specs...)
	if err != nil {
		t.Fatal(err)
	}
	s := serveWorld(t, w)
	for i, b := range breakages {
		s.breakZone(t, brokenZone(i), b.breakage(brokenZone(i)))
	}
	return s
}

func brokenZone(i int) string { return fmt.Sprintf("broken%d.test.", i) }

// asked returns the name and the type of the question.
func (b broken) asked(i int) (name, qtype string) {
	label, qtype, _ := strings.Cut(b.question, " ")
	return label + "." + brokenZone(i), qtype
}

// TestBreakages: each breakage has its reason and a remedy. If it is bogus it has the zone, the
// records and a negative trust anchor too.
func TestBreakages(t *testing.T) {
	s := brokenWorld(t)
	for i, b := range breakages {
		name, qtype := b.asked(i)
		t.Run(b.breakage(brokenZone(i)).Name, func(t *testing.T) {
			got := run(t, s.judge("check", name, qtype, "--json")...)
			var d document
			if err := json.Unmarshal([]byte(got.out), &d); err != nil {
				t.Fatalf("%v: %+v", err, got)
			}
			if got.code != b.code || d.Verdict.Reason != b.token {
				t.Fatalf("exit code %d, %+v; want %d, %s", got.code, d.Verdict, b.code, b.token)
			}
			if (d.Verdict.Remedy == "") != (b.code == exitSecure) {
				t.Errorf("the remedy is %q", d.Verdict.Remedy)
			}
			if b.code != exitBogus {
				if d.Failed != nil {
					t.Errorf("%+v is at fault", d.Failed)
				}
				return
			}
			line := "negative-trust-anchor " + brokenZone(i) + " until " + then.Add(negativeFor).Format(time.RFC3339)
			if d.Failed == nil || d.Failed.Zone != brokenZone(i) || d.Failed.Negative != line {
				t.Fatalf("%+v is at fault, want %s", d.Failed, line)
			}
			if (len(d.Failed.Records) == 0) != b.nothing {
				t.Errorf("the records are %q", d.Failed.Records)
			}
			s.passes(t, brokenZone(i), name, qtype)
		})
	}
}

// passes tests that the name is insecure with the negative trust anchor.
func (s *served) passes(t *testing.T, zone, name, qtype string) {
	t.Helper()
	got := run(t, s.judge("check", name, qtype, "--negative-trust-anchor", zone)...)
	if got.code != exitInsecure || !strings.Contains(got.out, "insecure: negative_trust_anchor\n") {
		t.Errorf("with the negative trust anchor: %+v", got)
	}
}

// TestAllBreakages: the table has all breakages that package testzone has.
func TestAllBreakages(t *testing.T) {
	tested, err := os.ReadFile("breakages_test.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../internal/testzone/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() || f.Type.Results == nil || len(f.Type.Results.List) != 1 {
				continue
			}
			if result, ok := f.Type.Results.List[0].Type.(*ast.Ident); !ok || result.Name != "Breakage" {
				continue
			}
			found++
			if !strings.Contains(string(tested), "testzone."+f.Name.Name) {
				t.Errorf("%s is not in the table", f.Name.Name)
			}
		}
	}
	if found < 15 {
		t.Errorf("testzone has %d breakages", found)
	}
}
