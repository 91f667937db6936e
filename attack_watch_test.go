package dnssecval

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/rollover"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

func rewrite(t *testing.T, path string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAttackRevokedWhileFileIsBad: that a key is revoked counts at once, whatever
// became of the anchor file.
func TestAttackRevokedWhileFileIsBad(t *testing.T) {
	w := followedWorld(t)
	file := anchorFile(t, w.Anchors(".")...)
	v := newTestValidator(t, w, "auto-trust-anchor "+filepath.Join(t.TempDir(), "state"), "trust-anchor "+file)
	clock := fakeClock(v)
	v.followKeys()
	rewrite(t, file, "nonsense")
	breakZone(t, w, ".", testzone.SetRevoke(testzone.KSK))
	clock.advance(8 * 24 * time.Hour)
	v.followKeys()
	if len(v.anchors.Load().positive["."]) > 0 {
		t.Errorf("still trusted: %s", v.anchors.Load())
	}
}

// TestAttackAnchorRemoved: an anchor that is taken out of its file is not trusted
// because its keys were followed; one that is added is followed.
func TestAttackAnchorRemoved(t *testing.T) {
	w := followedWorld(t)
	other := "example. IN DS 255 13 2 " + strings.Repeat("AB", 32)
	file := anchorFile(t, append(w.Anchors("."), other)...)
	state := filepath.Join(t.TempDir(), "state")
	v := newTestValidator(t, w, "auto-trust-anchor "+state, "trust-anchor "+file)
	rewrite(t, file, w.Anchors(".")...)
	if !v.reloadAnchors() || len(v.anchors.Load().positive["example."]) > 0 || v.rollovers.zones["example."] != nil {
		t.Errorf("still trusted: %s", v.anchors.Load())
	}
	for _, s := range v.anchorStates() {
		if s.zone == "example." {
			t.Errorf("%+v", s)
		}
	}
	rewrite(t, file, append(w.Anchors("."), "corp. IN DS 255 13 2 "+strings.Repeat("AB", 32))...)
	if !v.reloadAnchors() || v.rollovers.zones["corp."] == nil {
		t.Error("corp. is not followed")
	}
}

// TestAttackRevokedForEver: new anchors for a zone whose keys are all revoked do not
// make it forget those.
func TestAttackRevokedForEver(t *testing.T) {
	w := followedWorld(t)
	state := filepath.Join(t.TempDir(), "state")
	old := w.Anchors(".")
	file := anchorFile(t, old...)
	v := newTestValidator(t, w, "auto-trust-anchor "+state, "trust-anchor "+file)
	clock := fakeClock(v)
	v.followKeys()
	breakZone(t, w, ".", testzone.SetRevoke(testzone.KSK))
	clock.advance(8 * 24 * time.Hour)
	v.followKeys()
	rewrite(t, file, append(old, ". IN DS 255 13 2 "+strings.Repeat("AB", 32))...)
	if !v.reloadAnchors() || len(v.anchors.Load().positive["."]) != 1 {
		t.Errorf("the new anchor is not used: %s", v.anchors.Load())
	}
	v.saveRollovers()
	zones, err := rollover.Read(state)
	if err != nil || len(zones) != 1 || len(zones[0].Keys) != 2 {
		t.Errorf("%+v %v", zones, err)
	}
}

// TestAttackSharedState: blocks with other zones do not write each other's out.
func TestAttackSharedState(t *testing.T) {
	w := followedWorld(t)
	state := filepath.Join(t.TempDir(), "state")
	other := "corp. IN DS 255 13 2 " + strings.Repeat("AB", 32)
	a := newTestValidator(t, w, "auto-trust-anchor "+state, "trust-anchor "+anchorFile(t, append(w.Anchors("."), other)...))
	b := newTestValidator(t, w, "auto-trust-anchor "+state)
	a.saveRollovers()
	b.saveRollovers()
	if zones, err := rollover.Read(state); err != nil || len(zones) != 2 {
		t.Errorf("%+v %v", zones, err)
	}
}

// TestAttackServerFollows: a block that only serves looks after its anchors too.
func TestAttackServerFollows(t *testing.T) {
	w := followedWorld(t)
	v := newTestValidator(t, w, "trust-anchor-signal", "auto-trust-anchor "+filepath.Join(t.TempDir(), "state"))
	if own := v.withOwnView(); own.rollovers == nil || !own.signal || own.configured == nil || own.seen != v.seen {
		t.Error("the words are lost")
	}
}

// TestAttackFlightOfOldAnchors: who joins a flight that began with other anchors does
// not take what they proved.
func TestAttackFlightOfOldAnchors(t *testing.T) {
	w := followedWorld(t)
	v := newTestValidator(t, w)
	asked, release := make(chan bool, 10), make(chan bool)
	w.Intercept(func(_, m *dns.Msg) *dns.Msg {
		asked <- true
		<-release
		return m
	})
	before := v.newQuery(context.Background(), new(client), newQuestion(".", dns.TypeDNSKEY, withDO))
	go before.cutAt(".")
	<-asked
	set := newAnchorSet()
	set.positive["."] = builtinAnchors()
	v.anchors.Store(set)
	after := v.newQuery(context.Background(), new(client), newQuestion(".", dns.TypeDNSKEY, withDO))
	found := make(chan *cut)
	go func() { found <- after.cutAt(".") }()
	time.Sleep(50 * time.Millisecond)
	close(release)
	if c := <-found; c.finding.Status == dnssec.Secure {
		t.Errorf("%s", c.finding)
	}
}

// TestAttackNotFiles: what is no file is an error, and not waited for.
func TestAttackNotFiles(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := exec.Command("mkfifo", fifo).Run(); err != nil {
		t.Skip(err)
	}
	huge := filepath.Join(t.TempDir(), "huge")
	rewrite(t, huge)
	if err := os.Truncate(huge, 1<<40); err != nil {
		t.Skip(err)
	}
	for _, lines := range []string{"trust-anchor " + fifo, "trust-anchor /dev/zero", "negative-trust-anchor-file " + fifo, "auto-trust-anchor " + fifo, "trust-anchor " + huge} {
		done := make(chan error, 1)
		go func() {
			_, _, err := configure("dnssecval {\nvalidate\n"+lines+"\n}", "dnssecval")
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil {
				t.Errorf("%s: no error", lines)
			}
		case <-time.After(3 * time.Second):
			t.Errorf("%s: waits", lines)
		}
	}
}

// TestAttackConfig: what would be without effect, or with one that nobody wants, is an error.
func TestAttackConfig(t *testing.T) {
	dir := t.TempDir()
	rewrite(t, filepath.Join(dir, "anchors"), builtin...)
	for _, lines := range []string{
		"auto-trust-anchor " + dir + "/state\ntrust-anchor " + dir,
		"auto-trust-anchor " + dir + "/state\ntrust-anchor " + dir + "/anchors " + dir + "/*",
		"auto-trust-anchor state\noverride-date 20200101000000",
		"negative-trust-anchor 10.0.0.0/8",
	} {
		text := "dnssecval . {\nvalidate\n" + lines + "\n}"
		conf, err := parse(caddy.NewTestController("dns", text), "dnssecval")
		if err == nil {
			_, _, err = conf.validator("dnssecval")
		}
		if err == nil {
			t.Errorf("%s: no error", lines)
		}
	}
}

// TestAttackWatcherPanics: what makes a handler panic does not end the process.
func TestAttackWatcherPanics(t *testing.T) {
	v := newTestValidator(t, followedWorld(t))
	logged := captureLog(t)
	v.guarded(func() { panic("malformed") })
	if !strings.Contains(logged.String(), "recovered from panic") {
		t.Error(logged)
	}
}

// TestAttackNegativeEnds: that a negative trust anchor ended is told, once, and its zone judged.
func TestAttackNegativeEnds(t *testing.T) {
	w := followedWorld(t)
	v := newTestValidator(t, w, "negative-trust-anchor example until "+time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	clock, logged := fakeClock(v), captureLog(t)
	v.tellEnded()
	if got := judged(t, v, "www.example.", dns.TypeA); got.Status != dnssec.Insecure || logged.Len() > 0 {
		t.Error(got, logged)
	}
	clock.advance(2 * time.Hour)
	v.tellEnded()
	v.tellEnded()
	if got := judged(t, v, "www.example.", dns.TypeA); got.Status != dnssec.Secure || strings.Count(logged.String(), "of example. ended") != 1 {
		t.Error(got, logged)
	}
}
