package cache

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// store is what plugin/cache and plugin/dnssec use of the package.
type store interface {
	Add(key uint64, el int) bool
	Get(key uint64) (int, bool)
	Remove(key uint64)
	Len() int
	Walk(f func(map[uint64]int, uint64) bool)
}

// stored returns the elements of a cache, and checks that Len is their number.
func stored(t *testing.T, c store) map[uint64]int {
	t.Helper()
	all := map[uint64]int{}
	c.Walk(func(items map[uint64]int, key uint64) bool {
		all[key] = items[key]
		return true
	})
	if c.Len() != len(all) {
		t.Errorf("Len is %d, the cache has %d entries", c.Len(), len(all))
	}
	return all
}

// inShard returns the nth key of the first shard.
func inShard(n int) uint64 { return uint64(n) * shardSize }

// add adds the first n keys of the first shard, with their numbers as elements.
func add(c store, n int) {
	for i := range n {
		c.Add(inShard(i), i)
	}
}

func TestCache(t *testing.T) {
	for _, tc := range []struct {
		name string
		size int
		do   func(t *testing.T, c *Cache[int])
		want int
	}{
		{name: "empty", do: func(*testing.T, *Cache[int]) {}},
		{name: "one added", want: 1, do: func(t *testing.T, c *Cache[int]) {
			if c.Add(7, 70) {
				t.Error("an entry was evicted from an empty cache")
			}
			if el, ok := c.Get(7); el != 70 || !ok {
				t.Errorf("Get: %d, %v", el, ok)
			}
		}},
		{name: "not there", want: 1, do: func(t *testing.T, c *Cache[int]) {
			c.Add(7, 70)
			for _, key := range []uint64{8, 7 + shardSize} {
				if el, ok := c.Get(key); el != 0 || ok {
					t.Errorf("Get %d: %d, %v", key, el, ok)
				}
			}
		}},
		{name: "replaced", want: 1, do: func(t *testing.T, c *Cache[int]) {
			c.Add(7, 70)
			if c.Add(7, 71) {
				t.Error("the entry that was replaced counts as evicted")
			}
			if el, _ := c.Get(7); el != 71 {
				t.Errorf("Get: %d", el)
			}
		}},
		{name: "removed", do: func(t *testing.T, c *Cache[int]) {
			c.Add(7, 70)
			c.Remove(7)
			if _, ok := c.Get(7); ok {
				t.Error("the entry is still there")
			}
		}},
		{name: "removed twice, and what was never there", want: 1, do: func(_ *testing.T, c *Cache[int]) {
			add(c, 2)
			c.Remove(0)
			c.Remove(0)
			c.Remove(9)
		}},
		{name: "smallest shard is full", want: 4, do: func(t *testing.T, c *Cache[int]) {
			add(c, 4)
			if !c.Add(inShard(4), 4) {
				t.Error("nothing was evicted")
			}
			if el, ok := c.Get(inShard(4)); el != 4 || !ok {
				t.Errorf("the new entry: %d, %v", el, ok)
			}
		}},
		{name: "replaced in a full shard", want: 4, do: func(t *testing.T, c *Cache[int]) {
			add(c, 4)
			if c.Add(inShard(2), 9) {
				t.Error("an entry was evicted")
			}
		}},
		{name: "larger shards", size: 6*shardSize + shardSize - 1, want: 6, do: func(_ *testing.T, c *Cache[int]) { add(c, 8) }},
		{name: "every shard is full", size: 5 * shardSize, want: 5 * shardSize, do: func(t *testing.T, c *Cache[int]) {
			evicted := 0
			for key := range uint64(7 * shardSize) {
				if c.Add(key, 0) {
					evicted++
				}
			}
			if evicted != 2*shardSize {
				t.Errorf("%d were evicted", evicted)
			}
		}},
		{name: "evicted from a shard", want: 2, do: func(_ *testing.T, c *Cache[int]) {
			add(c, 3)
			c.shards[0].Evict()
			c.shards[1].Evict()
		}},
		{name: "removed by a walk", want: 1, do: func(_ *testing.T, c *Cache[int]) {
			add(c, 3)
			c.Walk(func(items map[uint64]int, key uint64) bool {
				if items[key] != 1 {
					delete(items, key)
				}
				return true
			})
		}},
		{name: "all removed by the first call of a walk", do: func(t *testing.T, c *Cache[int]) {
			add(c, 3)
			calls := 0
			c.Walk(func(items map[uint64]int, _ uint64) bool {
				clear(items)
				calls++
				return true
			})
			if calls != 3 {
				t.Errorf("%d calls", calls)
			}
		}},
		{name: "added by a walk", want: 6, do: func(_ *testing.T, c *Cache[int]) {
			add(c, 3)
			c.Walk(func(items map[uint64]int, key uint64) bool {
				items[key+inShard(10)] = 0
				return true
			})
		}},
		{name: "changed by a walk", want: 2, do: func(t *testing.T, c *Cache[int]) {
			add(c, 2)
			c.Walk(func(items map[uint64]int, key uint64) bool {
				items[key]++
				return true
			})
			if el, _ := c.Get(inShard(1)); el != 2 {
				t.Errorf("Get: %d", el)
			}
		}},
		{name: "walk that ends in each shard", want: 4, do: func(_ *testing.T, c *Cache[int]) {
			add(c, 3)
			c.Add(1, 0)
			c.Add(1+shardSize, 0)
			c.Add(2, 0)
			c.Add(2+shardSize, 0)
			c.Walk(func(items map[uint64]int, key uint64) bool {
				delete(items, key)
				return false
			})
		}},
		{name: "walk that panics", want: 2, do: func(t *testing.T, c *Cache[int]) {
			add(c, 3)
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic was lost")
					}
				}()
				c.Walk(func(items map[uint64]int, key uint64) bool {
					delete(items, key)
					panic("in a walk")
				})
			}()
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := New[int](tc.size)
			tc.do(t, c)
			if got := len(stored(t, c)); got != tc.want {
				t.Errorf("%d entries, want %d", got, tc.want)
			}
		})
	}
}

// TestLenTakesNoLock holds the locks of all shards.
func TestLenTakesNoLock(t *testing.T) {
	c := New[int](0)
	add(c, 3)
	for _, s := range c.shards {
		s.Lock()
	}
	counted := make(chan int)
	go func() { counted <- c.Len() }()
	select {
	case n := <-counted:
		if n != 3 {
			t.Errorf("Len is %d", n)
		}
	case <-time.After(10 * time.Second):
		t.Error("Len waits for a lock")
	}
}

// TestCountsChangesOnly checks that a cache that is full writes nothing that all shards
// share.
func TestCountsChangesOnly(t *testing.T) {
	s := newShard[int](2)
	s.Add(1, 0)
	s.Add(2, 0)
	s.entries = nil // a change of the number would panic
	s.Add(3, 0)
	s.Add(3, 1)
	s.Remove(4)
	if s.Len() != 2 {
		t.Errorf("%d entries", s.Len())
	}
}

// TestModel compares random operations with those on a plain map.
func TestModel(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			c, model := New[int](0), map[uint64]int{}
			for step := range 5000 {
				key := inShard(random.IntN(8)) + random.Uint64N(3)
				switch random.IntN(12) {
				case 0:
					c.Remove(key)
					delete(model, key)
				case 1:
					limit := random.IntN(step + 1)
					expire := func(items map[uint64]int, key uint64) bool {
						if el, ok := items[key]; ok && el < limit {
							delete(items, key)
						}
						return true
					}
					c.Walk(expire)
					for key := range model {
						expire(model, key)
					}
				default:
					modelAdd(t, c, model, key, step)
				}
				compare(t, c, model)
			}
		})
	}
}

// modelAdd adds to both. What the cache evicts is random, so the model follows it once it is
// known that something of the shard had to go, and that just one has.
func modelAdd(t *testing.T, c *Cache[int], model map[uint64]int, key uint64, el int) {
	t.Helper()
	inShard := 0
	for other := range model {
		if other%shardSize == key%shardSize {
			inShard++
		}
	}
	_, there := model[key]
	want := !there && inShard == minShardCapacity
	if got := c.Add(key, el); got != want {
		t.Fatalf("Add reports %v, want %v", got, want)
	}
	model[key] = el
	if !want {
		return
	}
	for other := range model {
		if _, ok := c.Get(other); !ok && other != key && other%shardSize == key%shardSize {
			delete(model, other)
			return
		}
	}
	t.Fatal("nothing was evicted")
}

func compare(t *testing.T, c *Cache[int], model map[uint64]int) {
	t.Helper()
	if c.Len() != len(model) {
		t.Fatalf("Len is %d, want %d", c.Len(), len(model))
	}
	for key, want := range model {
		if got, ok := c.Get(key); got != want || !ok {
			t.Fatalf("Get %d: %d, %v, want %d", key, got, ok, want)
		}
	}
}

// TestConcurrent changes a cache from many goroutines. The number is never negative or too
// large on the way, and right at the end.
func TestConcurrent(t *testing.T) {
	const capacity = minShardCapacity * shardSize
	c := New[int](0)
	var changes, watch sync.WaitGroup
	done := make(chan struct{})
	watch.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if n := c.Len(); n < 0 || n > capacity {
					t.Errorf("Len is %d on the way", n)
					return
				}
			}
		}
	})
	for worker := range uint64(8) {
		changes.Go(func() {
			random := rand.New(rand.NewPCG(worker, 1))
			for i := range 20000 {
				switch key := random.Uint64N(8 * shardSize); random.IntN(4) {
				case 0:
					c.Remove(key)
				case 1:
					c.Get(key)
				default:
					c.Add(key, i)
				}
			}
			c.Walk(func(items map[uint64]int, key uint64) bool {
				if random.IntN(2) == 0 {
					delete(items, key)
				}
				return true
			})
		})
	}
	changes.Wait()
	close(done)
	watch.Wait()
	if len(stored(t, c)) == 0 {
		t.Error("nothing was left to count")
	}
}
