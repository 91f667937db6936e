package dnssecval

import (
	"context"
	"strings"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// worlds returns the public tree, and what a resolver inside the operator's network
// answers.
func worlds(t *testing.T) (public, internal *testzone.World) {
	t.Helper()
	www := []string{"www A 192.0.2.1"}
	public = newWorld(t,
		testzone.Spec{Name: "com.", Algorithm: p256, Denial: testzone.NSEC3OptOut},
		testzone.Spec{Name: "example.com.", Algorithm: p256, Records: www},
		testzone.Spec{Name: "signed.example.com.", Algorithm: p256, Records: www})
	internal = newWorld(t,
		testzone.Spec{Name: "corp.internal.", Records: www},
		testzone.Spec{Name: "corp.example.com.", Records: www})
	return public, internal
}

// inOrder asks the first stanza that takes the name, as the chain of forwards does.
type inOrder []*stanza

func (o inOrder) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	for _, s := range o {
		if s.takes(dns.CanonicalName(r.Question[0].Name)) {
			return s.handler.ServeDNS(ctx, w, r)
		}
	}
	return servfail, nil
}

func (inOrder) Name() string { return "forward" }

func forward(from string, h plugin.Handler, except ...string) *stanza {
	return &stanza{directive: "forward", from: from, handler: h, except: except}
}

// withBlocks has the validator stand in the first of the blocks.
func withBlocks(v *Validator, blocks ...*block) *Validator {
	v.routes = &routes{own: blocks[0], blocks: blocks}
	v.Next = inOrder(blocks[0].stanzas)
	return v
}

// TestPrivateZones: a zone that the operator forwards by name, and that the public tree does
// not prove signed, is passed on, and the log says so once.
func TestPrivateZones(t *testing.T) {
	public, internal := worlds(t)
	root := func(stanzas ...*stanza) *block { return &block{zones: []string{"."}, stanzas: stanzas} }
	of := func(zone string, stanzas ...*stanza) *block { return &block{zones: []string{zone}, stanzas: stanzas} }
	for _, tc := range []struct {
		what, name string
		blocks     []*block
		ad         bool
		logged     string // the zone that is named in the log, if any
	}{
		{what: "FROM beside the root", name: "www.corp.internal.", blocks: []*block{root(forward("corp.internal.", internal), forward(".", public))}, logged: "corp.internal."},
		{what: "FROM, proven signed", name: "www.signed.example.com.", blocks: []*block{root(forward("signed.example.com.", public), forward(".", public))}, ad: true},
		{what: "beside FROM", name: "www.example.com.", blocks: []*block{root(forward("corp.example.com.", internal), forward(".", public))}, ad: true},
		{what: "except", name: "www.corp.internal.", blocks: []*block{root(forward(".", public, "corp.internal."), forward("corp.internal.", internal))}, logged: "corp.internal."},
		{what: "block of its own with a way to the root", name: "www.corp.example.com.",
			blocks: []*block{of("corp.example.com.", forward(".", internal)), root(forward(".", public))}, logged: "corp.example.com."},
		{what: "block of its own without a way to the root", name: "www.corp.example.com.", blocks: []*block{of("corp.example.com.", forward(".", internal))}, logged: "corp.example.com."},
		{what: "block of its own, proven signed", name: "www.signed.example.com.",
			blocks: []*block{of("signed.example.com.", forward(".", public)), root(forward(".", public))}, ad: true},
	} {
		out := captureLog(t)
		v := withBlocks(newTestValidator(t, public), tc.blocks...)
		for range 2 {
			if m := ask(t, v, tc.name, typeA, withDO); m.Rcode != dns.RcodeSuccess || m.AuthenticatedData != tc.ad || !hasType(m.Answer, typeA) {
				t.Errorf("%s:\n%s", tc.what, m)
			}
		}
		checkLogged(t, tc.what, out.String(), tc.logged)
	}
}

// checkLogged wants one line that names the zone and the lines to paste, or none.
func checkLogged(t *testing.T, what, log, zone string) {
	t.Helper()
	if zone == "" && log != "" {
		t.Errorf("%s: logged %q", what, log)
	}
	if zone == "" {
		return
	}
	for _, part := range []string{"plugin/dnssecval: " + zone + " is not validated: ", "`trust-anchor FILE`", "`negative-trust-anchor " + zone + "`"} {
		if strings.Count(log, part) != 1 {
			t.Errorf("%s: %q is not there once: %q", what, part, log)
		}
	}
}

// TestRoutes: the DS of a zone is asked where its parent is asked.
func TestRoutes(t *testing.T) {
	h := func(name string) plugin.Handler { return named(name) }
	own := &block{zones: []string{"."}, stanzas: []*stanza{
		forward("corp.example.com.", h("corp")), forward("example.com.", h("example"), "except.example.com."), forward(".", h("root"), "internal.")}}
	other := &block{zones: []string{"other.", "example.org."}, stanzas: []*stanza{forward(".", h("other"))}}
	r := &routes{own: own, blocks: []*block{own, other}}
	for _, tc := range []struct {
		name  string
		qtype uint16
		want  string
	}{
		{".", dns.TypeDNSKEY, "root"},
		{"com.", dns.TypeDS, "root"},
		{"example.com.", dns.TypeDS, "root"},
		{"example.com.", dns.TypeDNSKEY, "example"},
		{"sub.example.com.", dns.TypeDS, "example"},
		{"corp.example.com.", dns.TypeDS, "example"},
		{"corp.example.com.", dns.TypeDNSKEY, "corp"},
		{"badcorp.example.com.", dns.TypeDNSKEY, "example"},
		{"x.corp.example.com.", dns.TypeDS, "corp"},
		{"except.example.com.", dns.TypeDNSKEY, "root"},
		{"internal.", dns.TypeDNSKEY, ""},
		{"other.", dns.TypeDS, "root"},
		{"other.", dns.TypeDNSKEY, "other"},
		{"x.other.", dns.TypeDS, "other"},
		{"example.org.", dns.TypeDNSKEY, "other"},
	} {
		got, ok := r.handler(context.Background(), tc.name, tc.qtype)
		if ok != (tc.want != "") || ok && got.Name() != tc.want {
			t.Errorf("%s %s: %v, %v, want %s", tc.name, dns.Type(tc.qtype), got, ok, tc.want)
		}
	}
}

// named is a handler with nothing but a name.
type named string

func (n named) ServeDNS(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) {
	return servfail, nil
}

func (n named) Name() string { return string(n) }
