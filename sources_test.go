package dnssecval

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// rootAnchorsXML has the form of IANA's file: an old key, and the two of today.
const rootAnchorsXML = `<?xml version="1.0" encoding="UTF-8"?>
<TrustAnchor id="380DC50D-484E-40D0-A3AE-68F2B18F61C7" source="http://data.iana.org/root-anchors/root-anchors.xml">
<Zone>.</Zone>
<KeyDigest id="Kjqmt7v" validFrom="2010-07-15T00:00:00+00:00" validUntil="2019-01-11T00:00:00+00:00">
<KeyTag>19036</KeyTag>
<Algorithm>8</Algorithm>
<DigestType>2</DigestType>
<Digest>49AAC11D7B6F6446702E54A1607371607A1A41855200FD2CE1CDDE32F24E8FB5</Digest>
</KeyDigest>

<KeyDigest id="Klajeyz" validFrom="2017-02-02T00:00:00+00:00">
<KeyTag>20326</KeyTag>
<Algorithm>8</Algorithm>
<DigestType>2</DigestType>
<Digest>E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D</Digest>
<Flags>257</Flags>
</KeyDigest>
<KeyDigest id="Kmyv6jo" validFrom="2024-07-18T00:00:00+00:00">
<KeyTag>38696</KeyTag>
<Algorithm>8</Algorithm>
<DigestType>2</DigestType>
<Digest>683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16</Digest>
</KeyDigest>
</TrustAnchor>
`

// TestAnchorXML: of IANA's file the keys that are valid at the time.
func TestAnchorXML(t *testing.T) {
	path := anchorFile(t, rootAnchorsXML)
	for _, tc := range []struct {
		now  time.Time
		tags []uint16
	}{
		{time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC), []uint16{19036}},
		{time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC), []uint16{19036, 20326}},
		{time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), []uint16{20326}},
		{time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), []uint16{20326, 38696}},
	} {
		anchors, err := readAnchorFile(path, dnssec.Policy{}, tc.now)
		if err != nil {
			t.Fatal(err)
		}
		var tags []uint16
		for _, a := range anchors {
			tags = append(tags, a.ds.KeyTag)
		}
		if len(tags) != len(tc.tags) || tags[len(tags)-1] != tc.tags[len(tc.tags)-1] {
			t.Errorf("%s: %v, want %v", tc.now, tags, tc.tags)
		}
	}
}

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

// TestBadNegativeFiles: file and line are named.
func TestBadNegativeFiles(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"a..b", `:1: "a..b" is not a zone`},
		{`a\`, `:1: "a\\" is not a zone`},
		{"\nexample until", `:2: "until" is not a zone`},
		{"example until now", `:1: "now" is not a time such as`},
		{"a.example b.example", ":1: one zone a line"},
		{"until 2026-12-31T00:00:00Z", ":1: needs a zone"},
	} {
		path := anchorFile(t, tc.text)
		if err := readNegativeFile(path, map[string]negativeAnchor{}); err == nil || !strings.HasPrefix(err.Error(), path+tc.want) {
			t.Errorf("%q: %v, want %s", tc.text, err, tc.want)
		}
	}
}
