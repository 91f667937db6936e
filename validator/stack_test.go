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
		deepest.at = 0
		v.Resolve(t.Context(), newQuestion("www.nsec3.test.", dns.TypeA, withDO))
		start <- uintptr(unsafe.Pointer(&here))
	}()
	used := <-start - deepest.at
	t.Logf("%d bytes", used)
	if used == 0 || used > most {
		t.Errorf("the validator adds %d bytes to the stack, want at most %d", used, most)
	}
}

// depth notes where the deepest stack frame of a look-up is. That of a signature is as deep as
// its check.
type depth struct {
	NopObserver
	at uintptr
}

func (d *depth) CacheLookup(known bool) {
	var here byte
	if at := uintptr(unsafe.Pointer(&here)); !known && (d.at == 0 || at < d.at) {
		d.at = at
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
