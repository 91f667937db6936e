package dnssecval

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// TestCompute: many ask at once, each gets its own result, and no more are computed
// at a time than there are processors to use.
func TestCompute(t *testing.T) {
	var wg sync.WaitGroup
	var running, most atomic.Int32
	for i := range 200 {
		wg.Go(func() {
			good := compute(func() bool {
				now := running.Add(1)
				for before := most.Load(); now > before && !most.CompareAndSwap(before, now); before = most.Load() {
				}
				runtime.Gosched()
				running.Add(-1)
				return i%3 == 0
			})
			if good != (i%3 == 0) {
				t.Errorf("computation %d: %v", i, good)
			}
		})
	}
	wg.Wait()
	if int(most.Load()) > runtime.GOMAXPROCS(0) {
		t.Errorf("%d computations at a time", most.Load())
	}
}

// TestComputePanics: who asked gets the panic, which the server recovers from, and the
// worker goes on.
func TestComputePanics(t *testing.T) {
	for range 2 * runtime.GOMAXPROCS(0) {
		func() {
			defer func() {
				if p := recover(); p != "broken" {
					t.Errorf("recovered %v", p)
				}
			}()
			compute(func() bool { panic("broken") })
		}()
	}
	if !compute(func() bool { return true }) {
		t.Error("the workers are gone")
	}
}
