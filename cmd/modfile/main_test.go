package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const checkout = "../.."

// TestOriginal writes the file that `make build` uses, and checks that the CoreDNS in it
// differs from the one of go.mod in the replacement only.
func TestOriginal(t *testing.T) {
	output := filepath.Join(t.TempDir(), "new", "coredns.mod")
	err := write(checkout, output)
	if why, ok := errors.AsType[unchanged](err); ok {
		t.Fatalf("%s.\nmake build goes on without the replacement. Compare CoreDNS's %s with %s: if CoreDNS counts its entries by now, remove the replacement; otherwise give it what is new, and `original` the new digest.", why, replaced, replacement)
	}
	if err != nil {
		t.Fatal(err)
	}
	// A second time it is in the module cache.
	if err := write(checkout, output); err != nil {
		t.Fatal(err)
	}
	want, got := files(t, module(t, "go.mod")), files(t, module(t, output))
	if want[replaced+"cache.go"], err = os.ReadFile(filepath.Join(checkout, replacement)); err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(want)); !slices.Equal(slices.Sorted(maps.Keys(got)), names) {
		t.Error("the files are others")
	}
	for name, text := range want {
		if !bytes.Equal(got[name], text) {
			t.Errorf("%s differs", name)
		}
	}
}

// module returns the directory of CoreDNS's source with a go.mod.
func module(t *testing.T, modfile string) string {
	t.Helper()
	if modfile == "go.mod" {
		modfile = filepath.Join(checkout, modfile)
	}
	path, err := filepath.Abs(modfile)
	if err != nil {
		t.Fatal(err)
	}
	var m struct{ Dir string }
	if err := goJSON(checkout, &m, "list", "-modfile="+path, "-m", "-json", coredns); err != nil || m.Dir == "" {
		t.Fatal(m, err)
	}
	return m.Dir
}

func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		all[name], err = os.ReadFile(filepath.Join(dir, name))
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	return all
}

// TestOwnSource checks that nobody's own choice of CoreDNS's source is replaced.
func TestOwnSource(t *testing.T) {
	const gomod = "module example.org/m\n\ngo 1.26.0\n\nrequire github.com/coredns/coredns v1.15.0\n"
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{name: "vendored", want: "there is a vendor directory", files: map[string]string{"go.mod": gomod, "go.sum": "", "vendor/modules.txt": ""}},
		{name: "replaced by a directory", want: "go.mod replaces it with ./fork", files: map[string]string{
			"go.mod": gomod + "\nreplace github.com/coredns/coredns => ./fork\n", "go.sum": "", "fork/go.mod": "module github.com/coredns/coredns\n",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := t.TempDir()
			for name, text := range tc.files {
				path := filepath.Join(root, name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			output := filepath.Join(root, "bin", "coredns.mod")
			if err := write(root, output); err != unchanged(tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			if text, err := os.ReadFile(output); err != nil || string(text) != tc.files["go.mod"] {
				t.Errorf("%q, %v", text, err)
			}
			if _, err := os.Stat(filepath.Join(root, "bin", "coredns.sum")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCheckOriginal(t *testing.T) {
	known, err := os.ReadFile(filepath.Join(module(t, "go.mod"), replaced, "cache.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		files map[string]string // below the module
		want  string            // a part of the reason
	}{
		{name: "known", files: map[string]string{replaced + "cache.go": string(known), "plugin/cache/cache.go": "package cache"}},
		{name: "tests and directories do not count", files: map[string]string{
			replaced + "cache.go": string(known), replaced + "a_test.go": "", replaced + "README.md": "", replaced + "lru/lru.go": "",
		}},
		{name: "changed", files: map[string]string{replaced + "cache.go": string(known) + "\n"}, want: "has another plugin/pkg/cache/cache.go"},
		{name: "one more file", files: map[string]string{replaced + "a.go": "", replaced + "cache.go": string(known)}, want: "has plugin/pkg/cache/a.go"},
		{name: "one more file, after it", files: map[string]string{replaced + "cache.go": string(known), replaced + "z.go": ""}, want: "has plugin/pkg/cache/z.go"},
		{name: "gone", files: map[string]string{"plugin/cache/cache.go": string(known)}, want: "has no plugin/pkg/cache/cache.go"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &release{from: downloaded{Version: "v1.16.0"}}
			err := r.checkOriginal(archived(t, "v1.16.0", tc.files))
			if why, ok := errors.AsType[unchanged](err); tc.want == "" && err != nil || tc.want != "" && (!ok || !strings.Contains(string(why), "v1.16.0 "+tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// archived returns a module's archive, its files in the order of their names.
func archived(t *testing.T, version string, files map[string]string) *zip.Reader {
	t.Helper()
	var out bytes.Buffer
	to := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := to.Create(prefix(version) + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNextVersion(t *testing.T) {
	for _, tc := range []struct{ version, want string }{
		{version: "v1.15.0", want: "v1.15.1-0.counted.he3b0c44298fc"},
		{version: "v1.9.99", want: "v1.9.100-0.counted.he3b0c44298fc"},
		{version: "v1.16.0-rc.1", want: "v1.16.0-rc.1.counted.he3b0c44298fc"},
		{version: "v1.15.1-0.20260820172412-4b26cced3271", want: "v1.15.1-0.20260820172412-4b26cced3271.counted.he3b0c44298fc"},
	} {
		t.Run(tc.version, func(t *testing.T) {
			if got, err := nextVersion(tc.version, nil); got != tc.want || err != nil {
				t.Errorf("%s, %v, want %s", got, err, tc.want)
			}
		})
	}
	t.Run("another text has another version", func(t *testing.T) {
		a, _ := nextVersion("v1.15.0", []byte("a"))
		if b, _ := nextVersion("v1.15.0", []byte("b")); a == b {
			t.Errorf("both have %s", a)
		}
	})
	t.Run("not a version", func(t *testing.T) {
		if got, err := nextVersion("devel", nil); err == nil {
			t.Errorf("%s", got)
		}
	})
}
