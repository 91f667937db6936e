package validator

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// The measurement has pairs of slices, one without the attack and one with it: other work on
// the machine disturbs both, and a disturbed pair does not change the median.
const (
	slicePairs = 15
	sliceTime  = 100 * time.Millisecond // for a thousand answers
)

// attackedHeadroom is the memory that cmd/coredns reserves, so that garbage is collected as
// often as there.
const attackedHeadroom = 24 << 20

// nearUpstream is the least time that clients wait for an upstream, one in the same network.
// It is added to the measured times, in which the upstream answers at once, since a sleep is
// not precise enough.
const nearUpstream = time.Millisecond / 2

// others returns the 99th percentile of the time that a client waits that asks for one new
// name after the other, and the same while another client sends the attack without a pause.
// Both are the medians of the slices. The clients, the validator and its upstream share two
// processors, as in a small pod.
func (a *attacked) others(tb testing.TB) (quiet, noisy time.Duration) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	reserved := make([]byte, attackedHeadroom)
	defer runtime.KeepAlive(reserved)
	victim, attacker := a.client(calmQuestion, a.v.cache.verdicts.Purge), a.client(a.ask, a.forget)
	attacker(tb)
	var quiets, noisies []time.Duration
	for range slicePairs {
		quiets, noisies = append(quiets, percentile(tb, victim)), append(noisies, a.beside(tb, attacker, victim))
	}
	return median(quiets), median(noisies)
}

// client returns a function that asks the next question, whose answer is not known. As in a
// server each question has a goroutine.
func (a *attacked) client(ask func(int) (string, uint16), forget func()) func(testing.TB) {
	asked := 0
	return func(tb testing.TB) {
		var answer sync.WaitGroup
		answer.Go(func() {
			forget()
			a.send(tb, ask, asked)
		})
		answer.Wait()
		asked++
	}
}

// beside returns the percentile of the victim while the attacker asks without a pause.
func (a *attacked) beside(tb testing.TB, attacker, victim func(testing.TB)) time.Duration {
	ctx, stop := context.WithCancel(tb.Context())
	var attack sync.WaitGroup
	attack.Go(func() {
		for ctx.Err() == nil {
			attacker(tb)
		}
	})
	defer attack.Wait()
	defer stop()
	return percentile(tb, victim)
}

// percentile asks for the time of a slice, and returns the 99th percentile.
func percentile(tb testing.TB, client func(testing.TB)) time.Duration {
	var waits []time.Duration
	for start := time.Now(); time.Since(start) < sliceTime; {
		asked := time.Now()
		client(tb)
		waits = append(waits, time.Since(asked))
	}
	slices.Sort(waits)
	return waits[len(waits)*99/100]
}

func median(values []time.Duration) time.Duration {
	slices.Sort(values)
	return values[len(values)/2]
}
