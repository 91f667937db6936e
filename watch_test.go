package dnssecval

import (
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestProveAnchors: whether the anchors hold is found out before clients are, told
// once each time that it changes, and shown in the metric.
func TestProveAnchors(t *testing.T) {
	w := followedWorld(t)
	v := newTestValidator(t, w)
	logged := captureLog(t)
	clock := fakeClock(v)
	if wait := v.proveAnchors(); wait != provedInterval {
		t.Errorf("again in %s", wait)
	}
	v.proveAnchors()
	if got := logged.String(); strings.Count(got, " signs for . now") != 1 || !strings.Contains(got, "trust anchors: . ") {
		t.Errorf("%s", got)
	}
	w.Intercept(func(_, _ *dns.Msg) *dns.Msg { return nil })
	clock.advance(48 * time.Hour)
	if wait := v.proveAnchors(); wait != proveInterval {
		t.Errorf("again in %s", wait)
	}
	clock.advance(time.Minute)
	v.proveAnchors()
	if got := logged.String(); strings.Count(got, "no trust anchor of . holds") != 1 {
		t.Errorf("%s", got)
	}
	if states := v.anchorStates(); states[0].state != "unproven" {
		t.Errorf("%+v", states)
	}
	w.Intercept(nil)
	clock.advance(time.Minute)
	time.Sleep(probeInterval) // nobody answered anything
	v.proveAnchors()
	if states := v.anchorStates(); states[0].state != "valid" {
		t.Errorf("%+v", states)
	}
}

// TestClockHint: a clock that is wrong is named as the likely cause.
func TestClockHint(t *testing.T) {
	for _, tc := range []struct {
		name string
		off  time.Duration
		want bool
	}{
		{"years ago", -5 * 365 * 24 * time.Hour, true},
		{"years ahead", 5 * 365 * 24 * time.Hour, true},
		{"right", 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := newTestValidator(t, followedWorld(t))
			fakeClock(v).advance(tc.off)
			logged := captureLog(t)
			v.proveAnchors()
			if got := logged.String(); strings.Contains(got, "which is likely wrong") != tc.want {
				t.Errorf("%s", got)
			}
		})
	}
}

// TestRecheckNegative: what validates again below a negative trust anchor is told
// once, and stays unjudged all the same.
func TestRecheckNegative(t *testing.T) {
	w := followedWorld(t)
	if err := w.Break("example.", testzone.FlipSignatureBit("example.", dns.TypeSOA)); err != nil {
		t.Fatal(err)
	}
	v := newTestValidator(t, w, "negative-trust-anchor example")
	logged := captureLog(t)
	v.recheckNegative("example.")
	if got := logged.String(); strings.Contains(got, "validates again") {
		t.Errorf("while it is broken: %s", got)
	}
	if err := w.Zone("example.").Resign("example.", dns.TypeSOA); err != nil {
		t.Fatal(err)
	}
	v.recheckNegative("example.")
	v.recheckNegative("example.")
	if got := logged.String(); strings.Count(got, "example. validates again: its negative trust anchor is no longer needed") != 1 {
		t.Errorf("%s", got)
	}
	if got := judged(t, v, "www.example.", dns.TypeA); got.Status != dnssec.Insecure {
		t.Error(got)
	}
}

// TestSignalKeyTags: the name of RFC 8145, section 5.1, and nothing unless it is asked for.
func TestSignalKeyTags(t *testing.T) {
	w := newWorld(t)
	v := newTestValidator(t, w, "trust-anchor-signal", "trust-anchor "+anchorFile(t, builtin[0], "example. IN DS 255 13 2 "+strings.Repeat("AB", 32)))
	v.signalKeyTags()
	for _, name := range []string{"_ta-4f66-9728.", "_ta-00ff.example."} {
		if w.Questions()[testzone.Question{Name: name, Type: dns.TypeNULL}] == 0 {
			t.Errorf("%s was not asked for: %v", name, w.Questions())
		}
	}
	if newTestValidator(t, w).signal {
		t.Error("on by default")
	}
}
