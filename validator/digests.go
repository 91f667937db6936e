package validator

import (
	"sync"

	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// digests is a bounded set of signatures. What is added or looked up goes into the recent half;
// when that is full it becomes the older one, and what was not used since is dropped. It thus
// keeps what was used last, like an LRU list, in a quarter of the memory.
type digests struct {
	mu            sync.Mutex
	recent, older map[dnssec.Digest]struct{}
	half          int
}

// newDigests makes a set of at most so many signatures, and two at least.
func newDigests(capacity int) *digests {
	return &digests{recent: make(map[dnssec.Digest]struct{}), older: make(map[dnssec.Digest]struct{}), half: max(capacity/2, 1)}
}

// Has reports whether a signature is in the set.
func (s *digests) Has(d dnssec.Digest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.recent[d]; ok {
		return true
	}
	_, ok := s.older[d]
	if ok {
		s.add(d)
	}
	return ok
}

// Add puts a signature into the set.
func (s *digests) Add(d dnssec.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(d)
}

// add puts a signature into the recent half. The mutex has to be locked.
func (s *digests) add(d dnssec.Digest) {
	if _, ok := s.recent[d]; !ok && len(s.recent) == s.half {
		s.recent, s.older = s.older, s.recent
		clear(s.recent)
	}
	s.recent[d] = struct{}{}
	delete(s.older, d)
}

// Len returns how many signatures are in the set.
func (s *digests) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.recent) + len(s.older)
}
