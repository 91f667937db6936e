package validator

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// TestDigests: what is used stays, what is not goes, and there are never more than the capacity.
func TestDigests(t *testing.T) {
	digest := func(i int) dnssec.Digest { return sha256.Sum256(fmt.Append(nil, i)) }
	for _, tc := range []struct {
		name               string
		capacity, most     int
		addedLast, dropped int // how many of those added last are there; how long ago one has gone for sure
	}{
		{name: "ten", capacity: 10, most: 10, addedLast: 5, dropped: 10},
		{name: "one", capacity: 1, most: 2, addedLast: 1, dropped: 2},
		{name: "odd", capacity: 7, most: 7, addedLast: 3, dropped: 6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newDigests(tc.capacity)
			for i := range 100 {
				s.Add(digest(i))
				s.Add(digest(i))
				if !s.Has(digest(0)) {
					t.Fatalf("what is used all the time is not there after %d", i)
				}
				if n := s.Len(); n > tc.most || n < min(i, tc.addedLast) {
					t.Fatalf("%d signatures after %d", n, i)
				}
			}
			if s.Has(digest(99 - tc.dropped)) {
				t.Errorf("the one added %d before the last is still there", tc.dropped)
			}
			s.Purge()
			if s.Len() != 0 || s.Has(digest(0)) {
				t.Error("it is not empty")
			}
		})
	}
}

// Purge empties the set.
func (s *digests) Purge() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.recent)
	clear(s.older)
}
