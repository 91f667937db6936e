package real

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// faulty is an upstream with transport faults. It counts the queries over UDP.
type faulty struct {
	world *testzone.World
	udp   func(a *dns.Msg) *dns.Msg           // changes an answer; nil sends nothing
	tcp   func(c net.Conn, wire []byte) error // sends an answer; nil means TCP is closed
	dead  atomic.Bool                         // answers nothing

	mu    sync.Mutex
	asked map[dns.Question]int
}

// serve listens until the test ends and returns the address.
func (f *faulty) serve(t *testing.T) string {
	t.Helper()
	f.asked = make(map[dns.Question]int)
	addr := "127.0.0.1:" + freePort(t)
	packets, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = packets.Close() })
	go f.serveUDP(packets)
	if f.tcp != nil {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go f.serveTCP(l)
	}
	return addr
}

func (f *faulty) serveUDP(packets net.PacketConn) {
	buf := make([]byte, dns.MaxMsgSize)
	for {
		n, from, err := packets.ReadFrom(buf)
		if err != nil {
			return
		}
		q := new(dns.Msg)
		if q.Unpack(buf[:n]) != nil || len(q.Question) != 1 {
			continue
		}
		f.mu.Lock()
		f.asked[q.Question[0]]++
		f.mu.Unlock()
		a := f.world.Answer(q)
		a.Truncate(1232)
		if f.udp != nil {
			a = f.udp(a)
		}
		if a == nil || f.dead.Load() {
			continue
		}
		if wire, err := a.Pack(); err == nil {
			_, _ = packets.WriteTo(wire, from) // the client may have gone
		}
	}
}

func (f *faulty) serveTCP(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			for f.answerTCP(c) == nil {
			}
		}()
	}
}

func (f *faulty) answerTCP(c net.Conn) error {
	q, err := (&dns.Conn{Conn: c}).ReadMsg()
	if err != nil {
		return err
	}
	wire, err := f.world.Answer(q).Pack()
	if err != nil {
		return err
	}
	return f.tcp(c, append([]byte{byte(len(wire) >> 8), byte(len(wire))}, wire...))
}

// whole sends the whole answer.
func whole(c net.Conn, wire []byte) error {
	_, err := c.Write(wire)
	return err
}

// half sends half of the answer and closes the connection.
func half(c net.Conn, wire []byte) error {
	_, _ = c.Write(wire[:len(wire)/2])
	return io.EOF
}

// alwaysTruncated makes clients retry over TCP.
func alwaysTruncated(a *dns.Msg) *dns.Msg { return truncateAll(nil, a) }

// wrongID changes the ID, like an off-path attacker who has to guess it.
func wrongID(a *dns.Msg) *dns.Msg {
	a.Id++
	return a
}

// counts returns the number of queries in total and per question.
func (f *faulty) counts() (all int, each map[dns.Question]int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	each = make(map[dns.Question]int)
	for q, n := range f.asked {
		all += n
		each[q] = n
	}
	return all, each
}
