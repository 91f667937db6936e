// Package cache stands in the place of CoreDNS's plugin/pkg/cache in the CoreDNS that
// `make build` and the Dockerfile build (docs/performance.md). It has the same API, and
// counts its entries when they change. CoreDNS's own counts them under all 256 locks each
// time that it is asked, which is twice for each answer that plugin/cache stores.
package cache

import (
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// shardSize is the number of shards. The low bits of a key select its shard.
const shardSize = 256

// minShardCapacity is the capacity of a shard of a cache that is asked to be smaller.
const minShardCapacity = 4

// Hash returns the 64-bit FNV-1 hash of what.
func Hash(what []byte) uint64 {
	h := fnv.New64()
	h.Write(what)
	return h.Sum64()
}

// A Cache maps keys to elements, with a bound on their number and no expiry. A full shard
// loses a random element for each that is added. All methods may be called concurrently.
type Cache[T any] struct {
	shards  [shardSize]*shard[T]
	entries tally
}

// New returns an empty cache for size elements, rounded down to a multiple of the number of
// shards, but for 4 in each shard at least.
func New[T any](size int) *Cache[T] {
	c := new(Cache[T])
	for i := range c.shards {
		c.shards[i] = newShard[T](max(size/shardSize, minShardCapacity))
		c.shards[i].entries = &c.entries
	}
	return c
}

// Add stores el under key, and reports whether another element was evicted for it.
func (c *Cache[T]) Add(key uint64, el T) bool { return c.shards[key%shardSize].Add(key, el) }

// Get returns the element that is stored under key.
func (c *Cache[T]) Get(key uint64) (T, bool) { return c.shards[key%shardSize].Get(key) }

// Remove removes the element that is stored under key, if there is one.
func (c *Cache[T]) Remove(key uint64) { c.shards[key%shardSize].Remove(key) }

// Len returns the number of elements. It takes no lock. It is exact if no other call is
// under way, and a number that was right during the call otherwise.
func (c *Cache[T]) Len() int { return c.entries.value() }

// Walk calls f for each key, one shard after the other. The shard is locked during each call,
// and f may change the map that it gets. If f returns false, the rest of the shard is left
// out. A key that was removed since the walk of its shard began is passed too.
func (c *Cache[T]) Walk(f func(map[uint64]T, uint64) bool) {
	for _, s := range c.shards {
		s.Walk(f)
	}
}

// A shard is a part of a cache, with a lock of its own. CoreDNS's tests of the package use it
// too, and Evict and Len are for them.
type shard[T any] struct {
	items    map[uint64]T
	capacity int
	entries  *tally // of the whole cache; changed only while the shard is locked

	sync.RWMutex
}

func newShard[T any](capacity int) *shard[T] {
	return &shard[T]{items: make(map[uint64]T), capacity: capacity, entries: new(tally)}
}

// Add stores el under key, and reports whether another element was evicted for it.
func (s *shard[T]) Add(key uint64, el T) bool {
	s.Lock()
	defer s.unlock(len(s.items))
	evicted := false
	if _, ok := s.items[key]; !ok && len(s.items) >= s.capacity {
		evicted = s.evict()
	}
	s.items[key] = el
	return evicted
}

// Get returns the element that is stored under key.
func (s *shard[T]) Get(key uint64) (T, bool) {
	s.RLock()
	el, ok := s.items[key]
	s.RUnlock()
	return el, ok
}

// Remove removes the element that is stored under key, if there is one.
func (s *shard[T]) Remove(key uint64) {
	s.Lock()
	defer s.unlock(len(s.items))
	delete(s.items, key)
}

// Evict removes a random element, if there is one.
func (s *shard[T]) Evict() {
	s.Lock()
	defer s.unlock(len(s.items))
	s.evict()
}

// Len returns the number of elements of the shard.
func (s *shard[T]) Len() int {
	s.RLock()
	defer s.RUnlock()
	return len(s.items)
}

// Walk calls f for the keys that the shard has now, until f returns false. The lock is
// released between the calls, so that a long walk does not hold up queries.
func (s *shard[T]) Walk(f func(map[uint64]T, uint64) bool) {
	s.RLock()
	keys := slices.AppendSeq(make([]uint64, 0, len(s.items)), maps.Keys(s.items))
	s.RUnlock()
	for _, key := range keys {
		if !s.visit(f, key) {
			return
		}
	}
}

func (s *shard[T]) visit(f func(map[uint64]T, uint64) bool, key uint64) bool {
	s.Lock()
	defer s.unlock(len(s.items))
	return f(s.items, key)
}

// evict removes the first element in the order of the map, which is random. The caller has
// locked the shard.
func (s *shard[T]) evict() bool {
	for key := range s.items {
		delete(s.items, key)
		return true
	}
	return false
}

// unlock counts what changed since the shard had before elements, and unlocks it. Counting
// after the lock is released could make the number negative for a moment.
func (s *shard[T]) unlock(before int) {
	s.entries.add(len(s.items) - before)
	s.Unlock()
}

// cacheLine is a multiple of the size of the processors' cache lines, and of the pairs of
// them that are fetched together.
const cacheLine = 128

// A tally is a number that all shards change. It has a cache line of its own, since every
// look-up reads what would be beside it, the shards. A shard that is full, as in a cache in
// use, replaces elements, which does not change the number and writes nothing.
type tally struct {
	_ [cacheLine]byte
	n atomic.Int64
	_ [cacheLine]byte
}

func (t *tally) add(n int) {
	if n != 0 {
		t.n.Add(int64(n))
	}
}

func (t *tally) value() int { return int(t.n.Load()) }
