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
// their instance runs. Caddy discards an instance of which a server or another plugin
// fails to start, and calls none of its shutdown callbacks.
var starting = struct {
	sync.Mutex
	placements map[*Placement]bool
}{placements: make(map[*Placement]bool)}

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
			delete(starting.placements, p)
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
			delete(starting.placements, p)
			p.stop()
		}
	}
}

// awaitRunning has the placement stopped if its instance is discarded. Caddy reports that
// to a running instance with this plugin only, by OnRestartFailed. For the first start of
// a process, and for the reload that adds the plugin to a Corefile, it is looked up once,
// when the start is over.
func (p *Placement) awaitRunning() {
	starting.Lock()
	defer starting.Unlock()
	starting.placements[p] = true
	time.AfterFunc(startTime, func() {
		if p.isStarting() {
			stopDiscarded()
		}
	})
}

// isStarting decides whether it is unknown if the instance of the placement runs.
func (p *Placement) isStarting() bool {
	starting.Lock()
	defer starting.Unlock()
	return starting.placements[p]
}
