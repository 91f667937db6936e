package dnssecval

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/kubelet"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// anchoredWorld has one zone below the root.
func anchoredWorld(t *testing.T) *testzone.World {
	t.Helper()
	return newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
}

// otherDS is a trust anchor of a zone that matches no key.
func otherDS(zone string) string { return zone + " IN DS 255 13 2 " + strings.Repeat("AB", 32) }

// TestReloadAnchors: what the files have counts once they are read again, and a bad file
// changes nothing.
func TestReloadAnchors(t *testing.T) {
	w := anchoredWorld(t)
	good := strings.Join(w.Anchors("."), "\n")
	bad := strings.Replace(good, " 13 2 ", " 13 2 00", 1)
	dir := t.TempDir()
	update := kubelet.Mount(t, dir, map[string]string{"anchors": good})
	h := newTestHandler(t, w, "trust-anchor "+dir)
	if got := judged(t, h, "www.example.", typeA); got.Status != dnssec.Secure {
		t.Fatalf("at first: %s %s", got.Status, got)
	}
	for _, tc := range []struct {
		name, text string
		want       dnssec.Status
	}{
		{name: "bad", text: bad, want: dnssec.Secure},
		{name: "empty", text: "", want: dnssec.Secure},
		{name: "of another key", text: ". IN DS 12345 13 2 " + strings.Repeat("AB", 32), want: dnssec.Bogus},
		{name: "good again", text: good + "\n", want: dnssec.Secure},
	} {
		before := h.trust.sources.Fingerprint()
		update(map[string]string{"anchors": tc.text})
		if h.trust.sources.Fingerprint() == before {
			t.Errorf("%s: the change is not seen", tc.name)
		}
		h.trust.reload()
		if got := judged(t, h, "www.example.", typeA); got.Status != tc.want {
			t.Errorf("%s: %s %s", tc.name, got.Status, got)
		}
	}
}

// TestReloadNegative: the lines of a file count as words of the Corefile do.
func TestReloadNegative(t *testing.T) {
	dir := t.TempDir()
	update := kubelet.Mount(t, dir, map[string]string{"negative": "# none\n"})
	h := newTestHandler(t, anchoredWorld(t), "negative-trust-anchor-file "+filepath.Join(dir, "negative"))
	for _, tc := range []struct {
		name, text string
		want       dnssec.Status
	}{
		{name: "none", text: "# none\n", want: dnssec.Secure},
		{name: "one", text: "example until 2099-01-01T00:00:00Z ; broken\n", want: dnssec.Insecure},
		{name: "bad", text: "example until tomorrow\n", want: dnssec.Insecure},
		{name: "empty", text: "", want: dnssec.Secure},
	} {
		update(map[string]string{"negative": tc.text})
		h.trust.reload()
		if got := judged(t, h, "www.example.", typeA); got.Status != tc.want {
			t.Errorf("%s: %s %s", tc.name, got.Status, got)
		}
	}
}

// TestLookAtSources: the watcher reads files that changed, and counts the reads. Files that
// were not changed are not read again at once.
func TestLookAtSources(t *testing.T) {
	w := anchoredWorld(t)
	file := anchorFile(t, w.Anchors(".")...)
	h := newTestHandler(t, w, "trust-anchor "+file)
	subsystem := ownMetrics(h.block)
	h.servers = []string{"dns://:53"}
	watched := &watcher{trust: h.trust, reread: time.Now().Add(time.Hour)}
	for _, tc := range []struct {
		name      string
		line      string
		good, bad float64
	}{
		{name: "unchanged", line: w.Anchors(".")[0]},
		{name: "bad", line: "nonsense", bad: 1},
		{name: "still bad", line: "nonsense", bad: 1},
		{name: "of another key", line: otherDS("."), good: 1, bad: 1},
	} {
		overwrite(t, file, tc.line)
		watched.lookAtSources()
		if good, bad := sum(t, subsystem, "trust_anchor_reloads_total", "good"), sum(t, subsystem, "trust_anchor_reloads_total", "bad"); good != tc.good || bad != tc.bad {
			t.Errorf("%s: %.0f good reads and %.0f bad ones", tc.name, good, bad)
		}
	}
	if root := h.trust.set().Anchors("."); len(root) != 1 || root[0].DS.KeyTag != 255 {
		t.Errorf("the trust anchors are %s", h.trust.set())
	}
}

// TestProveAnchors: whether the trust anchors match a key is found out before clients depend
// on it, logged once each time that it changes, and shown in the metric.
func TestProveAnchors(t *testing.T) {
	w := anchoredWorld(t)
	h := newTestHandler(t, w)
	logged := captureLog(t)
	clock := fakeClock(h.block)
	if wait := h.trust.proveAnchors(); wait != provedInterval {
		t.Errorf("again in %s", wait)
	}
	h.trust.proveAnchors()
	if got := logged.String(); strings.Count(got, " signs for . now") != 1 || !strings.Contains(got, "trust anchors: . ") {
		t.Errorf("%s", got)
	}
	w.Intercept(func(_, _ *dns.Msg) *dns.Msg { return nil })
	clock.advance(48 * time.Hour)
	if wait := h.trust.proveAnchors(); wait != proveInterval {
		t.Errorf("again in %s", wait)
	}
	clock.advance(time.Minute)
	h.trust.proveAnchors()
	if got := logged.String(); strings.Count(got, "no trust anchor of . holds") != 1 {
		t.Errorf("%s", got)
	}
	if states := h.trust.states(); states[0].state != "unproven" {
		t.Errorf("%+v", states)
	}
	w.Intercept(nil)
	clock.advance(time.Minute)
	time.Sleep(probeInterval) // the upstream has answered nothing
	h.trust.proveAnchors()
	if states := h.trust.states(); states[0].state != "valid" {
		t.Errorf("%+v", states)
	}
}

// TestClockHint: a clock that is wrong is named as the likely cause.
func TestClockHint(t *testing.T) {
	for _, tc := range []struct {
		name string
		off  time.Duration
		want bool
	}{
		{name: "years ago", off: -5 * 365 * 24 * time.Hour, want: true},
		{name: "years ahead", off: 5 * 365 * 24 * time.Hour, want: true},
		{name: "right", off: 0, want: false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newTestHandler(t, anchoredWorld(t))
			fakeClock(h.block).advance(tc.off)
			logged := captureLog(t)
			h.trust.proveAnchors()
			if got := logged.String(); strings.Contains(got, "which is likely wrong") != tc.want {
				t.Errorf("%s", got)
			}
		})
	}
}

// TestRecheckNegative: that a zone below a negative trust anchor validates again is logged
// once. It is not validated for clients all the same.
func TestRecheckNegative(t *testing.T) {
	w := anchoredWorld(t)
	breakZone(t, w, "example.", testzone.FlipSignatureBit("example.", dns.TypeSOA))
	h := newTestHandler(t, w, "negative-trust-anchor example")
	serveAlone, _, err := configure("dnssecval . {\nserve\nnegative-trust-anchor example\ntrust-anchor "+anchorFile(t, w.Anchors(".")...)+"\n}", "dnssecval")
	if err != nil {
		t.Fatal(err)
	}
	serveAlone.server.Next, serveAlone.server.exchanger.routes = w, placement.NewRoutes(serverBlock(".", forward(".", w)))
	for _, b := range []*block{h.block, serveAlone} {
		logged := captureLog(t)
		b.trust.recheckNegative("example.")
		if got := logged.String(); strings.Contains(got, "validates again") {
			t.Errorf("while it is broken: %s", got)
		}
	}
	if err := w.Zone("example.").Resign("example.", dns.TypeSOA); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*block{h.block, serveAlone} {
		logged := captureLog(t)
		b.trust.recheckNegative("example.")
		b.trust.recheckNegative("example.")
		if got := logged.String(); strings.Count(got, "example. validates again: its negative trust anchor is no longer needed") != 1 {
			t.Errorf("%s", got)
		}
	}
	if got := judged(t, h, "www.example.", typeA); got.Status != dnssec.Insecure {
		t.Error(got)
	}
}

// TestAttackNegativeEnds: that a negative trust anchor ended is logged once, and its zone is
// validated then.
func TestAttackNegativeEnds(t *testing.T) {
	h := newTestHandler(t, anchoredWorld(t), "negative-trust-anchor example until "+time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	clock, logged := fakeClock(h.block), captureLog(t)
	h.trust.logEnded()
	if got := judged(t, h, "www.example.", typeA); got.Status != dnssec.Insecure || logged.String() != "" {
		t.Error(got, logged)
	}
	clock.advance(2 * time.Hour)
	h.trust.logEnded()
	h.trust.logEnded()
	if got := judged(t, h, "www.example.", typeA); got.Status != dnssec.Secure || strings.Count(logged.String(), "of example. ended") != 1 {
		t.Error(got, logged)
	}
}

// TestSignalKeyTags: the names of RFC 8145, section 5.1, are asked for. They are not unless
// the word is there.
func TestSignalKeyTags(t *testing.T) {
	w := newWorld(t)
	h := newTestHandler(t, w, "trust-anchor-signal", "trust-anchor "+anchorFile(t, rootDS[0], otherDS("example.")))
	h.trust.signalKeyTags()
	for _, name := range []string{"_ta-4f66-9728.", "_ta-00ff.example."} {
		if w.Questions()[testzone.Question{Name: name, Type: dns.TypeNULL}] == 0 {
			t.Errorf("%s was not asked for: %v", name, w.Questions())
		}
	}
	if newTestHandler(t, w).words.signal {
		t.Error("on by default")
	}
}

// TestAttackWatcherPanics: a panic of the watcher does not end the process.
func TestAttackWatcherPanics(t *testing.T) {
	h := newTestHandler(t, anchoredWorld(t))
	logged := captureLog(t)
	h.trust.guarded(func() { panic("malformed") })
	if !strings.Contains(logged.String(), "recovered from panic") {
		t.Error(logged)
	}
}

const (
	rootKey   = ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"
	keyOfTime = ". IN DS 11111 18 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16" // of an algorithm without a number
	keyOfSHA1 = ". IN DS 22222 5 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"
)

// blockOf makes the block of some words, as setup does.
func blockOf(t *testing.T, words ...string) (*block, []string, error) {
	t.Helper()
	conf, err := parse(caddy.NewTestController("dns", "dnssecval {\nvalidate\n"+strings.Join(words, "\n")+"\n}"), "dnssecval")
	if err != nil {
		return nil, nil, err
	}
	return newBlock("dnssecval", conf)
}

func textFile(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestUnsupportedAnchorWords: a trust anchor that is not relied on is a warning at start if its
// zone has another one, and an error if it has none.
func TestUnsupportedAnchorWords(t *testing.T) {
	for _, test := range []struct {
		name     string
		lines    []string
		words    []string
		warnings []string // parts
		err      string   // part
	}{
		{name: "beside a good one", lines: []string{rootKey, keyOfTime}, warnings: []string{":2: the trust anchor of . with tag 11111 is left out: algorithm 18 is not relied on"}},
		{name: "SHA-1 beside a good one", lines: []string{keyOfSHA1, rootKey}, warnings: []string{":1: the trust anchor of . with tag 22222 is left out: algorithm RSASHA1 is relied on with allow-sha1 only"}},
		{name: "SHA-1 with allow-sha1", lines: []string{keyOfSHA1, rootKey}, words: []string{"allow-sha1"}},
		{name: "alone", lines: []string{keyOfTime}, err: ":1: algorithm 18 is not relied on: use one of 8, 10, 13, 14, 15, 16, and there is no other trust anchor of ."},
		{name: "malformed", lines: []string{rootKey, keyOfTime + "x"}, err: ":2: the digest is not"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, warnings, err := blockOf(t, append(test.words, "trust-anchor "+textFile(t, test.lines...))...)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("%v, want %s", err, test.err)
				}
				return
			}
			if err != nil || len(warnings) != len(test.warnings) {
				t.Fatalf("%q, %v", warnings, err)
			}
			for i, want := range test.warnings {
				if !strings.Contains(warnings[i], want) {
					t.Errorf("%q, want %q", warnings[i], want)
				}
			}
			if got := len(b.trust.set().Anchors(".")); got != len(test.lines)-len(test.warnings) {
				t.Errorf("%d trust anchors", got)
			}
		})
	}
}

// TestUnsupportedAnchorReload: with a file that has no other trust anchor by now the anchors
// stay as they are. A warning is logged once, however often the file is read.
func TestUnsupportedAnchorReload(t *testing.T) {
	path := textFile(t, rootKey)
	b, _, err := blockOf(t, "trust-anchor "+path)
	if err != nil {
		t.Fatal(err)
	}
	before := b.trust.set().String()
	write := func(lines ...string) {
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(keyOfTime)
	if b.trust.reload() || b.trust.set().String() != before {
		t.Errorf("without another one: %s", b.trust.set())
	}
	write("", rootKey, keyOfTime)
	if !b.trust.reload() || len(b.trust.set().Anchors(".")) != 1 || b.trust.set().String() == before {
		t.Errorf("with another one: %s", b.trust.set())
	}
	b.trust.reloadInTime()
	if b.trust.logged.first(path + ":3: the trust anchor of . with tag 11111 is left out: algorithm 18 is not relied on: use one of 8, 10, 13, 14, 15, 16. The zone is validated from its other trust anchors, and fails once it is signed by this key alone") {
		t.Error("the warning would be logged again")
	}
}
