package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// garbage is how many octets of it a small heap may have before it is collected. Go
	// would collect the heap of a small CoreDNS every few hundred questions.
	garbage = 16 << 20

	// leastPercent is the garbage that any heap may have, in percent of what is in use: less
	// than Go's 100, for the sake of containers with little memory.
	leastPercent = 80
)

// tuneCollector adjusts the garbage collector to the size of the heap, now and after each
// collection. It does nothing if GOGC or GOMEMLIMIT configures it.
func tuneCollector() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		adjust(nil)
	}
}

// cycle is an object that is never in use, so that each collection finalizes it.
type cycle struct{ _ *byte }

// adjust sets how much garbage starts the next collection.
func adjust(*cycle) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetGCPercent(percent(live[0].Value.Uint64()))
	runtime.SetFinalizer(new(cycle), adjust)
}

// percent returns the garbage that may be there beside so many octets in use.
func percent(live uint64) int {
	return int(max(garbage*100/max(live, 1<<20), leastPercent))
}
