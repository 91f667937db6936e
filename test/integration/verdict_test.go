//go:build integration && linux

// Package integration compares this module's verdicts with those of Unbound and
// BIND, on zones that are signed and served by BIND.
package integration

import (
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

var program = flag.String("coredns", "../../bin/coredns", "the binary to test; empty compares the peers with each other only")

const (
	answerTimeout    = 12 * time.Second // for one answer
	maxDisagreements = 60               // maximum number of disagreements before the test stops
)

// answer is the part of a response that is compared: the rcode, AD, and the
// answer section without signatures and TTLs.
type answer struct {
	rcode string
	ad    bool
	data  string
}

// reply is an answer with its Extended DNS Error, which is not compared.
type reply struct {
	answer
	ede string
}

func (a reply) String() string {
	if a.ad {
		return fmt.Sprintf("%s AD [%s] %s", a.rcode, a.data, a.ede)
	}
	return fmt.Sprintf("%s [%s] %s", a.rcode, a.data, a.ede)
}

// pass is a way to ask all questions.
type pass struct {
	name string
	ask  func(question) *dns.Msg
}

var passes = []pass{
	{"cold, DO", withDO},
	{"warm, DO", withDO},
	{"warm, AD and no EDNS", withAD},
}

func withDO(q question) *dns.Msg {
	return new(dns.Msg).SetQuestion(q.name, q.qtype).SetEdns0(1232, true)
}

func withAD(q question) *dns.Msg {
	m := new(dns.Msg).SetQuestion(q.name, q.qtype)
	m.AuthenticatedData = true
	return m
}

func TestVerdictsAgree(t *testing.T) {
	var path string
	if *program != "" {
		var err error
		if path, err = filepath.Abs(*program); err != nil {
			t.Fatal(err)
		}
	}
	f := newServerSet(t)
	resolvers := f.startPeers(t)
	if path != "" {
		resolvers = append(resolvers, f.startOurs(t, path)...)
	}
	checkWorld(t, resolvers)
	list := questions()
	for _, p := range passes {
		begin := time.Now()
		bad := 0
		for _, q := range list {
			bad += judge(t, p, q, resolvers)
			if bad > maxDisagreements {
				t.Fatalf("%s: more than %d disagreements", p.name, maxDisagreements)
			}
		}
		t.Logf("%s: %d questions to %d resolvers, %d disagreements, %v", p.name, len(list), len(resolvers), bad,
			time.Since(begin).Round(time.Millisecond))
	}
}

// checkWorld checks that each zone has its expected status, so that the
// resolvers can't agree on wrong test data.
func checkWorld(t *testing.T, resolvers []resolver) {
	t.Helper()
	for _, z := range world {
		q := question{z.name, dns.TypeSOA}
		for _, r := range resolvers {
			if !r.peer || excused(r.name, q) {
				continue
			}
			if a := ask(r, withDO(q)); a.status() != z.status {
				t.Errorf("%s is %s for %s, but should be %s: %s", q, a.status(), r.name, z.status, a)
			}
		}
	}
}

func (a answer) status() string {
	switch {
	case a.rcode == "NOERROR" && a.ad:
		return secure
	case a.rcode == "NOERROR":
		return insecure
	}
	return failing
}

// judge asks all resolvers, and reports the question if the answers differ.
func judge(t *testing.T, p pass, q question, resolvers []resolver) int {
	t.Helper()
	answers := askAll(resolvers, q, p.ask(q))
	distinct := map[answer]bool{}
	var lines []string
	for name, a := range answers {
		distinct[a.answer] = true
		lines = append(lines, fmt.Sprintf("    %-14s %s", name, a))
	}
	if len(distinct) == 1 {
		return 0
	}
	slices.Sort(lines)
	t.Errorf("%s: %s\n%s", p.name, q, strings.Join(lines, "\n"))
	return 1
}

// askAll asks all resolvers concurrently, except excused peers.
func askAll(resolvers []resolver, q question, m *dns.Msg) map[string]reply {
	answers := map[string]reply{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, r := range resolvers {
		if excused(r.name, q) {
			continue
		}
		wg.Go(func() {
			a := ask(r, m.Copy())
			mu.Lock()
			defer mu.Unlock()
			answers[r.name] = a
		})
	}
	wg.Wait()
	return answers
}

func ask(r resolver, m *dns.Msg) reply {
	udp := dns.Client{Timeout: answerTimeout, UDPSize: 4096}
	resp, _, err := udp.Exchange(m, r.addr())
	if err == nil && resp.Truncated {
		tcp := dns.Client{Net: "tcp", Timeout: answerTimeout}
		resp, _, err = tcp.Exchange(m, r.addr())
	}
	if err != nil {
		return reply{answer: answer{rcode: err.Error()}}
	}
	a := reply{answer{dns.RcodeToString[resp.Rcode], resp.AuthenticatedData, data(resp.Answer)}, extendedError(resp)}
	if resp.Rcode == dns.RcodeServerFailure && r.peer {
		a.data = "" // Unbound keeps the secure part of a CNAME chain; ours must be empty
	}
	return a
}

func data(rrs []dns.RR) string {
	var list []string
	for _, rr := range rrs {
		if rr.Header().Rrtype == dns.TypeRRSIG {
			continue
		}
		rr = dns.Copy(rr)
		rr.Header().Ttl = 0
		list = append(list, strings.ToLower(strings.ReplaceAll(rr.String(), "\t", " ")))
	}
	slices.Sort(list)
	return strings.Join(list, "; ")
}

func extendedError(m *dns.Msg) string {
	if ede := testzone.ExtendedError(m); ede != nil {
		return ede.String()
	}
	return ""
}
