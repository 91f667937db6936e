package main

import (
	"os"
	"runtime"
)

// headroom is memory that is reserved and never touched, so that it costs none: the
// collector counts it, and lets so much more garbage come together before it
// collects. A heap as small as that of a CoreDNS in a pod would otherwise be gone
// through every few hundred questions, which costs more than a tenth of the processor.
const headroom = 24 << 20

// reserve returns what gives the headroom back, for when the program ends. It leaves
// the collector alone where GOGC or GOMEMLIMIT say how it is to work.
func reserve() (release func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	reserved := make([]byte, headroom)
	return func() { runtime.KeepAlive(reserved) }
}
