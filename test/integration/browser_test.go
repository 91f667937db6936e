//go:build integration && linux

package integration

import (
	"context"
	"fmt"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

const browserTime = time.Minute

// TestStatusPage checks how a browser shows the page in light and dark mode,
// and that names with markup are shown as text.
func TestStatusPage(t *testing.T) {
	ports := freePorts(t, 2)
	dir := t.TempDir()
	us, page := resolver{name: "coredns", port: ports[0]}, host+":"+ports[1]
	startWithPage(t, dir, us, page)
	for _, name := range []string{"www.example.", "gone.example.", "www.old-ds.example.", "www.unsigned.example.", "www.corp.example.", `\<script\>alert\(1\)\</script\>.old-ds.example.`} {
		inquire(t, us, name)
	}
	dom := browse(t, dir, "--dump-dom", "http://"+page+"/")
	for _, want := range []string{"<h1>DNSSEC validation</h1>", "signature_expired: RRSIG A gone.example. by example.", "dnskey_no_ds_match: DNSKEY old-ds.example.", "&lt;script&gt;", "negative_trust_anchor"} {
		if !strings.Contains(dom, want) {
			t.Errorf("the page has no %s:\n%s", want, dom)
		}
	}
	if strings.Contains(dom, "<script") {
		t.Errorf("the page has a script:\n%s", dom)
	}
	for _, look := range []struct {
		name, setting string
		paper         color.RGBA
	}{
		{"light", "preferredColorScheme=1", color.RGBA{0xfb, 0xfb, 0xf9, 0xff}},
		{"dark", "preferredColorScheme=0", color.RGBA{0x14, 0x17, 0x1a, 0xff}},
	} {
		path := filepath.Join(dir, look.name+".png")
		browse(t, dir, "--blink-settings="+look.setting, "--window-size=1280,1600", "--hide-scrollbars", "--screenshot="+path, "http://"+page+"/")
		if got := cornerOf(t, path); got != look.paper {
			t.Errorf("%s: the page is %v, want %v", look.name, got, look.paper)
		}
	}
}

// startWithPage starts CoreDNS with zones of all kinds as upstream.
func startWithPage(t *testing.T, dir string, r resolver, page string) {
	t.Helper()
	const alg = dns.ECDSAP256SHA256
	records := []string{"www A 192.0.2.1", "gone A 192.0.2.2"}
	w, err := testzone.New(time.Now(), testzone.Spec{Name: "example.", Algorithm: alg, Records: records}, testzone.Spec{Name: "unsigned.example.", Records: records},
		testzone.Spec{Name: "old-ds.example.", Algorithm: alg, Records: records}, testzone.Spec{Name: "corp.example.", Algorithm: alg, Records: records})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Break("example.", testzone.Expired("gone.example.", dns.TypeA)); err != nil {
		t.Fatal(err)
	}
	if err := w.Break("old-ds.example.", testzone.WrongDSTag()); err != nil {
		t.Fatal(err)
	}
	upstream, err := w.Serve(host + ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = upstream.Close() })
	anchors, path := filepath.Join(dir, "anchors"), filepath.Join(dir, "Corefile")
	writeFile(t, anchors, strings.Join(w.Anchors("."), "\n")+"\n")
	writeFile(t, path, fmt.Sprintf(".:%s {\n\tbind %s\n\tforward . %s\n\tdnssec {\n\t\tvalidate\n\t\ttrust-anchor %s\n\t\tnegative-trust-anchor corp.example until 2099-01-01T00:00:00Z\n\t\tstatus %s\n\t}\n}\n",
		r.port, host, upstream.Addr(), anchors, page))
	start(t, dir, r, ourProgram(t), "-conf", path)
}

// browse runs Chromium once with a new profile and returns its output.
func browse(t *testing.T, dir string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), browserTime)
	defer cancel()
	profile, err := os.MkdirTemp(dir, "profile")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "chromium", append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + profile}, args...)...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v\n%s", err, said.String())
	}
	return string(out)
}

func cornerOf(t *testing.T, path string) color.RGBA {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	shot, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	r, g, b, a := shot.At(3, 3).RGBA()
	return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), uint8(a >> 8)}
}
