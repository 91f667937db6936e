// Command soak runs CoreDNS with this module for a long time under mixed load,
// while its upstream fails in several ways, its Corefile is reloaded and its
// trust anchors are swapped. It is a test of this module.
//
//	soak -coredns bin/coredns -duration 1h
//
// A client asks up to three times and waits five seconds each time, as stub
// resolvers do: at a reload CoreDNS, with this module or without, closes TCP
// connections that it has accepted and not read from yet. What took another try
// is counted. Counted are further:
//
//   - answers lost: none of the three tries, a second apart, was answered, or a
//     name that is not broken got SERVFAIL or REFUSED, though the upstream was
//     well enough. It is that unless it is dead or refuses; being slow,
//     truncating, and leaving out the signatures of one answer in 20 must not
//     cost an answer.
//     What fails while it is not, or in a while thereafter, is excused: failures
//     are kept for about as long as they have lasted (RFC 9520), and CoreDNS's
//     cache keeps SERVFAIL for five seconds. So is what fails when the machine
//     has kept the upstream from running for half a second. If that is more than
//     a tenth of the time, or not one question in ten is left that nothing would
//     excuse, the run tells nothing and fails.
//   - wrong verdicts: AD on an answer that is not secure, data or their denial for
//     a name that is broken, another response code than the right one, or a secure
//     answer without AD to a client that asked for it. Nothing excuses these.
//   - leaks: memory that grows from the middle of the run to its end by more than
//     a quarter and 16 MB, goroutines or open files that grow from start to end by
//     more than 5. All are sampled after a rest, when what was under way has ended
//     and connections to the upstream that nobody uses are closed.
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

// options are the flags.
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
	flag.DurationVar(&o.duration, "duration", time.Hour, "how long to ask, a minute at least; three rests come on top")
	flag.IntVar(&o.rate, "rate", 300, "questions a second")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().Unix()), "what the questions are chosen by")
	flag.Parse()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	if o.duration < time.Minute {
		return fmt.Errorf("-duration %v: a minute is the least", o.duration)
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

// soak has three stages of load and trouble, with a rest and a sample after each.
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
		return fmt.Errorf("the machine is too busy to tell anything")
	}
	return verdict(l, samples)
}

// trouble has load, faults, reloads and swaps go on at once for a time, and
// waits for the last answers.
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
