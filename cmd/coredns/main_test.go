package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestGenerated checks that zplugin.go is the output of `go generate`.
func TestGenerated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "generated") // go run takes an argument in .go for a source file
	command(t, "go", "run", "generate.go", path)
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("zplugin.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("zplugin.go is out of date: run go generate")
	}
}

// TestPluginList checks that plugin.cfg is CoreDNS's own list with one line
// changed, so that no plugin of a new CoreDNS release is missed.
func TestPluginList(t *testing.T) {
	module := strings.TrimSpace(command(t, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/coredns/coredns"))
	want := pluginLines(t, filepath.Join(module, "plugin.cfg"))
	i := slices.Index(want, "dnssec:dnssec")
	if i < 0 {
		t.Fatal("CoreDNS has no dnssec any more")
	}
	want[i] = "dnssec:github.com/dnssecval/dnssecval/dnssec"
	if got := pluginLines(t, "plugin.cfg"); !slices.Equal(got, want) {
		t.Errorf("plugin.cfg has %q, want %q", got, want)
	}
}

// TestVersion checks that -version shows the versions of CoreDNS and dnssecval.
func TestVersion(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "coredns")
	command(t, "go", "build", "-o", binary, ".")
	version := command(t, binary, "-version")
	for _, want := range []string{"CoreDNS-1.15.0\n", "dnssecval-"} {
		if !strings.Contains(version, want) {
			t.Errorf("-version shows %q, want %q in it", version, want)
		}
	}
}

func pluginLines(t *testing.T, path string) []string {
	t.Helper()
	cfg, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(cfg)) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, stderr.String())
	}
	return string(out)
}
