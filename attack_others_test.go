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

// others returns the 99th percentile, in ms, of the time that a client waits who asks for
// one new name after the other, the same while another one sends the attack without a
// pause, and the second by the first: the median of all pairs of slices for each. Both
// clients, the server and its upstream share two processors, as in a small pod: what
// the network takes would only hide what the attack does.
func (a *attacked) others(tb testing.TB) (quiet, noisy, ratio float64) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	reserved := make([]byte, attackedHeadroom)
	defer runtime.KeepAlive(reserved)
	victim, attacker := a.client(calmQuestion, a.v.cache.verdicts.Purge), a.client(a.ask, a.forget)
	attacker(tb)
	var quiets, noisies, ratios []float64
	for range slicePairs {
		before := percentile(tb, victim)
		during := a.beside(tb, attacker, victim)
		quiets, noisies, ratios = append(quiets, before), append(noisies, during), append(ratios, during/before)
	}
	return median(quiets), median(noisies), median(ratios)
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
func (a *attacked) beside(tb testing.TB, attacker, victim func(testing.TB)) float64 {
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
func percentile(tb testing.TB, client func(testing.TB)) float64 {
	var waits []time.Duration
	for start := time.Now(); time.Since(start) < sliceTime; {
		asked := time.Now()
		client(tb)
		waits = append(waits, time.Since(asked))
	}
	slices.Sort(waits)
	return ms(waits[len(waits)*99/100])
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
