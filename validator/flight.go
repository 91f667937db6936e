package validator

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/miekg/dns"
	"golang.org/x/sync/singleflight"
)

// maxQuestions bounds the questions that one client's query may cause.
const maxQuestions = 32

// ahead is the questions of the chain that were asked before they were needed, and how
// many were asked. All that goes on for the same client shares it, so that no question is
// asked twice.
type ahead struct {
	asked atomic.Int32
	sync.Mutex
	flights map[question]<-chan singleflight.Result // nil: waited for already
}

func (a *ahead) put(key question, flight <-chan singleflight.Result) {
	if a.flights == nil {
		a.flights = make(map[question]<-chan singleflight.Result)
	}
	a.flights[key] = flight
}

// expect asks a question of the chain without waiting: it is likely to be needed. Half of
// the questions are left for those that are needed.
func (q *query) expect(name string, qtype uint16) {
	if q.ahead.asked.Load() >= maxQuestions/2 {
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

// fly asks a question, or joins the same question under way. It goes on for the other
// queries if this client gives up.
func (q *query) fly(key question, e effort) <-chan singleflight.Result {
	if q.ahead.asked.Add(1) > maxQuestions {
		failed := make(chan singleflight.Result, 1)
		failed <- singleflight.Result{Err: errQuestions}
		return failed
	}
	id := fmt.Sprintf("%s %d %d", key.name, key.qtype, e)
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
		defer func() {
			if p := recover(); p != nil {
				q.observer.Panicked(id, p, debug.Stack())
				result, err = nil, errPanic
			}
		}()
		return f()
	})
}

// ask asks a question of the chain. A response that no proof can stand for is an error.
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
