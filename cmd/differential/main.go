// Command differential compares CoreDNS with this module to Unbound and BIND.
// It asks them the same questions about random signed worlds with random
// defects, through the same upstream, and lists where they disagree.
//
//	differential -coredns bin/coredns -names 10000 -seed 1
//
// A disagreement that no judgement explains is reduced to the records that are
// needed for it, and makes the exit status 1. The seed determines the worlds
// and the questions; the keys are new in each run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/dnssecval/dnssecval/internal/differential"
)

// options has the values of the flags.
type options struct {
	coredns string
	names   int
	seed    uint64
	world   int
	defect  string
	explain bool
	smaller int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, parseFlags()); err != nil {
		fmt.Fprintln(os.Stderr, "differential:", err)
		os.Exit(1)
	}
}

func parseFlags() options {
	var o options
	flag.StringVar(&o.coredns, "coredns", "bin/coredns", "the CoreDNS `binary` to test")
	flag.IntVar(&o.names, "names", 10000, "`number` of names to ask for")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().Unix()), "`seed` of the worlds")
	flag.IntVar(&o.world, "world", -1, "only the world with this `number`")
	flag.StringVar(&o.defect, "defect", "", "only defects of this `kind`")
	flag.BoolVar(&o.explain, "explain", false, "also reduce judged disagreements")
	flag.IntVar(&o.smaller, "smaller", 20, "maximum `number` of disagreements to reduce")
	flag.Parse()
	return o
}

var errUnjudged = errors.New("there are disagreements without a judgement")

func run(ctx context.Context, o options) (err error) {
	if kinds := differential.Kinds(); o.defect != "" && !slices.Contains(kinds, o.defect) {
		return fmt.Errorf("-defect %q: there are %q", o.defect, kinds)
	}
	program, err := filepath.Abs(o.coredns)
	if err != nil {
		return err
	}
	begin := time.Now()
	client, err := newClient(program)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.close()) }()
	fmt.Printf("seed %d\n", o.seed)
	cases, err := askAll(ctx, client, o)
	if err != nil {
		return err
	}
	report := differential.NewReport(cases)
	show(os.Stdout, report, time.Since(begin))
	if err := explain(ctx, os.Stdout, client, report, o); err != nil {
		return err
	}
	if len(report.Unjudged) > 0 {
		return errUnjudged
	}
	return nil
}

const (
	perWorld = 30 // questions per world
	perBatch = 50 // worlds per batch
)

// askAll generates worlds until there are enough names, and asks about them.
func askAll(ctx context.Context, a *client, o options) ([]differential.Case, error) {
	var cases []differential.Case
	if o.world >= 0 {
		return a.ask(ctx, []*differential.Plan{differential.Generate(o.seed, uint64(o.world), perWorld, o.defect)})
	}
	for number := uint64(0); len(cases) < o.names; {
		var plans []*differential.Plan
		for planned := len(cases); planned < o.names && len(plans) < perBatch; number++ {
			p := differential.Generate(o.seed, number, min(perWorld, o.names-planned), o.defect)
			plans, planned = append(plans, p), planned+len(p.Questions)
		}
		more, err := a.ask(ctx, plans)
		if err != nil {
			return nil, err
		}
		cases = append(cases, more...)
	}
	return cases, nil
}
