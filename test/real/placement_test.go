package real

import (
	"strings"
	"testing"
)

// TestStartFails checks that invalid configurations fail at start with helpful
// errors.
func TestStartFails(t *testing.T) {
	t.Parallel()
	block := func(words string) string {
		return ".:PORT {\nbind 127.0.0.1\ndnssec {\n" + words + "\n}\nforward . UPSTREAM\n}"
	}
	tests := []struct {
		name, corefile, want string
	}{
		{"no forward", ".:PORT {\nbind 127.0.0.1\ndnssec {\nvalidate\n}\n}", "nothing that asks an upstream, so that there is nothing to validate: add forward"},
		{"no forward but whoami", ".:PORT {\nbind 127.0.0.1\ndnssec {\nvalidate\n}\nwhoami\n}", "add forward"},
		{"no forward in one of two", block("validate") + "\nexample.org:PORT {\nbind 127.0.0.1\ndnssec {\nvalidate\n}\nwhoami\n}", "example.org."},
		{"no forward but grpc on another block", ".:PORT {\nbind 127.0.0.1\ndnssec {\nvalidate\n}\n}\nexample.org:PORT {\nbind 127.0.0.1\ngrpc . UPSTREAM\n}", "add forward"},
		{"nothing to do", ".:PORT {\nbind 127.0.0.1\ndnssec\nforward . UPSTREAM\n}", "does nothing without the word validate"},
		{"twice", ".:PORT {\nbind 127.0.0.1\ndnssec {\nvalidate\n}\ndnssec {\nvalidate\n}\nforward . UPSTREAM\n}", "once in a server block"},
		{"unknown word", block("validate\nvalidat"), `unknown word "validat"`},
		{"validate twice", block("validate\nvalidate"), "validate is there twice"},
		{"validate with an argument", block("validate yes"), `"yes" is one too many`},
		{"serve without a zone", block("validate\nserve"), "serve"},
		{"auto-trust-anchor without a file", block("validate\nauto-trust-anchor"), "auto-trust-anchor: needs a file to keep its state in"},
		{"key", block("validate\nkey file K"), "on-line signer"},
		{"anchor file missing", block("validate\ntrust-anchor DIR/none"), "DIR/none"},
		{"anchor file wrong", block("validate\ntrust-anchor DIR/Corefile"), "DIR/Corefile:1"},
		{"anchor without file", block("validate\ntrust-anchor"), "needs a file"},
		{"negative anchor without zone", block("validate\nnegative-trust-anchor"), "needs a zone"},
		{"negative anchor until when", block("validate\nnegative-trust-anchor test. until tomorrow"), "2026-12-31T12:00:00Z"},
		{"cache_capacity", block("validate\ncache_capacity none"), "at least 1"},
		{"override-date", block("validate\noverride-date now"), "YYYYMMDDHHMMSS"},
	}
	w := newWorld(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := prepare(t, w, test.corefile)
			want := p.placeholders.Replace(test.want)
			if out := p.fails(t); !strings.Contains(out, want) || !strings.Contains(out, "plugin/dnssec") {
				t.Errorf("output %q, want %q in it", out, want)
			}
		})
	}
}

// validating has the lines that most validating blocks of the tests start with. The tests'
// tree has a signed zone test., which is otherwise answered without a proof.
const validating = `
	bind 127.0.0.1
	errors
	dnssec {
		validate
		trust-anchor ANCHORS
		log-failures
		builtin-negative-trust-anchors off
	}
`

// TestPlacement checks that the directive validates what is forwarded, wherever
// it is in its block, with any number of blocks and stanzas.
func TestPlacement(t *testing.T) {
	t.Parallel()
	all := []asked{
		{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
		{"www.secure.test. AAAA", "ad", "NOERROR ad AAAA=2001:db8::1"},
		{"www.secure.test. A", "", "NOERROR A=192.0.2.1"},
		{"www.nsec3.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
		{"none.secure.test. A", "do", "NXDOMAIN ad denial opt"},
		{"none.nsec3.test. A", "do tcp", "NXDOMAIN ad denial opt"},
		{"www.secure.test. MX", "do", "NOERROR ad denial opt"},
		{"x.wild.secure.test. A", "do", "NOERROR ad A=192.0.2.9 RRSIG denial opt"},
		{"www.unsigned.test. A", "do", "NOERROR A=192.0.2.1 opt"},
		{"out.secure.test. A", "do", "NOERROR A=192.0.2.1 CNAME=www.unsigned.test. RRSIG opt"},
		{"bad.secure.test. A", "do", "SERVFAIL opt ede=6/signature_invalid"},
		{"www.tampered.test. A", "do", "SERVFAIL opt ede=6/signature_invalid"},
		{"www.expired.test. A", "edns", "SERVFAIL opt ede=7/signature_expired"},
		{"www.expired.test. A", "", "SERVFAIL"},
		{"www.expired.test. A", "do cd", "NOERROR A=192.0.2.1 RRSIG opt"},
		{"big.secure.test. TXT", "do tcp", "NOERROR ad TXT=(1264) RRSIG opt"},
	}
	tests := []struct{ name, corefile string }{
		{"plain", ".:PORT {" + validating + "forward . UPSTREAM\n}"},
		{"forward first", ".:PORT {\nforward . UPSTREAM\n" + validating + "}"},
		{"several zones in a block", ".:PORT example.org:PORT {" + validating + "forward . UPSTREAM\n}"},
		{"zones in a block of their own, the key of another", "test.:PORT {" + validating + "forward . UPSTREAM\n}\n.:PORT {" + validating + "forward . UPSTREAM\n}"},
		{"blocks in the other order", ".:PORT {" + validating + "forward . UPSTREAM\n}\nsecure.test.:PORT {" + validating + "forward . UPSTREAM\n}"},
		{"a block for a zone, the root's does not validate", "test.:PORT {" + validating + "forward . UPSTREAM\n}\n.:PORT {\nbind 127.0.0.1\nforward . UPSTREAM\n}"},
		{"a stanza for a zone", ".:PORT {" + validating + "forward secure.test. UPSTREAM\nforward test. UPSTREAM\nforward . UPSTREAM\n}"},
		{"stanzas in the other order", ".:PORT {" + validating + "forward . UPSTREAM\nforward secure.test. UPSTREAM\n}"},
		{"an exception with a stanza of its own", ".:PORT {" + validating + "forward . UPSTREAM {\nexcept www.secure.test www.tampered.test\n}\nforward secure.test. UPSTREAM\nforward . UPSTREAM\n}"},
		{"several upstreams", ".:PORT {" + validating + "forward . UPSTREAM UPSTREAM {\npolicy round_robin\n}\n}"},
		{"over TCP", ".:PORT {" + validating + "forward . UPSTREAM {\nforce_tcp\n}\n}"},
		{"snippet", "(common) {" + validating + "}\n.:PORT {\nimport common\nforward . UPSTREAM\n}"},
		{"zones of the directive", ".:PORT {\nbind 127.0.0.1\ndnssec test. {\nvalidate\ntrust-anchor ANCHORS\n}\nforward . UPSTREAM\n}"},
		{"blocks on other addresses", "test.:PORT {" + validating + "forward . UPSTREAM\n}\n.:PORT {\nbind 127.0.0.2\nforward . 127.0.0.1:9\n}\n.:PORT {" + validating + "forward . UPSTREAM\n}"},
		{"a block on another port", "secure.test.:PORT2 {\nbind 127.0.0.1\nforward . 127.0.0.1:9\n}\n.:PORT {" + validating + "forward . UPSTREAM\n}"},
		{"the root among several keys", "test.:PORT {" + validating + "forward . UPSTREAM\n}\nother.:PORT2 .:PORT {" + validating + "forward . UPSTREAM\n}"},
		{"views", ".:PORT {" + validating + "view here {\nexpr client_ip() == '127.0.0.1'\n}\nforward . UPSTREAM\n}\n.:PORT {" + validating + "forward . 127.0.0.1:9\n}"},
		{"the other view", ".:PORT {" + validating + "view there {\nexpr client_ip() != '127.0.0.1'\n}\nforward . 127.0.0.1:9\n}\n.:PORT {" + validating + "forward . UPSTREAM\n}"},
		{"grpc", ".:PORT {" + validating + "grpc . 127.0.0.1:PORT2\n}\ngrpc://.:PORT2 {\nbind 127.0.0.1\nforward . UPSTREAM\n}"},
		{"forward and grpc", ".:PORT {" + validating + "forward secure.test UPSTREAM\ngrpc . 127.0.0.1:PORT2\n}\ngrpc://.:PORT2 {\nbind 127.0.0.1\nforward . UPSTREAM\n}"},
		{"forward over TLS", ".:PORT {" + validating + "forward . tls://127.0.0.1:PORT2 {\ntls CERT\ntls_servername localhost\n}\n}\n" +
			"tls://.:PORT2 {\nbind 127.0.0.1\ntls CERT KEY\nforward . UPSTREAM\n}"},
		{"multisocket", ".:PORT {" + validating + "multisocket 2\nforward . UPSTREAM\n}"},
	}
	w := newWorld(t)
	cert, key, _ := certificate(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			start(t, w, test.corefile, "CERT", cert, "KEY", key).answers(t, all)
		})
	}
}

// TestOutsideOfZones checks that the directive's ZONES limit validation. Other
// answers pass, but never with the upstream's AD.
func TestOutsideOfZones(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Intercept(setAD)
	p := start(t, w, ".:PORT {\nbind 127.0.0.1\ndnssec secure.test nsec3.test {\nvalidate\ntrust-anchor ANCHORS\n}\nforward . UPSTREAM\n}")
	p.answers(t, []asked{
		{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
		{"www.nsec3.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
		{"www.tampered.test. A", "ad", "NOERROR A=192.0.2.0"},
		{"www.unsigned.test. A", "do", "NOERROR A=192.0.2.1 opt"},
	})
}

// TestTwoPorts checks a Corefile with a validating block on one port and a
// block that does not validate on another.
func TestTwoPorts(t *testing.T) {
	t.Parallel()
	p := start(t, newWorld(t), ".:PORT {"+validating+"forward . UPSTREAM\n}\n.:PORT2 {\nbind 127.0.0.1\nforward . UPSTREAM\n}")
	p.answers(t, []asked{{"www.tampered.test. A", "edns", "SERVFAIL opt ede=6/signature_invalid"}})
	got := describe(exchange(t, "udp", p.placeholders.Replace("127.0.0.1:PORT2"), nil, message(t, "www.expired.test. A", "")))
	if want := "NOERROR A=192.0.2.1"; got != want {
		t.Errorf("the other port answers %s, want %s", got, want)
	}
}
