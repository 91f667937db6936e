package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// resolver is the Exchanger that asks a server.
type resolver struct{ addr string }

const (
	tryTimeout = 3 * time.Second
	tries      = 2
)

// Exchange implements validator.Exchanger.
func (r *resolver) Exchange(ctx context.Context, request *dns.Msg, how validator.Manner) (*dns.Msg, error) {
	client := dns.Client{Net: transport(how), Timeout: tryTimeout}
	var err error
	for range tries {
		var response *dns.Msg
		response, _, err = client.ExchangeContext(ctx, request, r.addr)
		if err == nil {
			if !answers(request, response) {
				return nil, fmt.Errorf("%s answered another question", r.addr)
			}
			return response, nil
		}
		if ctx.Err() != nil || errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
	}
	return nil, plain(err)
}

// overTCP is an Exchanger that has another one ask over TCP only.
type overTCP struct{ next validator.Exchanger }

// Exchange implements validator.Exchanger.
func (t overTCP) Exchange(ctx context.Context, request *dns.Msg, how validator.Manner) (*dns.Msg, error) {
	how.TCP = true
	return t.next.Exchange(ctx, request, how)
}

func transport(how validator.Manner) string {
	if how.TCP {
		return "tcp"
	}
	return "udp"
}

// answers reports whether a message answers a request. Some servers leave out the question
// section if they refuse.
func answers(req, m *dns.Msg) bool {
	if !m.Response {
		return false
	}
	if len(m.Question) == 0 {
		return m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError
	}
	asked, answered := req.Question[0], m.Question[0]
	return len(m.Question) == 1 && strings.EqualFold(asked.Name, answered.Name) && asked.Qtype == answered.Qtype && asked.Qclass == answered.Qclass
}

// plain returns the common errors of an exchange in a few words.
func plain(err error) error {
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("no answer in time")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("nothing listens there")
	default:
		return err
	}
}
