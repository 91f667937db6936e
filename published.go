package dnssecval

import (
	"context"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// nothing is what is published if nothing is known.
const nothing = "none"

// publish gives the metadata plugin, if it is in the block, what is known of the answer
// once it is written: for the plugins log, dnstap and others.
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

// status returns the status of the answer that was written; ok is false if it was not
// judged. Of an answer from a cache only its AD, or its explanation, is known.
func (w *explainingWriter) status() (status dnssec.Status, ok bool) {
	if x := w.found(); x != nil {
		return x.finding.Status, x.judge != nil
	}
	return dnssec.Secure, w.authenticated
}

// found returns the explanation of the answer, or why there is none to be written.
func (w *explainingWriter) found() *explanation {
	if w.written != nil {
		return w.written
	}
	return w.slot.own.Load()
}

// zone returns the closest zone that is known of the answer that was written.
func (w *explainingWriter) zone() string {
	if _, judged := w.status(); !judged {
		return nothing
	}
	engine := w.block.handler.engine
	if x := w.found(); x != nil {
		engine = x.judge
	}
	if zone, ok := engine.ZoneOf(w.asked.name, w.asked.qtype); ok {
		return zone
	}
	return nothing
}
