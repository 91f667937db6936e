package dnssecval

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// turns has signatures and hashes computed in turn: by as many workers as the program
// may use processors. An answer that costs much waits at the end of the queue before
// each of its checks, so that it is not in the way of one that costs little. It
// implements dnssec.Turns.
//
// The workers' stacks have grown already, and that of a query, deep in the chain of
// plugins, stays small: to grow it anew for each answer costs a tenth of what a
// validated answer costs.
type turns struct {
	queue   chan *computation
	waiting atomic.Int32
	most    int32         // that may wait
	longest time.Duration // that one waits
}

// At the end of the longest queue, of the dearest checks, it is a second until the turn:
// who waits for longer does so on a machine that does not let us work.
const (
	waitingPerWorker = 1024
	longestTurn      = 3 * time.Second
)

// allTurns is for all blocks, as the processors are.
var allTurns = sync.OnceValue(func() *turns {
	workers := runtime.GOMAXPROCS(0)
	return newTurns(workers, waitingPerWorker*workers, longestTurn)
})

func newTurns(workers, most int, longest time.Duration) *turns {
	t := &turns{queue: make(chan *computation), most: int32(most), longest: longest}
	for range workers {
		go t.work()
	}
	return t
}

// computation is one step that a worker makes for whoever waits.
type computation struct {
	step     func() bool
	result   bool
	panicked any
	done     chan struct{}
}

var computations = sync.Pool{New: func() any { return &computation{done: make(chan struct{}, 1)} }}

// Do implements dnssec.Turns. Who comes first has the first turn. A panic of the step
// is the caller's.
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

// hand gives a computation to a worker, if one takes it soon enough.
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

// work lets those run between two steps who have something cheaper to do. A worker that
// nobody waits for is ready at once: to be run again, only to find nothing to do, may take
// as long as a step of the others.
func (t *turns) work() {
	for c := range t.queue {
		c.run()
		if t.waiting.Load() > 0 {
			runtime.Gosched()
		}
	}
}

func (c *computation) run() {
	defer func() {
		c.panicked = recover()
		c.done <- struct{}{}
	}()
	c.result = c.step()
}
