package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/dnssecval/dnssecval/internal/differential"
	"github.com/dnssecval/dnssecval/internal/peers"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

const (
	maxConcurrent = 40               // concurrent questions
	answerTimeout = 13 * time.Second // timeout for one answer; BIND gives up after ten seconds
)

// client asks questions. It restarts the validators for each batch of worlds, so
// that their caches are empty.
type client struct {
	coredns string // path of the program
	peers   string // directory with the programs of the peers
}

// newClient creates a directory with the programs, which close removes.
func newClient(coredns string) (*client, error) {
	dir, err := os.MkdirTemp("", "differential-")
	if err != nil {
		return nil, err
	}
	a := &client{coredns: coredns, peers: dir}
	for _, name := range []string{"unbound", "named"} {
		if _, err := peers.Private(dir, name); err != nil {
			return nil, errors.Join(err, a.close())
		}
	}
	return a, nil
}

func (a *client) close() error { return os.RemoveAll(a.peers) }

// validators has the three running validators.
type validators struct{ unbound, named, ours *peers.Server }

// ask builds the plans and asks all their questions.
func (a *client) ask(ctx context.Context, plans []*differential.Plan) (cases []differential.Case, err error) {
	batch, err := differential.NewBatch(time.Now(), plans)
	if err != nil {
		return nil, err
	}
	upstream, err := batch.World.Serve("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, upstream.Close()) }()
	dir, err := os.MkdirTemp("", "differential-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	v, err := a.start(peers.Forwarder{Dir: dir, Programs: a.peers, Upstream: upstream.Addr(), Anchors: batch.World.Anchors(".")})
	if err != nil {
		return nil, err
	}
	defer v.stop()
	for _, p := range plans {
		for _, q := range p.Questions {
			if !batch.Undisturbed(p, q) {
				continue
			}
			cases = append(cases, differential.Case{Plan: p, Question: q, Traits: batch.Traits(p, q), Touched: batch.Touches(p, q)})
		}
	}
	return cases, v.fill(ctx, cases)
}

// start starts the validators concurrently.
func (a *client) start(f peers.Forwarder) (*validators, error) {
	var v validators
	var errs [3]error
	var wg sync.WaitGroup
	wg.Go(func() { v.unbound, errs[0] = f.Unbound() })
	wg.Go(func() { v.named, errs[1] = f.Named() })
	wg.Go(func() { v.ours, errs[2] = f.CoreDNS(a.coredns) })
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		v.stop()
		return nil, err
	}
	return &v, nil
}

func (v *validators) stop() {
	var wg sync.WaitGroup
	for _, s := range []*peers.Server{v.unbound, v.named, v.ours} {
		if s != nil {
			wg.Go(s.Stop)
		}
	}
	wg.Wait()
}

// fill asks the validators and sets the verdicts of the cases.
func (v *validators) fill(ctx context.Context, cases []differential.Case) error {
	slots := make(chan struct{}, maxConcurrent)
	var wg sync.WaitGroup
	for i := range cases {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			v.ask(ctx, &cases[i])
		})
	}
	wg.Wait()
	for _, s := range []*peers.Server{v.unbound, v.named, v.ours} {
		select {
		case <-s.Ended():
			return fmt.Errorf("%s has ended by itself:\n%s", s.Name, s.Log())
		default:
		}
	}
	return ctx.Err()
}

func (v *validators) ask(ctx context.Context, c *differential.Case) {
	q := c.Question.In(c.Plan)
	var wg sync.WaitGroup
	wg.Go(func() { c.Verdicts.Unbound = differential.VerdictOf(exchangeTwice(ctx, v.unbound.Addr, q)) })
	wg.Go(func() { c.Verdicts.Named = differential.VerdictOf(exchangeTwice(ctx, v.named.Addr, q)) })
	wg.Go(func() {
		a := exchange(ctx, v.ours.Addr, q)
		c.Verdicts.Ours, c.Reason = differential.VerdictOf(a), reason(a)
	})
	wg.Wait()
}

// exchangeTwice asks again if there is no answer: BIND 9.18 can wait forever
// for a query of its own that is already in progress.
func exchangeTwice(ctx context.Context, addr string, q dns.Question) *dns.Msg {
	if a := exchange(ctx, addr, q); a != nil {
		return a
	}
	return exchange(ctx, addr, q)
}

// exchange sends a query with DO set; nil means no answer.
func exchange(ctx context.Context, addr string, q dns.Question) *dns.Msg {
	m := new(dns.Msg).SetQuestion(q.Name, q.Qtype).SetEdns0(4096, true)
	for _, network := range []string{"udp", "tcp"} {
		client := dns.Client{Net: network, Timeout: answerTimeout, UDPSize: 4096}
		a, _, err := client.ExchangeContext(ctx, m, addr)
		if err == nil && !a.Truncated {
			return a
		}
		if err != nil {
			return nil
		}
	}
	return nil
}

// reason returns the text of the Extended DNS Error.
func reason(a *dns.Msg) string {
	if a == nil {
		return ""
	}
	if ede := testzone.ExtendedError(a); ede != nil {
		return ede.ExtraText
	}
	return ""
}
