package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRunRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ version, want string }{
		"no version":            {want: "is not like v0.1.0"},
		"no v":                  {version: "0.1.0", want: "is not like v0.1.0"},
		"no change is told":     {version: "v0.0.1", want: "docs/CHANGELOG.md has no section v0.0.1"},
		"a word of a directory": {version: "v0.1.0/x", want: "is not like v0.1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "dist")
			if err := run(tc.version, out); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("there is a release all the same")
			}
		})
	}
}

func TestSourceTime(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1800000000")
	if at, err := sourceTime(); err != nil || !at.Equal(time.Unix(1_800_000_000, 0)) {
		t.Errorf("%s, %v", at, err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "")
	if at, err := sourceTime(); err != nil || at.After(time.Now()) {
		t.Errorf("%s, %v", at, err)
	}
}

func TestSums(t *testing.T) {
	r := release{out: t.TempDir()}
	for name, text := range map[string]string{"b": "", "a": "abc"} {
		if err := os.WriteFile(r.file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.sums(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(r.file("SHA256SUMS"))
	want := "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n" +
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b\n"
	if err != nil || string(text) != want {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestUnits checks that what the archives have is there.
func TestUnits(t *testing.T) {
	for _, name := range append([]string{"LICENSE", "README.md", "docs/CHANGELOG.md"}, units...) {
		if _, err := os.Stat(filepath.Join(repository, name)); err != nil {
			t.Error(err)
		}
	}
}
