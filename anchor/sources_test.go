package anchor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/kubelet"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestLoad: all sources together, and a change of one of them.
func TestLoad(t *testing.T) {
	dir := t.TempDir()
	update := kubelet.Mount(t, dir, map[string]string{"root": line("."), "negative": "example until 2099-01-01T00:00:00Z ; broken\n"})
	single := filepath.Join(t.TempDir(), "single")
	write(t, single, line("test."))
	s := Sources{
		Files: []string{filepath.Join(dir, "roo?"), single}, NegativeFiles: []string{filepath.Join(dir, "negative")},
		Negative: map[string]Negative{"corp.": {}}, Rules: Rules{At: made},
	}
	set, warnings, err := s.Load()
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if got := set.String(); got != ". 12345 ("+filepath.Join(dir, "root")+":1) test. 12345 ("+single+":1) not corp. not example." {
		t.Errorf("the set is %s", got)
	}
	if n, _ := set.Negative("example."); !n.Until.Equal(time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the negative trust anchor is until %s", n.Until)
	}
	before := s.Fingerprint()
	if s.Fingerprint() != before {
		t.Error("the fingerprint changes by itself")
	}
	update(map[string]string{"root": ksk2017, "negative": "# none\n"})
	if s.Fingerprint() == before {
		t.Error("the fingerprint is the same after a change")
	}
	set, warnings, err = s.Load()
	if err != nil || len(warnings) != 1 || !slices.Equal(set.NegativeZones(), []string{"corp."}) || len(set.Anchors(".")) != 2 {
		t.Errorf("%s, %q, %v", set, warnings, err)
	}
	update(map[string]string{"root": "nonsense", "negative": ""})
	if set, _, err := s.Load(); set != nil || err == nil {
		t.Errorf("%s, %v", set, err)
	}
}

// TestLoadErrors: an error names the file.
func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	missing, empty, good, large := filepath.Join(dir, "missing"), filepath.Join(dir, "empty"), filepath.Join(dir, "good"), filepath.Join(dir, "large")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(empty, ".hidden"), ksk2017)
	write(t, good, ksk2017)
	write(t, large, strings.Repeat(ksk2017+"\n", maxFileSize/len(ksk2017)))
	for _, test := range []struct {
		name    string
		sources Sources
		want    string
	}{
		{name: "missing", sources: Sources{Files: []string{good, missing}}, want: "trust-anchor file can't be read: open " + missing},
		{name: "no match", sources: Sources{Files: []string{missing + "*"}}, want: missing + "*: no such file"},
		{name: "bad glob", sources: Sources{Files: []string{missing + "["}}, want: missing + "[: no such file"},
		{name: "hidden files alone", sources: Sources{Files: []string{empty}}, want: empty + ": no file in this directory"},
		{name: "too large", sources: Sources{Files: []string{large}}, want: "trust-anchor file can't be read: " + large + " has more than 1048576 octets"},
		{name: "device", sources: Sources{Files: []string{os.DevNull}}, want: "trust-anchor file can't be read: " + os.DevNull + " is not a regular file"},
		{name: "negative missing", sources: Sources{NegativeFiles: []string{missing}}, want: "negative-trust-anchor-file can't be read: open " + missing},
		{name: "negative without a match", sources: Sources{NegativeFiles: []string{missing + "*"}}, want: missing + "*: no such file"},
		{name: "negative that is none", sources: Sources{NegativeFiles: []string{good}}, want: good + ":1: \"E06D"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if set, _, err := test.sources.Load(); set != nil || err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}

// TestNegativeLineErrors: an error has the file and the line.
func TestNegativeLineErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{text: "a..b", want: `:1: "a..b" is not a zone`},
		{text: `a\`, want: `:1: "a\\" is not a zone`},
		{text: "\nexample until", want: `:2: "until" is not a zone`},
		{text: "example until now", want: `:1: "now" is not a time such as`},
		{text: "a.example b.example", want: ":1: one zone a line"},
		{text: "until 2026-12-31T00:00:00Z", want: ":1: needs a zone"},
		{text: "10.0.0.0/8", want: `:1: "10.0.0.0/8" is a network, not a zone such as`},
		{text: "b\u00fccher.example", want: ":1: names have to be written in ASCII"},
	} {
		path := filepath.Join(t.TempDir(), "negative")
		write(t, path, test.text)
		if err := readNegativeFile(path, map[string]Negative{}); err == nil || !strings.HasPrefix(err.Error(), path+test.want) {
			t.Errorf("%q: %v, want %s", test.text, err, test.want)
		}
	}
}

// TestParseNegative: zones and an end.
func TestParseNegative(t *testing.T) {
	zones, n, err := ParseNegative([]string{"Corp.Internal", "test.", "until", "2026-12-31T12:00:00+02:00"})
	if err != nil || !slices.Equal(zones, []string{"corp.internal.", "test."}) || !n.Until.Equal(time.Date(2026, 12, 31, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("%q, %v, %v", zones, n, err)
	}
	if n.InForce(n.Until) || !n.InForce(n.Until.Add(-time.Second)) || !(Negative{}).InForce(made) {
		t.Error("a negative trust anchor is in force until its end, or for ever")
	}
}

// TestContains: a file that belongs to the sources, whether it exists or not.
func TestContains(t *testing.T) {
	s := Sources{Files: []string{"/etc/anchors/", "/etc/root.key", "/etc/keys/*.key"}}
	for file, want := range map[string]bool{
		"/etc/root.key": true, "/etc//root.key": true, "/etc/anchors/any": true, "/etc/keys/a.key": true,
		"/etc/anchors/.hidden": false, "/etc/anchors/below/any": false, "/etc/keys/a.txt": false, "/etc/other": false,
	} {
		if got := s.Contains(file); got != want {
			t.Errorf("%s: %t", file, got)
		}
	}
}
