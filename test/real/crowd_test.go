package real

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// TestCrowd sends queries of all kinds of clients concurrently to a server with
// an empty cache.
func TestCrowd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, words := range map[string]string{"without cache": "", "with cache": "cache\n", "two blocks": "cache\nforward . UPSTREAM\n}\nnsec3.test:PORT {" + validating} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, w, ".:PORT {"+validating+words+"forward . UPSTREAM\n}")
			var clients sync.WaitGroup
			for i := range 40 {
				clients.Go(func() {
					for question, want := range matrix {
						for n, flags := range []string{"do", "", "ad", "edns", "do cd"} {
							if (i+n)%2 == 0 {
								flags += " tcp"
							}
							p.answers(t, []asked{{question, flags, want[strings.TrimSpace(strings.TrimSuffix(flags, "tcp"))]}})
						}
					}
					p.answers(t, []asked{{fmt.Sprintf("x%d.wild.secure.test. A", i), "do", "NOERROR ad A=192.0.2.9 RRSIG denial opt"}})
				})
			}
			clients.Wait()
		})
	}
}
