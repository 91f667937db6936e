package placement

import (
	"context"
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// named is a handler with nothing but a name.
type named string

func (n named) ServeDNS(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) {
	return dns.RcodeServerFailure, nil
}

func (n named) Name() string { return string(n) }

// forward returns a stanza whose handler has the name.
func forward(from, handler string, except ...string) *Stanza {
	return &Stanza{Directive: "forward", From: from, Handler: named(handler), Except: except}
}

// testRoutes returns the routes of a block for the root, beside one for two zones.
func testRoutes() *Routes {
	own := &Block{Zones: []string{"."}, Stanzas: []*Stanza{
		forward("corp.example.com.", "corp"), forward("example.com.", "example", "except.example.com."), forward(".", "root", "internal.")}}
	other := &Block{Zones: []string{"other.", "example.org."}, Stanzas: []*Stanza{forward("except.other.", "except"), forward("other.", "other"), forward("example.org.", "org", "local.example.org.")}}
	return NewRoutes(own, other)
}

// TestLookup: the DS RRset of a zone is asked for where its parent is.
func TestLookup(t *testing.T) {
	r := testRoutes()
	for _, tc := range []struct {
		name  string
		qname string
		qtype uint16
		want  string // the handler; empty if no block is in charge
	}{
		{name: "root", qname: ".", qtype: dns.TypeDNSKEY, want: "root"},
		{name: "DS of a top-level domain", qname: "com.", qtype: dns.TypeDS, want: "root"},
		{name: "DS of FROM", qname: "example.com.", qtype: dns.TypeDS, want: "root"},
		{name: "DNSKEY of FROM", qname: "example.com.", qtype: dns.TypeDNSKEY, want: "example"},
		{name: "DS below FROM", qname: "sub.example.com.", qtype: dns.TypeDS, want: "example"},
		{name: "DS of FROM below FROM", qname: "corp.example.com.", qtype: dns.TypeDS, want: "example"},
		{name: "DNSKEY of FROM below FROM", qname: "corp.example.com.", qtype: dns.TypeDNSKEY, want: "corp"},
		{name: "label that ends as FROM", qname: "badcorp.example.com.", qtype: dns.TypeDNSKEY, want: "example"},
		{name: "DS below the longer FROM", qname: "x.corp.example.com.", qtype: dns.TypeDS, want: "corp"},
		{name: "except", qname: "except.example.com.", qtype: dns.TypeDNSKEY, want: "root"},
		{name: "except of all stanzas", qname: "internal.", qtype: dns.TypeDNSKEY},
		{name: "DS of another block's zone", qname: "other.", qtype: dns.TypeDS, want: "root"},
		{name: "DNSKEY of another block's zone", qname: "other.", qtype: dns.TypeDNSKEY, want: "other"},
		{name: "DS in another block's zone", qname: "x.other.", qtype: dns.TypeDS, want: "other"},
		{name: "second zone of another block", qname: "example.org.", qtype: dns.TypeDNSKEY, want: "org"},
		{name: "another block without a stanza", qname: "local.example.org.", qtype: dns.TypeDNSKEY, want: "server"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, ok := r.Lookup(tc.qname, tc.qtype)
			got := ""
			switch {
			case s != nil:
				got = s.Handler.Name()
			case ok:
				got = "server"
			}
			if got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// TestParentSide: a client's question for a DS is asked where the parent zone is, as the
// chain's is (RFC 4035, section 3.1.4.1). All other questions are for the next plugin.
func TestParentSide(t *testing.T) {
	vpn := &Block{Zones: []string{"vpn.example.test."}, Stanzas: []*Stanza{forward(".", "vpn")}}
	root := &Block{Zones: []string{"."}, Stanzas: []*Stanza{forward(".", "root")}}
	served := &Block{Zones: []string{"."}}
	for _, tc := range []struct {
		name   string
		routes *Routes
		qname  string
		want   string // the handler; "next", or "server"
	}{
		{name: "FROM", routes: testRoutes(), qname: "example.com.", want: "root"},
		{name: "FROM below FROM", routes: testRoutes(), qname: "corp.example.com.", want: "example"},
		{name: "below FROM", routes: testRoutes(), qname: "sub.example.com.", want: "next"},
		{name: "beside FROM", routes: testRoutes(), qname: "example.net.", want: "next"},
		{name: "except of FROM", routes: testRoutes(), qname: "except.example.com.", want: "next"},
		{name: "root", routes: testRoutes(), qname: ".", want: "next"},
		{name: "zone of the block", routes: NewRoutes(vpn, root), qname: "vpn.example.test.", want: "root"},
		{name: "below the zone of the block", routes: NewRoutes(vpn, root), qname: "sub.vpn.example.test.", want: "next"},
		{name: "another block's zone", routes: NewRoutes(root, vpn), qname: "vpn.example.test.", want: "next"},
		{name: "in another block's zone", routes: NewRoutes(root, vpn), qname: "sub.vpn.example.test.", want: "vpn"},
		{name: "zone of the only block", routes: NewRoutes(vpn), qname: "vpn.example.test.", want: "next"},
		{name: "parent in a block without a stanza", routes: NewRoutes(vpn, served), qname: "vpn.example.test.", want: "server"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, elsewhere := tc.routes.ParentSide(tc.qname)
			got := "next"
			switch {
			case s != nil:
				got = s.Handler.Name()
			case elsewhere:
				got = "server"
			}
			if got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// TestCameViaServer: the same question, in whatever case, came back from the server.
func TestCameViaServer(t *testing.T) {
	asked := dns.Question{Name: "VPN.example.test.", Qtype: dns.TypeDS, Qclass: dns.ClassINET}
	ctx := context.WithValue(t.Context(), viaServerKey{}, asked)
	for _, tc := range []struct {
		name  string
		ctx   context.Context
		qname string
		qtype uint16
		want  bool
	}{
		{name: "came back", ctx: ctx, qname: "vpn.example.test.", qtype: dns.TypeDS, want: true},
		{name: "another name", ctx: ctx, qname: "example.test.", qtype: dns.TypeDS},
		{name: "another type", ctx: ctx, qname: "vpn.example.test.", qtype: dns.TypeDNSKEY},
		{name: "of a client", ctx: t.Context(), qname: "vpn.example.test.", qtype: dns.TypeDS},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := CameViaServer(tc.ctx, dns.Question{Name: tc.qname, Qtype: tc.qtype}); got != tc.want {
				t.Errorf("%t, want %t", got, tc.want)
			}
		})
	}
}

// TestLookupWithoutBlock: a name that no block serves is asked for nowhere.
func TestLookupWithoutBlock(t *testing.T) {
	r := NewRoutes(&Block{Zones: []string{"corp.example.com."}, Stanzas: []*Stanza{forward(".", "corp")}})
	for _, tc := range []struct {
		name  string
		qname string
		qtype uint16
		want  bool
	}{
		{name: "the block's zone", qname: "corp.example.com.", qtype: dns.TypeDNSKEY, want: true},
		{name: "DS of the block's zone", qname: "corp.example.com.", qtype: dns.TypeDS},
		{name: "above it", qname: "example.com.", qtype: dns.TypeDNSKEY},
		{name: "root", qname: ".", qtype: dns.TypeDNSKEY},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if s, ok := r.Lookup(tc.qname, tc.qtype); ok != tc.want || ok && s == nil {
				t.Errorf("%+v, %v", s, ok)
			}
		})
	}
}

// TestForwarding: which stanza of the own block a name goes to, and by which name the
// operator forwards it.
func TestForwarding(t *testing.T) {
	root := testRoutes()
	zone := NewRoutes(&Block{Zones: []string{"example.com.", "corp.example.com."}, Stanzas: []*Stanza{forward("b.example.com.", "b"), forward(".", "root")}})
	for _, tc := range []struct {
		name    string
		routes  *Routes
		qname   string
		first   string // the handler; empty if none
		private string
	}{
		{name: "FROM", routes: root, qname: "www.corp.example.com.", first: "corp", private: "corp.example.com."},
		{name: "root alone", routes: root, qname: "www.example.org.", first: "root", private: "."},
		{name: "except", routes: root, qname: "except.example.com.", first: "root", private: "."},
		{name: "not forwarded", routes: root, qname: "www.internal.", private: "."},
		{name: "zone of the block", routes: zone, qname: "www.example.com.", first: "root", private: "example.com."},
		{name: "longer zone of the block", routes: zone, qname: "www.corp.example.com.", first: "root", private: "corp.example.com."},
		{name: "FROM in the zone of the block", routes: zone, qname: "www.b.example.com.", first: "b", private: "b.example.com."},
		{name: "not in the block", routes: zone, qname: "www.example.org.", first: "root", private: "."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			first := ""
			if s := tc.routes.First(tc.qname); s != nil {
				first = s.Handler.Name()
			}
			if private := tc.routes.Private(tc.qname); first != tc.first || private != tc.private || tc.routes.Forwards(tc.qname) != (tc.first != "") {
				t.Errorf("%q by %q, want %q by %q", first, private, tc.first, tc.private)
			}
		})
	}
}

// TestServing: the zones that are served are asked for before those that are forwarded.
func TestServing(t *testing.T) {
	r := testRoutes()
	serving := r.Serving(&Served{zones: plugin.Zones{"corp.example.com."}, below: plugin.Zones{"example.net."}}, named("file"))
	for name, want := range map[string]string{"www.corp.example.com.": "file", "example.net.": "file", "www.example.com.": "example", "x.other.": "other"} {
		if s, ok := serving.Lookup(name, dns.TypeDNSKEY); !ok || s.Handler.Name() != want {
			t.Errorf("%s: %+v, want %s", name, s, want)
		}
	}
	if s, ok := r.Lookup("www.corp.example.com.", dns.TypeDNSKEY); !ok || s.Handler.Name() != "corp" {
		t.Errorf("the routes that are not of serve are others now: %+v", s)
	}
}

// TestLookupAllocates: a look-up is made for each query, and allocates nothing.
func TestLookupAllocates(t *testing.T) {
	r := testRoutes()
	if n := testing.AllocsPerRun(100, func() {
		r.Lookup("x.corp.example.com.", dns.TypeDS)
		r.ParentSide("corp.example.com.")
		r.First("www.example.com.")
		r.Private("www.example.com.")
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// parseBlock reads a Corefile of one server block.
func parseBlock(t *testing.T, text string) caddyfile.ServerBlock {
	t.Helper()
	blocks, err := caddyfile.Parse("Corefile", strings.NewReader(text), nil)
	if err != nil || len(blocks) != 1 {
		t.Fatal(blocks, err)
	}
	return blocks[0]
}

// TestStanzas: what is read of forwarding plugins, and which names each takes.
func TestStanzas(t *testing.T) {
	for _, tc := range []struct {
		name, text  string
		directive   string
		from        string
		takes, lets string // names that the stanza takes, and leaves to others
	}{
		{name: "root", text: "forward . 192.0.2.1", directive: "forward", from: ".", takes: ". www.example.org."},
		{name: "FROM", text: "forward Example.ORG 192.0.2.1", directive: "forward", from: "example.org.", takes: "example.org. www.example.org.", lets: ". org. badexample.org."},
		{name: "reverse zone", text: "grpc 10.0.0.0/8 192.0.2.1", directive: "grpc", from: "10.in-addr.arpa.", takes: "1.10.in-addr.arpa.", lets: "11.in-addr.arpa."},
		{name: "except", text: "forward . 192.0.2.1 {\nmax_concurrent 7\nexcept A.example b.example\n}", directive: "forward", from: ".", takes: "example.", lets: "a.example. www.b.example."},
		{name: "except of FROM", text: "fanout example.org 192.0.2.1 {\nexcept example.org\n}", directive: "fanout", from: "example.org.", takes: "example.org.", lets: "www.example.org."},
		{name: "alternate", text: "alternate original SERVFAIL . 192.0.2.1", directive: "alternate", from: ".", takes: "www.example.org."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBlock([]string{"."}, parseBlock(t, ". {\n"+tc.text+"\n}"))
			if len(b.Stanzas) != 1 || b.Stanzas[0].Directive != tc.directive || b.Stanzas[0].From != tc.from {
				t.Fatalf("%+v", b.Stanzas)
			}
			for _, name := range strings.Fields(tc.takes) {
				if !b.Stanzas[0].Takes(name) {
					t.Errorf("%s is not taken", name)
				}
			}
			for _, name := range strings.Fields(tc.lets) {
				if b.Stanzas[0].Takes(name) {
					t.Errorf("%s is taken", name)
				}
			}
		})
	}
}

// finder is an auto plugin that has found zones.
type finder struct{ named }

func (finder) Names() []string { return []string{"a.example.org.", "b.example.com."} }

// TestServed: the zones of authoritative plugins, those that auto finds, and those that
// are left out.
func TestServed(t *testing.T) {
	sb := parseBlock(t, "example.org {\nfile db.one one.example.org outside.example\nfile db.two\nauto example.org example.com {\ndirectory /zones\n}\nsecondary two.example.org {\ntransfer from 192.0.2.1\n}\n}")
	s := newServed(sb)
	s.only(plugin.Zones{"example.org."})
	if all := strings.Join(s.All(), " "); all != "one.example.org. example.org. two.example.org." || !s.Changes() {
		t.Errorf("at first: %s", all)
	}
	s.foundBy(finder{"auto"}, plugin.Zones{"example.org."})
	if all := strings.Join(s.All(), " "); all != "one.example.org. example.org. two.example.org. a.example.org." {
		t.Errorf("with what auto found: %s", all)
	}
	if zone := s.Zone("www.a.example.org."); zone != "a.example.org." || !s.IsApex("a.example.org.") || s.IsApex("www.a.example.org.") || s.Zone("www.outside.example.") != "" {
		t.Errorf("%q", zone)
	}
}
