package validator

import (
	"context"
	"testing"
	"unsafe"

	"github.com/miekg/dns"
)

// TestStack: a signature is checked on the stack of the server's goroutine, below frames of
// the server and of the plugins. What the validator adds to it, with the race detector too,
// may not make the stack grow once more for each question.
func TestStack(t *testing.T) {
	const most = 4600 // bytes
	deepest := &depth{}
	v := newTestValidator(t, newWorld(t, richSpecs()...))
	v.options.Observe = func(context.Context) Observer { return deepest }
	ask(t, v, "www.nsec3.test.", typeA, withDO) // the chain
	start := make(chan uintptr)
	go func() {
		var here byte
		grow(100)
		v.cache.verdicts.Purge()
		v.Resolve(t.Context(), newQuestion("www.nsec3.test.", dns.TypeA, withDO))
		start <- uintptr(unsafe.Pointer(&here))
	}()
	if used := <-start - deepest.at; used == 0 || used > most {
		t.Errorf("the validator adds %d bytes to the stack, want at most %d", used, most)
	}
}

// TestEnlargeStack: what takes as much of the stack afterwards does not move it.
func TestEnlargeStack(t *testing.T) {
	moved := make(chan bool)
	go func() {
		enlargeStack()
		var here byte
		before := uintptr(unsafe.Pointer(&here))
		grow(2)
		moved <- uintptr(unsafe.Pointer(&here)) != before
	}()
	if <-moved {
		t.Error("the stack grew once more")
	}
}

// depth notes where the stack frame of the last look-up of a signature is, which is as deep as
// its check.
type depth struct {
	NopObserver
	at uintptr
}

func (d *depth) CacheLookup(known bool) {
	var here byte
	if !known {
		d.at = uintptr(unsafe.Pointer(&here))
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
