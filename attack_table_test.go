package dnssecval

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

const (
	attackTime = 300 * time.Millisecond // for the processor time of an attack
	calmTime   = 600 * time.Millisecond
	calmTries  = 3                    // the best counts: other work on the machine can only make it worse
	calmEvery  = 4 * time.Millisecond // between questions of the others

	networkTime = 50 * time.Microsecond // from an answer to the next question of one client
)

// BenchmarkAttacks prints what each attack costs: its operations, the processor time of
// one answer as a multiple of a normal secure one's, and the 99th percentile of the time
// that others wait for theirs while one client sends it without a pause, as a multiple of
// that without. All run on one processor.
func BenchmarkAttacks(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "attack\tanswer\tgood\tbad\thashes\tblocks\tquestions\tCPU, ms\tratio\tothers' p99, ms\tratio")
	for range b.N {
		for _, a := range attacks() {
			s := a.start(b)
			result, cost := s.judge(b, 0)
			if a.warm {
				result, cost = s.judge(b, 1)
			}
			s.freeze()
			normal, each := s.cpu(b, calmQuestion), s.cpu(b, a.ask)
			quiet, noisy := s.others(b, false), s.others(b, true)
			fmt.Fprintf(out, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%.2f\t%.1f\t%.2f\t%.1f\n", a.name, result.Reason, cost.good, cost.bad, cost.hashes, cost.blocks, cost.questions,
				ms(each), float64(each)/float64(normal), ms(noisy), float64(noisy)/float64(quiet))
		}
	}
	_ = out.Flush()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func calmQuestion(i int) (string, uint16) { return fmt.Sprintf("h%d.calm.", i%calmNames), dns.TypeA }

// forget has all that is known of answers forgotten: those to come are as new as those of
// an attacker who signs each time. The chain stays known, if it is in the attack.
func (a *attacked) forget() {
	a.v.cache.verdicts.Purge()
	a.v.cache.invalid.Purge()
	a.v.cache.failed.Purge()
	if !a.warm {
		for _, name := range a.v.cache.cuts.Keys() {
			if name != "." && name != "calm." {
				a.v.cache.cuts.Remove(name)
			}
		}
	}
}

// send asks a question as a client does.
func (a *attacked) send(tb testing.TB, ask func(int) (string, uint16), i int) {
	name, qtype := ask(i)
	_, _ = a.v.ServeDNS(tb.Context(), new(client), newQuestion(name, qtype, withDO))
}

// cpu returns the processor time of one answer.
func (a *attacked) cpu(tb testing.TB, ask func(int) (string, uint16)) time.Duration {
	for i := range names {
		a.send(tb, ask, i) // the upstream has all answers
	}
	runtime.GC()
	before, n := processorTime(), 0
	for start := time.Now(); time.Since(start) < attackTime; n++ {
		a.forget()
		a.send(tb, ask, n)
	}
	return (processorTime() - before) / time.Duration(n)
}

func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for other arguments only
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// others returns the 99th percentile of the time that clients wait who ask now and then,
// while another one attacks or not.
func (a *attacked) others(tb testing.TB, attacked bool) time.Duration {
	best := a.othersOnce(tb, attacked)
	for range calmTries - 1 {
		best = min(best, a.othersOnce(tb, attacked))
	}
	return best
}

func (a *attacked) othersOnce(tb testing.TB, attacked bool) time.Duration {
	ctx, stop := context.WithCancel(tb.Context())
	var attacker sync.WaitGroup
	if attacked {
		attacker.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				var answer sync.WaitGroup
				answer.Go(func() { // the server has a goroutine for each question
					a.forget()
					a.send(tb, a.ask, i)
				})
				answer.Wait()
				time.Sleep(networkTime)
			}
		})
	}
	var waits []time.Duration
	start := time.Now()
	for i := 0; time.Since(start) < calmTime; i++ {
		due := start.Add(time.Duration(i) * calmEvery)
		time.Sleep(time.Until(due))
		a.send(tb, calmQuestion, i)
		waits = append(waits, time.Since(due))
	}
	stop()
	attacker.Wait()
	slices.Sort(waits)
	return waits[len(waits)*99/100]
}

// frozen is the world as an upstream that has all answers packed: what it costs is to
// unpack them, which an answer from a network costs too.
type frozen struct {
	world *testzone.World
	mu    sync.Mutex
	wires map[string][]byte
}

func (a *attacked) freeze() {
	f := &frozen{world: a.w, wires: make(map[string][]byte)}
	a.v.Next, a.v.routes.own.stanzas[0].handler = f, f
}

func (f *frozen) Name() string { return f.world.Name() }

func (f *frozen) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	key := strings.Join([]string{r.Question[0].String(), w.RemoteAddr().Network(), fmt.Sprint(r.CheckingDisabled)}, " ")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.wires[key] == nil {
		caught := &asking{ResponseWriter: w}
		if rcode, err := f.world.ServeDNS(ctx, caught, r); err != nil {
			return rcode, err
		}
		wire, err := caught.msg.Pack()
		if err != nil {
			return servfail, err
		}
		f.wires[key] = wire
	}
	m := new(dns.Msg)
	if err := m.Unpack(f.wires[key]); err != nil {
		return servfail, err
	}
	m.Id = r.Id
	return dns.RcodeSuccess, w.WriteMsg(m)
}
