package validator

import (
	"context"
	"errors"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
	"golang.org/x/sync/singleflight"
)

const (
	// maxQuestions bounds the questions that one client's query may cause without getting
	// on along the alias chain.
	maxQuestions = 32

	// questionsPerLink is how many questions do not count for each alias that verifies: the
	// DS and DNSKEY of three zones, the alias alone, and its target.
	questionsPerLink = 8
)

// allowance counts the questions that one client's query causes.
type allowance struct {
	asked   atomic.Int32
	settled atomic.Int32 // the number that no longer counts, for aliases that verified
	targets atomic.Int32 // targets of aliases that were asked for again
}

// take counts a question, and reports whether it may be asked.
func (a *allowance) take() bool { return a.asked.Add(1)-a.settled.Load() <= maxQuestions }

// sparse reports whether half of the questions that may be asked are used up.
func (a *allowance) sparse() bool { return a.asked.Load()-a.settled.Load() >= maxQuestions/2 }

// settle no longer counts the questions for the first links of an alias chain.
func (a *allowance) settle(links int) {
	settled := min(int32(links*questionsPerLink), a.asked.Load())
	for before := a.settled.Load(); before < settled; before = a.settled.Load() {
		if a.settled.CompareAndSwap(before, settled) {
			return
		}
	}
}

// ahead has the questions for DS and DNSKEY that were asked before they were needed, and the
// number of questions. All queries for the same client share it, so that no question is asked
// twice.
type ahead struct {
	allowance
	sync.Mutex
	flights map[question]<-chan singleflight.Result // nil: the result was taken
	byType  map[question]func() *dns.Msg            // of RRsets that came without a signature
}

// put sets the flight of a question. The mutex has to be locked.
func (a *ahead) put(key question, flight <-chan singleflight.Result) {
	if a.flights == nil {
		a.flights = make(map[question]<-chan singleflight.Result)
	}
	a.flights[key] = flight
}

// expect asks a question of the chain without waiting: it is likely to be needed. Half of
// the questions are left for those that are needed.
func (q *query) expect(name string, qtype uint16) {
	if q.probing || q.ahead.sparse() {
		return
	}
	q.ahead.Lock()
	defer q.ahead.Unlock()
	key := question{name, qtype}
	if _, ok := q.ahead.flights[key]; !ok {
		q.ahead.put(key, q.fly(key, usual))
	}
}

// fetch asks a question of the chain, or waits for the same question of another query.
// The message is shared and must not be changed.
func (q *query) fetch(name string, qtype uint16, e effort) (*dns.Msg, error) {
	key := question{name, qtype}
	q.ahead.Lock()
	flight := q.ahead.flights[key]
	q.ahead.put(key, nil)
	q.ahead.Unlock()
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

// fly asks a question, or joins the same question under way. The question goes on if the
// client gives up, since other queries may wait for it.
func (q *query) fly(key question, e effort) <-chan singleflight.Result {
	if !q.ahead.take() {
		failed := make(chan singleflight.Result, 1)
		failed <- singleflight.Result{Err: errQuestions}
		return failed
	}
	id := key.name + " " + strconv.Itoa(int(key.qtype)) + " " + strconv.Itoa(int(e))
	own := context.WithoutCancel(q.ctx)
	return q.once(id, func() (any, error) {
		ctx, cancel := context.WithTimeout(own, Patience)
		defer cancel()
		return q.v.ask(ctx, key, e)
	})
}

// once runs f for all queries that wait for the id. A panic of f fails these queries and
// does not end the program.
func (q *query) once(id string, f func() (any, error)) <-chan singleflight.Result {
	return q.v.flights.DoChan(id, func() (result any, err error) {
		dnssec.GrowStack()
		defer func() {
			if p := recover(); p != nil {
				q.observer.Panicked(id, p, debug.Stack())
				result, err = nil, errPanic
			}
		}()
		return f()
	})
}

// ask asks a question for DS or DNSKEY. A response code that nothing can be proven for is an
// error.
func (v *Validator) ask(ctx context.Context, key question, e effort) (*dns.Msg, error) {
	msg, err := v.exchange(ctx, newRequest(key.name, key.qtype), e, Manner{Chain: true})
	if err != nil {
		return nil, err
	}
	if !provable(msg.Rcode) {
		return nil, errors.New("upstream: " + dns.RcodeToString[msg.Rcode])
	}
	return msg, nil
}
