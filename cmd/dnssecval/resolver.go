package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// resolver asks a server. It is a plugin.Handler that stands where forward does: the
// type of the writer's address says whether over TCP.
type resolver struct{ addr string }

const (
	askTime = 3 * time.Second // for one try
	tries   = 2
)

// Name implements plugin.Handler.
func (r *resolver) Name() string { return "resolver" }

// ServeDNS implements plugin.Handler.
func (r *resolver) ServeDNS(ctx context.Context, w dns.ResponseWriter, req *dns.Msg) (int, error) {
	client := dns.Client{Net: transport(w), Timeout: askTime}
	var err error
	for range tries {
		var answer *dns.Msg
		answer, _, err = client.ExchangeContext(ctx, req, r.addr)
		if err == nil {
			if !answers(req, answer) {
				return dns.RcodeServerFailure, fmt.Errorf("%s answered another question", r.addr)
			}
			return dns.RcodeSuccess, w.WriteMsg(answer)
		}
		if ctx.Err() != nil || errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
	}
	return dns.RcodeServerFailure, plain(err)
}

// overTCP has the next handler ask over TCP whatever the writer says.
type overTCP struct{ plugin.Handler }

func (t overTCP) ServeDNS(ctx context.Context, w dns.ResponseWriter, req *dns.Msg) (int, error) {
	return t.Handler.ServeDNS(ctx, tcpWriter{w}, req)
}

type tcpWriter struct{ dns.ResponseWriter }

func (tcpWriter) RemoteAddr() net.Addr { return new(net.TCPAddr) }

func transport(w dns.ResponseWriter) string {
	if _, ok := w.RemoteAddr().(*net.TCPAddr); ok {
		return "tcp"
	}
	return "udp"
}

// answers tells whether a message answers a request; some servers leave the question
// out where they refuse.
func answers(req, m *dns.Msg) bool {
	if !m.Response {
		return false
	}
	if len(m.Question) == 0 {
		return m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError
	}
	asked, said := req.Question[0], m.Question[0]
	return len(m.Question) == 1 && strings.EqualFold(asked.Name, said.Name) && asked.Qtype == said.Qtype && asked.Qclass == said.Qclass
}

// plain says in a few words why a server did not answer.
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
