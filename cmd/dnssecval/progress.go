package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// progress is an Exchanger that shows on a terminal which question is under way, once that
// takes a while.
type progress struct {
	next  validator.Exchanger
	out   io.Writer
	start time.Time

	mu    sync.Mutex
	asked int
	shown bool
	ended bool
}

// quietTime is the time from the start during which nothing is shown.
const quietTime = 700 * time.Millisecond

// Exchange implements validator.Exchanger.
func (p *progress) Exchange(ctx context.Context, request *dns.Msg, how validator.Manner) (*dns.Msg, error) {
	p.mu.Lock()
	p.asked++
	line := fmt.Sprintf("asking for %s, question %d", askedOf(request, how), p.asked)
	p.mu.Unlock()
	late := time.AfterFunc(max(0, quietTime-time.Since(p.start)), func() { p.show(line) })
	defer late.Stop()
	return p.next.Exchange(ctx, request, how)
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
