package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// progress shows on a terminal what is waited for, once that takes a while.
type progress struct {
	plugin.Handler
	out   io.Writer
	start time.Time

	mu    sync.Mutex
	asked int
	shown bool
	ended bool
}

// unnoticed is how long nothing is shown.
const unnoticed = 700 * time.Millisecond

// ServeDNS implements plugin.Handler.
func (p *progress) ServeDNS(ctx context.Context, w dns.ResponseWriter, req *dns.Msg) (int, error) {
	p.mu.Lock()
	p.asked++
	line := fmt.Sprintf("asking for %s, question %d", ask(w, req), p.asked)
	p.mu.Unlock()
	late := time.AfterFunc(max(0, unnoticed-time.Since(p.start)), func() { p.show(line) })
	defer late.Stop()
	return p.Handler.ServeDNS(ctx, w, req)
}

const clearLine = "\r\x1b[K"

func (p *progress) show(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.shown = true
		fmt.Fprint(p.out, clearLine, line)
	}
}

// end clears the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.shown {
		fmt.Fprint(p.out, clearLine)
	}
}
