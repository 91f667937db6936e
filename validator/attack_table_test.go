package validator

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// attackTime is for how long the processor time of an attack is measured.
const attackTime = 300 * time.Millisecond

// BenchmarkAttacks prints what each attack costs: its operations, the processor time of one
// answer as a multiple of that of a normal secure one, and the 99th percentile of the time
// that other clients wait, alone and while one client sends the attack without a pause. It
// fails if they wait more than twice as long with a near upstream.
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

// forget empties the caches of signatures and failures, as if the attacker signed each
// response anew. The chain stays known if it is known in the attack.
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

// send asks a question for a client.
func (a *attacked) send(tb testing.TB, ask func(int) (string, uint16), i int) {
	name, qtype := ask(i)
	_, _ = a.v.Resolve(tb.Context(), newQuestion(name, qtype, withDO))
}

// cpu returns the processor time of one answer.
func (a *attacked) cpu(tb testing.TB, ask func(int) (string, uint16)) time.Duration {
	for i := range names {
		a.send(tb, ask, i) // so that the upstream has all responses
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

// frozen is an upstream with the packed responses of a world. It only has to unpack them, as
// a response from the network is unpacked.
type frozen struct {
	world *testzone.World
	mu    sync.Mutex
	wires map[string][]byte
}

func (a *attacked) freeze() {
	f := &frozen{world: a.w, wires: make(map[string][]byte)}
	a.v.exchanger = f
}

func (f *frozen) Exchange(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
	wire, err := f.packed(ctx, request, how)
	if err != nil {
		return nil, err
	}
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		return nil, err
	}
	m.Id = request.Id
	return m, nil
}

func (f *frozen) packed(ctx context.Context, request *dns.Msg, how Manner) ([]byte, error) {
	key := fmt.Sprint(request.Question[0].String(), how.TCP, request.CheckingDisabled)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.wires[key] == nil {
		m, err := resolver{f.world}.Exchange(ctx, request, how)
		if err != nil {
			return nil, err
		}
		wire, err := m.Pack()
		if err != nil {
			return nil, err
		}
		f.wires[key] = wire
	}
	return f.wires[key], nil
}
