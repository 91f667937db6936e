package dnssecval

import (
	"context"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// nothing is what is published where nothing is known.
const nothing = "none"

// publish gives the metadata plugin, if it is in the block, what is known of the
// answer once it is written: for the log, dnstap and others behind.
func (w *explainingWriter) publish(ctx context.Context) {
	if metadata.ValueFuncs(ctx) == nil {
		return
	}
	metadata.SetValueFunc(ctx, "dnssec/status", func() string {
		if status, ok := w.status(); ok {
			return status.String()
		}
		return nothing
	})
	metadata.SetValueFunc(ctx, "dnssec/reason", func() string {
		if x := w.found(); x != nil {
			return x.finding.Reason.String()
		}
		return dnssec.ReasonNone.String()
	})
	metadata.SetValueFunc(ctx, "dnssec/zone", w.zone)
}

// status decides what the answer that was written is. One out of a cache was judged
// before, and all that is known of it is its AD, or why it has none.
func (w *explainingWriter) status() (status dnssec.Status, ok bool) {
	if x := w.found(); x != nil {
		return x.finding.Status, x.judge != nil
	}
	return dnssec.Secure, w.vouched
}

// found returns what is to be told: of the answer, or why there is none to be written.
func (w *explainingWriter) found() *explanation {
	if w.said != nil {
		return w.said
	}
	return w.slot.Load()
}

func (w *explainingWriter) zone() string {
	if _, judged := w.status(); !judged {
		return nothing
	}
	v := w.explainer.v
	if x := w.found(); x != nil {
		v = x.judge
	}
	if zone, ok := v.zoneOf(w.asked); ok {
		return zone
	}
	return nothing
}

// zoneOf returns the closest zone at or above what was asked for, of those that are
// known now. It asks nobody.
func (v *Validator) zoneOf(asked question) (zone string, ok bool) {
	name, anchors, now := container(asked.name, asked.qtype), v.anchors.Load(), v.now()
	scope := anchors.scope(name, now)
	if scope.finding.Status != dnssec.Secure {
		return scope.zone, true
	}
	for n := dnsname.Labels(name); n >= dnsname.Labels(scope.zone); n-- {
		c := v.cache.cut(dnsname.Ancestor(name, n), anchors, now)
		if c != nil && c.isZone() {
			return c.name, true
		}
	}
	return "", false
}

// isZone tells whether a zone is known to begin at the name, be it as it may.
func (c *cut) isZone() bool {
	unknown := c.finding.Status == dnssec.Bogus && c.delegation == dnssec.DelegationUnsigned
	return c.beginsZone() && !c.inherited && !unknown
}
