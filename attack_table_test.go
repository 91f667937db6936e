package dnssecval

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// attackTime is for the processor time of an attack.
const attackTime = 300 * time.Millisecond

// BenchmarkAttacks prints what each attack costs: its operations, the processor time of
// one answer as a multiple of a normal secure one's, and the 99th percentile of the time
// that others wait for theirs, alone and while one client sends the attack without a pause.
// It fails if they wait more than twice as long where the upstream is not far.
func BenchmarkAttacks(b *testing.B) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "attack\tanswer\tgood\tbad\thashes\tblocks\tquestions\tCPU, ms\tratio\tothers' p99, ms\tattacked\tratio\twith an upstream")
	for range b.N {
		for _, a := range attacks() {
			s := a.start(b)
			result, cost := s.judge(b, 0)
			if a.warm {
				result, cost = s.judge(b, 1)
			}
			s.freeze()
			normal, each := s.cpu(b, calmQuestion), s.cpu(b, a.ask)
			quiet, noisy := s.others(b)
			slower := float64(nearUpstream+noisy) / float64(nearUpstream+quiet)
			fmt.Fprintf(out, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%.2f\t%.1f\t%.2f\t%.2f\t%.1f\t%.1f\n", a.name, result.Reason, cost.good, cost.bad, cost.hashes, cost.blocks, cost.questions,
				ms(each), float64(each)/float64(normal), ms(quiet), ms(noisy), float64(noisy)/float64(quiet), slower)
			if slower > 2 {
				b.Errorf("%s: others wait %.1f times as long", a.name, slower)
			}
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

// frozen is the world as an upstream that has all answers packed: what it costs is to
// unpack them, which an answer from a network costs too.
type frozen struct {
	world *testzone.World
	mu    sync.Mutex
	wires map[string][]byte
}

func (a *attacked) freeze() {
	f := &frozen{world: a.w, wires: make(map[string][]byte)}
	a.v.Next, a.v.routes.Own.Stanzas[0].Handler = f, f
}

func (f *frozen) Name() string { return f.world.Name() }

func (f *frozen) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	wire, err := f.packed(ctx, w, r)
	if err != nil {
		return servfail, err
	}
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil { // while nobody waits for the lock
		return servfail, err
	}
	m.Id = r.Id
	return dns.RcodeSuccess, w.WriteMsg(m)
}

func (f *frozen) packed(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) ([]byte, error) {
	key := strings.Join([]string{r.Question[0].String(), w.RemoteAddr().Network(), fmt.Sprint(r.CheckingDisabled)}, " ")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.wires[key] == nil {
		caught := &asking{ResponseWriter: w}
		if _, err := f.world.ServeDNS(ctx, caught, r); err != nil {
			return nil, err
		}
		wire, err := caught.msg.Pack()
		if err != nil {
			return nil, err
		}
		f.wires[key] = wire
	}
	return f.wires[key], nil
}
