package dnssecval

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// The time is cut into pairs of slices, one without the attack and one with it: what else
// the machine does meets both, and a pair that it spoils does not move the median.
const (
	slicePairs = 15
	sliceTime  = 100 * time.Millisecond // for a thousand answers
)

// attackedHeadroom is what cmd/coredns reserves, so that garbage is collected as there.
const attackedHeadroom = 24 << 20

// nearUpstream is how far the upstream is at the least, which others wait for as well: no
// nearer than in the same network. Here it answers at once, since nothing can sleep for
// so short a time.
const nearUpstream = time.Millisecond / 2

// others returns the 99th percentile of the time that a client waits who asks for one new
// name after the other, and the same while another one sends the attack without a pause:
// the medians of the pairs of slices. Both clients, the server and its upstream share two
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

// client returns what asks the next question, of whose answer nothing is known. As in the
// server there is a goroutine for each.
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

// beside is the percentile of the one while the other asks without a pause.
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

// percentile asks for the time of a slice.
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
