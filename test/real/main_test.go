// Package real starts the binary of cmd/coredns with Corefiles, as an operator
// does, and sends it queries. Its upstream is a testzone.World.
package real

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the CoreDNS under test: DNSSECVAL_COREDNS, or one built here.
// command is the dnssecval command, which is small and always built here.
var binary, command string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

// parallelTests is the number of parallel tests, which mostly wait.
const parallelTests = "8"

func run(m *testing.M) int {
	flag.Parse()
	if err := flag.Set("test.parallel", parallelTests); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "dnssecval")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	programs := []string{"dnssecval"}
	command = filepath.Join(dir, "dnssecval")
	if binary = os.Getenv("DNSSECVAL_COREDNS"); binary == "" {
		binary = filepath.Join(dir, "coredns")
		programs = append(programs, "coredns")
	}
	for _, program := range programs {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, program), "../../cmd/"+program)
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n%s", build, err, out)
			return 1
		}
	}
	return m.Run()
}
