package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
)

// anchorAhead is a trust anchor of an algorithm that is not implemented.
var anchorAhead = ". IN DS 11111 18 2 " + strings.Repeat("AB", 32)

// TestAnchorWarnings: a trust anchor that is left out is named on standard error, and only
// there. Without another one it is an error.
func TestAnchorWarnings(t *testing.T) {
	s := serve(t, testzone.Spec{Name: "example.", Algorithm: alg, Records: host})
	file := filepath.Join(t.TempDir(), "anchors")
	for _, test := range []struct {
		name  string
		lines []string
		args  []string
		code  int
		err   string // part of what is on standard error
	}{
		{name: "beside a good one", lines: []string{s.Anchors(".")[0], anchorAhead}, code: exitSecure, err: "dnssecval: warning: " + file + ":2: the trust anchor of . with tag 11111 is left out: algorithm 18"},
		{name: "quiet", lines: []string{s.Anchors(".")[0], anchorAhead}, args: []string{"--quiet"}, code: exitSecure},
		{name: "alone", lines: []string{anchorAhead}, code: exitUsage, err: file + ":1: algorithm 18 is not relied on"},
		{name: "malformed", lines: []string{s.Anchors(".")[0], anchorAhead + "x"}, code: exitUsage, err: file + ":2: "},
		{name: "good ones alone", lines: s.Anchors("."), code: exitSecure},
	} {
		t.Run(test.name, func(t *testing.T) {
			write(t, file, strings.Join(test.lines, "\n"))
			got := run(t, append([]string{"check", "www.example", "@" + s.addr, "--trust-anchor", file, "--at", then.Format(time.RFC3339)}, test.args...)...)
			if got.code != test.code || !strings.Contains(got.err, test.err) || test.err == "" && got.err != "" || strings.Contains(got.out, "warning") {
				t.Errorf("%+v, want %d and %q", got, test.code, test.err)
			}
		})
	}
}

// TestCaptureOfLaterVersion: a capture by a version that relies on more algorithms is judged by
// the trust anchors that are relied on here.
func TestCaptureOfLaterVersion(t *testing.T) {
	s := serve(t, testzone.Spec{Name: "example.", Algorithm: alg, Records: host})
	file := filepath.Join(t.TempDir(), "capture")
	if got := run(t, append(s.judge("capture", "www.example"), "-o", file)...); got.code != exitSecure {
		t.Fatalf("%+v", got)
	}
	later := strings.Replace(read(t, file), `"trust_anchors":[`, `"trust_anchors":["`+anchorAhead+`",`, 1)
	write(t, file, strings.TrimSpace(later))
	if got := run(t, "check", "--from", file); got.code != exitSecure || !strings.Contains(got.err, "warning: "+file+":1: trust_anchors:1: the trust anchor of . with tag 11111 is left out") {
		t.Errorf("%+v", got)
	}
	if got := run(t, "check", "--from", file, "--trust-anchor", s.anchors); got.code != exitSecure || got.err != "" {
		t.Errorf("with other trust anchors: %+v", got)
	}
}
