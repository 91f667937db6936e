package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// table has the samples at start, middle and end.
type table []sample

const (
	warmup  = 8 * time.Second  // until the first sample
	winding = 12 * time.Second // from the last one to the end
)

// watch takes the samples, each while the upstream is well: otherwise what is
// under way is many goroutines. It returns when the time is over.
func (s *server) watch(ctx context.Context, duration time.Duration) (table, error) {
	var t table
	begin := time.Now()
	for _, at := range []struct {
		when  string
		after time.Duration
	}{{"start", warmup}, {"middle", duration / 2}, {"end", duration - winding}} {
		select {
		case <-ctx.Done():
			return t, ctx.Err()
		case <-s.Ended():
			return t, nil // disturb says so
		case <-time.After(time.Until(begin.Add(at.after))):
		}
		s.awaitCalm(ctx)
		got, err := s.insist(at.when)
		if err != nil {
			return t, err
		}
		t = append(t, got)
	}
	select {
	case <-ctx.Done():
	case <-s.Ended():
	}
	return t, nil
}

// awaitCalm returns when the upstream has been well for a second.
func (s *server) awaitCalm(ctx context.Context) {
	for !s.up.calm() && ctx.Err() == nil {
		time.Sleep(100 * time.Millisecond)
	}
}

// insist takes a sample also while a reload closes the listeners.
func (s *server) insist(when string) (got sample, err error) {
	for range 10 {
		if got, err = s.sample(when); err == nil {
			return got, nil
		}
		time.Sleep(200 * time.Millisecond)
	}
	return got, err
}

func (t table) print(w io.Writer) {
	fmt.Fprintf(w, "%-8s %12s %12s %12s %8s\n", "", "memory", "heap", "goroutines", "files")
	for _, s := range t {
		fmt.Fprintf(w, "%-8s %9.1f MB %9.1f MB %12.0f %8.0f\n", s.when, s.memory/1e6, s.heap/1e6, s.goroutines, s.files)
	}
}

// leaks names what grew.
func (t table) leaks() []string {
	if len(t) != 3 {
		return []string{"there are not three samples"}
	}
	var list []string
	start, middle, end := t[0], t[1], t[2]
	if end.memory > 1.25*middle.memory+16e6 {
		list = append(list, "memory")
	}
	if end.goroutines > start.goroutines+50 {
		list = append(list, "goroutines")
	}
	if end.files > start.files+50 {
		list = append(list, "open files")
	}
	return list
}
