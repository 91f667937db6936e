package worlds

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestRun walks for a moment, and finds nothing.
func TestRun(t *testing.T) {
	var text strings.Builder
	tally := Run(t.Context(), Options{Time: 2 * time.Second, Seed: 1}, &text)
	tally.Print(&text)
	if tally.Unsound() != 0 || tally.Lost() != 0 || tally.Worlds == 0 {
		t.Errorf("%d worlds, wrong verdicts:\n%s", tally.Worlds, text.String())
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "worlds ") || !strings.HasSuffix(last, ", unsound 0, lost 0") {
		t.Errorf("the last line is %q", last)
	}
}

// TestWalks takes some steps of each walk, in which every property is looked at.
func TestWalks(t *testing.T) {
	w := newWorker(newRun(Options{Seed: 1}))
	for i := range stages[0].size() {
		w.enumerated(i)
	}
	for i := range 3 {
		w.wholeResponses(i)
		w.randomProofs(i)
		w.randomResponses(i)
	}
	for _, p := range []Property{
		ProvenNoName, ProvenNoData, ProvenNoCut, ProvenSpan, ProvenUnsigned, HonestProof, SecureAnswer, InsecureAnswer, GenuineRecords,
		BoundedTTL, HonestAnswer, Synthesized, KeptState, HonestAfterward, HonestRecovery,
	} {
		if c := w.tally.Properties[p]; c.Judged == 0 || c.Violated != 0 {
			t.Errorf("%q: %d judged, %d violated", p, c.Judged, c.Violated)
		}
	}
}

// TestStages checks that each stage has each possible world once.
func TestStages(t *testing.T) {
	for _, s := range []stage{{0, 0}, {1, 1}, {2, 1}} {
		order := newWalk(s.size(), rand.New(rand.NewPCG(1, 2)))
		seen := make(map[string]bool)
		worlds := 0
		for i := range s.size() {
			if w, ok := s.world(order.at(i)); ok {
				seen[w.String()] = true
				worlds++
			}
		}
		if worlds == 0 || len(seen) != worlds {
			t.Errorf("%d names: %d different worlds of %d", s.names, len(seen), worlds)
		}
	}
}

// TestOrders checks that all orders of the hashes of a zone are found.
func TestOrders(t *testing.T) {
	s := newSigner(time.Now())
	w := World{Modes: [2]Mode{NSEC3, NSEC3}, Nodes: []Node{{Name: "a.a.t.", Kind: Host}, {Name: "b.t.", Kind: Host}}}
	seen := make(map[string]bool)
	for _, w := range s.orders(w) {
		seen[s.order(plant(w, w.Nodes).zones[top], w.Salts[0])] = true
	}
	if len(seen) != 24 { // of t., a.t., a.a.t. and b.t.
		t.Errorf("%d orders of four names, want 24", len(seen))
	}
}

// TestForgeIsRepeatable checks that a seed makes the same forgeries in the same world.
func TestForgeIsRepeatable(t *testing.T) {
	w := World{Nodes: []Node{{Name: "*.t.", Kind: Host}, {Name: "a.t.", Kind: Hostile}, {Name: "b.t.", Kind: Signed}}}
	forged := func() (texts []string) {
		s := newSigner(time.Unix(1_800_000_000, 0))
		f := newForger(s, s.versionsOf(w))
		for seed := range uint64(20) {
			texts = append(texts, f.forge(question{"a.b.t.", 1}, seed).String())
		}
		return texts
	}
	if first, second := forged(), forged(); !slices.Equal(first, second) {
		t.Errorf("%q and %q", first, second)
	}
}

// TestRunGoesOn checks that a run which goes on where another one ended leaves nothing out:
// together they walk each world of a stage once.
func TestRunGoesOn(t *testing.T) {
	var walked int
	o := Options{Time: 200 * time.Millisecond, Seed: 1}
	for range 3 {
		r := newRun(o)
		ctx, cancel := context.WithTimeout(t.Context(), o.Time)
		var workers sync.WaitGroup
		for range 3 {
			workers.Go(func() { newWorker(r).walk(ctx) })
		}
		workers.Wait()
		cancel()
		for _, c := range r.covered {
			walked += c.walked
		}
		if o.From[0] = int(r.next[0].Load()); o.From[0] != walked {
			t.Fatalf("%d worlds were walked, and it goes on from %d", walked, o.From[0])
		}
	}
}
