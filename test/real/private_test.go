package real

import (
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// privateWorld returns the zones of the operator's own server: zones that do
// not exist in the public tree, are unsigned there, or exist there as well.
func privateWorld(t *testing.T) *testzone.World {
	t.Helper()
	const alg = dns.ECDSAP256SHA256
	host := []string{"www A 10.0.0.1", "bad A 10.0.0.2"}
	w, err := testzone.New(time.Now(),
		testzone.Spec{Name: "corp.internal.", Records: host},
		testzone.Spec{Name: "signed.internal.", Algorithm: alg, Records: host},
		testzone.Spec{Name: "corp.secure.test.", Records: host},
		testzone.Spec{Name: "corp.unsigned.test.", Records: host},
		testzone.Spec{Name: "nsec3.test.", Records: host},
		testzone.Spec{Name: "home.arpa.", Records: host},
		testzone.Spec{Name: "10.in-addr.arpa.", Records: []string{"1.0.0 PTR www.corp.internal."}},
		testzone.Spec{Name: "16.172.in-addr.arpa.", Records: []string{"1.0 PTR www.corp.internal."}},
		testzone.Spec{Name: "17.172.in-addr.arpa.", Records: []string{"1.0 PTR www.corp.internal."}},
	)
	if err != nil {
		t.Fatal(err)
	}
	breakZone(t, w, "signed.internal.", testzone.ChangeRDATA("bad.signed.internal.", dns.TypeA))
	return w
}

// publicWorld has the insecure delegations of RFC 6303 and RFC 8375.
func publicWorld(t *testing.T) *testzone.World {
	t.Helper()
	const alg = dns.ECDSAP256SHA256
	return newWorld(t, testzone.Spec{Name: "arpa.", Algorithm: alg}, testzone.Spec{Name: "in-addr.arpa.", Algorithm: alg},
		testzone.Spec{Name: "10.in-addr.arpa."}, testzone.Spec{Name: "16.172.in-addr.arpa."}, testzone.Spec{Name: "17.172.in-addr.arpa."},
		testzone.Spec{Name: "home.arpa."}, testzone.Spec{Name: "corp.unsigned.test."})
}

// private is a Corefile with a private zone and the expected results.
type private struct {
	name, corefile string
	rows           []asked
	warned         []string // zones that are logged as not validated, once each
	log            [][]string
}

// block returns a server block that validates, with the given lines.
func block(key, words string) string {
	return key + ":PORT {" + validating + words + "\n}\n"
}

const (
	insecureRow       = "NOERROR A=10.0.0.1 opt"
	negativeAnchorEDE = " ede=33/negative_trust_anchor"
)

var privates = []private{
	{"a stanza for a zone that does not exist", block(".", "forward corp.internal PRIVATE\nforward . UPSTREAM"), []asked{
		{"www.corp.internal. A", "do ad", insecureRow},
		{"none.corp.internal. A", "do ad", "NXDOMAIN opt"},
		{"www.corp.internal. MX", "do ad", "NOERROR opt"},
		{"www.signed.internal. A", "do", "NXDOMAIN ad denial opt"},
	}, []string{"corp.internal."}, nil},
	{"a stanza below a zone that does not exist, and except", block(".", "forward . UPSTREAM {\nexcept internal\n}\nforward internal PRIVATE"), []asked{
		{"www.corp.internal. A", "do ad", insecureRow},
	}, []string{"internal."}, nil},
	{"a stanza in an insecure zone", block(".", "forward corp.unsigned.test PRIVATE\nforward . UPSTREAM"), []asked{
		{"www.corp.unsigned.test. A", "do ad", insecureRow},
	}, nil, nil}, // proven insecure by the public tree: no warning
	{"a stanza in a zone that denies it", block(".", "forward corp.secure.test PRIVATE\nforward . UPSTREAM"), []asked{
		{"www.corp.secure.test. A", "do ad", insecureRow},
	}, []string{"corp.secure.test."}, nil},
	{"a stanza for a zone that the tree has signed", block(".", "forward tampered.test UPSTREAM\nforward . UPSTREAM"), []asked{
		{"v4.tampered.test. A", "do", "NOERROR ad A=192.0.2.4 RRSIG opt"},
		{"www.tampered.test. A", "do", forged},
	}, nil, [][]string{{"bogus: www.tampered.test. A"}}},
	{"a stanza for a zone that the tree has signed and the server has not", block(".", "forward nsec3.test PRIVATE\nforward . UPSTREAM"), []asked{
		{"www.nsec3.test. A", "do", "SERVFAIL opt ede=9/dnskey_absent"},
		{"www.nsec3.test. A", "do cd", insecureRow},
	}, []string{"nsec3.test."}, [][]string{{"bogus: www.nsec3.test. A"}}},
	{"a block of its own, nothing else", block("corp.example.com", "forward . PRIVATE") + block("corp.internal", "forward . PRIVATE"), []asked{
		{"www.corp.internal. A", "do ad", insecureRow},
		{"none.corp.internal. A", "do ad", "NXDOMAIN opt"},
	}, []string{"corp.internal."}, nil},
	{"a block of its own for a signed zone, nothing else", block("tampered.test", "forward . UPSTREAM"), []asked{
		{"v4.tampered.test. A", "do", "NOERROR A=192.0.2.4 RRSIG opt"},
	}, []string{"tampered.test."}, nil},
	{"a block of its own beside the root's", block("corp.internal", "forward . PRIVATE") + block(".", "forward . UPSTREAM"), []asked{
		{"www.corp.internal. A", "do ad", insecureRow},
		{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
	}, []string{"corp.internal."}, nil},
	{"a block of its own beside one that does not validate", block("corp.internal", "forward . PRIVATE") + ".:PORT {\nbind 127.0.0.1\nforward . UPSTREAM\n}", []asked{
		{"www.corp.internal. A", "do ad", insecureRow},
		{"www.tampered.test. A", "do", "NOERROR A=192.0.2.0 RRSIG opt"},
	}, []string{"corp.internal."}, nil},
	{"a block that does not validate beside the root's", "corp.internal:PORT {\nbind 127.0.0.1\nforward . PRIVATE\n}\n" + block(".", "forward . UPSTREAM"), []asked{
		{"www.corp.internal. A", "do ad", insecureRow},
		{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
	}, nil, nil},
	{"a block of its own that the tree has signed", block("tampered.test", "forward . UPSTREAM") + ".:PORT {\nbind 127.0.0.1\nforward . UPSTREAM\n}", []asked{
		{"v4.tampered.test. A", "do", "NOERROR ad A=192.0.2.4 RRSIG opt"},
		{"www.tampered.test. A", "do", forged},
	}, nil, nil},
	{"home.arpa and RFC 1918", block(".", "forward home.arpa PRIVATE\nforward 10.in-addr.arpa PRIVATE\nforward . UPSTREAM"), []asked{
		{"www.home.arpa. A", "do ad", insecureRow},
		{"1.0.0.10.in-addr.arpa. PTR", "do ad", "NOERROR PTR=www.corp.internal. opt"},
		{"2.0.0.10.in-addr.arpa. PTR", "do ad", "NXDOMAIN opt"},
	}, []string{"home.arpa.", "10.in-addr.arpa."}, nil},
	{"networks as keys", "10.0.0.0/8:PORT 172.16.0.0/15:PORT {" + validating + "forward . PRIVATE\n}\n" + block(".", "forward . UPSTREAM"), []asked{
		{"1.0.0.10.in-addr.arpa. PTR", "do ad", "NOERROR PTR=www.corp.internal. opt"},
		{"1.0.16.172.in-addr.arpa. PTR", "do ad", "NOERROR PTR=www.corp.internal. opt"},
		{"1.0.17.172.in-addr.arpa. PTR", "do ad", "NOERROR PTR=www.corp.internal. opt"},
	}, []string{"10.in-addr.arpa.", "16.172.in-addr.arpa.", "17.172.in-addr.arpa."}, nil},
	{"except of a signed zone leaves nobody to ask for its DS", block(".", "forward . UPSTREAM {\nexcept tampered.test\n}\nforward tampered.test UPSTREAM"), []asked{
		{"v4.tampered.test. A", "do", "NOERROR A=192.0.2.4 RRSIG opt"},
		{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
	}, []string{"tampered.test."}, nil},
	{"negative trust anchor", strings.ReplaceAll(block(".", "forward corp.internal PRIVATE\nforward . UPSTREAM"), "validate\n",
		"validate\nnegative-trust-anchor corp.internal tampered.test\nnegative-trust-anchor expired.test until 2020-01-01T00:00:00Z\n"), []asked{
		{"www.corp.internal. A", "do ad", insecureRow + negativeAnchorEDE},
		{"www.tampered.test. A", "do", "NOERROR A=192.0.2.0 RRSIG opt" + negativeAnchorEDE},
		{"v4.tampered.test. A", "do", "NOERROR A=192.0.2.4 RRSIG opt" + negativeAnchorEDE},
		{"v4.tampered.test. A", "ad", "NOERROR A=192.0.2.4"},
		{"www.expired.test. A", "do", "SERVFAIL opt ede=7/signature_expired"},
	}, nil, nil},
	{"trust anchor of the private zone", strings.ReplaceAll(block(".", "forward signed.internal PRIVATE\nforward . UPSTREAM"), "ANCHORS", "ANCHORS DIR/private"), []asked{
		{"www.signed.internal. A", "do", "NOERROR ad A=10.0.0.1 RRSIG opt"},
		{"none.signed.internal. A", "do", "NXDOMAIN ad denial opt"},
		{"bad.signed.internal. A", "do", forged},
		{"www.corp.internal. A", "do", "NXDOMAIN ad denial opt"},
	}, nil, [][]string{{"bogus: bad.signed.internal. A", "signature_invalid"}}},
	{"trust anchor of the private zone, nothing else", strings.ReplaceAll(block("signed.internal", "forward . PRIVATE"), "ANCHORS", "DIR/private"), []asked{
		{"www.signed.internal. A", "do", "NOERROR ad A=10.0.0.1 RRSIG opt"},
		{"bad.signed.internal. A", "do", forged},
	}, nil, nil},
}

// TestPrivateZones checks that zones forwarded by name are validated if they
// are signed in the public tree. Otherwise they are answered without AD, with
// one warning.
func TestPrivateZones(t *testing.T) {
	t.Parallel()
	public, own := publicWorld(t), privateWorld(t)
	for _, test := range privates {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := prepare(t, public, test.corefile, "PRIVATE", serve(t, own))
			write(t, p.placeholders.Replace("DIR/private"), strings.Join(own.Anchors("signed.internal."), "\n"))
			p.start(t)
			p.answers(t, test.rows)
			p.answers(t, test.rows)
			for _, zone := range test.warned {
				p.logs(t, "[WARNING] plugin/dnssec: "+zone+" is not validated: ", "`negative-trust-anchor "+zone+"`", "`trust-anchor FILE`", "DS or DNSKEY of "+zone)
			}
			if lines := p.out.lines("is not validated"); len(lines) != len(test.warned) {
				t.Errorf("the log has %d lines of zones that are not validated, want %d: %q", len(lines), len(test.warned), lines)
			}
			for _, words := range test.log {
				p.logs(t, words...)
			}
		})
	}
}
