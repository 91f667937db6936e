package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/dnssecval/dnssecval/internal/differential"
)

// show prints the numbers and the judgements of a report.
func show(w io.Writer, r *differential.Report, took time.Duration) {
	fmt.Fprintf(w, "%d names asked in %v\n", r.Asked, took.Round(time.Second))
	for _, v := range slices.Sorted(maps.Keys(r.Answers)) {
		fmt.Fprintf(w, "    %6d %s\n", r.Answers[v], v)
	}
	judged := 0
	for _, cases := range r.Judged {
		judged += len(cases)
	}
	fmt.Fprintf(w, "%d agreements\n%d judged disagreements\n", r.Agreed, judged)
	for _, j := range slices.SortedFunc(maps.Keys(r.Judged), func(a, b *differential.Judgement) int {
		return len(r.Judged[b]) - len(r.Judged[a])
	}) {
		fmt.Fprintf(w, "    %6d %s (%s)\n", len(r.Judged[j]), j.Name, j.Section)
	}
	fmt.Fprintf(w, "%d unjudged, in %d classes\n", r.Asked-r.Agreed-judged, len(r.Unjudged))
	for _, class := range r.Classes() {
		fmt.Fprintf(w, "    %6d %s\n", len(r.Unjudged[class]), class)
	}
	fmt.Fprintf(w, "we say secure and a peer says bogus: %d unjudged, %d judged to be the peer's error\n", r.Trusting, r.PeerWrong)
}

// explain prints the smallest world found for each example of an unjudged
// disagreement, and with -explain also for each judgement.
func explain(ctx context.Context, w io.Writer, a *client, r *differential.Report, o options) error {
	cases := r.Examples()
	if o.explain {
		for _, list := range r.Judged {
			cases = append(cases, list[0])
		}
	}
	cases = cases[:min(o.smaller, len(cases))]
	smallest, err := reduce(ctx, a, cases)
	for i, c := range smallest {
		name := cases[i].Plan.Top
		fmt.Fprintf(w, "\n%s\n%s (first seen in world %s)\n%s%s\n", c.Class(), c.Question.In(c.Plan).Name, name, c.Plan, c.Reason)
	}
	return err
}
