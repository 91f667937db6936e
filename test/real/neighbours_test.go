package real

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// neighbour is another plugin in the block: its lines, the answers, and words
// of the log.
type neighbour struct {
	name, words string
	rows        []asked
	log         []string
}

// regularAnswers must be the same with every neighbour.
var regularAnswers = []asked{
	{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
	{"www.unsigned.test. A", "ad", "NOERROR A=192.0.2.1"},
	{"none.nsec3.test. A", "do", "NXDOMAIN ad denial opt"},
	{"www.tampered.test. A", "edns", "SERVFAIL opt ede=6/signature_invalid"},
	{"www.tampered.test. A", "", "SERVFAIL"},
}

const forged = "SERVFAIL opt ede=6/signature_invalid"

var neighbours = []neighbour{
	{"rewrite", "rewrite name suffix .alt.test .secure.test answer auto\nrewrite name exact bad.alt www.tampered.test answer auto", []asked{
		{"www.alt.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
		{"x.wild.alt.test. A", "do", "NOERROR ad A=192.0.2.9 RRSIG denial opt"},
		{"bad.alt. A", "edns", forged},
		{"bad.alt. A", "edns", forged},
	}, nil},
	{"rewrite of the type", "rewrite type ANY HINFO\nrewrite class CH IN", nil, nil},
	{"dns64", "dns64 {\nallow_ipv4\n}", []asked{
		{"www.secure.test. AAAA", "do", "NOERROR ad AAAA=2001:db8::1 RRSIG opt"},
		{"v4.secure.test. AAAA", "ad", "NOERROR AAAA=64:ff9b::c000:204"},
		{"v4.unsigned.test. AAAA", "", "NOERROR AAAA=64:ff9b::c000:204"},
		{"v4.tampered.test. AAAA", "ad", "NOERROR AAAA=64:ff9b::c000:204"},
		{"www.tampered.test. AAAA", "", "SERVFAIL"},
		{"www.tampered.test. AAAA", "edns", forged},
	}, []string{"dns64 in the same block"}},
	{"minimal", "minimal", []asked{
		{"x.wild.secure.test. A", "do", "NOERROR ad A=192.0.2.9 RRSIG opt"},
		{"x.wild.nsec3.test. A", "do", "NOERROR ad A=192.0.2.9 RRSIG opt"},
		{"www.secure.test. MX", "do", "NOERROR ad denial opt"},
	}, nil},
	{"loop", "loop", nil, nil},
	{"log and errors", "log . {combined}\nmetadata", nil, []string{`"A IN www.tampered.test. udp`, "SERVFAIL"}},
	{"hosts", "hosts {\n192.0.2.77 www.local.secure.test www.expired.test\nfallthrough\n}", []asked{
		{"www.local.secure.test. A", "do ad", "NOERROR A=192.0.2.77 opt"},
		{"www.expired.test. A", "do", "NOERROR A=192.0.2.77 opt"},
		{"www.secure.test. AAAA", "do", "NOERROR ad AAAA=2001:db8::1 RRSIG opt"},
	}, nil},
	{"template", "template IN A made.secure.test {\nanswer \"{{ .Name }} 60 IN A 192.0.2.88\"\n}\ntemplate IN ANY no.secure.test {\nrcode NXDOMAIN\n}\n" +
		"template IN A upstream.secure.test {\nanswer \"{{ .Name }} 60 IN CNAME www.tampered.test.\"\nupstream\n}", []asked{
		{"a.made.secure.test. A", "do ad", "NOERROR A=192.0.2.88 opt"},
		{"a.no.secure.test. A", "do ad", "NXDOMAIN opt"},
	}, nil},
	{"file", "file DIR/zone local.secure.test", []asked{
		{"www.local.secure.test. A", "do ad", "NOERROR A=192.0.2.99 opt"},
		{"none.local.secure.test. A", "do ad", "NXDOMAIN opt"},
		{"out.local.secure.test. A", "do ad", "NOERROR A=192.0.2.1 CNAME=www.secure.test. RRSIG opt"},
		{"bad.local.secure.test. A", "do ad", "SERVFAIL CNAME=www.tampered.test. opt"},
	}, nil},
	{"autopath", "autopath lan DIR/resolv.conf\ntemplate IN A lan {\nrcode NXDOMAIN\n}", []asked{
		// autopath adds the alias. AD remains and is about the target of the
		// alias.
		{"www.lan. A", "ad", "NOERROR ad A=192.0.2.1 CNAME=www.secure.test."},
	}, nil},
	{"loadbalance", "loadbalance", []asked{
		{"many.secure.test. A", "do", "NOERROR ad A=192.0.2.21 A=192.0.2.22 A=192.0.2.23 RRSIG opt"},
	}, nil},
	{"acl", "acl secure.test {\nblock type TXT net *\n}\nacl nsec3.test {\nfilter type AAAA net *\n}", []asked{
		{"big.secure.test. TXT", "do", "REFUSED opt ede=15/"},
		{"www.nsec3.test. AAAA", "do", "NOERROR opt ede=17/"},
	}, nil},
	{"header", "header {\nresponse set ra aa\n}", nil, nil},
	{"any", "any", []asked{{"www.secure.test. ANY", "do", `NOERROR HINFO="ANY obsoleted" "See RFC 8482" opt`}}, nil},
	{"bufsize", "bufsize 1000", []asked{{"big.secure.test. TXT", "do tcp", "NOERROR ad TXT=(1264) RRSIG opt"}}, nil},
	{"nsid and chaos", "nsid here\nchaos", nil, nil},
	{"local", "local", []asked{{"localhost. A", "do ad", "NOERROR A=127.0.0.1 opt"}}, nil},
	{"all of them", "rewrite name suffix .alt.test .secure.test answer auto\nminimal\nloop\nlog\ncache\nloadbalance\nnsid\nbufsize\nmetadata\n" +
		"hosts {\n192.0.2.77 www.local.secure.test\nfallthrough\n}\nheader {\nresponse set ra\n}", []asked{
		{"www.alt.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
		{"www.local.secure.test. A", "do", "NOERROR A=192.0.2.77 opt"},
		{"www.local.secure.test. A", "do", "NOERROR A=192.0.2.77 opt"},
	}, nil},
}

// TestNeighbours checks that the plugins' own answers are not validated and
// never have AD, and that what they pass to forward is validated.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Intercept(setAD)
	for _, n := range neighbours {
		t.Run(n.name, func(t *testing.T) {
			t.Parallel()
			p := prepare(t, w, ".:PORT {"+validating+n.words+"\nforward . UPSTREAM\n}")
			write(t, p.placeholders.Replace("DIR/zone"), "$ORIGIN local.secure.test.\n@ 60 IN SOA ns a 1 2 3 4 5\n@ 60 IN NS ns\nns 60 IN A 192.0.2.98\n"+
				"www 60 IN A 192.0.2.99\nout 60 IN CNAME www.secure.test.\nbad 60 IN CNAME www.tampered.test.")
			write(t, p.placeholders.Replace("DIR/resolv.conf"), "search lan secure.test")
			p.start(t)
			p.answers(t, n.rows)
			p.answers(t, regularAnswers)
			for _, words := range n.log {
				p.logs(t, words)
			}
			if n.name == "minimal" || strings.Contains(n.words, "minimal") {
				return
			}
			p.answers(t, []asked{{"x.wild.nsec3.test. A", "do", "NOERROR ad A=192.0.2.9 RRSIG denial opt"}})
		})
	}
}

// TestLoopFound checks that loop still finds a loop through the validator.
func TestLoopFound(t *testing.T) {
	t.Parallel()
	p := prepare(t, newWorld(t), ".:PORT {"+validating+"loop\nforward . 127.0.0.1:PORT\n}")
	if out := p.fails(t); !strings.Contains(out, "plugin/loop: Loop") {
		t.Errorf("loop does not report the loop:\n%s", out)
	}
}

// TestBelowForward checks that answers of plugins after forward are returned,
// but never with AD.
func TestBelowForward(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, test := range map[string]struct {
		words string
		row   asked
	}{
		"whoami":  {"whoami", asked{"some.where. A", "ad", "NOERROR"}},
		"erratic": {"erratic {\ndrop 0\ndelay 0\ntruncate 0\n}", asked{"some.where. A", "ad", "NOERROR A=192.0.2.53"}},
		"nothing": {"", asked{"some.where. A", "edns", "SERVFAIL opt"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, w, ".:PORT {"+validating+"forward test. UPSTREAM\n"+test.words+"\n}")
			p.answers(t, []asked{test.row, {"www.unsigned.test. A", "ad", "NOERROR A=192.0.2.1"}})
			if lines := p.out.lines("some.where. is not validated"); len(lines) > 0 {
				t.Errorf("the log mentions what is not forwarded: %q", lines)
			}
		})
	}
}

// TestRewriteEDNS checks rewrite, which gives each client an OPT record. The
// Extended DNS Error remains for clients that sent one.
func TestRewriteEDNS(t *testing.T) {
	t.Parallel()
	p := start(t, newWorld(t), ".:PORT {"+validating+"rewrite edns0 local set 0xffee 0x61626364\nnsid here\nforward . UPSTREAM\n}")
	p.answers(t, []asked{
		{"www.secure.test. A", "ad", "NOERROR ad A=192.0.2.1 opt"},
		{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
		{"www.tampered.test. A", "", "SERVFAIL opt"},
		{"www.tampered.test. A", "edns", forged},
	})
	m := message(t, "www.tampered.test. A", "edns")
	m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID})
	answer := exchange(t, "udp", p.addr, nil, m)
	if got := describe(answer); got != forged || len(answer.IsEdns0().Option) < 2 {
		t.Errorf("with NSID: %s %v", got, answer.IsEdns0())
	}
}

// TestOtherClasses checks that queries with another class or opcode are not
// validated.
func TestOtherClasses(t *testing.T) {
	t.Parallel()
	p := start(t, newWorld(t), ".:PORT {"+validating+"chaos here\nforward . UPSTREAM\n}")
	m := new(dns.Msg).SetQuestion("version.bind.", dns.TypeTXT)
	m.Question[0].Qclass = dns.ClassCHAOS
	if got := describe(exchange(t, "udp", p.addr, nil, m)); got != `NOERROR TXT="here"` {
		t.Errorf("version.bind: %s", got)
	}
	p.answers(t, []asked{{"www.secure.test. NXNAME", "edns", "FORMERR opt ede=30/NXNAME can't be asked for"}})
}
