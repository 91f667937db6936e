// Command soak runs CoreDNS with this module under mixed load for a long time,
// while its upstream fails in several ways, its Corefile is reloaded and its
// trust anchors are swapped. It is a test of this module.
//
//	soak -coredns bin/coredns -duration 1h
//
// The client sends a question up to three times with a timeout of five seconds,
// as stub resolvers do. Retries are needed and counted because CoreDNS, with or
// without this module, closes accepted but unread TCP connections at a reload.
// It also counts:
//
//   - answers lost: no answer to any of the three tries, or SERVFAIL or REFUSED
//     for a name that is not broken, while the upstream works. It works unless
//     it is dead or refuses; slowness, truncation, and missing signatures in one
//     answer of 20 must not cause failures. Failures while it does not work, and
//     for some time afterwards, are excused: failures are cached for about as
//     long as they have lasted (RFC 9520), and CoreDNS's cache keeps SERVFAIL for
//     five seconds. Failures are also excused after the machine did not run the
//     upstream for half a second. If that adds up to more than a tenth of the
//     time, or less than a tenth of the questions are asked while failures count,
//     the run is inconclusive and fails.
//   - wrong verdicts: AD on an answer that is not secure, data or their denial for
//     a broken name, a wrong rcode, or a secure answer without AD to a client that
//     asked for it. These are never excused.
//   - leaks: memory that grows from the middle of the run to its end by more than
//     a quarter and 16 MB, or goroutines or open files that grow from start to end
//     by more than 5. They are sampled after a rest, when all queries have ended
//     and idle connections to the upstream are closed.
//
// The exit status is 1 if there are any.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// options has the values of the flags.
type options struct {
	coredns  string
	duration time.Duration
	rate     int
	seed     uint64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.StringVar(&o.coredns, "coredns", "bin/coredns", "the CoreDNS `binary` to test")
	flag.DurationVar(&o.duration, "duration", time.Hour, "length of the load, at least a minute; three rests are added")
	flag.IntVar(&o.rate, "rate", 300, "questions a second")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().Unix()), "`seed` of the questions")
	flag.Parse()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	if o.duration < time.Minute {
		return fmt.Errorf("-duration %v: must be at least a minute", o.duration)
	}
	program, err := filepath.Abs(o.coredns)
	if err != nil {
		return err
	}
	up, err := newUpstream()
	if err != nil {
		return err
	}
	defer up.close()
	server, err := startServer(program, up)
	if err != nil {
		return err
	}
	defer server.stop()
	fmt.Printf("seed %d, %v at %d questions a second\n", o.seed, o.duration, o.rate)
	return soak(ctx, o, up, server)
}

// soak runs three stages of load and trouble, each followed by a rest and a
// sample.
func soak(ctx context.Context, o options, up *upstream, server *server) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go up.beatUntil(ctx)
	begin := time.Now()
	l := newLoad(rand.New(rand.NewPCG(o.seed, 0)), up, server)
	var samples table
	var err error
	for _, stage := range stages(o.duration) {
		if err = trouble(ctx, stage.last, o.rate, l); err != nil {
			break
		}
		var s sample
		if s, err = server.sampleRested(ctx, stage.name); err != nil {
			break
		}
		samples = append(samples, s)
	}
	l.report(os.Stdout)
	samples.print(os.Stdout)
	times, stalled := up.stalls()
	fmt.Printf("%d reloads, %d anchor swaps; %d times the machine was too busy, %v in all\n",
		server.reloads, server.swaps, times, stalled.Round(time.Second))
	if err != nil {
		return err
	}
	if stalled > time.Since(begin)/10 {
		return fmt.Errorf("the machine is too busy for a result")
	}
	return verdict(l, samples)
}

// trouble runs load, faults, reloads and anchor swaps concurrently for the
// given time, and waits for the last answers.
func trouble(ctx context.Context, last time.Duration, rate int, l *load) error {
	ctx, cancel := context.WithTimeout(ctx, last)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { l.up.fail(ctx) })
	wg.Go(func() { l.run(ctx, rate) })
	err := l.server.disturb(ctx)
	cancel()
	wg.Wait()
	return err
}
