package worlds

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// question is a name and a type.
type question struct {
	name  string
	qtype uint16
}

// String returns the question as in "a.t. DS".
func (q question) String() string { return q.name + " " + dns.TypeToString[q.qtype] }

// script is what is answered to each question, the validator's own included. It is made
// when a question is asked first.
type script struct {
	mu    *sync.Mutex // of the judge, which shares what is signed
	make  func(question) *response
	parts map[question]*response
}

// response returns what is answered to a question.
func (s *script) response(q question) *response {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.parts[q]
	if r == nil {
		r = s.make(q)
		s.parts[q] = r
	}
	return r
}

// exchange answers a request.
func (s *script) exchange(request *dns.Msg) *dns.Msg {
	return s.response(question{strings.ToLower(request.Question[0].Name), request.Question[0].Qtype}).message(request)
}

// engine is a validator that asks whatever script is set. What it kept is forgotten
// by a new set of trust anchors, but for the signatures that were checked.
type engine struct {
	*validator.Validator
	script      atomic.Pointer[script]
	synthesized atomic.Bool
	anchors     *anchor.Set
	later       atomic.Int64 // how much time has passed for the caches, in seconds
	label       string       // of all goroutines of the validator, see rest
}

func newEngine(s *signer) *engine {
	ds := s.key(top).record.ToDS(dns.SHA256)
	a, err := anchor.New(ds, "worlds", anchor.Rules{})
	if err != nil {
		panic("worlds: " + err.Error())
	}
	e := &engine{label: strconv.FormatUint(labelled.Add(1), 10)}
	e.anchors, _ = anchor.NewSet([]anchor.Anchor{a})
	e.anchors.Replace(".", nil)
	exchange := func(_ context.Context, request *dns.Msg, _ validator.Manner) (*dns.Msg, error) {
		return e.script.Load().exchange(request), nil
	}
	clock := func() time.Time { return s.now.Add(time.Duration(e.later.Load()) * time.Second) }
	options := validator.Options{Anchors: e.anchors, At: s.now, Clock: clock, Capacity: capacity, Observe: func(context.Context) validator.Observer { return observer{engine: e} }}
	if e.Validator, err = validator.New(validator.ExchangerFunc(exchange), options); err != nil {
		panic("worlds: " + err.Error())
	}
	return e
}

// labelled counts the engines.
var labelled atomic.Uint64

// engineLabel is the key of the label of goroutines.
const engineLabel = "worlds engine"

// work calls f, whose goroutines get the label of the engine.
func (e *engine) work(f func(context.Context)) {
	pprof.Do(context.Background(), pprof.Labels(engineLabel, e.label), f)
}

// rest waits until the validator does nothing any more: what it asked ahead goes on when
// the client has its answer. A goroutine has the label of the one that started it.
func (e *engine) rest() {
	var text bytes.Buffer
	for want := fmt.Sprintf("%q:%q", engineLabel, e.label); ; text.Reset() {
		if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
			panic("worlds: " + err.Error())
		}
		if !bytes.Contains(text.Bytes(), []byte(want)) {
			return
		}
		runtime.Gosched()
	}
}

// observer notes that an answer is synthesized.
type observer struct {
	validator.NopObserver
	engine *engine
}

// AnswerSynthesized implements validator.Observer.
func (o observer) AnswerSynthesized(validator.Synthesis) { o.engine.synthesized.Store(true) }

// forget makes the engine forget all zones and denials.
func (e *engine) forget() { e.SetAnchors(e.anchors.Clone()) }

// engines is how many validators are used in turn. A question that a validator asked
// ahead may still be under way when its answer is there. It has ended when the same
// validator is used again.
const engines = 8

// capacity is that of a validator's caches: a few worlds.
const capacity = 500

// engineJudge gives responses to the validator. The mutex is held except while a
// validator is at work.
type engineJudge struct {
	*signer
	mu      sync.Mutex
	engines [engines]*engine
	next    int
	random  *rand.Rand
	tally   *Tally

	world    World
	versions versions
	forger   *forger
}

func newEngineJudge(s *signer, tally *Tally) *engineJudge {
	j := &engineJudge{signer: s, tally: tally}
	for i := range j.engines {
		j.engines[i] = newEngine(s)
	}
	return j
}

// enter takes a world and a source of randomness.
func (j *engineJudge) enter(w World, random *rand.Rand) {
	j.world, j.versions, j.random = w, j.versionsOf(w), random
	j.forger = newForger(j.signer, j.versions)
	j.tally.Worlds++
}

// engine returns the validator whose turn it is, without what it kept.
func (j *engineJudge) engine() *engine {
	j.next = (j.next + 1) % engines
	e := j.engines[j.next]
	e.forget()
	return e
}

// verdict is what a validator made of a response.
type verdict struct {
	finding     dnssec.Finding
	reply       *dns.Msg
	synthesized bool
}

// validate judges one response by Validate.
func (j *engineJudge) validate(e *engine, q question, s *script) verdict {
	j.mu.Unlock()
	defer j.mu.Lock()
	e.script.Store(s)
	request := requestFor(q, false)
	response := s.response(q).message(request)
	var result *validator.Result
	e.work(func(ctx context.Context) { result = e.Validate(ctx, request, response) })
	return verdict{finding: result.Finding, reply: result.Reply(request, response)}
}

// resolve asks one question by Resolve.
func (j *engineJudge) resolve(e *engine, q question, s *script, cd bool) verdict {
	j.mu.Unlock()
	defer j.mu.Lock()
	e.script.Store(s)
	e.synthesized.Store(false)
	var v verdict
	e.work(func(ctx context.Context) {
		reply, result := e.Resolve(ctx, requestFor(q, cd))
		v = verdict{finding: result.Finding, reply: reply}
	})
	v.synthesized = e.synthesized.Load()
	return v
}

func requestFor(q question, cd bool) *dns.Msg {
	request := new(dns.Msg).SetQuestion(q.name, q.qtype)
	request.SetEdns0(1232, true)
	request.CheckingDisabled = cd
	return request
}

// askedTypes are the types that clients ask for.
var askedTypes = []uint16{dns.TypeA, dns.TypeA, dns.TypeA, dns.TypeTXT, dns.TypeDS, dns.TypeCNAME, dns.TypeNS, dns.TypeSOA, dns.TypeDNSKEY, dns.TypeDNAME}

// question returns a random question.
func (j *engineJudge) question() question {
	q := question{randomName(j.random, j.world.Nodes), askedTypes[j.random.IntN(len(askedTypes))]}
	if j.random.IntN(20) == 0 {
		q.name = top
	}
	if q.name == top && q.qtype == dns.TypeDS {
		q.qtype = dns.TypeA
	}
	return q
}
