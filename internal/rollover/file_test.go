package rollover

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writerEnv is the environment variable with "path|writer" for a child process; the
// writer is "a" or "b".
const writerEnv = "ROLLOVER_TEST_WRITER"

// generation sets all times of the zones to a value that identifies the writer and
// the file, so that a mix of two files is detected.
func generation(zones []*Zone, writer string, n int) []*Zone {
	at := start.Add(time.Duration(2*n) * time.Second)
	if writer == "b" {
		at = at.Add(time.Second)
	}
	for _, z := range zones {
		z.LastTry = at
		for i := range z.Keys {
			z.Keys[i].Since, z.Keys[i].Seen = at, at
		}
	}
	return zones
}

func checkGeneration(t *testing.T, zones []*Zone, want int) (at time.Time) {
	t.Helper()
	if len(zones) != want {
		t.Fatalf("%d zones", len(zones))
	}
	at = zones[0].LastTry
	for _, z := range zones {
		for _, k := range z.Keys {
			if !k.Since.Equal(at) || !k.Seen.Equal(at) || !z.LastTry.Equal(at) {
				t.Fatalf("a mixed file: %v and %v", at, k.Since)
			}
		}
	}
	return at
}

const writerZones = 12

// TestWriterProcess is the child process: it writes files until it is killed.
func TestWriterProcess(t *testing.T) {
	path, writer, ok := strings.Cut(os.Getenv(writerEnv), "|")
	if !ok {
		t.Skip("is started by other tests")
	}
	var zones []*Zone
	for i := range writerZones {
		name := fmt.Sprintf("zone-%d.example.", i)
		zones = append(zones, &Zone{Name: name, Keys: []Key{
			{DNSKEY: newTestKey(t, name).rr, State: Valid}, {DNSKEY: newTestKey(t, name).rr, State: Missing},
		}})
	}
	for n := 0; ; n++ {
		must(t, Write(path, generation(zones, writer, n), start))
		if n == 0 {
			fmt.Println("writing")
		}
	}
}

// startWriter starts a child process, and returns after it has written its first
// file.
func startWriter(t *testing.T, path, writer string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestWriterProcess$")
	cmd.Env = append(os.Environ(), writerEnv+"="+path+"|"+writer)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "writing\n" {
		t.Fatalf("the writer says %q, %v", line, err)
	}
	return cmd
}

// TestKilledWhileWriting kills a writer 200 times at random. The file has to be
// complete.
func TestKilledWhileWriting(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	path := filepath.Join(t.TempDir(), "state")
	generations := make(map[time.Time]bool)
	for range 200 {
		cmd := startWriter(t, path, "a")
		time.Sleep(time.Duration(rand.IntN(12_000)) * time.Microsecond)
		must(t, cmd.Process.Kill())
		cmd.Wait()
		zones, err := Read(path)
		must(t, err)
		generations[checkGeneration(t, zones, writerZones)] = true
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".state.*.tmp"))
	must(t, err)
	t.Logf("%d of 200 were killed with a temporary file open, after %d different numbers of files", len(left), len(generations))
	if len(left) == 0 {
		t.Error("none was killed while it was writing")
	}
	checkStale(t, path, left)
}

// checkStale checks that old temporary files are removed, and no other files.
func checkStale(t *testing.T, path string, left []string) {
	t.Helper()
	other := filepath.Join(filepath.Dir(path), ".other.1.tmp")
	must(t, os.WriteFile(other, nil, 0o600))
	long := time.Now().Add(-2 * staleAfter)
	must(t, os.Chtimes(other, long, long))
	for _, name := range left[1:] {
		must(t, os.Chtimes(name, long, long))
	}
	zones, err := Read(path)
	must(t, err)
	must(t, Write(path, zones, start))
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(entries) != 3 { // the file, one recent temporary file, and one of another file
		t.Errorf("in the directory there are %v", entries)
	}
}

// TestTwoWriters checks that each file is entirely from one of two processes.
func TestTwoWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	startWriter(t, path, "a")
	startWriter(t, path, "b")
	var of [2]int
	for range 300 {
		zones, err := Read(path)
		must(t, err)
		at := checkGeneration(t, zones, writerZones)
		of[at.Unix()%2]++
	}
	if of[0] == 0 || of[1] == 0 {
		t.Errorf("%d files of one and %d of the other", of[0], of[1])
	}
}

func TestWrite(t *testing.T) {
	zones := zonesWithEveryState(t)
	directory := t.TempDir()
	mode := func(path string) fs.FileMode {
		info, err := os.Lstat(path)
		must(t, err)
		return info.Mode()
	}
	path := filepath.Join(directory, "state[1]*")
	must(t, Write(path, zones, start))
	if got := mode(path); got != 0o644 {
		t.Errorf("a new file has mode %v", got)
	}
	must(t, os.Chmod(path, 0o640))
	must(t, Write(path, zones, start))
	if got := mode(path); got != 0o640 {
		t.Errorf("mode 0640 became %v", got)
	}
	link := filepath.Join(directory, "link")
	must(t, os.Symlink(path, link))
	must(t, os.Remove(path))
	must(t, os.WriteFile(path, []byte("old"), 0o600))
	must(t, Write(link, zones, start))
	if mode(link)&fs.ModeSymlink == 0 || mode(path) != 0o600 {
		t.Errorf("the link has mode %v, the file %v", mode(link), mode(path))
	}
	if got, err := Read(link); err != nil || len(got) != 2 {
		t.Error(got, err)
	}
	t.Chdir(directory)
	must(t, Write("here", zones, start))
	entries, err := os.ReadDir(directory)
	must(t, err)
	if len(entries) != 3 {
		t.Errorf("in the directory there are %v", entries)
	}
}

// TestWriteFails checks that a failed Write returns an error and changes no file.
func TestWriteFails(t *testing.T) {
	zones := zonesWithEveryState(t)
	directory := t.TempDir()
	if err := Write(filepath.Join(directory, "no", "state"), zones, start); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := Write(directory, zones, start); err == nil {
		t.Error("a directory was written over")
	}
	path := filepath.Join(directory, "state")
	must(t, Write(path, zones, start))
	before, err := os.ReadFile(path)
	must(t, err)
	for name, broken := range map[string][]*Zone{
		"no zones":      nil,
		"a zone twice":  {zones[0], zones[0]},
		"no keys":       {{Name: "."}},
		"no such name":  {{Name: "a b.", Keys: zones[0].Keys}},
		"state unknown": {{Name: ".", Keys: []Key{{DNSKEY: zones[0].Keys[1].DNSKEY, State: numStates, Since: start, Seen: start}}}},
	} {
		if err := Write(path, broken, start); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	after, err := os.ReadFile(path)
	must(t, err)
	entries, err := os.ReadDir(directory)
	must(t, err)
	if string(before) != string(after) || len(entries) != 1 {
		t.Errorf("in the directory there are %v", entries)
	}
	if _, err := Read(filepath.Join(directory, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Read(directory); err == nil {
		t.Error("a directory was read")
	}
}
