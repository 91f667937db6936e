package dnssec

import (
	"runtime/debug"
	"testing"
	"unsafe"
)

// TestGrowStack: what takes nearly as much of the stack afterwards does not move it.
func TestGrowStack(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection shrinks stacks
	moved := make(chan bool)
	go func() {
		GrowStack()
		var here byte
		before := uintptr(unsafe.Pointer(&here))
		takeStack(3)
		moved <- uintptr(unsafe.Pointer(&here)) != before
	}()
	if <-moved {
		t.Error("the stack grew once more")
	}
}

// takeStack takes a little more than so many KiB of the stack.
//
//go:noinline
func takeStack(kib int) byte {
	var frame [1 << 10]byte
	if kib > 1 {
		frame[kib] = takeStack(kib - 1)
	}
	return frame[kib]
}
