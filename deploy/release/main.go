// Command release builds what a release consists of: an archive for each platform, images,
// the list of modules, and the sums of all of them. It needs Go and git, and no Docker engine.
// The same commit and the same version of Go give the same bytes.
//
//	go run . -version v0.1.0 -out DIR
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// repository is where the program is run from.
const repository = "../.."

func main() {
	version := flag.String("version", "", "the version, such as v0.1.0")
	out := flag.String("out", "dist", "the directory of the release, which must not exist")
	flag.Parse()
	if err := run(*version, *out); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(version, out string) error {
	if !regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`).MatchString(version) {
		return fmt.Errorf("-version %q is not like v0.1.0", version)
	}
	if err := noted(version); err != nil {
		return err
	}
	at, err := sourceTime()
	if err != nil {
		return err
	}
	if err := os.Mkdir(out, 0o755); err != nil {
		return err
	}
	programs, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(programs)
	r := release{version: version, at: at, out: out, programs: programs}
	for _, p := range platforms {
		if err := r.platform(p); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return errors.Join(r.modules(), r.sums())
}

// release is a release that is being built.
type release struct {
	version  string
	at       time.Time // of all files
	out      string    // the directory that is published
	programs string    // the directory of the programs
}

// file returns the path of a file that is published.
func (r release) file(name string) string { return filepath.Join(r.out, name) }

// noted returns an error if docs/CHANGELOG.md does not have the version.
func noted(version string) error {
	text, err := os.ReadFile(filepath.Join(repository, "docs/CHANGELOG.md"))
	if err == nil && !strings.Contains(string(text), "\n## "+version+"\n") {
		err = fmt.Errorf("docs/CHANGELOG.md has no section %s", version)
	}
	return err
}

// sourceTime is the time of the commit, or SOURCE_DATE_EPOCH.
func sourceTime() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		cmd := exec.Command("git", "log", "-1", "--format=%ct")
		cmd.Dir = repository
		out, err := cmd.Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("the time of the commit (SOURCE_DATE_EPOCH is not set): %w", err)
		}
		text = strings.TrimSpace(string(out))
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(seconds, 0).UTC(), err
}
