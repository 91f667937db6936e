// Package real starts the binary of cmd/coredns with Corefiles, as an operator
// does, and asks it as clients do. What it forwards to is a testzone.World.
package real

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the CoreDNS that is tested: DNSSECVAL_COREDNS, or one built here.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

// atOnce is how many tests run in parallel: they wait more than they work.
const atOnce = "8"

func run(m *testing.M) int {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if binary = os.Getenv("DNSSECVAL_COREDNS"); binary != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "dnssecval")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "coredns")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/coredns")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n%s", build, err, out)
		return 1
	}
	return m.Run()
}
