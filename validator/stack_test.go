package validator

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/miekg/dns"
)

// TestStack: signed data is built on the stack of the server's goroutine, below frames of the
// server and of the plugins. What the validator adds to it, with the race detector too, may
// not make the stack grow once more for each question.
func TestStack(t *testing.T) {
	const most = 4600 // bytes
	v := newTestValidator(t, newWorld(t, richSpecs()...))
	v.options.Observe = func(ctx context.Context) Observer {
		if d, ok := ctx.Value(depthKey{}).(*depth); ok {
			return d
		}
		return nil
	}
	ask(t, v, "www.nsec3.test.", typeA, withDO)      // the chain
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection shrinks stacks
	used := make(chan uintptr)
	go func() {
		var here byte
		grow(100)
		v.cache.verdicts.Purge()
		d := &depth{start: uintptr(unsafe.Pointer(&here))}
		ctx := context.WithValue(t.Context(), depthKey{}, d)
		v.Resolve(ctx, newQuestion("www.nsec3.test.", dns.TypeA, withDO))
		used <- uintptr(d.used.Load())
	}()
	deepest := <-used
	t.Logf("%d bytes", deepest)
	if deepest == 0 || deepest > most {
		t.Errorf("the validator adds %d bytes to the stack, want at most %d", deepest, most)
	}
}

type depthKey struct{}

// depth notes how far below the start the deepest look-up is: that of a signature, as deep as
// its data is built. What runs on another goroutine, far from the start, does not count.
type depth struct {
	NopObserver
	start uintptr
	used  atomic.Uint64
}

func (d *depth) CacheLookup(known bool) {
	const stack = 64 << 10
	var here byte
	used := uint64(d.start - uintptr(unsafe.Pointer(&here)))
	if !known && used < stack && used > d.used.Load() {
		d.used.Store(used)
	}
}

// grow makes the stack as large as it has to be, so that it does not move later.
func grow(times int) byte {
	var frame [1 << 10]byte
	if times > 0 {
		frame[times] = grow(times - 1)
	}
	return frame[times]
}
