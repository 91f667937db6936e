package validator

import (
	"context"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// clock is a clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newWorld(t testing.TB, specs ...testzone.Spec) *testzone.World {
	t.Helper()
	w, err := testzone.New(time.Now(), specs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func breakZone(t *testing.T, w *testzone.World, zone string, breakages ...testzone.Breakage) {
	t.Helper()
	if err := w.Break(zone, breakages...); err != nil {
		t.Fatal(err)
	}
}

// option changes the options of a test's validator.
type option func(t testing.TB, o *Options)

// newTestValidator makes a validator that asks the world for everything. It trusts the
// root of the world, unless an option sets other trust anchors.
func newTestValidator(t testing.TB, w *testzone.World, opts ...option) *Validator {
	t.Helper()
	options := Options{Anchors: anchorSet(t, w.Anchors(".")...)}
	for _, opt := range opts {
		opt(t, &options)
	}
	v, err := New(resolver{w}, options)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// anchorSet has no built-in negative trust anchors, since most of the tests' trees have a signed
// zone test.
func anchorSet(t testing.TB, lines ...string) *anchor.Set {
	t.Helper()
	set := builtinSet(t, lines...)
	set.RemoveBuiltinNegative()
	return set
}

// builtinSet has the built-in negative trust anchors.
func builtinSet(t testing.TB, lines ...string) *anchor.Set {
	t.Helper()
	anchors, _, err := anchor.Parse("test", strings.Join(lines, "\n"), anchor.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	set, _ := anchor.NewSet(anchors)
	return set
}

// trusting sets the trust anchors.
func trusting(lines ...string) option {
	return func(t testing.TB, o *Options) { o.Anchors = anchorSet(t, lines...) }
}

// negative adds negative trust anchors. It has to follow trusting.
func negative(zones ...string) option {
	return func(_ testing.TB, o *Options) {
		o.Anchors = o.Anchors.Clone()
		o.Anchors.Disable(anchor.Negative{}, zones...)
	}
}

func capacity(n int) option { return func(_ testing.TB, o *Options) { o.Capacity = n } }

func at(when time.Time) option { return func(_ testing.TB, o *Options) { o.At = when } }

func reportOnly(_ testing.TB, o *Options) { o.ReportOnly = true }

func noSynthesis(_ testing.TB, o *Options) { o.NoSynthesis = true }

func allowSHA1(_ testing.TB, o *Options) {
	o.Policy = &Policy{AllowSHA1: true, Skew: DefaultPolicy.Skew}
}

// fakeClock gives the validator a clock that stands still at the present time.
func fakeClock(v *Validator) *clock {
	c := &clock{now: time.Now()}
	v.options.Clock = c.Now
	return c
}

// resolver is an Exchanger that asks a world.
type resolver struct{ world *testzone.World }

func (r resolver) Exchange(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
	w := &writer{tcp: how.TCP}
	_, err := r.world.ServeDNS(ctx, w, request)
	return w.msg, err
}

// writer keeps the message that a world answers. The network of its address is the
// transport.
type writer struct {
	dns.ResponseWriter
	tcp bool
	msg *dns.Msg
}

func (w *writer) RemoteAddr() net.Addr {
	if w.tcp {
		return new(net.TCPAddr)
	}
	return new(net.UDPAddr)
}

func (w *writer) WriteMsg(m *dns.Msg) error {
	w.msg = m
	return nil
}

// tally is an Observer that counts.
type tally struct {
	NopObserver
	mu           sync.Mutex
	good, bad    int               // signatures
	notValidated map[string]string // zones, and why
	ownKeys      map[string]string // zones, and a DS record
	synthesized  []Synthesis
	panics       []any
}

// tallied has an observer count what the validator does.
func tallied(c *tally) option {
	c.notValidated, c.ownKeys = make(map[string]string), make(map[string]string)
	return func(_ testing.TB, o *Options) { o.Observe = func(context.Context) Observer { return c } }
}

func (c *tally) SignatureChecked(_ uint8, good bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if good {
		c.good++
	} else {
		c.bad++
	}
}

func (c *tally) signatures() (good, bad int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.good, c.bad
}

func (c *tally) AnswerSynthesized(kind Synthesis) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.synthesized = append(c.synthesized, kind)
}

func (c *tally) NotValidated(zone, detail string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notValidated[zone] = detail
}

// zonesNotValidated returns the zones that the observer was told of, and why. What was asked
// ahead may still be under way.
func (c *tally) zonesNotValidated() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.notValidated)
}

func (c *tally) OwnKeysUsed(zone, ds string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ownKeys[zone] = ds
}

func (c *tally) Panicked(_ string, value any, _ []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.panics = append(c.panics, value)
}

// bits is what a client sets in its question.
type bits struct{ edns, do, ad, cd bool }

// withDO is what most tests ask with.
var withDO = bits{edns: true, do: true}

func newQuestion(name string, qtype uint16, b bits) *dns.Msg {
	m := new(dns.Msg).SetQuestion(name, qtype)
	m.AuthenticatedData, m.CheckingDisabled = b.ad, b.cd
	if b.edns || b.do {
		m.SetEdns0(4096, b.do)
	}
	return m
}

// ask returns the answer that a client gets.
func ask(t *testing.T, v *Validator, name string, qtype uint16, b bits) *dns.Msg {
	t.Helper()
	m, _ := v.Resolve(t.Context(), newQuestion(name, qtype, b))
	return m
}

// judged asks a question as Resolve does, and returns what is found of the response. It
// neither uses nor makes a kept failure or a synthesized answer.
func judged(t *testing.T, v *Validator, name string, qtype uint16) Result {
	t.Helper()
	q := v.newQuery(t.Context(), newQuestion(name, qtype, withDO))
	msg, err := v.exchange(q.ctx, q.upstreamRequest(name, usual), usual, Manner{})
	if err != nil {
		t.Fatalf("%s %s: %v", name, dns.Type(qtype), err)
	}
	return *q.judgeAndRetry(&msg)
}

// outcome is what a client with DO sees of an answer, and the reason.
type outcome struct {
	rcode  int
	ad     bool
	reason dnssec.Reason
	ede    uint16
}

const noCode = ^uint16(0)

func observe(t *testing.T, v *Validator, name string, qtype uint16) outcome {
	t.Helper()
	reason := judged(t, v, name, qtype).Reason
	m := ask(t, v, name, qtype, withDO)
	return outcome{rcode: m.Rcode, ad: m.AuthenticatedData, reason: reason, ede: edeOf(m)}
}

// edeOf returns the code of the Extended DNS Error, or noCode.
func edeOf(m *dns.Msg) uint16 {
	if e := testzone.ExtendedError(m); e != nil {
		return e.InfoCode
	}
	return noCode
}

// asked returns how often a question came to the world.
func asked(w *testzone.World, name string, qtype uint16) int {
	return w.Questions()[testzone.Question{Name: name, Type: qtype}]
}

func askedInAll(w *testzone.World) (n int) {
	for _, times := range w.Questions() {
		n += times
	}
	return n
}
