package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// replayer is an Exchanger that answers from a capture. A question that was asked several
// times gets its answers in their order, and from then on the last one.
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

// Exchange implements validator.Exchanger.
func (r *replayer) Exchange(_ context.Context, request *dns.Msg, how validator.Manner) (*dns.Msg, error) {
	e, err := r.take(askedOf(request, how))
	if err != nil {
		return nil, err
	}
	m := new(dns.Msg)
	if err := m.Unpack(e.Answer); err != nil {
		return nil, fmt.Errorf("the captured answer to %s: %w", e.asked, err)
	}
	m.Id = request.Id
	if !answers(request, m) {
		return nil, fmt.Errorf("the captured answer to %s is to another question", e.asked)
	}
	return m, nil
}

// take returns the next answer to a question. A captured error is returned as an error.
func (r *replayer) take(a asked) (exchange, error) {
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
