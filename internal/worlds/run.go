package worlds

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Options are what to walk.
type Options struct {
	Time  time.Duration
	Seed  uint64         // of all orders and random worlds
	From  [walkCount]int // where each walk begins
	First bool           // stop at the first violation
}

// walkCount is the number of walks: through sets of denial records in the enumerated
// worlds, and in random worlds, through responses to a validator in random worlds, and
// through all responses to a validator in the smallest worlds.
const walkCount = 4

// mostRecords is how many denial records a response has at most that is given to the
// proofs. A proof takes three.
const mostRecords = 3

// run is a walk by several workers.
type run struct {
	Options
	now   time.Time
	found atomic.Bool
	next  [walkCount]atomic.Int64 // steps that no worker has taken yet, so that none is left out when a run goes on

	mu      sync.Mutex
	tally   *Tally
	covered []coverage
}

// coverage is how much of a stage was walked.
type coverage struct {
	stage
	walked, possible int
}

// Run walks until the time is over, and writes how much was covered and where to go on.
func Run(ctx context.Context, o Options, w io.Writer) *Tally {
	ctx, cancel := context.WithTimeout(ctx, o.Time)
	defer cancel()
	r := newRun(o)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() { newWorker(r).walk(ctx) })
	}
	workers.Wait()
	for _, c := range r.covered {
		fmt.Fprintf(w, "worlds of %d names, depth %d: %d of %d, of which %d are possible\n", c.names, c.depth, c.walked, c.size(), c.possible)
	}
	fmt.Fprintf(w, "whole responses: %d of %d questions in worlds\n", min(int(r.next[3].Load()), wholeSteps()), wholeSteps())
	fmt.Fprintf(w, "to go on: -seed %d -from %d,%d,%d,%d\n", o.Seed, r.next[0].Load(), r.next[1].Load(), r.next[2].Load(), r.next[3].Load())
	return r.tally
}

func newRun(o Options) *run {
	r := &run{Options: o, now: time.Now(), tally: newTally()}
	for i, from := range o.From {
		r.next[i].Store(int64(from))
	}
	for _, s := range stages {
		r.covered = append(r.covered, coverage{stage: s})
	}
	return r
}

// worker is one of the goroutines of a run. It takes turns between the walks.
type worker struct {
	*run
	signer *signer
	engine *engineJudge
	tally  *Tally
	walks  [walkCount]walking
}

// walking is one walk of a worker.
type walking struct {
	share int // of the time, in percent
	spent time.Duration
	step  func(i int) bool // false: the walk is at its end
}

func newWorker(r *run) *worker {
	w := &worker{run: r, signer: newSigner(r.now), tally: newTally()}
	w.engine = newEngineJudge(newSigner(r.now), w.tally) // whose validators may still ask in the other walks
	w.walks = [walkCount]walking{
		{share: 30, step: w.enumerated},
		{share: 10, step: w.randomProofs},
		{share: 40, step: w.randomResponses},
		{share: 20, step: w.wholeResponses},
	}
	return w
}

// walk takes steps until the time is over.
func (w *worker) walk(ctx context.Context) {
	for ctx.Err() == nil && !w.found.Load() {
		next := -1
		for i, walk := range w.walks {
			if walk.step != nil && (next < 0 || walk.spent*time.Duration(w.walks[next].share) < w.walks[next].spent*time.Duration(walk.share)) {
				next = i
			}
		}
		walk := &w.walks[next]
		begin := time.Now()
		if !walk.step(int(w.next[next].Add(1)) - 1) {
			walk.step = nil
		}
		walk.spent += time.Since(begin)
		if w.First && w.tally.Unsound()+w.tally.Lost() > 0 {
			w.found.Store(true)
		}
	}
	w.finish()
}

// finish adds the counts to those of the run.
func (w *worker) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.run.tally.Add(w.tally)
}

// enumerated takes the world with a number of all stages, each of which has a random
// order, with all orders of its hashes.
func (w *worker) enumerated(i int) bool {
	for n, st := range stages {
		if i >= st.size() {
			i -= st.size()
			continue
		}
		world, ok := st.world(newWalk(st.size(), rand.New(rand.NewPCG(w.Seed, uint64(n)))).at(i))
		if ok {
			for _, world := range w.signer.orders(world) {
				w.signer.judgeProofs(world, mostRecords, w.tally)
			}
		}
		w.cover(n, ok)
		return true
	}
	return false
}

// cover counts a world of a stage.
func (w *worker) cover(n int, possible bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.covered[n].walked++
	if possible {
		w.covered[n].possible++
	}
}

// randomProofs gives denial records of a random world to the proofs.
func (w *worker) randomProofs(i int) bool {
	w.signer.judgeProofs(randomWorld(rand.New(rand.NewPCG(w.Seed, uint64(i)<<8|1))), mostRecords, w.tally)
	return true
}

// How many questions are asked in a world, and how many responses are given to each.
const (
	questionsOfWorld   = 20
	forgeriesOfAnswer  = 20
	sequencesOfAnswers = 4
)

// randomResponses gives responses in a random world to a validator.
func (w *worker) randomResponses(i int) bool {
	j := w.engine
	j.mu.Lock()
	defer j.mu.Unlock()
	random := rand.New(rand.NewPCG(w.Seed, uint64(i)<<8|2))
	j.enter(randomWorld(random), random)
	for range questionsOfWorld {
		j.judgeQuestion()
	}
	return true
}

// judgeQuestion gives responses to a random question, and then asks several.
func (j *engineJudge) judgeQuestion() {
	q := j.question()
	j.tally.Questions++
	j.judgeHonest(q)
	for range forgeriesOfAnswer {
		j.judgeForgery(q)
	}
	for range sequencesOfAnswers {
		j.judgeSequence()
	}
}
