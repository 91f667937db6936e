package placement

import (
	"slices"
	"sync"
	"time"

	"github.com/coredns/caddy"
)

// startTime is longer than an instance takes from its start-up callbacks to serving.
const startTime = 30 * time.Second

// starting is the placements that have started and of which it is not known yet whether
// their instance runs, each with the timer that looks for that. Caddy discards an instance
// of which a server or another plugin fails to start, and calls none of its shutdown
// callbacks.
var starting = struct {
	sync.Mutex
	placements map[*Placement]*time.Timer
}{placements: make(map[*Placement]*time.Timer)}

// registerEventHook has caddy call noteRunning. It is called at each start: caddy forgets
// hooks at a reload by signal, keeps them at others, and panics for one that it has.
func registerEventHook() {
	defer func() { _ = recover() }()
	caddy.RegisterEventHook("dnssecval placement", func(event caddy.EventName, info any) error {
		if instance, ok := info.(*caddy.Instance); ok && event == caddy.InstanceStartupEvent {
			noteRunning(instance)
			stopDiscarded()
		}
		return nil
	})
}

// noteRunning takes the placements of an instance that runs from those that are starting.
func noteRunning(instance *caddy.Instance) {
	starting.Lock()
	defer starting.Unlock()
	for p := range starting.placements {
		if p.instance == instance {
			p.leaveStarting()
		}
	}
}

// stopDiscarded stops the placements of instances that caddy has discarded. Caddy's list
// of instances has no lock for readers: this is called where caddy itself starts and
// restarts instances, so that nobody writes the list meanwhile.
func stopDiscarded() {
	starting.Lock()
	defer starting.Unlock()
	for p := range starting.placements {
		if !slices.Contains(caddy.Instances(), p.instance) {
			p.leaveStarting()
			p.stop()
		}
	}
}

// awaitRunning has the placement stopped if its instance is discarded. Caddy reports that
// to a running instance with this plugin only, by OnRestartFailed. For the first start of
// a process, and for the reload that adds the plugin to a Corefile, it is looked up once,
// when the start is over; the list is then read beside what caddy does.
func (p *Placement) awaitRunning() {
	starting.Lock()
	defer starting.Unlock()
	starting.placements[p] = time.AfterFunc(startTime, stopDiscarded)
}

// leaveStarting takes the placement from those that are starting, which are locked. Nothing of
// it is kept then: forward closes its connections when its handlers are collected.
func (p *Placement) leaveStarting() {
	if timer := starting.placements[p]; timer != nil {
		timer.Stop()
		delete(starting.placements, p)
	}
}

// end stops the placement.
func (p *Placement) end() {
	starting.Lock()
	defer starting.Unlock()
	p.leaveStarting()
	p.stop()
}
