package dnssecval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// worlds returns the public tree, and what a resolver inside the operator's network
// answers.
func worlds(t *testing.T) (public, internal *testzone.World) {
	t.Helper()
	www := []string{"www A 192.0.2.1"}
	public = newWorld(t,
		testzone.Spec{Name: "com.", Algorithm: p256, Denial: testzone.NSEC3OptOut},
		testzone.Spec{Name: "example.com.", Algorithm: p256, Records: www},
		testzone.Spec{Name: "signed.example.com.", Algorithm: p256, Records: www})
	internal = newWorld(t,
		testzone.Spec{Name: "corp.internal.", Records: www},
		testzone.Spec{Name: "corp.example.com.", Records: www})
	return public, internal
}

// TestPrivateZones: a zone that the operator forwards by name, and that the public tree does
// not prove signed, is passed on, and the log says so once. The tests of validator have more
// cases.
func TestPrivateZones(t *testing.T) {
	public, internal := worlds(t)
	root := func(stanzas ...*placement.Stanza) []*placement.Block {
		return []*placement.Block{serverBlock(".", stanzas...)}
	}
	ofCorp := serverBlock("corp.example.com.", forward(".", internal))
	private, secure := outcome{reason: dnssec.PrivateZone, ede: noCode}, outcome{ad: true, ede: noCode}
	for _, tc := range []struct {
		what, name string
		blocks     []*placement.Block
		want       outcome
		logged     string // the zone that is named in the log, if any
	}{
		{what: "FROM beside the root", name: "www.corp.internal.", blocks: root(forward("corp.internal.", internal), forward(".", public)), want: private, logged: "corp.internal."},
		{what: "FROM in a signed zone", name: "www.corp.example.com.", blocks: root(forward("corp.example.com.", internal), forward(".", public)), want: private, logged: "corp.example.com."},
		{what: "FROM, proven signed", name: "www.signed.example.com.", blocks: root(forward("signed.example.com.", public), forward(".", public)), want: secure},
		{what: "beside FROM", name: "www.example.com.", blocks: root(forward("corp.example.com.", internal), forward(".", public)), want: secure},
		{what: "except", name: "www.corp.internal.", blocks: root(forward(".", public, "corp.internal."), forward("corp.internal.", internal)), want: private, logged: "corp.internal."},
		{what: "block of its own with a way to the root", name: "www.corp.example.com.",
			blocks: append([]*placement.Block{ofCorp}, root(forward(".", public))...), want: private, logged: "corp.example.com."},
		{what: "block of its own without a way to the root", name: "www.corp.example.com.", blocks: []*placement.Block{ofCorp}, want: private, logged: "corp.example.com."},
		{what: "block of its own, proven signed", name: "www.signed.example.com.",
			blocks: append([]*placement.Block{serverBlock("signed.example.com.", forward(".", public))}, root(forward(".", public))...), want: secure},
	} {
		t.Run(tc.what, func(t *testing.T) {
			out := captureLog(t)
			h := newTestHandler(t, public)
			withBlocks(h, tc.blocks...)
			for range 2 {
				if got := observe(t, h, tc.name, typeA); got != tc.want {
					t.Errorf("%s: %+v %s, want %+v %s", tc.name, got, got.reason, tc.want, tc.want.reason)
				}
			}
			checkLogged(t, out, tc.logged)
		})
	}
}

// checkLogged wants one line that names the zone and what to write into the Corefile, or none.
func checkLogged(t *testing.T, out *logBuffer, zone string) {
	t.Helper()
	if zone == "" {
		if log := out.String(); log != "" {
			t.Errorf("logged %q", log)
		}
		return
	}
	for range 100 { // a question that was asked ahead may be the one that logs
		if out.String() != "" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, part := range []string{"plugin/dnssecval: " + zone + " is not validated: ", "`trust-anchor FILE`", "`negative-trust-anchor " + zone + "`"} {
		if log := out.String(); strings.Count(log, part) != 1 {
			t.Errorf("%q is not there once: %q", part, log)
		}
	}
}

// TestProveWithoutRoute: nothing is logged of the root's trust anchors by a block
// that can't ask for its keys.
func TestProveWithoutRoute(t *testing.T) {
	public, internal := worlds(t)
	h := newTestHandler(t, public)
	withBlocks(h, serverBlock("corp.example.com.", forward(".", internal)))
	out := captureLog(t)
	if wait := h.trust.proveAnchors(); wait != provedInterval || out.String() != "" {
		t.Errorf("again in %s, logged %q", wait, out)
	}
}

// calmNames is how many names calm has.
const calmNames = 500

// calm is a zone with many names.
func calm() testzone.Spec {
	spec := testzone.Spec{Name: "calm.", Algorithm: p256}
	for i := range calmNames {
		spec.Records = append(spec.Records, fmt.Sprintf("h%d A 192.0.2.1", i))
	}
	return spec
}

func calmQuestion(i int) (string, uint16) { return fmt.Sprintf("h%d.calm.", i%calmNames), dns.TypeA }

// switchable is a world that can be switched off. It answers nothing then, and counts.
type switchable struct {
	*testzone.World
	dead atomic.Bool
	slow time.Duration // until a question is given up

	mu    sync.Mutex
	asked map[testzone.Question]int
}

func newSwitchable(h *Handler, w *testzone.World) *switchable {
	o := &switchable{World: w, asked: make(map[testzone.Question]int)}
	withBlocks(h, serverBlock(".", forward(".", o)))
	return o
}

func (o *switchable) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if !o.dead.Load() {
		return o.World.ServeDNS(ctx, w, r)
	}
	o.mu.Lock()
	o.asked[testzone.Question{Name: r.Question[0].Name, Type: r.Question[0].Qtype}]++
	o.mu.Unlock()
	select {
	case <-time.After(o.slow):
	case <-ctx.Done():
	}
	return servfail, errors.New("i/o timeout")
}

// counts returns the questions in all, and the most for one name and type but that of probes.
func (o *switchable) counts() (all, most int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for q, n := range o.asked {
		if all += n; q != (testzone.Question{Name: ".", Type: dns.TypeSOA}) {
			most = max(most, n)
		}
	}
	return all, most
}

// TestDeadUpstreamIsLeftAlone: an upstream that does not answer gets one question for a name
// and type, with two attempts. Once it is known to be silent it gets two questions a second
// in all, however many clients there are, and clients get SERVFAIL soon. When it answers
// again so does the handler.
func TestDeadUpstreamIsLeftAlone(t *testing.T) {
	const clients, rounds = 20, 5
	for _, slow := range []time.Duration{0, 100 * time.Millisecond} {
		w := newWorld(t, calm())
		h := newTestHandler(t, w)
		o := newSwitchable(h, w)
		o.slow = slow
		outer := newExplainer(h.block, h)
		o.dead.Store(true)

		var waited [rounds]time.Duration
		start := time.Now()
		for round := range rounds {
			begin := time.Now()
			var all sync.WaitGroup
			for i := range clients {
				all.Go(func() {
					name, qtype := calmQuestion(round/2*clients + i)
					m := ask(t, outer, name, qtype, wantDO)
					if m.Rcode != servfail || edeOf(m) != dns.ExtendedErrorCodeNoReachableAuthority {
						t.Errorf("%s", m)
					}
				})
			}
			all.Wait()
			waited[round] = time.Since(begin)
			time.Sleep(300 * time.Millisecond)
		}
		seconds := int(time.Since(start)/time.Second) + 1
		all, most := o.counts()
		t.Logf("given up after %v: %d questions in %d s, %d at most for one; clients waited %v", slow, all, seconds, most, waited)
		known := 3*clients + 3 // at most when the first is given up: the names, and what might be zones
		if slow == 0 {
			known = silentAfter
		}
		if most > 2 || all > known+2*seconds {
			t.Errorf("given up after %v: %d questions in %d s, %d for one", slow, all, seconds, most)
		}
		slices.Sort(waited[:]) // a round may be slow because the machine is
		if waited[rounds/2] > slow+probeTime+200*time.Millisecond || waited[rounds-1] > validator.Patience {
			t.Errorf("given up after %v: clients waited %v", slow, waited)
		}
		o.dead.Store(false)
		time.Sleep(probeInterval)
		for i := range clients {
			name, qtype := calmQuestion(i)
			if m := ask(t, outer, name, qtype, wantDO); !m.AuthenticatedData {
				t.Errorf("when it is back:\n%s", m)
			}
		}
	}
}

// TestSilence: the state of an upstream, step by step.
func TestSilence(t *testing.T) {
	var u upstream
	returned := 0
	u.returned = func() { returned++ }
	probed := make(chan bool, 10)
	h := plugin.HandlerFunc(func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) {
		probed <- true
		return servfail, errors.New("refused")
	})
	admit := func(ctx context.Context) bool { return u.admit(ctx, h) }
	for i := range silentAfter {
		if !admit(t.Context()) || u.silent() {
			t.Fatalf("silent after %d questions", i)
		}
		u.noteSilence(time.Now(), errors.New("refused"))
	}
	if !u.silent() || admit(t.Context()) || len(probed) != 1 {
		t.Errorf("a silent upstream gets clients' questions, or %d probes", len(probed))
	}
	if err := u.silence(); !errors.Is(err, errSilent) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("the error is %v", err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if admit(gone) || len(probed) != 1 {
		t.Error("a silent upstream is probed at once again")
	}
	u.probed = time.Now()
	waits := make(chan bool)
	go func() { waits <- admit(t.Context()) }()
	time.Sleep(10 * time.Millisecond)
	u.noteAnswer()
	if !<-waits || u.silent() || returned != 1 {
		t.Error("a client that waited gets no answer when there is one")
	}
	u.noteAnswer()
	if returned != 1 {
		t.Error("it returned twice")
	}
	asked := time.Now().Add(-time.Second)
	for range 10 * silentAfter {
		u.noteSilence(asked, errors.New("refused"))
	}
	if u.silent() {
		t.Error("questions that were asked before the last answer make it silent")
	}
}

// TestSilenceByNames: however many names without an answer clients ask for, other names are
// answered.
func TestSilenceByNames(t *testing.T) {
	w := newWorld(t, calm())
	h := newTestHandler(t, w)
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if strings.HasPrefix(q.Question[0].Name, "never") {
			return nil
		}
		return a
	})
	stop := make(chan struct{})
	var flood sync.WaitGroup
	for i := range 4 {
		flood.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(2 * time.Millisecond):
					ask(t, h, fmt.Sprintf("never%d-%d.calm.", i, n), dns.TypeA, wantDO)
				}
			}
		})
	}
	for i := range 20 {
		time.Sleep(20 * time.Millisecond)
		if m := ask(t, h, fmt.Sprintf("h%d.calm.", i), dns.TypeA, wantDO); !m.AuthenticatedData {
			t.Errorf("%s", m)
		}
	}
	close(stop)
	flood.Wait()
}

// TestSilenceOfOneStanza: a dead upstream does not count for those of other stanzas. A question
// that is not asked because there are too many says nothing of an upstream.
func TestSilenceOfOneStanza(t *testing.T) {
	w := newWorld(t, calm(), testzone.Spec{Name: "corp.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	h := newTestHandler(t, w)
	corp, root := forward("corp.", w), forward(".", w)
	withBlocks(h, serverBlock(".", corp, root))
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		parents := q.Question[0].Qtype == dns.TypeDS && q.Question[0].Name == "corp."
		if dns.IsSubDomain("corp.", q.Question[0].Name) && !parents {
			return nil
		}
		return a
	})
	for i := range 2 * silentAfter {
		ask(t, h, fmt.Sprintf("www%d.corp.", i), dns.TypeA, wantDO)
	}
	if !upstreamOf(corp).silent() || upstreamOf(root).silent() {
		t.Errorf("corp. is silent: %v, the root: %v", upstreamOf(corp).silent(), upstreamOf(root).silent())
	}
	if m := ask(t, h, "h1.calm.", dns.TypeA, wantDO); !m.AuthenticatedData {
		t.Errorf("%s", m)
	}
	full := new(upstream)
	for range 2 * silentAfter {
		w := &catcher{upstream: full, asked: time.Now(), rcode: dns.RcodeRefused, err: errors.New("concurrent queries exceeded maximum")}
		if m, err := w.outcome(t.Context()); m != nil || err == nil {
			t.Errorf("%v, %v", m, err)
		}
	}
	if full.silent() {
		t.Error("a full forward counts as a dead upstream")
	}
}

// packing is a handler that writes its answers packed.
type packing struct{ plugin.Handler }

func (h packing) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	c := new(testWriter)
	if rcode, err := h.Handler.ServeDNS(ctx, c, r); err != nil || c.msg == nil {
		return rcode, err
	}
	packed, err := c.msg.Pack()
	if err == nil {
		_, err = w.Write(packed)
	}
	return dns.RcodeSuccess, err
}

// TestPacked: what a plugin writes packed is judged, or loses AD, as other messages.
func TestPacked(t *testing.T) {
	w := exampleWorld(t)
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA))
	w.Intercept(func(_, a *dns.Msg) *dns.Msg {
		a.AuthenticatedData = true
		return a
	})
	h := newTestHandler(t, w)
	h.Next = packing{w}
	for _, tc := range []struct {
		name  string
		bits  bits
		ad    bool
		rcode int
	}{
		{name: "www.example.", bits: wantDO, ad: true},
		{name: "www.unsigned.example.", bits: wantDO},
		{name: "www.csk.example.", bits: wantDO, rcode: servfail},
		{name: "www.csk.example.", bits: bits{edns: true, do: true, cd: true}},
	} {
		if m := ask(t, h, tc.name, typeA, tc.bits); m.Rcode != tc.rcode || m.AuthenticatedData != tc.ad {
			t.Errorf("%s %+v: %s", tc.name, tc.bits, m)
		}
	}
}
