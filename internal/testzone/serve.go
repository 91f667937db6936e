package testzone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/miekg/dns"
)

// Server serves a handler over UDP and TCP on one port.
type Server struct {
	udp, tcp *dns.Server
	addr     string
}

// Serve serves w on addr, which must be a loopback address with a port. Port 0
// selects a port that is free for both UDP and TCP.
func (w *World) Serve(addr string) (*Server, error) {
	return ServeHandler(addr, dns.HandlerFunc(func(rw dns.ResponseWriter, r *dns.Msg) {
		// The answer was dropped by Intercept, or the client has gone.
		_, _ = w.ServeDNS(context.Background(), rw, r)
	}))
}

// ServeHandler is Serve for any handler, such as one in front of a World.
func ServeHandler(addr string, handler dns.Handler) (*Server, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("testzone: %w", err)
	}
	if !ap.Addr().IsLoopback() {
		return nil, fmt.Errorf("testzone: %s is not a loopback address", addr)
	}
	packets, listener, err := listen(ap)
	if err != nil {
		return nil, fmt.Errorf("testzone: %w", err)
	}
	s := &Server{addr: packets.LocalAddr().String()}
	s.udp = &dns.Server{PacketConn: packets, Handler: handler, UDPSize: dns.MaxMsgSize}
	s.tcp = &dns.Server{Listener: listener, Handler: handler}
	return s, s.start()
}

// listen opens the same port for UDP and TCP.
func listen(ap netip.AddrPort) (net.PacketConn, net.Listener, error) {
	var lastErr error
	for range 20 { // a port that is free for UDP may be taken for TCP
		packets, err := net.ListenPacket("udp", ap.String())
		if err != nil {
			return nil, nil, err
		}
		listener, err := net.Listen("tcp", packets.LocalAddr().String())
		if err == nil {
			return packets, listener, nil
		}
		lastErr = errors.Join(err, packets.Close())
		if ap.Port() != 0 {
			break
		}
	}
	return nil, nil, lastErr
}

// start starts both servers and returns when they are listening.
func (s *Server) start() error {
	started := make(chan error, 4)
	for _, server := range []*dns.Server{s.udp, s.tcp} {
		server.NotifyStartedFunc = func() { started <- nil }
		go func() {
			if err := server.ActivateAndServe(); err != nil {
				started <- err
			}
		}()
	}
	return errors.Join(<-started, <-started)
}

// Addr returns the address and port that the server listens on.
func (s *Server) Addr() string { return s.addr }

// Close stops the server.
func (s *Server) Close() error {
	return errors.Join(s.udp.Shutdown(), s.tcp.Shutdown())
}
