package validator

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// askWhole asks a question like ask, and waits for what it had asked ahead.
func askWhole(t *testing.T, v *Validator, name string, qtype uint16, b bits) (m *dns.Msg) {
	t.Helper()
	wholly(t, func() { m = ask(t, v, name, qtype, b) })
	return m
}

// judgedWhole is judged, and waits for what was asked ahead.
func judgedWhole(t *testing.T, v *Validator, name string, qtype uint16) (r Result) {
	t.Helper()
	wholly(t, func() { r = judged(t, v, name, qtype) })
	return r
}

// wholly runs f, and waits for what it had asked ahead.
func wholly(t *testing.T, f func()) {
	t.Helper()
	label := strconv.FormatUint(labels.Add(1), 10)
	pprof.Do(t.Context(), pprof.Labels("test", label), func(context.Context) { f() })
	awaitLabelled(t, label)
}

var labels atomic.Uint64

// awaitLabelled waits for what was asked ahead under a label: a goroutine has the label of the
// one that started it.
func awaitLabelled(t *testing.T, label string) {
	t.Helper()
	want := fmt.Sprintf("%q:%q", "test", label)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		var text bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text.Bytes(), []byte(want)) {
			return
		}
	}
	t.Fatalf("questions of %s are still under way", label)
}
