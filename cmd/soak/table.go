package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// table has the samples at start, middle and end.
type table []sample

// warmup is how long the first stage is.
const warmup = 8 * time.Second

// rest is how long nobody asks before a sample. Of each Corefile that was reloaded
// forward has a pool of connections of its own, from which it takes those that were
// idle for ten seconds, every ten seconds; and our watcher asks two seconds after a
// reload.
const rest = 25 * time.Second

// stage is a part of the run, named after the sample at its end.
type stage struct {
	name string
	last time.Duration
}

// stages takes a time apart.
func stages(duration time.Duration) []stage {
	half := duration / 2
	return []stage{{"start", warmup}, {"middle", half - warmup}, {"end", duration - half}}
}

// sampleRested lets the server rest, and takes a sample.
func (s *server) sampleRested(ctx context.Context, name string) (sample, error) {
	select {
	case <-ctx.Done():
		return sample{}, ctx.Err()
	case <-s.Ended():
		return sample{}, s.death()
	case <-time.After(rest):
	}
	return s.insist(name)
}

// insist takes a sample also while a late reload closes the listeners.
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
	fmt.Fprintf(w, "after %v of rest:\n", rest)
	fmt.Fprintf(w, "%-8s %12s %12s %12s %8s\n", "", "memory", "heap", "goroutines", "files")
	for _, s := range t {
		fmt.Fprintf(w, "%-8s %9.1f MB %9.1f MB %12.0f %8.0f\n", s.when, s.memory/1e6, s.heap/1e6, s.goroutines, s.files)
	}
}

// growth of goroutines and open files that is no leak: what our watcher asks with,
// and the connections that samples are taken over. There are more reloads than that
// in the shortest run, so that one that leaves one of either behind is noticed.
const growth = 5

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
	if end.goroutines > start.goroutines+growth {
		list = append(list, "goroutines")
	}
	if end.files > start.files+growth {
		list = append(list, "open files")
	}
	return list
}
