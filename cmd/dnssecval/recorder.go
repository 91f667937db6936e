package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// recorder keeps what a handler is asked and answers.
type recorder struct {
	next plugin.Handler

	mu        sync.Mutex
	exchanges []exchange
	underWay  sync.WaitGroup
}

// Name implements plugin.Handler.
func (r *recorder) Name() string { return r.next.Name() }

// ServeDNS implements plugin.Handler.
func (r *recorder) ServeDNS(ctx context.Context, w dns.ResponseWriter, req *dns.Msg) (int, error) {
	r.underWay.Add(1)
	defer r.underWay.Done()
	e := exchange{asked: ask(w, req)}
	caught := &catcher{ResponseWriter: w}
	rcode, err := r.next.ServeDNS(ctx, caught, req)
	switch {
	case caught.msg != nil:
		e.Rcode = dns.RcodeToString[caught.msg.Rcode]
		e.Records = len(caught.msg.Answer) + len(caught.msg.Ns) + len(caught.msg.Extra)
		e.Answer, err = caught.msg.Pack()
	case err == nil:
		err = errors.New(dns.RcodeToString[rcode])
	}
	if err != nil {
		e.Error = err.Error()
	}
	r.mu.Lock()
	r.exchanges = append(r.exchanges, e)
	r.mu.Unlock()
	if caught.msg == nil || err != nil {
		return dns.RcodeServerFailure, err
	}
	return dns.RcodeSuccess, w.WriteMsg(caught.msg)
}

// all waits for the questions that are under way, since they would be asked again
// when it is judged again, and returns the exchanges.
func (r *recorder) all() []exchange {
	done := make(chan struct{})
	go func() {
		r.underWay.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(tries * askTime):
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.exchanges
}

func ask(w dns.ResponseWriter, req *dns.Msg) asked {
	q := req.Question[0]
	return asked{Name: dns.CanonicalName(q.Name), Type: dns.Type(q.Qtype).String(), Transport: transport(w),
		CD: req.CheckingDisabled, EDNS: req.IsEdns0() != nil}
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

// replayer answers from a capture: each question as often as it was asked, in the
// order of the answers, and then as it was answered last.
type replayer struct {
	mu   sync.Mutex
	left map[asked][]exchange
}

func newReplayer(c *capture) *replayer {
	r := &replayer{left: make(map[asked][]exchange)}
	for _, e := range c.exchanges {
		r.left[e.asked] = append(r.left[e.asked], e)
	}
	return r
}

// Name implements plugin.Handler.
func (r *replayer) Name() string { return "replayer" }

// ServeDNS implements plugin.Handler.
func (r *replayer) ServeDNS(_ context.Context, w dns.ResponseWriter, req *dns.Msg) (int, error) {
	e, err := r.next(ask(w, req))
	if err != nil {
		return dns.RcodeServerFailure, err
	}
	m := new(dns.Msg)
	if err := m.Unpack(e.Answer); err != nil {
		return dns.RcodeServerFailure, fmt.Errorf("the captured answer to %s: %w", e.asked, err)
	}
	m.Id = req.Id
	if !answers(req, m) {
		return dns.RcodeServerFailure, fmt.Errorf("the captured answer to %s is to another question", e.asked)
	}
	return dns.RcodeSuccess, w.WriteMsg(m)
}

// next returns the answer whose turn it is. An error that was captured is returned
// as one.
func (r *replayer) next(a asked) (exchange, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := r.left[a]
	if len(left) == 0 {
		return exchange{}, fmt.Errorf("the capture has no answer to %s", a)
	}
	if len(left) > 1 {
		r.left[a] = left[1:]
	}
	if left[0].Error != "" {
		return left[0], errors.New(left[0].Error)
	}
	return left[0], nil
}
