package real

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/kubelet"
)

// swapTime is the maximum time until a changed file is used.
const swapTime = 30 * time.Second

// TestAnchorsSwapped checks files in the layout of a mounted ConfigMap. A new
// version is used within 30 s of the swap of the link, without a restart. A bad
// one changes nothing, and is logged with file and line and counted. The first
// version has no matching anchor: "no trust anchor holds".
func TestAnchorsSwapped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	good := strings.Join(w.Anchors("."), "\n") + "\n"
	update := kubelet.Mount(t, dir, map[string]string{"anchors": ". IN DS 12345 13 2 " + strings.Repeat("AB", 32) + "\n"})
	p := start(t, w, ".:PORT {\ndnssec {\nvalidate\ntrust-anchor MOUNTED\n}\nprometheus HTTP\nforward . UPSTREAM\n}", "MOUNTED", dir)
	p.logs(t, "no trust anchor of . holds", "dnskey_no_anchor_match")
	p.answers(t, []asked{{"www.secure.test. A", "do", "SERVFAIL opt ede=9/dnskey_no_anchor_match"}})

	update(map[string]string{"anchors": good})
	p.await(t, "www.secure.test. A", "NOERROR ad A=192.0.2.1 RRSIG opt")

	update(map[string]string{"anchors": "# by mistake\n. IN DS 20326 8 2 E06D\n"})
	if !p.out.await("anchors:2: the digest is not of 64 hexadecimal digits", swapTime, p.ended) {
		t.Errorf("the log does not name the bad file:\n%s", p.out)
	}
	p.answers(t, []asked{{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"}})
	if n := p.metrics(t).value("coredns_dnssec_trust_anchor_reloads_total", `result="bad"`); n != 1 {
		t.Errorf("%v bad reads were counted", n)
	}
}

// await repeats a question until the answer is as wanted, for at most swapTime.
func (p *process) await(t *testing.T, question, want string) {
	t.Helper()
	var got string
	for end := time.Now().Add(swapTime); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		if got = p.ask(t, question, "do"); got == want {
			return
		}
	}
	t.Errorf("%s: %s after %s, want %s", question, got, swapTime, want)
}

// TestAutoTrustAnchor checks that the state file is created at the first start,
// and used after a restart with an outdated anchor file.
func TestAutoTrustAnchor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	state := filepath.Join(t.TempDir(), "state")
	corefile := ".:PORT {\ndnssec {\nvalidate\ntrust-anchor ANCHORS\nauto-trust-anchor STATE\n}\nprometheus HTTP\nforward . UPSTREAM\n}"
	p := start(t, w, corefile, "STATE", state)
	p.logs(t, "is the key of a configured DS")
	p.answers(t, []asked{{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"}})
	if n := p.metrics(t).value("coredns_dnssec_trust_anchors", `state="valid"`); n != 1 {
		t.Errorf("%v valid anchors are exported", n)
	}
	p.stop(t)
	text, err := os.ReadFile(state)
	if err != nil || !strings.Contains(string(text), "DNSKEY") {
		t.Fatalf("%s %v", text, err)
	}

	outdated := filepath.Join(t.TempDir(), "outdated")
	write(t, outdated, ". IN DS 12345 13 2 "+strings.Repeat("AB", 32)+"\n")
	again := start(t, w, strings.Replace(corefile, "ANCHORS", "OUTDATED", 1), "STATE", state, "OUTDATED", outdated)
	again.answers(t, []asked{{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"}})

	write(t, state, "broken\n")
	if said := prepare(t, w, corefile, "STATE", state).fails(t); !strings.Contains(said, state+":1") || !strings.Contains(said, "remove it to begin with the configured trust anchors") {
		t.Errorf("%s", said)
	}
}
