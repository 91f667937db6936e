package real

import (
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// load sends queries continuously until it is stopped.
type load struct {
	lost, wrong, asked atomic.Int64
	quit, done         chan struct{}
}

// startLoad queries names whose answers do not depend on the reloads.
func (p *process) startLoad() *load {
	l := &load{quit: make(chan struct{}), done: make(chan struct{})}
	client := dns.Client{Timeout: 2 * time.Second}
	go func() {
		defer close(l.done)
		for i := 0; ; i++ {
			select {
			case <-l.quit:
				return
			case <-time.After(10 * time.Millisecond):
			}
			m := new(dns.Msg).SetQuestion([]string{"www.secure.test.", "www.unsigned.test.", "none.nsec3.test."}[i%3], dns.TypeA)
			l.asked.Add(1)
			answer, _, err := client.Exchange(m, p.addr)
			switch {
			case err != nil:
				l.lost.Add(1)
			case answer.Rcode != []int{dns.RcodeSuccess, dns.RcodeSuccess, dns.RcodeNameError}[i%3]:
				l.wrong.Add(1)
			}
		}
	}()
	return l
}

func (l *load) stop() {
	close(l.quit)
	<-l.done
}

// reload reloads the Corefile at once and waits until the log has one more line
// with the word.
func (p *process) reload(t *testing.T, word string) {
	t.Helper()
	const signaled = "SIGUSR1: Reloading"
	before, signaledBefore := len(p.out.lines(word)), len(p.out.lines(signaled))
	for ticks := 0; len(p.out.lines(word)) == before; ticks++ {
		// A signal is lost if the process does not handle it yet.
		if ticks%200 == 0 && len(p.out.lines(signaled)) == signaledBefore {
			if err := p.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
				t.Fatal(err)
			}
		}
		if ticks == 2000 {
			t.Fatalf("the log does not say %q again", word)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

const (
	reloaded  = "Reloading complete"
	notLoaded = "[ERROR] SIGUSR1: "
)

// TestReload: "the Corefile is reloaded under load". The plugin reload applies
// new options, an invalid Corefile keeps the old one in use, and no more
// answers are lost than without dnssec.
func TestReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	words := "reload 2s 1s\nforward . UPSTREAM\n}"
	old := ".:PORT {" + validating + words
	p := start(t, w, old)
	stock := start(t, w, ".:PORT {\nbind 127.0.0.1\n"+words)
	p.answers(t, []asked{{"www.tampered.test. A", "edns", forged}})
	load, stockLoad := p.startLoad(), stock.startLoad()

	stock.configure(t, ".:PORT {\nbind 127.0.0.1\nnsid changed\n"+words)
	p.configure(t, strings.Replace(old, "validate\n", "validate\nnegative-trust-anchor tampered.test\n", 1))
	p.recovers(t, "www.tampered.test. A", "NOERROR A=192.0.2.0 RRSIG opt"+negativeAnchorEDE)
	stock.logs(t, reloaded)

	p.configure(t, strings.Replace(old, "validate\n", "validate\nno-such-word\n", 1))
	p.logs(t, "Corefile changed but reload failed", "no-such-word")
	p.answers(t, []asked{{"www.tampered.test. A", "do", "NOERROR A=192.0.2.0 RRSIG opt" + negativeAnchorEDE}, {"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"}})

	p.configure(t, old)
	p.recovers(t, "www.tampered.test. A", forged)
	load.stop()
	stockLoad.stop()
	// Stock CoreDNS may lose the queries in the socket at each reload.
	if lost, allowed := load.lost.Load(), stockLoad.lost.Load()+2; lost > allowed || load.wrong.Load() > 0 {
		t.Errorf("of %d answers %d were lost and %d wrong; without dnssec %d were lost in one reload", load.asked.Load(), lost, load.wrong.Load(), allowed-2)
	}
}

// TestReloadLeaks checks that neither successful nor failed reloads leak
// goroutines or files.
func TestReloadLeaks(t *testing.T) {
	t.Parallel()
	const forward = "forward . UPSTREAM {\nexpire 1s\n}\n}\n"
	good := ".:PORT {" + validating + "prometheus HTTP\npprof 127.0.0.1:PORT2\ncache\n" + forward + "test:PORT {" + validating + forward
	p := start(t, newWorld(t), good)
	load := p.startLoad()
	p.reload(t, reloaded)
	load.stop()
	goroutines, files := p.settled(t, 0, 0)

	load = p.startLoad()
	for range 10 {
		p.reload(t, reloaded)
	}
	for _, bad := range []string{
		strings.Replace(good, "validate\n", "validate\nno-such-word\n", 1),
		strings.Replace(good, "trust-anchor ANCHORS", "trust-anchor none", 1),
		good + "corp.internal:PORT {\nbind 127.0.0.1\ndnssec {\nvalidate\n}\n}",
	} {
		p.configure(t, bad)
		for range 4 {
			p.reload(t, notLoaded)
		}
	}
	p.answers(t, []asked{{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"}, {"www.tampered.test. A", "edns", forged}})
	p.configure(t, good)
	p.reload(t, reloaded)
	load.stop()
	if load.wrong.Load() > 0 {
		t.Errorf("%d of %d answers were wrong", load.wrong.Load(), load.asked.Load())
	}
	// The first reload is the baseline: it creates goroutines that a start does
	// not.
	if g, f := p.settled(t, goroutines+5, files+3); g > goroutines+5 || f > files+3 {
		t.Errorf("%v goroutines and %v files after 11 reloads and 12 that failed, %v and %v after the first", g, f, goroutines, files)
	}
}

// settled returns the numbers of goroutines and open files once they are as low
// as wanted or stop falling: forward closes idle connections every 10 s, and
// the garbage collector closes what a restart hands over.
func (p *process) settled(t *testing.T, wantGoroutines, wantFiles float64) (goroutines, files float64) {
	t.Helper()
	for deadline := time.Now().Add(13 * time.Second); ; time.Sleep(500 * time.Millisecond) {
		p.get(t, "http://127.0.0.1:PORT2/debug/pprof/heap?gc=1")
		m := p.metrics(t)
		goroutines, files = m.value("go_goroutines"), m.value("process_open_fds")
		if goroutines <= wantGoroutines && files <= wantFiles || time.Now().After(deadline) {
			return goroutines, files
		}
	}
}
