package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestPercent(t *testing.T) {
	for _, tc := range []struct {
		name string
		live uint64
		want int
	}{
		{name: "before the first collection", live: 0, want: 1600},
		{name: "small", live: 8 << 20, want: 200},
		{name: "as large as the garbage", live: 16 << 20, want: 100},
		{name: "large", live: 100 << 20, want: 80},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := percent(tc.live); got != tc.want {
				t.Errorf("%d %%, want %d", got, tc.want)
			}
		})
	}
}

// TestTuneCollector: the collector is adjusted after a collection, and left alone if the
// environment configures it.
func TestTuneCollector(t *testing.T) {
	for _, variable := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, "50")
			before := debug.SetGCPercent(50)
			tuneCollector()
			if got := debug.SetGCPercent(before); got != 50 {
				t.Errorf("%d %% with %s set", got, variable)
			}
		})
	}
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	tuneCollector()
	debug.SetGCPercent(50)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		runtime.GC()
		if got := debug.SetGCPercent(50); got != 50 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("still 50 % after a collection")
		}
	}
}
