package main

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenSpecs is a tree with an answer of each kind.
var goldenSpecs = []testzone.Spec{
	{Name: ".", Algorithm: dns.ECDSAP384SHA384},
	{Name: "example.", Algorithm: alg},
	{Name: "signed.example.", Algorithm: alg, Records: append([]string{"alias CNAME www.hashed.example."}, host...)},
	{Name: "hashed.example.", Algorithm: dns.ED25519, CSK: true, Records: host},
	{Name: "unsigned.example.", Records: host},
	{Name: "expired.example.", Algorithm: alg, Records: host},
	{Name: "wrong-ds.example.", Algorithm: alg, Records: host},
	{Name: "no-key.example.", Algorithm: alg, Records: host},
}

func goldenWorld(t testing.TB) *served {
	t.Helper()
	s := serve(t, goldenSpecs...)
	s.breakZone(t, "expired.example.", testzone.Expired("www.expired.example.", dns.TypeA))
	s.breakZone(t, "wrong-ds.example.", testzone.WrongDSDigest())
	s.breakZone(t, "no-key.example.", testzone.RemoveZSK())
	return s
}

// TestGolden: the output is that of the golden files, except for keys and signatures.
func TestGolden(t *testing.T) {
	s := goldenWorld(t)
	for _, test := range []struct {
		name, question, qtype string
		forms                 []string
		code                  int
	}{
		{name: "secure", question: "www.signed.example", qtype: "A", forms: []string{"text", "json", "dot"}, code: exitSecure},
		{name: "alias", question: "alias.signed.example", qtype: "A", forms: []string{"text", "dot"}, code: exitSecure},
		{name: "denied", question: "nobody.signed.example", qtype: "MX", forms: []string{"text", "dot"}, code: exitSecure},
		{name: "insecure", question: "www.unsigned.example", qtype: "A", forms: []string{"text", "json", "dot"}, code: exitInsecure},
		{name: "expired", question: "www.expired.example", qtype: "A", forms: []string{"text", "json", "dot"}, code: exitBogus},
		{name: "wrong-ds", question: "www.wrong-ds.example", qtype: "A", forms: []string{"text", "dot"}, code: exitBogus},
		{name: "no-key", question: "www.no-key.example", qtype: "A", forms: []string{"text", "dot"}, code: exitBogus},
	} {
		for _, form := range test.forms {
			t.Run(test.name+" "+form, func(t *testing.T) {
				args := s.judge("check", test.question, test.qtype)
				if form != "text" {
					args = append(args, "--"+form)
				}
				got := run(t, args...)
				if got.code != test.code || got.err != "" {
					t.Fatalf("%+v", got)
				}
				golden(t, filepath.Join("testdata", test.name+"."+form), s.normal(got.out, goldenSpecs))
			})
		}
	}
}

func golden(t *testing.T, path, text string) {
	t.Helper()
	if *update {
		write(t, path, text[:len(text)-1])
		return
	}
	if want := read(t, path); text != want {
		t.Errorf("%s (with -update it is written anew):\n%s", path, text)
	}
}
