package dnssecval

import (
	"runtime"
	"sync/atomic"
	"time"
)

// turns is the places at which signatures and hashes are computed. An answer that costs
// much waits at the end of the queue before each of its checks, so that it is not in
// the way of one that costs little. It implements dnssec.Turns.
type turns struct {
	places  chan struct{} // a value for each that is taken
	waiting atomic.Int32
	most    int32         // that may wait
	longest time.Duration // that one waits
}

// The most that wait are as many as a client's patience allows for, with the dearest
// checks.
const (
	placesPerProcessor  = 2
	waitingPerProcessor = 512
	longestTurn         = time.Second
)

// allTurns is shared by all blocks, as the processors are.
var allTurns = newTurns(placesPerProcessor*runtime.GOMAXPROCS(0), waitingPerProcessor*runtime.GOMAXPROCS(0), longestTurn)

func newTurns(places, most int, longest time.Duration) *turns {
	return &turns{places: make(chan struct{}, places), most: int32(most), longest: longest}
}

// Take implements dnssec.Turns. Who comes first gets a place first.
func (t *turns) Take() bool {
	select {
	case t.places <- struct{}{}:
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
	case t.places <- struct{}{}:
		return true
	case <-enough.C:
		return false
	}
}

// Give implements dnssec.Turns. It lets those run who have something cheaper to do.
func (t *turns) Give() {
	<-t.places
	runtime.Gosched()
}
