package cache

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	coredns "github.com/coredns/coredns/plugin/pkg/cache"
)

// made are the two packages, by what the benchmarks call them.
var made = []struct {
	name string
	new  func(size int) store
}{
	{name: "coredns", new: func(size int) store { return coredns.New[int](size) }},
	{name: "counted", new: func(size int) store { return New[int](size) }},
}

// TestHash checks that keys are those of CoreDNS's package.
func TestHash(t *testing.T) {
	for _, what := range []string{"", "\x00", "www.example.org.", "\x07example\x03org\x00"} {
		if got, want := Hash([]byte(what)), coredns.Hash([]byte(what)); got != want {
			t.Errorf("%q: %x, want %x", what, got, want)
		}
	}
}

// TestLikeCoreDNS does the same to both packages, and compares all that is not random.
func TestLikeCoreDNS(t *testing.T) {
	for _, size := range []int{-1, 0, 1, 4*shardSize - 1, 5*shardSize + 7} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			var got []string
			for _, m := range made {
				c := m.new(size)
				evicted := 0
				for i := range uint64(7 * shardSize) {
					if c.Add(i*3, int(i)) {
						evicted++
					}
				}
				calls := 0
				c.Walk(func(items map[uint64]int, key uint64) bool {
					calls++
					delete(items, key)
					return key%2 == 0
				})
				before := c.Len()
				c.Add(1, 1)
				c.Add(1, 2)
				el, ok := c.Get(1)
				c.Remove(1)
				_, left := c.Get(1)
				got = append(got, fmt.Sprint(evicted, calls >= shardSize, before >= 0, el, ok, left, c.Len()-before <= 0))
			}
			if got[0] != got[1] {
				t.Errorf("coredns %s, counted %s", got[0], got[1])
			}
		})
	}
}

// BenchmarkStore is what plugin/cache does with an answer: it adds the answer to one cache, and
// asks both for their number of entries. In a cache that is full an entry is evicted each time.
func BenchmarkStore(b *testing.B) {
	const size = 10000
	for _, keys := range []struct {
		name string
		n    uint64
	}{{name: "filling", n: 1 << 62}, {name: "full", n: 4 * size}} {
		for _, m := range made {
			b.Run(keys.name+"/"+m.name, func(b *testing.B) {
				capacity := size
				if keys.name == "filling" {
					capacity = 1 << 30
				}
				success, denial := m.new(capacity), m.new(capacity)
				var worker atomic.Uint64
				var sum atomic.Int64
				b.RunParallel(func(pb *testing.PB) {
					key, n := worker.Add(1)<<40, 0
					for pb.Next() {
						key += 0x9e3779b97f4a7c15
						success.Add(key%keys.n, 1)
						n = success.Len() + denial.Len()
					}
					sum.Add(int64(n))
				})
				runtime.KeepAlive(&sum)
			})
		}
	}
}

// BenchmarkLookup is a hit of the cache.
func BenchmarkLookup(b *testing.B) {
	for _, m := range made {
		b.Run(m.name, func(b *testing.B) {
			c := m.new(10000)
			for key := range uint64(5000) {
				c.Add(key, 1)
			}
			b.RunParallel(func(pb *testing.PB) {
				for key := uint64(0); pb.Next(); key++ {
					c.Get(key % 5000)
				}
			})
		})
	}
}
