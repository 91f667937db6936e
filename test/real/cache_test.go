package real

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// matrix has the answer for each kind of client, from the cache or not.
var matrix = map[string]map[string]string{
	"www.secure.test. A": {
		"": "NOERROR A=192.0.2.1", "ad": "NOERROR ad A=192.0.2.1", "edns": "NOERROR A=192.0.2.1 opt", "edns ad": "NOERROR ad A=192.0.2.1 opt",
		"do": "NOERROR ad A=192.0.2.1 RRSIG opt", "do ad": "NOERROR ad A=192.0.2.1 RRSIG opt",
		"cd": "NOERROR A=192.0.2.1", "edns cd": "NOERROR A=192.0.2.1 opt", "do cd": "NOERROR A=192.0.2.1 RRSIG opt", "do cd ad": "NOERROR A=192.0.2.1 RRSIG opt",
	},
	"x.wild.nsec3.test. A": {
		"": "NOERROR A=192.0.2.9", "ad": "NOERROR ad A=192.0.2.9", "edns": "NOERROR A=192.0.2.9 opt", "edns ad": "NOERROR ad A=192.0.2.9 opt",
		"do": "NOERROR ad A=192.0.2.9 RRSIG denial opt", "do ad": "NOERROR ad A=192.0.2.9 RRSIG denial opt",
		"cd": "NOERROR A=192.0.2.9", "edns cd": "NOERROR A=192.0.2.9 opt", "do cd": "NOERROR A=192.0.2.9 RRSIG denial opt", "do cd ad": "NOERROR A=192.0.2.9 RRSIG denial opt",
	},
	"none.secure.test. A": {
		"": "NXDOMAIN", "ad": "NXDOMAIN ad", "edns": "NXDOMAIN opt", "edns ad": "NXDOMAIN ad opt", "do": "NXDOMAIN ad denial opt", "do ad": "NXDOMAIN ad denial opt",
		"cd": "NXDOMAIN", "edns cd": "NXDOMAIN opt", "do cd": "NXDOMAIN denial opt", "do cd ad": "NXDOMAIN denial opt",
	},
	"www.nsec3.test. MX": {
		"": "NOERROR", "ad": "NOERROR ad", "edns": "NOERROR opt", "edns ad": "NOERROR ad opt", "do": "NOERROR ad denial opt", "do ad": "NOERROR ad denial opt",
		"cd": "NOERROR", "edns cd": "NOERROR opt", "do cd": "NOERROR denial opt", "do cd ad": "NOERROR denial opt",
	},
	"www.unsigned.test. A": {
		"": "NOERROR A=192.0.2.1", "ad": "NOERROR A=192.0.2.1", "edns": "NOERROR A=192.0.2.1 opt", "edns ad": "NOERROR A=192.0.2.1 opt",
		"do": "NOERROR A=192.0.2.1 opt", "do ad": "NOERROR A=192.0.2.1 opt",
		"cd": "NOERROR A=192.0.2.1", "edns cd": "NOERROR A=192.0.2.1 opt", "do cd": "NOERROR A=192.0.2.1 opt", "do cd ad": "NOERROR A=192.0.2.1 opt",
	},
	"www.tampered.test. A": {
		"": "SERVFAIL", "ad": "SERVFAIL", "edns": "SERVFAIL opt ede=6/signature_invalid", "edns ad": "SERVFAIL opt ede=6/signature_invalid",
		"do": "SERVFAIL opt ede=6/signature_invalid", "do ad": "SERVFAIL opt ede=6/signature_invalid",
		"cd": "NOERROR A=192.0.2.0", "edns cd": "NOERROR A=192.0.2.0 opt", "do cd": "NOERROR A=192.0.2.0 RRSIG opt", "do cd ad": "NOERROR A=192.0.2.0 RRSIG opt",
	},
}

// TestCacheClients checks that no client gets the answer of another kind, in
// any order: no AD or RRSIG without asking, and nothing unvalidated without CD.
func TestCacheClients(t *testing.T) {
	t.Parallel()
	kinds := []string{"", "ad", "edns", "edns ad", "do", "do ad", "cd", "edns cd", "do cd", "do cd ad"}
	orders := map[string][]string{"plain first": kinds, "cd first": reversed(kinds)}
	for i := 2; i < len(kinds); i += 3 {
		orders[kinds[i]+" first"] = append(slices.Clone(kinds[i:]), kinds[:i]...)
	}
	w := newWorld(t)
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, w, ".:PORT {"+validating+"cache 30\nforward . UPSTREAM\n}")
			for range 2 {
				for question, want := range matrix {
					for _, flags := range order {
						p.answers(t, []asked{{question, flags, want[flags]}, {question, flags, want[flags]}})
					}
				}
			}
		})
	}
}

func reversed(s []string) []string {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

// TestCacheExplains checks that a SERVFAIL from the cache also has the Extended
// DNS Error, and that the upstream is not asked again.
func TestCacheExplains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := start(t, w, ".:PORT {"+validating+"cache {\nservfail 60s\n}\nforward . UPSTREAM\n}")
	question := testzone.Question{Name: "www.expired.test.", Type: dns.TypeA}
	p.answers(t, []asked{{"www.expired.test. A", "", "SERVFAIL"}})
	before := w.Questions()[question]
	for range 3 {
		p.answers(t, []asked{
			{"www.expired.test. A", "edns", "SERVFAIL opt ede=7/signature_expired"},
			{"WWW.expired.TEST. A", "edns", "SERVFAIL opt ede=7/signature_expired"},
			{"www.expired.test. A", "edns tcp", "SERVFAIL opt ede=7/signature_expired"},
			{"www.expired.test. A", "", "SERVFAIL"},
			{"www.expired.test. A", "tcp", "SERVFAIL"},
		})
	}
	if after := w.Questions()[question]; after != before {
		t.Errorf("the upstream was asked %d times more for what is in the cache", after-before)
	}
}

// TestCacheOnce checks that one cached answer serves all clients of one kind.
func TestCacheOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := start(t, w, ".:PORT {"+validating+"cache\nforward . UPSTREAM\n}")
	rows := []asked{{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"}, {"none.secure.test. A", "do", "NXDOMAIN ad denial opt"}}
	p.answers(t, rows)
	w.ResetQuestions()
	p.answers(t, rows)
	if asked := w.Questions(); len(asked) > 0 {
		t.Errorf("the upstream was asked %v for what is in the cache", asked)
	}
}

// TestCachePrefetch checks prefetch and serve_stale, which query with their own
// writer.
func TestCachePrefetch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testzone.Spec{Name: "short.test.", Algorithm: dns.ECDSAP256SHA256, TTL: 2,
		Records: []string{"www A 192.0.2.1", "v4 A 192.0.2.4"}})
	for name, words := range map[string]string{
		"prefetch":           "prefetch 1 1m 90%",
		"serve_stale":        "serve_stale",
		"serve_stale verify": "serve_stale 1h verify",
		"both":               "prefetch 1 1m 90%\nserve_stale 1h immediate",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, w, ".:PORT {"+validating+"cache {\n"+words+"\n}\nforward . UPSTREAM\n}")
			var clients sync.WaitGroup
			for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(250 * time.Millisecond) {
				clients.Go(func() {
					fresh := "NOERROR ad A=192.0.2.1 RRSIG opt"
					if got := p.ask(t, "www.short.test. A", "do"); got != fresh && (name == "prefetch" || got != fresh+stale) {
						t.Errorf("www.short.test. A: %s", got)
					}
					p.answers(t, []asked{
						{"www.short.test. A", "", "NOERROR A=192.0.2.1"},
						{"v4.short.test. A", "do cd", "NOERROR A=192.0.2.4 RRSIG opt"},
						{"www.expired.test. A", "do", "SERVFAIL opt ede=7/signature_expired"},
					})
				})
			}
			clients.Wait()
		})
	}
}

// TestCacheStale checks serve_stale with a zone that becomes bogus: the answer
// is either SERVFAIL or what was secure before.
func TestCacheStale(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testzone.Spec{Name: "short.test.", Algorithm: dns.ECDSAP256SHA256, TTL: 1, Records: []string{"www A 192.0.2.1"}})
	p := start(t, w, ".:PORT {"+validating+"cache {\nserve_stale 1h immediate\n}\nforward . UPSTREAM\n}")
	p.answers(t, []asked{{"www.short.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"}})
	breakZone(t, w, "short.test.", testzone.ChangeRDATA("www.short.test.", dns.TypeA))
	time.Sleep(1500 * time.Millisecond)
	for range 5 {
		got := p.ask(t, "www.short.test. A", "do")
		if before := "NOERROR ad A=192.0.2.1 RRSIG opt"; !strings.HasPrefix(got, "SERVFAIL") && got != before && got != before+stale {
			t.Errorf("the broken zone gives %s", got)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// stale is the Extended DNS Error of an answer past its TTL (RFC 8914, section 4.4).
const stale = " ede=3/stale"

// TestCacheSignatureEnds checks that neither AD nor the TTL outlasts the signature,
// however long the cache plugin keeps an answer (RFC 4035, section 5.3.3).
func TestCacheSignatureEnds(t *testing.T) {
	t.Parallel()
	for name, words := range map[string]string{
		"serve_stale":        "serve_stale 1h immediate",
		"serve_stale verify": "serve_stale 1h verify 50ms",
		"minimum TTL":        "success 9984 3600 3600",
		"keepttl":            "success 9984 3600 3600\nkeepttl",
		"default":            "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const lasts = 7 * time.Second
			end := time.Now().Add(lasts)
			w := newWorld(t, testzone.Spec{Name: "ends.test.", Algorithm: dns.ECDSAP256SHA256, TTL: 2, Expiration: end, Records: []string{"www A 192.0.2.1"}})
			p := start(t, w, ".:PORT {\ndnssec {\nvalidate\ntrust-anchor ANCHORS\nsignature-skew 0s 0s\n}\ncache {\n"+words+"\n}\nforward . UPSTREAM\n}")
			for time.Now().Before(end.Add(3 * time.Second)) {
				m := exchange(t, "udp", p.addr, nil, message(t, "www.ends.test. A", "do"))
				left := time.Until(end)
				switch {
				case m == nil:
				case m.AuthenticatedData && left < -time.Second:
					t.Errorf("AD %s after the signature has ended: %s", -left, describe(m))
				case !m.AuthenticatedData && left > time.Second:
					t.Errorf("no AD %s before the signature ends: %s", left, describe(m))
				}
				for _, rr := range m.Answer {
					if ttl := time.Duration(rr.Header().Ttl) * time.Second; ttl > max(left, 0)+time.Second {
						t.Errorf("TTL %s, %s before the signature ends", ttl, left)
					}
				}
				time.Sleep(500 * time.Millisecond)
			}
		})
	}
}

// TestCacheStaleExplained checks that the Extended DNS Error of a good answer that the cache
// plugin keeps is that of a stale answer, and not why the new one fails.
func TestCacheStaleExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testzone.Spec{Name: "short.test.", Algorithm: dns.ECDSAP256SHA256, TTL: 1, Records: []string{"www A 192.0.2.1"}})
	p := start(t, w, ".:PORT {"+validating+"cache {\nsuccess 9984 3600 1\nserve_stale 1h verify\n}\nforward . UPSTREAM\n}")
	p.answers(t, []asked{{"www.short.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"}, {"www.short.test. A", "ad", "NOERROR ad A=192.0.2.1"}})
	breakZone(t, w, "short.test.", testzone.ChangeRDATA("www.short.test.", dns.TypeA))
	time.Sleep(2500 * time.Millisecond)
	p.answers(t, []asked{
		{"www.short.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt" + stale},
		{"www.short.test. A", "ad", "NOERROR ad A=192.0.2.1"},
		{"www.short.test. A", "do cd", "NOERROR A=192.0.2.0 RRSIG opt"},
	})
}
