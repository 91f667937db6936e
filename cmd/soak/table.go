package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// table has the samples of the start, the middle and the end.
type table []sample

// warmup is the length of the first stage.
const warmup = 8 * time.Second

// rest is the time without load before a sample. For each Corefile, forward has
// a pool of connections, which closes those idle for ten seconds every ten
// seconds; and our watcher sends queries two seconds after a reload.
const rest = 25 * time.Second

// stage is a part of the run, named after the sample at its end.
type stage struct {
	name string
	last time.Duration
}

// stages splits the duration of the run.
func stages(duration time.Duration) []stage {
	half := duration / 2
	return []stage{{"start", warmup}, {"middle", half - warmup}, {"end", duration - half}}
}

// sampleRested waits for the rest and takes a sample.
func (s *server) sampleRested(ctx context.Context, name string) (sample, error) {
	select {
	case <-ctx.Done():
		return sample{}, ctx.Err()
	case <-s.Ended():
		return sample{}, s.death()
	case <-time.After(rest):
	}
	return s.retrySample(name)
}

// retrySample takes a sample, and retries while a late reload closes the
// listeners.
func (s *server) retrySample(when string) (got sample, err error) {
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

// growth is the number of goroutines and open files that may be added without
// being a leak: for queries of our watcher and the connections of the samples.
// The shortest run has more reloads, so one leaked per reload is detected.
const growth = 5

// leaks returns the names of the values that grew too much.
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
