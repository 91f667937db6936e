package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/dnssecval/dnssecval/internal/worlds/fault"
)

var errNotFound = errors.New("a fault was not found")

// seedFaults builds this command with each fault, and walks until that is found, or the
// time is over. It prints a table. It has to run in the root of the module.
func seedFaults(ctx context.Context, limit time.Duration, only string) error {
	fmt.Println("| rule that is forgotten | RFC | found as | responses | seconds |\n|---|---|---|---|---|")
	missing := 0
	for _, f := range fault.All() {
		if !strings.Contains(f.Name, only) {
			continue
		}
		row, found, err := seedFault(ctx, f, limit)
		if err != nil {
			return err
		}
		if fmt.Println(row); !found {
			missing++
		}
	}
	if missing > 0 {
		return fmt.Errorf("%w: %d", errNotFound, missing)
	}
	return nil
}

// The words of a run's output.
var (
	foundAs   = regexp.MustCompile(`(?m)^violated: (.*)$`)
	responses = regexp.MustCompile(`(?m)^worlds .*responses (\d+), unsound`)
)

// seedFault walks with one fault. It returns a row of the table.
func seedFault(ctx context.Context, f fault.Fault, limit time.Duration) (row string, found bool, err error) {
	dir, err := os.MkdirTemp("", "fault")
	if err != nil {
		return "", false, err
	}
	defer os.RemoveAll(dir)
	program, err := buildWith(ctx, f, dir)
	if err != nil {
		return "", false, err
	}
	begin := time.Now()
	out, err := exec.CommandContext(ctx, program, "-first", "-time", limit.String()).Output()
	took := time.Since(begin)
	var exit *exec.ExitError
	if found = errors.As(err, &exit) && exit.ExitCode() == 1; err != nil && !found {
		return "", false, fmt.Errorf("fault %q: %w", f.Name, err)
	}
	as, judged := "not found", "?"
	if match := foundAs.FindSubmatch(out); match != nil {
		as = string(match[1])
	}
	if match := responses.FindSubmatch(out); match != nil {
		judged = string(match[1])
	}
	name := f.Name
	if f.Like != "" {
		name += " (" + f.Like + ")"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %.1f |", name, strings.ReplaceAll(f.Rule, "section ", ""), as, judged, took.Seconds()), found, nil
}

// buildWith builds this command with a fault.
func buildWith(ctx context.Context, f fault.Fault, dir string) (program string, err error) {
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	replaced, err := f.Overlay(root, dir)
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		return "", err
	}
	program = filepath.Join(dir, "worlds")
	var text bytes.Buffer
	build := exec.CommandContext(ctx, "go", "build", "-overlay", file, "-o", program, "./cmd/worlds")
	build.Stdout, build.Stderr = &text, &text
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("fault %q: %w\n%s", f.Name, err, text.Bytes())
	}
	return program, nil
}
