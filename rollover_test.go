package dnssecval

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/dnssecval/dnssecval/internal/rollover"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// following returns a line that has keys followed, with a state file that does not exist.
func following(t *testing.T) (line, state string) {
	t.Helper()
	state = filepath.Join(t.TempDir(), "state")
	return "auto-trust-anchor " + state, state
}

// TestFollowKeys: the first look at the keys makes the state file, and a restart goes on from
// it, whatever the anchor file has by then.
func TestFollowKeys(t *testing.T) {
	w := anchoredWorld(t)
	line, state := following(t)
	h := newTestHandler(t, w, line)
	clock := fakeClock(h.block)
	h.trust.followKeys()
	zones, err := rollover.Read(state)
	if err != nil || len(zones) != 1 || zones[0].Name != "." || zones[0].Keys[0].State != rollover.Valid || zones[0].Keys[0].DNSKEY == nil {
		t.Fatalf("%+v %v", zones, err)
	}
	if got := judged(t, h, "www.example.", typeA); got.Status != dnssec.Secure {
		t.Error(got)
	}
	keys := testzone.Question{Name: ".", Type: dns.TypeDNSKEY}
	asked := w.Questions()[keys]
	h.trust.followKeys()
	if got := w.Questions()[keys]; got != asked {
		t.Errorf("asked again at once")
	}
	clock.advance(16 * 24 * time.Hour)
	h.trust.followKeys()
	if got := w.Questions()[keys]; got != asked+1 {
		t.Errorf("asked %d times within 16 days, want %d", got, asked+1)
	}

	outdated := ". IN DS 12345 13 2 " + strings.Repeat("AB", 32)
	again := newTestHandler(t, w, line, "trust-anchor "+anchorFile(t, outdated))
	if got := judged(t, again, "www.example.", typeA); got.Status != dnssec.Secure {
		t.Errorf("after a restart: %s", got)
	}
}

// TestFollowRevoked: a zone whose only key revokes itself has no trust anchor any more.
func TestFollowRevoked(t *testing.T) {
	w := anchoredWorld(t)
	line, _ := following(t)
	configured := "trust-anchor " + anchorFile(t, w.Anchors(".")...)
	h := newTestHandler(t, w, line, configured)
	clock := fakeClock(h.block)
	h.trust.followKeys()
	breakZone(t, w, ".", testzone.SetRevoke(testzone.KSK))
	clock.advance(8 * 24 * time.Hour) // half of the signatures' validity
	h.trust.followKeys()
	if got := judged(t, h, "www.example.", typeA); got.Status != dnssec.Indeterminate || got.Reason != dnssec.TrustAnchorMissing {
		t.Error(got)
	}
	if states := h.trust.states(); len(states) != 1 || states[0].state != "revoked" {
		t.Errorf("%+v", states)
	}
	if again := newTestHandler(t, w, line, configured); len(again.trust.set().Anchors(".")) > 0 {
		t.Errorf("trusted again after a restart: %s", again.trust.set())
	}
}

// TestStateNotWritable: the plugin goes on from memory, and tries to write again.
func TestStateNotWritable(t *testing.T) {
	state := filepath.Join(t.TempDir(), "missing", "state")
	h := newTestHandler(t, anchoredWorld(t), "auto-trust-anchor "+state)
	clock := fakeClock(h.block)
	h.trust.followKeys()
	if !h.trust.rollovers.unwritable {
		t.Error("writing did not fail")
	}
	if got := judged(t, h, "www.example.", typeA); got.Status != dnssec.Secure {
		t.Error(got)
	}
	if err := os.Mkdir(filepath.Dir(state), 0o755); err != nil {
		t.Fatal(err)
	}
	clock.advance(16 * 24 * time.Hour)
	h.trust.followKeys()
	if _, err := rollover.Read(state); err != nil || h.trust.rollovers.unwritable {
		t.Error(err)
	}
}

// TestStateBroken: a state file that can't be read to its end is an error.
func TestStateBroken(t *testing.T) {
	path := anchorFile(t, "nonsense")
	_, _, err := configure("dnssecval {\nvalidate\nauto-trust-anchor "+path+"\n}", "dnssecval")
	if err == nil || !strings.Contains(err.Error(), path+":1") || !strings.Contains(err.Error(), "remove it to begin with the configured trust anchors") {
		t.Error(err)
	}
}

// TestTwoOnOneState: two replicas write the same file at once, and it can be read at any time.
func TestTwoOnOneState(t *testing.T) {
	w := anchoredWorld(t)
	line, state := following(t)
	anchors := "trust-anchor " + anchorFile(t, w.Anchors(".")...)
	done := make(chan bool)
	for _, h := range []*Handler{newTestHandler(t, w, line, anchors), newTestHandler(t, w, line, anchors)} {
		go func() {
			for range 50 {
				h.trust.saveRollovers()
			}
			done <- true
		}()
	}
	for range 20 {
		if _, err := rollover.Read(state); err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
	}
	<-done
	<-done
	if _, err := rollover.Read(state); err != nil {
		t.Error(err)
	}
}

// TestAttackRevokedWhileFileIsBad: that a key is revoked counts at once, also while the
// anchor file is bad.
func TestAttackRevokedWhileFileIsBad(t *testing.T) {
	w := anchoredWorld(t)
	file := anchorFile(t, w.Anchors(".")...)
	line, _ := following(t)
	h := newTestHandler(t, w, line, "trust-anchor "+file)
	clock := fakeClock(h.block)
	h.trust.followKeys()
	overwrite(t, file, "nonsense")
	breakZone(t, w, ".", testzone.SetRevoke(testzone.KSK))
	clock.advance(8 * 24 * time.Hour)
	h.trust.followKeys()
	if len(h.trust.set().Anchors(".")) > 0 {
		t.Errorf("still trusted: %s", h.trust.set())
	}
}

// TestAttackAnchorRemoved: a trust anchor that is taken out of its file is not trusted any
// more, though its keys were followed. The keys of one that is added are followed.
func TestAttackAnchorRemoved(t *testing.T) {
	w := anchoredWorld(t)
	file := anchorFile(t, append(w.Anchors("."), otherDS("example."))...)
	line, _ := following(t)
	h := newTestHandler(t, w, line, "trust-anchor "+file)
	overwrite(t, file, w.Anchors(".")...)
	if !h.trust.reload() || len(h.trust.set().Anchors("example.")) > 0 || h.trust.rollovers.zones["example."] != nil {
		t.Errorf("still trusted: %s", h.trust.set())
	}
	for _, s := range h.trust.states() {
		if s.zone == "example." {
			t.Errorf("%+v", s)
		}
	}
	overwrite(t, file, append(w.Anchors("."), otherDS("corp."))...)
	if !h.trust.reload() || h.trust.rollovers.zones["corp."] == nil {
		t.Error("corp. is not followed")
	}
}

// TestAttackRevokedForEver: a new trust anchor for a zone whose keys are all revoked is used,
// and the revoked keys stay in the state file.
func TestAttackRevokedForEver(t *testing.T) {
	w := anchoredWorld(t)
	line, state := following(t)
	old := w.Anchors(".")
	file := anchorFile(t, old...)
	h := newTestHandler(t, w, line, "trust-anchor "+file)
	clock := fakeClock(h.block)
	h.trust.followKeys()
	breakZone(t, w, ".", testzone.SetRevoke(testzone.KSK))
	clock.advance(8 * 24 * time.Hour)
	h.trust.followKeys()
	overwrite(t, file, append(old, otherDS("."))...)
	if !h.trust.reload() || len(h.trust.set().Anchors(".")) != 1 {
		t.Errorf("the new anchor is not used: %s", h.trust.set())
	}
	h.trust.saveRollovers()
	zones, err := rollover.Read(state)
	if err != nil || len(zones) != 1 || len(zones[0].Keys) != 2 {
		t.Errorf("%+v %v", zones, err)
	}
}

// TestAttackSharedState: a block does not remove the zones of other blocks from the state
// file.
func TestAttackSharedState(t *testing.T) {
	w := anchoredWorld(t)
	line, state := following(t)
	a := newTestHandler(t, w, line, "trust-anchor "+anchorFile(t, append(w.Anchors("."), otherDS("corp."))...))
	b := newTestHandler(t, w, line)
	a.trust.saveRollovers()
	b.trust.saveRollovers()
	if zones, err := rollover.Read(state); err != nil || len(zones) != 2 {
		t.Errorf("%+v %v", zones, err)
	}
}

// TestAttackServerFollows: a block with serve alone follows its trust anchors, and what it
// finds counts for both validators of the block.
func TestAttackServerFollows(t *testing.T) {
	w := anchoredWorld(t)
	line, state := following(t)
	b, _, err := configure("dnssecval . {\nserve\ntrust-anchor-signal\n"+line+"\ntrust-anchor "+anchorFile(t, w.Anchors(".")...)+"\n}", "dnssecval")
	if err != nil {
		t.Fatal(err)
	}
	if engines := b.trust.engines; len(engines) != 2 || engines[0] != b.server.engine || engines[1] != b.handler.engine {
		t.Fatalf("the trust anchors are those of %v", engines)
	}
	if b.trust.rollovers == nil || !b.words.signal || b.trust.configured == nil || b.trust.seen != b.trust.sources.Fingerprint() {
		t.Error("the words are lost")
	}
	b.server.exchanger.routes = placement.NewRoutes(serverBlock(".", forward(".", w))) // the served zone is the root
	clock := fakeClock(b)
	b.trust.followKeys()
	breakZone(t, w, ".", testzone.SetRevoke(testzone.KSK))
	clock.advance(8 * 24 * time.Hour)
	b.trust.followKeys()
	if zones, err := rollover.Read(state); err != nil || len(zones) != 1 || zones[0].Keys[0].State != rollover.Revoked {
		t.Errorf("%+v %v", zones, err)
	}
	for i, engine := range b.engines() {
		if len(engine.Anchors().Anchors(".")) > 0 {
			t.Errorf("validator %d still trusts %s", i, engine.Anchors())
		}
	}
}

// stateOf writes a state file with keys of the root.
func stateOf(t *testing.T, lines ...string) string {
	t.Helper()
	z := &rollover.Zone{Name: "."}
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		z.Keys = append(z.Keys, rollover.Key{DS: rr.(*dns.DS), State: rollover.Valid})
	}
	text, err := rollover.Format([]*rollover.Zone{z}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return textFile(t, strings.TrimSuffix(string(text), "\n"))
}

// TestUnsupportedKeyInState: a state file may have keys of later versions.
func TestUnsupportedKeyInState(t *testing.T) {
	b, warnings, err := blockOf(t, "auto-trust-anchor "+stateOf(t, rootKey, keyOfTime))
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "the key of . with tag 11111 is left out: algorithm 18") {
		t.Fatalf("%q, %v", warnings, err)
	}
	if anchors := b.trust.set().Anchors("."); len(anchors) != 1 || anchors[0].DS.KeyTag != 38696 {
		t.Errorf("the trust anchors are %s", b.trust.set())
	}
	if _, _, err := blockOf(t, "auto-trust-anchor "+stateOf(t, keyOfTime)); err == nil || !strings.Contains(err.Error(), "no trusted key of . is of an algorithm and digest type that is relied on") {
		t.Errorf("alone: %v", err)
	}
	sha1 := stateOf(t, keyOfSHA1)
	if _, _, err := blockOf(t, "auto-trust-anchor "+sha1); err == nil {
		t.Error("SHA-1 alone is no error")
	}
	if _, _, err := blockOf(t, "allow-sha1", "auto-trust-anchor "+sha1); err != nil {
		t.Errorf("SHA-1 with allow-sha1: %v", err)
	}
}
