package worlds

import (
	"testing"

	"github.com/miekg/dns"
)

// TestStep checks the truth against the examples and the rules of the RFCs.
func TestStep(t *testing.T) {
	w := World{Nodes: []Node{
		{Name: "*.t.", Kind: Host},
		{Name: "a.*.t.", Kind: Host},
		{Name: "a.t.", Kind: Host},
		{Name: "b.a.t.", Kind: Alias, Target: "b.t."},
		{Name: "a.a.b.t.", Kind: Redirect, Target: "a.t."},
		{Name: "*.b.b.t.", Kind: Alias, Target: "a.t."},
		{Name: "c.t.", Kind: Signed},
		{Name: "a.c.t.", Kind: Host},
		{Name: "d.t.", Kind: Unsigned},
	}, Modes: [2]Mode{NSEC, NSEC3}}
	sortNodes(w.Nodes)
	world := plant(w, w.Nodes)
	for _, tt := range []struct {
		name   string
		qname  string
		qtype  uint16
		want   outcome
		source string
		target string
		zone   string // "": outside
	}{
		{name: "the RRset", qname: "a.t.", qtype: dns.TypeA, want: answered, source: "a.t.", zone: top},
		{name: "another type", qname: "a.t.", qtype: dns.TypeTXT, want: noData, source: "a.t.", zone: top},
		{name: "a CNAME", qname: "b.a.t.", qtype: dns.TypeA, want: aliased, source: "b.a.t.", target: "b.t.", zone: top},
		{name: "a CNAME that is asked for", qname: "b.a.t.", qtype: dns.TypeCNAME, want: answered, source: "b.a.t.", zone: top},
		{name: "a CNAME answers for a DS", qname: "b.a.t.", qtype: dns.TypeDS, want: aliased, source: "b.a.t.", target: "b.t.", zone: top},
		{name: "a wildcard (RFC 4592, section 2.2.1)", qname: "x.t.", qtype: dns.TypeA, want: answered, source: "*.t.", zone: top},
		{name: "a wildcard without the type", qname: "x.t.", qtype: dns.TypeTXT, want: noData, source: "*.t.", zone: top},
		{name: "a wildcard for several labels", qname: "x.x.t.", qtype: dns.TypeA, want: answered, source: "*.t.", zone: top},
		{name: "the name of a wildcard", qname: "*.t.", qtype: dns.TypeA, want: answered, source: "*.t.", zone: top},
		{name: "no wildcard below the closest encloser (RFC 4592, section 2.2.1)", qname: "x.a.t.", qtype: dns.TypeA, want: noName, zone: top},
		{name: "an empty non-terminal (RFC 4592, section 2.2.2)", qname: "b.t.", qtype: dns.TypeA, want: noData, zone: top},
		{name: "no wildcard below an empty non-terminal", qname: "a.b.t.", qtype: dns.TypeA, want: noData, zone: top},
		{name: "below a wildcard's name", qname: "x.*.t.", qtype: dns.TypeA, want: noName, zone: top},
		{name: "a wildcard with a CNAME", qname: "x.b.b.t.", qtype: dns.TypeA, want: aliased, source: "*.b.b.t.", target: "a.t.", zone: top},
		{name: "a DNAME (RFC 6672, section 2.2)", qname: "x.y.a.a.b.t.", qtype: dns.TypeA, want: redirected, source: "a.a.b.t.", target: "x.y.a.t.", zone: top},
		{name: "the name of a DNAME (RFC 6672, section 2.3)", qname: "a.a.b.t.", qtype: dns.TypeA, want: noData, source: "a.a.b.t.", zone: top},
		{name: "a DS is the parent's (RFC 4035, section 3.1.4.1)", qname: "c.t.", qtype: dns.TypeDS, want: answered, source: "c.t.", zone: top},
		{name: "no DS", qname: "d.t.", qtype: dns.TypeDS, want: noData, source: "d.t.", zone: top},
		{name: "another type is the child's", qname: "c.t.", qtype: dns.TypeA, want: noData, source: "c.t.", zone: "c.t."},
		{name: "in the child", qname: "a.c.t.", qtype: dns.TypeA, want: answered, source: "a.c.t.", zone: "c.t."},
		{name: "the parent's wildcard does not apply in the child", qname: "x.c.t.", qtype: dns.TypeA, want: noName, zone: "c.t."},
		{name: "in an unsigned zone", qname: "x.d.t.", qtype: dns.TypeA, want: unknown, zone: "d.t."},
		{name: "outside", qname: outside, qtype: dns.TypeA, want: unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := world.step(tt.qname, tt.qtype)
			apex := ""
			if got.zone != nil {
				apex = got.zone.apex
			}
			if got.outcome != tt.want || got.source != tt.source || got.target != tt.target || apex != tt.zone {
				t.Errorf("outcome %d from %q to %q in %q, want %d from %q to %q in %q", got.outcome, got.source, got.target, apex, tt.want, tt.source, tt.target, tt.zone)
			}
		})
	}
}

// TestMayBeInsecure checks where an unsigned delegation is or may be.
func TestMayBeInsecure(t *testing.T) {
	nodes := []Node{{Name: "a.a.t.", Kind: Unsigned}, {Name: "b.t.", Kind: Signed}, {Name: "c.t.", Kind: Redirect, Target: "b.t."}, {Name: "d.t.", Kind: Host}}
	for _, tt := range []struct {
		name   string
		qname  string
		qtype  uint16
		optOut bool // the same with OptOut
		want   bool
	}{
		{name: "below an unsigned delegation", qname: "x.a.a.t.", qtype: dns.TypeA, want: true, optOut: true},
		{name: "its DS", qname: "a.a.t.", qtype: dns.TypeDS, optOut: true},
		{name: "an empty non-terminal above it only (RFC 5155, section 7.1)", qname: "a.t.", qtype: dns.TypeA, optOut: true},
		{name: "no such name", qname: "x.t.", qtype: dns.TypeA, optOut: true},
		{name: "below a name", qname: "x.d.t.", qtype: dns.TypeA, optOut: true},
		{name: "a name", qname: "d.t.", qtype: dns.TypeA},
		{name: "a signed delegation's DS", qname: "b.t.", qtype: dns.TypeDS},
		{name: "below a DNAME", qname: "x.c.t.", qtype: dns.TypeA},
		{name: "the apex", qname: top, qtype: dns.TypeA},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for mode, want := range map[Mode]bool{NSEC: tt.want, NSEC3: tt.want, OptOut: tt.optOut} {
				world := plant(World{Modes: [2]Mode{mode, NSEC}}, nodes)
				if got := world.mayBeInsecure(tt.qname, tt.qtype); got != want {
					t.Errorf("with %s: %t, want %t", modeNames[mode], got, want)
				}
			}
		})
	}
}
