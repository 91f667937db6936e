package dnssecval

import (
	"context"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/request"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// Server judges what the authoritative plugins of a block serve. It stands directly
// before them, and servedEnd directly behind them. What they do not answer reaches servedEnd
// and is not judged here.
type Server struct {
	Next plugin.Handler
	*block
	engine    *validator.Validator // with caches of its own, since it asks the authoritative plugins
	exchanger *exchanger
	served    *placement.Served
}

// passage is one question on its way through the authoritative plugins.
type passage struct {
	ctx    context.Context
	w      dns.ResponseWriter
	r      *dns.Msg
	passed bool // none of them answered
}

// passageKey is the key of the passage in a context.
type passageKey struct{}

// withoutPassage returns a context for another question within one under way: that for the
// target of an alias, or for a DS or DNSKEY. If the authoritative plugins do not answer it,
// servedEnd must not take it for the first question.
func withoutPassage(ctx context.Context) context.Context {
	return context.WithValue(ctx, passageKey{}, (*passage)(nil))
}

// Name implements plugin.Handler.
func (s *Server) Name() string { return s.directive }

// ServeDNS implements plugin.Handler.
func (s *Server) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	state := request.Request{W: w, Req: r}
	switch t := state.QType(); {
	case r.CheckingDisabled, !validator.Judges(r), t == dns.TypeAXFR, t == dns.TypeIXFR, s.served.Zone(state.Name()) == "":
		return plugin.NextOrFailure(s.Name(), s.Next, withoutPassage(ctx), w, r)
	}
	way := &passage{ctx: ctx, w: w, r: r}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, passageKey{}, way), validator.Patience)
	defer cancel()

	caught := &catcher{ResponseWriter: w}
	rcode, err := plugin.NextOrFailure(s.Name(), s.Next, ctx, caught, withDO(r))
	if way.passed || caught.msg == nil {
		return rcode, err
	}
	return s.answer(ctx, w, r, caught.msg)
}

// withDO returns the client's request with DO set, so that the response has signatures.
func withDO(r *dns.Msg) *dns.Msg {
	r = r.Copy()
	if opt := r.IsEdns0(); opt != nil {
		opt.SetDo()
	} else {
		r.SetEdns0(dns.MaxMsgSize, true)
	}
	return r
}

// answer refuses a response that is bogus, and writes any other as the authoritative plugin
// made it.
func (s *Server) answer(ctx context.Context, w dns.ResponseWriter, r, msg *dns.Msg) (int, error) {
	cl := s.newClient(ctx, w, r)
	result := s.engine.Validate(context.WithValue(ctx, clientKey{}, cl), r, msg)
	cl.counters.countFinding(result.Finding)
	if x := explanationOf(result, s.engine); !explain(ctx, x) {
		s.explanations.noteSecure(cl.question, x, maxTTL(msg), cl.now)
	}
	if result.Status == dnssec.Bogus {
		s.report(cl, s.engine, result.Finding)
		if !s.words.reportOnly && (result.Reason == dnssec.Overloaded || result.Reason == dnssec.AnswerUnavailable) {
			return dns.RcodeServerFailure, nil
		}
	}
	_ = w.WriteMsg(result.Reply(r, msg))
	return dns.RcodeSuccess, nil
}

// zoneHandler returns the handler that answers questions of the chain for the served
// zones: by the authoritative plugins, but for the DS of a served zone, which they would
// answer as the zone itself.
func (s *Server) zoneHandler(routes *placement.Routes) plugin.Handler {
	above := &exchanger{block: s.block, routes: routes}
	return plugin.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		name := dnsname.Canonical(r.Question[0].Name)
		if r.Question[0].Qtype != dns.TypeDS || !s.served.IsApex(name) {
			return plugin.NextOrFailure("serve", s.Next, withoutPassage(ctx), w, r)
		}
		to, ok := above.lookup(ctx, name, dns.TypeDS)
		if !ok {
			return dns.RcodeRefused, validator.ErrNoRoute
		}
		return to.handler.ServeDNS(ctx, w, r)
	})
}

// servedEnd stands behind the authoritative plugins. A question that reaches it was answered
// by none of them, and goes on as the client asked it.
type servedEnd struct {
	next plugin.Handler
	name string
}

// Name implements plugin.Handler.
func (e servedEnd) Name() string { return e.name }

// ServeDNS implements plugin.Handler.
func (e servedEnd) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if way, ok := ctx.Value(passageKey{}).(*passage); ok && way != nil && !way.passed {
		way.passed = true
		ctx, w, r = way.ctx, way.w, way.r
	}
	return plugin.NextOrFailure(e.name, e.next, ctx, w, r)
}

const (
	expirationInterval = 10 * time.Minute // between looks at the zones that are served
	expirationRetry    = 5 * time.Second  // while a zone is not loaded yet
)

// transferer is what authoritative plugins implement for the plugin transfer. A serial of
// 0 asks for all records of a zone.
type transferer interface {
	Transfer(zone string, serial uint32) (<-chan []dns.RR, error)
}

// watchExpirations exports when the first signature of each served zone expires. It logs that
// time when it is first known and when it changes.
func (s *Server) watchExpirations(config *dnsserver.Config, stop <-chan struct{}) {
	logged, looked := make(map[string]time.Time), make(map[string]time.Time)
	defer s.metrics.forgetExpirations(s)
	for {
		wait := expirationInterval
		if s.served.Changes() { // auto finds zones at any time
			wait = expirationRetry
		}
		for _, zone := range s.served.All() {
			now := time.Now()
			if last, known := looked[zone]; known && now.Sub(last) < expirationInterval {
				continue
			}
			first, ok := firstExpiration(config, zone, now)
			if !ok {
				wait = expirationRetry
				continue
			}
			looked[zone] = now
			for _, server := range s.servers {
				s.metrics.setExpiration(s, server, zone, first)
			}
			if before, known := logged[zone]; !known || !first.Equal(before) {
				logged[zone] = first
				s.logExpiration(zone, first)
			}
		}
		select {
		case <-time.After(wait):
		case <-stop:
			return
		}
	}
}

// logExpiration logs when the first signature of a zone expires.
func (s *Server) logExpiration(zone string, first time.Time) {
	left := time.Until(first).Round(time.Minute)
	switch {
	case first.IsZero():
		s.log.Warningf("zone %s is served without signatures", zone)
	case left <= 0:
		s.log.Errorf("zone %s has signatures that ran out %s: sign it again", zone, first.Format(time.RFC3339))
	default:
		s.log.Infof("zone %s: its signatures last for %s, the first runs out %s", zone, left, first.Format(time.RFC3339))
	}
}

// firstExpiration returns when the first signature of a zone expires, or the zero time if
// it has none; ok is false if no authoritative plugin has the zone.
func firstExpiration(config *dnsserver.Config, zone string, now time.Time) (first time.Time, ok bool) {
	for _, name := range placement.Authoritative {
		t, is := config.Handler(name).(transferer)
		if !is {
			continue
		}
		records, err := t.Transfer(zone, 0)
		if err != nil {
			continue
		}
		ok = true
		for batch := range records {
			first = earliest(batch, first, now)
		}
	}
	return first, ok
}

// earliest returns the earlier of a time, which may be zero, and the first expiration of the
// signatures among some records.
func earliest(records []dns.RR, first time.Time, now time.Time) time.Time {
	for _, rr := range records {
		sig, ok := rr.(*dns.RRSIG)
		if !ok {
			continue
		}
		if at := dnssec.SerialTime(now, sig.Expiration); first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}
