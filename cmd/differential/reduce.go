package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/dnssecval/dnssecval/internal/differential"
)

const (
	rounds         = 8   // maximum number of reduction rounds
	worldsPerBatch = 200 // worlds per batch
)

// reduce makes the worlds of cases smaller as long as the validators disagree
// in the same way. Each round tries all single reductions, then all of those
// that worked together, then half of them, and otherwise takes the first.
func reduce(ctx context.Context, a *client, cases []differential.Case) ([]differential.Case, error) {
	best := slices.Clone(cases)
	open := make(map[int]bool)
	for i := range best {
		open[i] = true
	}
	top := 0
	for range rounds {
		tries := make(map[int][]*differential.Plan)
		for i := range open {
			tries[i] = differential.Smaller(best[i].Plan, best[i].Question)
		}
		worked, err := try(ctx, a, best, tries, &top)
		if err != nil {
			return best, err
		}
		merged := make(map[int][]*differential.Plan)
		for i := range open {
			if len(worked[i]) == 0 {
				delete(open, i)
				continue
			}
			var plans []*differential.Plan
			for _, c := range worked[i] {
				plans = append(plans, c.Plan)
			}
			merged[i] = []*differential.Plan{differential.Merge(best[i].Plan, plans), differential.Merge(best[i].Plan, plans[:(len(plans)+1)/2])}
		}
		all, err := try(ctx, a, best, merged, &top)
		if err != nil {
			return best, err
		}
		for i := range open {
			best[i] = append(all[i], worked[i]...)[0]
		}
		if len(open) == 0 {
			break
		}
	}
	return best, nil
}

// try asks the question of each case in other worlds, and returns the cases
// with unchanged verdicts.
func try(ctx context.Context, a *client, cases []differential.Case, tries map[int][]*differential.Plan, top *int) (map[int][]differential.Case, error) {
	same := make(map[int][]differential.Case)
	var plans []*differential.Plan
	of := make(map[*differential.Plan]int)
	flush := func() error {
		got, err := a.ask(ctx, plans)
		for _, c := range got {
			if i := of[c.Plan]; c.Verdicts == cases[i].Verdicts {
				same[i] = append(same[i], c)
			}
		}
		plans = nil
		return err
	}
	for i, list := range tries {
		for _, p := range list {
			*top++
			p.Top = fmt.Sprintf("r%d", *top)
			of[p] = i
			if plans = append(plans, p); len(plans) == worldsPerBatch {
				if err := flush(); err != nil {
					return nil, err
				}
			}
		}
	}
	if len(plans) == 0 {
		return same, nil
	}
	return same, flush()
}
