package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// recorder is an Exchanger that records the questions and answers of another one.
type recorder struct {
	next validator.Exchanger

	mu        sync.Mutex
	exchanges []exchange
	underWay  atomic.Int32
}

// Exchange implements validator.Exchanger.
func (r *recorder) Exchange(ctx context.Context, request *dns.Msg, how validator.Manner) (*dns.Msg, error) {
	r.underWay.Add(1)
	defer r.underWay.Add(-1)
	e := exchange{asked: askedOf(request, how)}
	response, err := r.next.Exchange(ctx, request, how)
	if err == nil {
		e.Rcode = dns.RcodeToString[response.Rcode]
		e.Records = len(response.Answer) + len(response.Ns) + len(response.Extra)
		e.Answer, err = response.Pack()
	}
	if err != nil {
		e.Error = err.Error()
	}
	r.mu.Lock()
	r.exchanges = append(r.exchanges, e)
	r.mu.Unlock()
	return response, err
}

// all returns the exchanges. It waits for the questions under way, since judging the capture
// asks them again.
func (r *recorder) all() []exchange {
	for end := time.Now().Add(tries * tryTimeout); r.underWay.Load() > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.exchanges
}

func askedOf(request *dns.Msg, how validator.Manner) asked {
	q := request.Question[0]
	return asked{Name: dns.CanonicalName(q.Name), Type: dns.Type(q.Qtype).String(), Transport: transport(how),
		CD: request.CheckingDisabled, EDNS: request.IsEdns0() != nil}
}
