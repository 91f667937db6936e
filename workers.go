package dnssecval

import (
	"runtime"
	"sync"
)

// computation is one signature that a worker computes for whoever waits.
type computation struct {
	verify   func() bool
	good     bool
	panicked any
	done     chan struct{}
}

// work is where computations are handed to the workers: as many goroutines as the
// program may use processors, for all blocks. Their stacks have grown already, and
// that of a query, deep in the chain of plugins, stays small: to grow it anew for
// each answer costs a tenth of what a validated answer costs.
var work = sync.OnceValue(func() chan<- *computation {
	queue := make(chan *computation)
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for c := range queue {
				c.run()
			}
		}()
	}
	return queue
})

var computations = sync.Pool{New: func() any { return &computation{done: make(chan struct{}, 1)} }}

// compute has a worker verify a signature, and waits for it. A panic is the caller's.
func compute(verify func() bool) bool {
	c := computations.Get().(*computation)
	c.verify, c.good, c.panicked = verify, false, nil
	work() <- c
	<-c.done
	good, panicked := c.good, c.panicked
	c.verify = nil
	computations.Put(c)
	if panicked != nil {
		panic(panicked)
	}
	return good
}

func (c *computation) run() {
	defer func() {
		c.panicked = recover()
		c.done <- struct{}{}
	}()
	c.good = c.verify()
}
