package placement

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	_ "github.com/coredns/coredns/plugin/forward" // has a handler that asks an upstream
	_ "github.com/coredns/coredns/plugin/whoami"  // stands behind forward
)

// block is what a block of the tests knows of its placement.
type block struct {
	started *Placement
	made    []string // the handlers that were made, outermost last, with the name of the next
}

// blocks is the blocks that were set up.
var blocks []*block

// configured fails the start of the next instance if it is set.
var configured error

func init() {
	dnsserver.Quiet = true
	dnsserver.Directives = []string{"bind", "placed", "file", "forward", "whoami"}
	plugin.Register("bind", func(c *caddy.Controller) error {
		c.Next()
		dnsserver.GetConfig(c).ListenHosts = c.RemainingArgs()
		return nil
	})
	plugin.Register("placed", func(c *caddy.Controller) error {
		b := new(block)
		blocks = append(blocks, b)
		place := func(name string) plugin.Plugin {
			return func(next plugin.Handler) plugin.Handler {
				b.made = append(b.made, name+" "+next.Name())
				return named(name)
			}
		}
		return Place(c, "placed", Handlers{
			Outermost: place("outermost"), BeforeAuthoritative: place("before"), AfterAuthoritative: place("after"), BeforeForwarding: place("forwarding"),
			Configured: func(*Placement) error { return configured },
			Started: func(p *Placement) error {
				b.started = p
				return nil
			},
			Zones: plugin.Zones{"."}, Owner: b,
		})
	})
}

// start starts an instance with a Corefile.
func start(t *testing.T, text string) *caddy.Instance {
	t.Helper()
	blocks = nil
	instance, err := caddy.Start(corefile(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = instance.Stop()
		instance.ShutdownCallbacks()
	})
	return instance
}

func corefile(text string) caddy.Input {
	return caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(text), ServerTypeName: "dns"}
}

// isStopped decides whether the placement of a block ends within a second.
func (b *block) isStopped() bool {
	select {
	case <-b.started.Stopped():
		return true
	case <-time.After(time.Second):
		return false
	}
}

// freePort returns a port at which nobody listens.
func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

var sharedPort, otherPort = freePort(), freePort()

// threeBlocks has two blocks of one address, and a third of another.
var threeBlocks = strings.NewReplacer("10053", sharedPort, "10054", otherPort).Replace(`.:10053 {
	bind 127.0.0.1
	placed
	forward example.org 192.0.2.1
	forward . 192.0.2.2
	whoami
}
corp.example:10053 {
	bind 127.0.0.1
	placed
	forward . 192.0.2.3
}
elsewhere.example:10054 {
	bind 127.0.0.1
	placed
	forward . 192.0.2.4
}`)

// TestPlace: where handlers stand, and what a block learns of itself and of others.
func TestPlace(t *testing.T) {
	start(t, threeBlocks)
	b := blocks[0]
	if want := []string{"forwarding forward", "after forwarding", "before after", "outermost before"}; !slices.Equal(b.made, want) {
		t.Errorf("%q, want %q", b.made, want)
	}
	p := b.started
	if servers := p.Servers(); !slices.Equal(servers, []string{"dns://127.0.0.1:" + sharedPort}) {
		t.Errorf("on %q", servers)
	}
	if owners := OnServer[*block](p, p.Servers()[0]); !slices.Equal(owners, blocks[:2]) {
		t.Errorf("%d blocks on the server", len(owners))
	}
	r := p.Routes()
	if len(r.Blocks) != 2 || r.Blocks[0] != r.Own || len(r.Own.Stanzas) != 2 {
		t.Fatalf("%+v", r)
	}
	for name, want := range map[string]*Stanza{"www.example.org.": r.Own.Stanzas[0], "example.net.": r.Own.Stanzas[1], "corp.example.": r.Blocks[1].Stanzas[0], "elsewhere.example.": r.Own.Stanzas[1]} {
		if s, ok := r.Lookup(name, 1); !ok || s != want || s.Handler == nil || s.Handler.Name() != "forward" {
			t.Errorf("%s: %+v, want %+v", name, s, want)
		}
	}
	if own := blocks[1].started.Routes(); own.Own.Zones[0] != "corp.example." || own.Own == r.Blocks[1] {
		t.Errorf("%+v", own.Own)
	}
}

// TestStopped: a placement ends with its instance, and also if that never runs.
func TestStopped(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.LocalAddr().String())
	first := start(t, threeBlocks)
	running := blocks
	for _, tc := range []struct {
		name, text string
		configured error
		want       string
	}{
		{name: "a server fails to listen", text: strings.Replace(threeBlocks, otherPort, port, 1), want: "address already in use"},
		{name: "a block fails to be set up", text: threeBlocks, configured: errors.New("nothing to do"), want: "nothing to do"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			blocks, configured = nil, tc.configured
			_, err := first.Restart(corefile(tc.text))
			configured = nil
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatal(err)
			}
			for i, b := range blocks {
				if b.started != nil && !b.isStopped() {
					t.Errorf("block %d goes on", i)
				}
			}
		})
	}
	if running[0].isStopped() {
		t.Error("the instance that runs has ended")
	}
	blocks = nil
	second, err := first.Restart(corefile(threeBlocks))
	if err != nil {
		t.Fatal(err)
	}
	if !running[0].isStopped() || blocks[0].isStopped() {
		t.Error("after a reload the old block goes on, or the new one does not")
	}
	_ = second.Stop()
	second.ShutdownCallbacks()
	if !blocks[0].isStopped() || len(starting.placements) > 0 {
		t.Errorf("after the end %d placements are starting", len(starting.placements))
	}
}

// TestPlaceTooLate: a directive behind the plugins that it has to stand before is refused.
func TestPlaceTooLate(t *testing.T) {
	directives := dnsserver.Directives
	defer func() { dnsserver.Directives = directives }()
	for _, tc := range []struct {
		name       string
		directives []string
		serves     bool
		fails      bool
	}{
		{name: "before all", directives: []string{"placed", "file", "forward"}, serves: true},
		{name: "behind forward", directives: []string{"file", "forward", "placed"}, fails: true},
		{name: "behind file", directives: []string{"file", "placed", "forward"}, serves: true, fails: true},
		{name: "behind file, for forward", directives: []string{"file", "placed", "forward"}},
		{name: "not there", directives: []string{"file", "forward"}, fails: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dnsserver.Directives = tc.directives
			var h Handlers
			if tc.serves {
				h.BeforeAuthoritative = func(next plugin.Handler) plugin.Handler { return next }
			}
			err := Place(caddy.NewTestController("dns", "placed"), "placed", h)
			if (err != nil) != tc.fails || err != nil && err.Error() != "placed has to stand before file, forward and the like in plugin.cfg" {
				t.Error(err)
			}
		})
	}
}
