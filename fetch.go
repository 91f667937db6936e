package dnssecval

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/metrics/vars"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
	"golang.org/x/sync/singleflight"
)

// effort is how hard a question is asked: as usual, once more since the first
// answer was bad (another upstream is likely to answer), and at last over TCP and
// with CD, so that no cache in between judges for us.
type effort int

const (
	usual effort = iota
	again
	overTCP
	efforts
)

// maxQuestions bounds the questions that one client's query may cause.
const maxQuestions = 32

// udpSize is what the upstream is told that it may send over UDP.
const udpSize = 1232

var (
	errPanic     = errors.New("an error in this program, see its log")
	errQuestions = errors.New("too many questions for one query")
	errNoRoute   = errors.New("no server block or forward is in charge of it")
)

// query is one client's query under way: what it asks, and what it may cost.
// Goroutines of the same query share it.
type query struct {
	v        *Validator
	ctx      context.Context
	w        dns.ResponseWriter
	request  *dns.Msg
	question question
	started  time.Time
	now      time.Time // for what is kept; the verifier's may be override-date
	counters *counters // of the server that the question came to
	anchors  *anchorSet
	verifier dnssec.Verifier

	expected *expected
}

// expected is the questions of the chain that were asked ahead of their need, and how
// many were asked. What goes on for the same client shares it, so that none is asked
// twice.
type expected struct {
	asked atomic.Int32
	sync.Mutex
	flights map[question]<-chan singleflight.Result // nil: waited for already
}

func (v *Validator) newQuery(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) *query {
	q := &query{
		v: v, ctx: ctx, w: w, request: r, started: time.Now(), now: v.now(), anchors: v.anchors.Load(), counters: v.metrics.of(v.server(ctx)),
		question: question{dnsname.Canonical(r.Question[0].Name), r.Question[0].Qtype},
		expected: new(expected),
	}
	q.verifier = dnssec.Verifier{Now: q.now, Policy: v.policy, Budget: dnssec.NewBudget(v.turns), Ledger: ledger{v.cache, q.counters}}
	if !v.override.IsZero() {
		q.verifier.Now = v.override
	}
	return q
}

// known returns what the cache has of a name, or nil.
func (q *query) known(name string) *cut {
	c := q.v.cache.cut(name, q.anchors, q.now)
	q.counters.lookedUp(c != nil)
	if c != nil && !c.renewal.IsZero() && !q.now.Before(c.renewal) && c.renewing.CompareAndSwap(false, true) {
		q.renew(c)
	}
	return c
}

// scope returns the anchor that counts for a name.
func (q *query) scope(name string) scope { return q.anchors.scope(name, q.now) }

// client returns the address of who asked, for the log.
func (q *query) client() string {
	host, _, err := net.SplitHostPort(q.w.RemoteAddr().String())
	if err != nil {
		return q.w.RemoteAddr().String()
	}
	return host
}

// asking is the client's question on its way to the next handler.
func (q *query) asking() *asking {
	return q.v.newAsking(q.ctx, q.w, q.v.routes.first(q.v.Next, q.question.name), q.upstreamRequest(q.request.Question[0].Name))
}

// upstreamRequest is the client's question, for the name, with DO, and of its EDNS
// options those that are not between it and us.
func (q *query) upstreamRequest(name string) *dns.Msg {
	req := newRequest(name, q.question.qtype)
	req.Id = q.request.Id
	req.RecursionDesired = q.request.RecursionDesired
	if opt := q.request.IsEdns0(); opt != nil {
		own := req.IsEdns0()
		for _, o := range opt.Option {
			if !slices.Contains(hopByHop, o.Option()) {
				own.Option = append(own.Option, o)
			}
		}
	}
	return req
}

var hopByHop = []uint16{dns.EDNS0COOKIE, dns.EDNS0TCPKEEPALIVE, dns.EDNS0PADDING}

func newRequest(name string, qtype uint16) *dns.Msg {
	req := new(dns.Msg).SetQuestion(name, qtype)
	req.SetEdns0(udpSize, true)
	return req
}

// expect asks a question of the chain without waiting: it is likely to be needed.
// Half of the questions are left for what is.
func (q *query) expect(name string, qtype uint16) {
	if q.expected.asked.Load() >= maxQuestions/2 {
		return
	}
	q.expected.Lock()
	defer q.expected.Unlock()
	key := question{name, qtype}
	if _, ok := q.expected.flights[key]; !ok {
		q.expected.put(key, q.fly(key, usual))
	}
}

func (e *expected) put(key question, flight <-chan singleflight.Result) {
	if e.flights == nil {
		e.flights = make(map[question]<-chan singleflight.Result)
	}
	e.flights[key] = flight
}

// fetch asks a question of the chain, or waits for whoever asks it already. The
// message is shared and must not be changed.
func (q *query) fetch(name string, qtype uint16, e effort) (*dns.Msg, error) {
	key := question{name, qtype}
	q.expected.Lock()
	flight := q.expected.flights[key]
	q.expected.put(key, nil)
	q.expected.Unlock()
	if flight == nil || e != usual {
		flight = q.fly(key, e)
	}
	select {
	case result := <-flight:
		msg, _ := result.Val.(*dns.Msg)
		return msg, result.Err
	case <-q.ctx.Done():
		return nil, q.ctx.Err()
	}
}

// fly starts the flight of a question, or joins the one under way. It goes on for
// the others if this client gives up.
func (q *query) fly(key question, e effort) <-chan singleflight.Result {
	if q.expected.asked.Add(1) > maxQuestions {
		failed := make(chan singleflight.Result, 1)
		failed <- singleflight.Result{Err: errQuestions}
		return failed
	}
	id := fmt.Sprintf("%s %d %d", key.name, key.qtype, e)
	own := context.WithoutCancel(q.ctx)
	return q.v.once(id, func() (any, error) {
		ctx, cancel := context.WithTimeout(own, patience)
		defer cancel()
		return q.v.exchange(ctx, key, e)
	})
}

// once runs f for all who wait for the id. A panic fails these alone: the server
// recovers from those in its own goroutines, and this is another.
func (v *Validator) once(id string, f func() (any, error)) <-chan singleflight.Result {
	return v.flights.DoChan(id, func() (result any, err error) {
		defer func() {
			if p := recover(); p != nil {
				vars.Panic.Inc()
				v.log.Errorf("recovered from panic in %s: %v\n%s", id, p, debug.Stack())
				result, err = nil, errPanic
			}
		}()
		return f()
	})
}

// apart keeps what is found of a question of our own out of the client's metadata, which
// parallel ones would write to at once.
func apart(ctx context.Context) context.Context {
	if metadata.ValueFuncs(ctx) == nil {
		return ctx
	}
	return metadata.ContextWithMetadata(ctx)
}

// exchange asks for DS or DNSKEY records where they are to be had.
func (v *Validator) exchange(ctx context.Context, key question, e effort) (*dns.Msg, error) {
	next, ok := v.routes.handler(ctx, key.name, key.qtype)
	if !ok {
		return nil, errNoRoute
	}
	a := v.newAsking(ctx, ownWriter{}, next, newRequest(key.name, key.qtype))
	if e == overTCP {
		a.req.CheckingDisabled, a.ResponseWriter = true, asTCP{ownWriter{}}
	}
	a.ctx = apart(ctx)
	a.ask()
	switch {
	case a.msg == nil && a.err != nil:
		return nil, a.err
	case a.msg == nil:
		return nil, errors.New("upstream: " + dns.RcodeToString[a.rcode])
	case !provable(a.msg.Rcode):
		return nil, errors.New("upstream: " + dns.RcodeToString[a.msg.Rcode])
	default:
		return a.msg, nil
	}
}
