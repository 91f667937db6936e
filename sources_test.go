package dnssecval

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// configMap makes a directory as kubelet mounts a ConfigMap: links over a link that
// is swapped.
func configMap(t *testing.T, files map[string]string) (dir string, swap func(map[string]string)) {
	t.Helper()
	dir = t.TempDir()
	generation := 0
	swap = func(files map[string]string) {
		generation++
		data := filepath.Join(dir, "..gen"+strings.Repeat("i", generation))
		if err := os.Mkdir(data, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			link := filepath.Join(dir, name)
			if _, err := os.Lstat(link); err != nil {
				if err := os.Symlink(filepath.Join("..data", name), link); err != nil {
					t.Fatal(err)
				}
			}
		}
		next := filepath.Join(dir, "..next")
		if err := os.Symlink(filepath.Base(data), next); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	swap(files)
	return dir, swap
}

// TestReloadAnchors: what the files say counts once they are read again, and a bad
// file changes nothing.
func TestReloadAnchors(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1"}})
	good := strings.Join(w.Anchors("."), "\n")
	bad := strings.Replace(good, " 13 2 ", " 13 2 00", 1)
	other := ". IN DS 12345 13 2 " + strings.Repeat("AB", 32)
	dir, swap := configMap(t, map[string]string{"anchors": good})
	v := newTestValidator(t, w, "trust-anchor "+dir)
	status := func() dnssec.Finding { return judged(t, v, "www.example.", dns.TypeA).Finding }
	step := func(text string, status func() dnssec.Finding, want dnssec.Status) {
		t.Helper()
		before := v.sources.fingerprint()
		swap(map[string]string{"anchors": text})
		if v.sources.fingerprint() == before {
			t.Error("the change is not seen")
		}
		v.reloadAnchors()
		if got := status(); got.Status != want {
			t.Errorf("%s: %s %s", text, got.Status, sentence(got))
		}
	}
	if got := status(); got.Status != dnssec.Secure {
		t.Fatalf("at first: %s", sentence(got))
	}
	step(bad, status, dnssec.Secure)
	step("", status, dnssec.Secure)
	step(other, status, dnssec.Bogus)
	step(good+"\n", status, dnssec.Secure)
}

// TestNegativeFile: lines of a file count as words of the Corefile do.
func TestNegativeFile(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1"}})
	dir, swap := configMap(t, map[string]string{"negative": "# none\n"})
	v := newTestValidator(t, w, "negative-trust-anchor-file "+filepath.Join(dir, "negative"))
	check := func(want dnssec.Status) {
		t.Helper()
		if got := judged(t, v, "www.example.", dns.TypeA); got.Status != want {
			t.Errorf("%s", got)
		}
	}
	check(dnssec.Secure)
	swap(map[string]string{"negative": "example until 2099-01-01T00:00:00Z ; broken\n"})
	v.reloadAnchors()
	check(dnssec.Insecure)
	swap(map[string]string{"negative": "example until tomorrow\n"})
	v.reloadAnchors()
	check(dnssec.Insecure)
	swap(map[string]string{"negative": ""})
	v.reloadAnchors()
	check(dnssec.Secure)
}
