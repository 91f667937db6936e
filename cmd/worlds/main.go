// Command worlds gives responses that are assembled from genuine records of small
// worlds to the validator, and compares its verdicts with the truth. It is a test of this
// module. See docs/soundness.md.
//
//	worlds -time 2m -seed 1
//
// With -faults it seeds faults into copies of the validator instead, and walks with each of
// them until a verdict is wrong.
//
// The exit status is 1 if a verdict is untrue, or an honest response is not accepted. What
// is wrong is printed with the world, the question, the response and the verdict. The
// same seed walks the same worlds, as far as the time lasts.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/dnssecval/dnssecval/internal/worlds"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o worlds.Options
	flag.DurationVar(&o.Time, "time", 2*time.Minute, "length of the walk")
	flag.Uint64Var(&o.Seed, "seed", 1, "`seed` of the walk")
	flag.BoolVar(&o.First, "first", false, "stop at the first wrong verdict")
	flag.Func("from", "four `numbers` that a run printed, to go on from there", func(text string) error {
		_, err := fmt.Sscanf(text, "%d,%d,%d,%d", &o.From[0], &o.From[1], &o.From[2], &o.From[3])
		return err
	})
	faults := flag.Bool("faults", false, "seed faults into the validator, and walk with each of them for -time until it is found")
	only := flag.String("only", "", "only faults with this `text` in their name")
	flag.Parse()
	if *faults {
		if err := seedFaults(ctx, o.Time, *only); err != nil {
			fmt.Fprintln(os.Stderr, "worlds:", err)
			os.Exit(1)
		}
		return
	}
	debug.SetGCPercent(400) // most of what is allocated is a response
	fmt.Printf("seed %d\n", o.Seed)
	tally := worlds.Run(ctx, o, os.Stdout)
	tally.Print(os.Stdout)
	if tally.Unsound()+tally.Lost() > 0 {
		os.Exit(1)
	}
}
