package placement

import (
	"context"
	"slices"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// Routes is where the names of a Corefile are answered, as seen from one of its blocks.
// The forwarding plugins of that block can't be asked for every DS and DNSKEY RRset: a
// block for corp.example.com has no way to the root, and `forward corp. 10.0.0.1` sends
// the question for the DS of corp. to the child's side of the zone cut.
//
// Names that are looked up have to be canonical.
type Routes struct {
	Own    *Block
	Blocks []*Block // those that share an address with Own, Own first
}

// NewRoutes returns the routes of a block beside others that share its address.
func NewRoutes(own *Block, others ...*Block) *Routes {
	return &Routes{Own: own, Blocks: append([]*Block{own}, others...)}
}

// Lookup decides where a question is to be asked. It returns the stanza of the own block
// or of another; nil if the other block answers without a stanza, so that the question
// has to go through the server. It fails if no block of the Corefile is in charge, or the
// own one without a stanza. The DS RRset of a zone is looked up on the parent's side.
func (r *Routes) Lookup(name string, qtype uint16) (s *Stanza, ok bool) {
	owner := name
	if qtype == dns.TypeDS {
		owner = dnsname.Parent(name)
	}
	b := r.InCharge(owner)
	if b == nil {
		return nil, false
	}
	for _, s := range b.Stanzas {
		childSide := qtype == dns.TypeDS && s.From == name && name != dnsname.Root
		if s.Handler != nil && s.Takes(name) && !childSide {
			return s, true
		}
	}
	return nil, b != r.Own
}

// ParentSide decides where a client's question for a DS RRset is to be asked if the next
// plugin of the own block is not who is to be asked: the RRset is on the parent's side of
// the zone cut (RFC 4035, section 3.1.4.1), which may be another stanza or another block. It
// returns nil if the other block answers without a stanza. elsewhere is false for the next
// plugin, also if no block is in charge of the parent.
func (r *Routes) ParentSide(name string) (s *Stanza, elsewhere bool) {
	s, ok := r.Lookup(name, dns.TypeDS)
	if !ok || s != nil && s == r.First(name) {
		return nil, false
	}
	return s, true
}

// First returns the stanza of the own block that answers for the name, or nil.
func (r *Routes) First(name string) *Stanza {
	for _, s := range r.Own.Stanzas {
		if s.Takes(name) {
			return s
		}
	}
	return nil
}

// InCharge returns the block with the longest zone at or above the name, or nil.
func (r *Routes) InCharge(name string) (best *Block) {
	longest := -1
	for _, b := range r.Blocks {
		if zone, ok := b.Zone(name); ok && len(zone) > longest {
			best, longest = b, len(zone)
		}
	}
	return best
}

// Private returns the name by which the operator forwards a name on purpose: the longer
// of FROM and the own block's zone. It is the root if there is none.
func (r *Routes) Private(name string) string {
	zone, ok := r.Own.Zone(name)
	if !ok {
		return dnsname.Root
	}
	if s := r.First(name); s != nil && len(s.From) > len(zone) {
		return s.From
	}
	return zone
}

// Forwards decides whether the own block forwards a question for the name.
func (r *Routes) Forwards(name string) bool { return r.First(name) != nil }

// Serving returns the routes of a block that asks the handler h for the zones which its
// authoritative plugins serve, and forwards the rest.
func (r *Routes) Serving(served *Served, h plugin.Handler) *Routes {
	own := &Block{Zones: r.Own.Zones}
	for _, zone := range slices.Concat(served.zones, served.below) {
		own.Stanzas = append(own.Stanzas, &Stanza{From: zone, Handler: h})
	}
	own.Stanzas = append(own.Stanzas, r.Own.Stanzas...)
	others := slices.DeleteFunc(slices.Clone(r.Blocks), func(b *Block) bool { return b == r.Own })
	return NewRoutes(own, others...)
}

// ViaServer returns a handler that asks the server to which the question of the context
// came, as a client would. It fails if the context is of no question.
func ViaServer(ctx context.Context) (h plugin.Handler, ok bool) {
	server, ok := ctx.Value(dnsserver.Key{}).(*dnsserver.Server)
	return viaServer{server}, ok
}

// viaServer asks a server.
type viaServer struct{ server *dnsserver.Server }

// Name implements plugin.Handler.
func (v viaServer) Name() string { return "server" }

// ServeDNS implements plugin.Handler.
func (v viaServer) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	v.server.ServeDNS(context.WithValue(ctx, viaServerKey{}, r.Question[0]), w, r)
	return dns.RcodeSuccess, nil
}

type viaServerKey struct{}

// CameViaServer reports whether a block asked the server the question that it now has from
// the server: to ask it there once more would never end. The server may send a question
// for DS to the block of the child.
func CameViaServer(ctx context.Context, question dns.Question) bool {
	asked, ok := ctx.Value(viaServerKey{}).(dns.Question)
	return ok && asked.Qtype == question.Qtype && dnsname.Canonical(asked.Name) == dnsname.Canonical(question.Name)
}
