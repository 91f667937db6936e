package dnssecval

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/rollover"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

func followedWorld(t *testing.T) *testzone.World {
	return newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1"}})
}

// TestFollowKeys: the first look at the keys makes the state file, and a restart goes
// on from it, whatever the anchor file says by then.
func TestFollowKeys(t *testing.T) {
	w := followedWorld(t)
	state := filepath.Join(t.TempDir(), "state")
	v := newTestValidator(t, w, "auto-trust-anchor "+state)
	clock := fakeClock(v)
	v.followKeys()
	zones, err := rollover.Read(state)
	if err != nil || len(zones) != 1 || zones[0].Name != "." || zones[0].Keys[0].State != rollover.Valid || zones[0].Keys[0].DNSKEY == nil {
		t.Fatalf("%+v %v", zones, err)
	}
	if got := judged(t, v, "www.example.", dns.TypeA); got.Status != dnssec.Secure {
		t.Error(got)
	}
	asked := w.Questions()[testzone.Question{Name: ".", Type: dns.TypeDNSKEY}]
	v.followKeys()
	if got := w.Questions()[testzone.Question{Name: ".", Type: dns.TypeDNSKEY}]; got != asked {
		t.Errorf("asked again at once")
	}
	clock.advance(16 * 24 * time.Hour)
	v.followKeys()
	if got := w.Questions()[testzone.Question{Name: ".", Type: dns.TypeDNSKEY}]; got != asked+1 {
		t.Errorf("asked %d times within 16 days, want %d", got, asked+1)
	}

	outdated := ". IN DS 12345 13 2 " + strings.Repeat("AB", 32)
	again := newTestValidator(t, w, "auto-trust-anchor "+state, "trust-anchor "+anchorFile(t, outdated))
	if got := judged(t, again, "www.example.", dns.TypeA); got.Status != dnssec.Secure {
		t.Errorf("after a restart: %s", got)
	}
}

// TestFollowRevoked: a zone whose only key revokes itself has no trust anchor any more.
func TestFollowRevoked(t *testing.T) {
	w := followedWorld(t)
	state := filepath.Join(t.TempDir(), "state")
	configured := "trust-anchor " + anchorFile(t, w.Anchors(".")...)
	v := newTestValidator(t, w, "auto-trust-anchor "+state, configured)
	clock := fakeClock(v)
	v.followKeys()
	breakZone(t, w, ".", testzone.SetRevoke(testzone.KSK))
	clock.advance(8 * 24 * time.Hour) // half of the signatures' validity
	v.followKeys()
	if got := judged(t, v, "www.example.", dns.TypeA); got.Status != dnssec.Indeterminate || got.Reason != dnssec.TrustAnchorMissing {
		t.Error(got)
	}
	if states := v.anchorStates(); len(states) != 1 || states[0].state != "revoked" {
		t.Errorf("%+v", states)
	}
	if again := newTestValidator(t, w, "auto-trust-anchor "+state, configured); len(again.anchors.Load().positive["."]) > 0 {
		t.Errorf("trusted again after a restart: %s", again.anchors.Load())
	}
}

// TestStateNotWritable: the plugin goes on from memory, and says so once.
func TestStateNotWritable(t *testing.T) {
	w := followedWorld(t)
	state := filepath.Join(t.TempDir(), "missing", "state")
	v := newTestValidator(t, w, "auto-trust-anchor "+state)
	clock := fakeClock(v)
	v.followKeys()
	if !v.rollovers.memory {
		t.Error("writing did not fail")
	}
	if got := judged(t, v, "www.example.", dns.TypeA); got.Status != dnssec.Secure {
		t.Error(got)
	}
	if err := os.Mkdir(filepath.Dir(state), 0o755); err != nil {
		t.Fatal(err)
	}
	clock.advance(16 * 24 * time.Hour)
	v.followKeys()
	if _, err := rollover.Read(state); err != nil || v.rollovers.memory {
		t.Error(err)
	}
}

// TestStateBroken: nothing starts from half a state.
func TestStateBroken(t *testing.T) {
	path := anchorFile(t, "nonsense")
	_, _, err := configure("dnssecval {\nvalidate\nauto-trust-anchor "+path+"\n}", "dnssecval")
	if err == nil || !strings.Contains(err.Error(), path+":1") || !strings.Contains(err.Error(), "remove it to begin with the configured trust anchors") {
		t.Error(err)
	}
}

// TestTwoOnOneState: two replicas write what each has learned, and the file is one of both.
func TestTwoOnOneState(t *testing.T) {
	w := followedWorld(t)
	state := filepath.Join(t.TempDir(), "state")
	anchors := "trust-anchor " + anchorFile(t, w.Anchors(".")...)
	a, b := newTestValidator(t, w, "auto-trust-anchor "+state, anchors), newTestValidator(t, w, "auto-trust-anchor "+state, anchors)
	done := make(chan bool)
	for _, v := range []*Validator{a, b} {
		go func() {
			for range 50 {
				v.saveRollovers()
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
