// Package statuspage serves a page for operators: which questions failed of late and why,
// the trust anchors, the zones that are known, and the counters.
package statuspage

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A Block is a server block of the page. View returns what is shown of it, with so many
// of the zones that it knows at most. Blocks are compared: each has to be a pointer.
type Block interface {
	View(most int) BlockView
}

// Counters returns the counters of a directive's metrics, those of the servers given.
type Counters func(directive string, servers []string) ([]Counter, error)

// Page is what is served at one address, for all blocks that name it. It stays open while
// it has a block. At a reload the new blocks join before the old ones leave, so that they
// get the listener and the journal too.
type Page struct {
	addr     netip.AddrPort
	journal  *Journal
	counters Counters
	server   *http.Server

	mu     sync.Mutex // one view is made at a time
	blocks []Block
}

// pages is the open pages, by their address.
var (
	pages   = map[netip.AddrPort]*Page{}
	pagesMu sync.Mutex
)

// Join adds a block to the page of an address. The first block opens the page, whose
// counters are then taken from the function given.
func Join(addr netip.AddrPort, b Block, counters Counters) (*Page, error) {
	pagesMu.Lock()
	defer pagesMu.Unlock()
	p := pages[addr]
	if p == nil {
		listener, err := net.Listen("tcp", addr.String())
		if err != nil {
			return nil, fmt.Errorf("status: %w; choose another address, or end what listens there", err)
		}
		p = newPage(addr, counters)
		pages[addr] = p
		go func() { _ = p.server.Serve(listener) }() // ends when the page is closed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blocks = append(p.blocks, b)
	return p, nil
}

// newPage returns a page without blocks. What its clients do wrong is not logged.
func newPage(addr netip.AddrPort, counters Counters) *Page {
	p := &Page{addr: addr, journal: newJournal(), counters: counters}
	p.server = &http.Server{
		Handler: p, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 30 * time.Second,
		MaxHeaderBytes: 8 << 10, ErrorLog: log.New(io.Discard, "", 0),
	}
	return p
}

// Journal returns the journal of the page, for its blocks to note their failures in.
func (p *Page) Journal() *Journal { return p.journal }

// Leave takes a block from the page. The last one closes it.
func (p *Page) Leave(b Block) {
	pagesMu.Lock()
	defer pagesMu.Unlock()
	p.mu.Lock()
	p.blocks = slices.DeleteFunc(p.blocks, func(other Block) bool { return other == b })
	left := len(p.blocks)
	p.mu.Unlock()
	if left == 0 {
		delete(pages, p.addr)
		_ = p.server.Close()
	}
}
