// Command modfile writes a copy of go.mod in which CoreDNS has internal/coredns/cache in the
// place of its plugin/pkg/cache, and the go.sum beside it:
//
//	go run ./cmd/modfile bin/coredns.mod
//	go build -modfile=bin/coredns.mod ./cmd/coredns
//
// It is run at the top of a checkout. docs/performance.md says why, and why in this way.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	coredns     = "github.com/coredns/coredns"
	replacement = "internal/coredns/cache/cache.go"
)

// unchanged is why CoreDNS is built as it is.
type unchanged string

func (u unchanged) Error() string { return string(u) }

func main() {
	if len(os.Args) != 2 || !strings.HasSuffix(os.Args[1], ".mod") {
		fmt.Fprintln(os.Stderr, "usage: modfile OUTPUT.mod")
		os.Exit(2)
	}
	err := write(".", os.Args[1])
	if why, ok := errors.AsType[unchanged](err); ok {
		fmt.Fprintf(os.Stderr, "modfile: warning: CoreDNS is built as it is, with a slower cache, since %s (docs/performance.md)\n", why)
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "modfile: %v\n", err)
		os.Exit(1)
	}
}

// write writes output and its go.sum for the module in root. If it returns unchanged, they
// are complete, and have CoreDNS as go.mod has it. After another error they may be missing.
func write(root, output string) error {
	if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
		return err
	}
	for from, to := range map[string]string{"go.mod": output, "go.sum": strings.TrimSuffix(output, ".mod") + ".sum"} {
		text, err := os.ReadFile(filepath.Join(root, from))
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			return err
		}
	}
	if err := ownSource(root); err != nil {
		return err
	}
	r, err := newRelease(root)
	if err != nil {
		return err
	}
	return r.replace(root, output)
}

// ownSource returns unchanged if the source of CoreDNS was chosen by hand.
func ownSource(root string) error {
	if _, err := os.Stat(filepath.Join(root, "vendor", "modules.txt")); err == nil {
		return unchanged("there is a vendor directory")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var m struct{ Replace *struct{ Path string } }
	if err := goJSON(root, &m, "list", "-m", "-json", coredns); err != nil {
		return err
	}
	if m.Replace != nil {
		return unchanged("go.mod replaces it with " + m.Replace.Path)
	}
	return nil
}

// goJSON runs the go command and decodes its output.
func goJSON(root string, v any, args ...string) error {
	out, err := goCommand(root, nil, args...)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, v)
}

// goCommand runs the go command in root with additions to the environment.
func goCommand(root string, env []string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s%s", cmd, err, out, stderr.Bytes())
	}
	return out, nil
}
