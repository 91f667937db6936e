package dnssecval

import (
	"context"
	"testing"
	"unsafe"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// TestStack: the plugins behind run on the stack of the server's goroutine, below frames of
// the server and of the cache plugin. What this plugin adds to it, with the race detector
// too, may not make the stack grow once more for each question.
func TestStack(t *testing.T) {
	const most = 1200 // bytes
	w := exampleWorld(t)
	h := newTestHandler(t, w)
	ask(t, h, "www.example.", typeA, wantDO) // the chain
	var deepest uintptr
	h.Next = at(w, &deepest)
	var start uintptr
	outermost := at(newExplainer(h.block, h), &start)
	done := make(chan *dns.Msg)
	go func() {
		grow(100)
		done <- ask(t, outermost, "www.example.", typeA, wantDO)
	}()
	if m := <-done; !m.AuthenticatedData {
		t.Errorf("%s", m)
	}
	if used := start - deepest; used == 0 || used > most {
		t.Errorf("the plugin adds %d bytes to the stack, want at most %d", used, most)
	}
}

// at returns a handler that notes where its stack frame is.
func at(next plugin.Handler, address *uintptr) plugin.Handler {
	return plugin.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		var here byte
		*address = uintptr(unsafe.Pointer(&here))
		return next.ServeDNS(ctx, w, r)
	})
}

// grow makes the stack as large as it has to be, so that it does not move later.
func grow(times int) byte {
	var frame [1 << 10]byte
	if times > 0 {
		frame[times] = grow(times - 1)
	}
	return frame[times]
}
