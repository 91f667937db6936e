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

	"github.com/coredns/coredns/plugin"
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
	now      time.Time // for what is kept; the verifier's may be override-date
	server   string
	anchors  *anchorSet
	verifier dnssec.Verifier

	asked    *atomic.Int32 // questions of the chain
	expected *expected
}

// expected is the questions of the chain that were asked ahead of their need. What
// goes on for the same client shares it, so that none is asked twice.
type expected struct {
	sync.Mutex
	flights map[question]<-chan singleflight.Result // nil: waited for already
}

func (v *Validator) newQuery(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) *query {
	q := &query{
		v: v, ctx: ctx, w: w, request: r, now: v.now(), anchors: v.anchors.Load(), server: v.server(ctx),
		question: question{dnsname.Canonical(r.Question[0].Name), r.Question[0].Qtype},
		asked:    new(atomic.Int32),
		expected: &expected{flights: make(map[question]<-chan singleflight.Result)},
	}
	q.verifier = dnssec.Verifier{Now: q.now, Policy: v.policy, Budget: dnssec.NewBudget(v.turns), Ledger: ledger{v.cache, v.metrics, q.server}}
	if !v.override.IsZero() {
		q.verifier.Now = v.override
	}
	return q
}

// known returns what the cache has of a name, or nil.
func (q *query) known(name string) *cut {
	c := q.v.cache.cut(name, q.anchors, q.now)
	q.v.metrics.lookedUp(q.server, c != nil)
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

// answer asks the client's question. A nil message comes with what the next
// handler returned.
func (q *query) answer() (*dns.Msg, int, error) {
	return q.v.ask(q.ctx, q.first(), q.upstreamRequest(), q.w)
}

// answerAgain asks the client's question with more effort.
func (q *query) answerAgain(e effort) *dns.Msg {
	req, w := q.upstreamRequest(), q.w
	if e == overTCP {
		req.CheckingDisabled, w = true, asTCP{q.w}
	}
	msg, _, _ := q.v.ask(q.ctx, q.first(), req, w)
	return msg
}

func (q *query) first() plugin.Handler { return q.v.routes.first(q.v.Next, q.question.name) }

// upstreamRequest is the client's question with DO, and of its EDNS options those
// that are not between it and us.
func (q *query) upstreamRequest() *dns.Msg {
	req := newRequest(q.request.Question[0].Name, q.question.qtype)
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
	if q.asked.Load() >= maxQuestions/2 {
		return
	}
	q.expected.Lock()
	defer q.expected.Unlock()
	key := question{name, qtype}
	if _, ok := q.expected.flights[key]; !ok {
		q.expected.flights[key] = q.fly(key, usual)
	}
}

// fetch asks a question of the chain, or waits for whoever asks it already. The
// message is shared and must not be changed.
func (q *query) fetch(name string, qtype uint16, e effort) (*dns.Msg, error) {
	key := question{name, qtype}
	q.expected.Lock()
	flight := q.expected.flights[key]
	q.expected.flights[key] = nil
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
	if q.asked.Add(1) > maxQuestions {
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

// exchange asks for DS or DNSKEY records where they are to be had.
func (v *Validator) exchange(ctx context.Context, key question, e effort) (*dns.Msg, error) {
	next, ok := v.routes.handler(ctx, key.name, key.qtype)
	if !ok {
		return nil, errNoRoute
	}
	req, w := newRequest(key.name, key.qtype), dns.ResponseWriter(ownWriter{})
	if e == overTCP {
		req.CheckingDisabled, w = true, asTCP{w}
	}
	msg, rcode, err := v.ask(ctx, next, req, w)
	switch {
	case msg == nil && err != nil:
		return nil, err
	case msg == nil:
		return nil, errors.New("upstream: " + dns.RcodeToString[rcode])
	case msg.Rcode != dns.RcodeSuccess && msg.Rcode != dns.RcodeNameError:
		return nil, errors.New("upstream: " + dns.RcodeToString[msg.Rcode])
	default:
		return msg, nil
	}
}

// ask has the next handler answer the request: again as over TCP if the answer is
// truncated, without EDNS if the upstream knows none, and with CD if it failed, so
// that the reason is found here.
func (v *Validator) ask(ctx context.Context, next plugin.Handler, req *dns.Msg, w dns.ResponseWriter) (*dns.Msg, int, error) {
	msg, rcode, err := v.askOnce(ctx, next, req, w)
	if msg != nil && msg.Rcode == dns.RcodeFormatError && req.IsEdns0() != nil { // RFC 6891, section 7: it knows no EDNS
		req = req.Copy()
		req.Extra = nil
		if plain, _, _ := v.askOnce(ctx, next, req, w); plain != nil {
			msg = plain
		}
	}
	if msg != nil && msg.Rcode == dns.RcodeServerFailure && !req.CheckingDisabled {
		req = req.Copy()
		req.CheckingDisabled = true
		if unjudged, _, _ := v.askOnce(ctx, next, req, w); unjudged != nil {
			msg = unjudged
		}
	}
	return msg, rcode, err
}

func (v *Validator) askOnce(ctx context.Context, next plugin.Handler, req *dns.Msg, w dns.ResponseWriter) (*dns.Msg, int, error) {
	msg, rcode, err := v.call(ctx, next, req, w)
	if msg == nil || !msg.Truncated {
		return msg, rcode, err
	}
	msg, rcode, err = v.call(ctx, next, req, asTCP{w})
	if msg != nil && msg.Truncated {
		return nil, dns.RcodeServerFailure, errors.New("truncated over TCP")
	}
	return msg, rcode, err
}

// call passes the request to the next handler and catches what it writes. Metadata
// are of this call alone: parallel ones would write to one map.
func (v *Validator) call(ctx context.Context, next plugin.Handler, req *dns.Msg, w dns.ResponseWriter) (*dns.Msg, int, error) {
	v.metrics.asked(v.server(ctx), req.Question[0].Qtype)
	caught := &catcher{ResponseWriter: w}
	rcode, err := plugin.NextOrFailure(v.Name(), next, metadata.ContextWithMetadata(ctx), caught, req)
	return caught.msg, rcode, err
}

// catcher is the writer that keeps a message instead of writing it.
type catcher struct {
	dns.ResponseWriter
	msg *dns.Msg
}

func (c *catcher) WriteMsg(m *dns.Msg) error {
	c.msg = m
	return nil
}

// asTCP is a writer whose client seems to have come over TCP: the type of its
// address decides how forward asks.
type asTCP struct{ dns.ResponseWriter }

func (w asTCP) RemoteAddr() net.Addr {
	if udp, ok := w.ResponseWriter.RemoteAddr().(*net.UDPAddr); ok {
		return &net.TCPAddr{IP: udp.IP, Port: udp.Port, Zone: udp.Zone}
	}
	return &net.TCPAddr{IP: loopback}
}

// ownWriter stands for a client where the plugin itself asks.
type ownWriter struct{ dns.ResponseWriter }

func (ownWriter) RemoteAddr() net.Addr { return &net.UDPAddr{IP: loopback} }
func (ownWriter) LocalAddr() net.Addr  { return &net.UDPAddr{IP: loopback} }

var loopback = net.IPv4(127, 0, 0, 1)
