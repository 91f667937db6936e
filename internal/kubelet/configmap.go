// Package kubelet mounts ConfigMaps as the kubelet of Kubernetes does. It is for tests.
package kubelet

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Mount mounts a ConfigMap of these files at a directory, which it makes, and returns what
// replaces all of them at once: each file is a symbolic link by way of the link "..data". The
// links of files that are no longer there stay, and lead to nothing.
func Mount(t testing.TB, dir string, files map[string]string) (update func(files map[string]string)) {
	t.Helper()
	version := 0
	update = func(files map[string]string) {
		t.Helper()
		version++
		data := fmt.Sprintf("..version_%d", version)
		check(t, os.MkdirAll(filepath.Join(dir, data), 0o755))
		for name, text := range files {
			check(t, os.WriteFile(filepath.Join(dir, data, name), []byte(text), 0o644))
		}
		link(t, dir, data, "..data")
		for name := range files {
			link(t, dir, filepath.Join("..data", name), name)
		}
	}
	update(files)
	return update
}

// link makes a symbolic link, or replaces it in one step.
func link(t testing.TB, dir, to, name string) {
	t.Helper()
	next := filepath.Join(dir, "..next")
	check(t, os.Symlink(to, next))
	check(t, os.Rename(next, filepath.Join(dir, name)))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
