//go:build integration && linux

package integration

import (
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/peers"
)

const (
	startTime = 20 * time.Second // for a server to start
	stopTime  = 5 * time.Second  // for a server to react
	logTail   = 40               // number of lines of a log that are shown when a test fails
)

// start runs a server until the test ends. It returns when the server answers.
func start(t *testing.T, dir string, r resolver, tool string, args ...string) {
	t.Helper()
	s, err := peers.Start(dir, r.name, r.addr(), tool, args...)
	if err != nil {
		t.Fatal(err)
	}
	stopAtEnd(t, s)
}

func stopAtEnd(t *testing.T, s *peers.Server) {
	t.Helper()
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("%s: the end of its log\n%s", s.Name, tail(s.Log()))
		}
	})
}

func tail(log string) string {
	lines := strings.Split(log, "\n")
	return strings.Join(lines[max(0, len(lines)-logTail):], "\n")
}

// private copies the program of a server into dir.
func private(t *testing.T, dir, tool string) string {
	t.Helper()
	path, err := peers.Private(dir, tool)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
