//go:build integration && linux

package integration

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// sign writes the zone files of all zones to dir, signed with BIND's tools, and
// returns the root's DS RRset, which is the trust anchor.
func sign(t *testing.T, dir string) string {
	t.Helper()
	bottomUp := slices.Clone(world) // a parent needs the DS RRsets of its children
	slices.SortStableFunc(bottomUp, func(a, b zone) int { return cmp.Compare(b.depth(), a.depth()) })
	for _, z := range bottomUp {
		signZone(t, dir, z)
	}
	return readFile(t, filepath.Join(dir, "dsset-."))
}

func signZone(t *testing.T, dir string, z zone) {
	t.Helper()
	writeFile(t, filepath.Join(dir, z.file()), z.source())
	if z.algorithm == "" {
		return
	}
	keys := filepath.Join(dir, "keys-"+z.file())
	if err := os.Mkdir(keys, 0o755); err != nil {
		t.Fatal(err)
	}
	keygen(t, keys, z, z.algorithm, "-f", "KSK")
	args := []string{"-S", "-g", "-K", keys, "-d", dir, "-O", "full", "-o", z.name, "-f", z.file() + ".signed"}
	if z.csk {
		args = append(args, "-z")
	} else {
		keygen(t, keys, z, z.algorithm)
	}
	if z.second != "" {
		keygen(t, keys, z, z.second, "-f", "KSK")
		keygen(t, keys, z, z.second)
	}
	args = append(args, z.signzone...)
	run(t, dir, "dnssec-signzone", append(args, z.file())...)

	signed := filepath.Join(dir, z.file()+".signed")
	dsset := filepath.Join(dir, "dsset-"+z.name)
	if z.digest != "" {
		writeFile(t, dsset, run(t, dir, "dnssec-dsfromkey", "-a", z.digest, "-f", signed, z.name))
	}
	edit(t, dsset, z.ds)
	edit(t, signed, z.damage)
	if err := os.Rename(signed, filepath.Join(dir, z.file())); err != nil {
		t.Fatal(err)
	}
}

func keygen(t *testing.T, dir string, z zone, algorithm string, options ...string) {
	t.Helper()
	if strings.HasPrefix(algorithm, "RSA") {
		options = append(options, "-b", cmp.Or(z.bits, "2048"))
	}
	run(t, dir, "dnssec-keygen", append(options, "-K", dir, "-a", algorithm, z.name)...)
}

// file returns the name of the zone file.
func (z zone) file() string { return "zone." + strings.TrimSuffix(z.name, ".") }

// edit changes a file. It fails the test if nothing changes, since the test
// would then check nothing.
func edit(t *testing.T, path string, change func(string) string) {
	t.Helper()
	if change == nil {
		return
	}
	before := readFile(t, path)
	after := change(before)
	if after == before {
		t.Fatalf("%s: the damage changed nothing", path)
	}
	writeFile(t, path, after)
}

// run runs a tool and returns its output.
func run(t *testing.T, dir, tool string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, find(t, tool), args...)
	cmd.Dir = dir
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, out.String(), errors.String())
	}
	return out.String()
}

// find looks up a tool, also in directories that are not in a user's PATH.
func find(t *testing.T, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if err != nil {
			path, err = exec.LookPath(filepath.Join(dir, tool))
		}
	}
	if err != nil {
		t.Fatalf("%s is missing: run test/scripts/install-integration.sh", tool)
	}
	return path
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
