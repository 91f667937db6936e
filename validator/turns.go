package validator

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// turns computes signatures and hashes with as many workers as the program may use
// processors. A response that costs much queues before each of its checks, so that it
// does not delay one that costs little. It implements dnssec.Turns.
//
// The workers' stacks have grown already. That of a query, deep in a chain of plugins, would
// have to grow once more for a signature, which costs a tenth of a validated answer.
type turns struct {
	queue   chan *computation
	waiting atomic.Int32
	most    int32         // computations that may wait
	longest time.Duration // that a computation waits
}

// The longest queue of the most expensive checks takes a second. A query that waits longer
// is on a machine that is overloaded by others.
const (
	waitingPerWorker = 1024
	longestTurn      = 3 * time.Second
)

// allTurns is shared by all validators, as the processors are.
var allTurns = sync.OnceValue(func() *turns {
	workers := runtime.GOMAXPROCS(0)
	return newTurns(workers, waitingPerWorker*workers, longestTurn)
})

// newTurns starts the workers.
func newTurns(workers, most int, longest time.Duration) *turns {
	t := &turns{queue: make(chan *computation), most: int32(most), longest: longest}
	for range workers {
		go t.work()
	}
	return t
}

// computation is one step that a worker makes while its caller waits.
type computation struct {
	step     func() bool
	result   bool
	panicked any
	done     chan struct{}
}

var computations = sync.Pool{New: func() any { return &computation{done: make(chan struct{}, 1)} }}

// Do implements dnssec.Turns: first come, first served. A panic of the step is raised in
// the caller.
func (t *turns) Do(step func() bool) (result, ok bool) {
	c := computations.Get().(*computation)
	defer computations.Put(c)
	c.step, c.result, c.panicked = step, false, nil
	if ok = t.hand(c); ok {
		<-c.done
	}
	c.step = nil
	if c.panicked != nil {
		panic(c.panicked)
	}
	return c.result, ok
}

// hand gives a computation to a worker, unless too many wait or it waits too long.
func (t *turns) hand(c *computation) bool {
	select {
	case t.queue <- c:
		return true
	default:
	}
	defer t.waiting.Add(-1)
	if t.waiting.Add(1) > t.most {
		return false
	}
	enough := time.NewTimer(t.longest)
	defer enough.Stop()
	select {
	case t.queue <- c:
		return true
	case <-enough.C:
		return false
	}
}

// work yields the processor between two steps while computations wait, so that cheaper work
// gets done. Without waiting computations it does not: to be scheduled again only to find
// the queue empty may take as long as a step of others.
func (t *turns) work() {
	for c := range t.queue {
		c.run()
		if t.waiting.Load() > 0 {
			runtime.Gosched()
		}
	}
}

// run makes the step, and keeps a panic for the caller.
func (c *computation) run() {
	defer func() {
		c.panicked = recover()
		c.done <- struct{}{}
	}()
	c.result = c.step()
}
