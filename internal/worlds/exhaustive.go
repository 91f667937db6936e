package worlds

import (
	"math/rand/v2"

	"github.com/miekg/dns"
)

// exhausted are the stages of which every response is given to the validator.
var exhausted = []stage{{0, 0}, {1, 1}}

// exhaustedQuestions returns the questions that are asked in each of their worlds.
func exhaustedQuestions() (all []question) {
	for _, name := range append(namesTo(1), "a.a."+top, "b.*."+top) {
		for _, qtype := range deniedTypes {
			if name != top || qtype != dns.TypeDS {
				all = append(all, question{name, qtype})
			}
		}
	}
	return all
}

// exhaustedSteps returns how many pairs of a world and a question a stage has, impossible
// worlds included.
func exhaustedSteps(s stage) int { return s.size() * len(exhaustedQuestions()) }

// wholeSteps returns how many pairs all of the stages have.
func wholeSteps() (n int) {
	for _, s := range exhausted {
		n += exhaustedSteps(s)
	}
	return n
}

// wholeResponses takes the world and the question with a number, of which the order is
// random. It is false after the last one.
func (w *worker) wholeResponses(i int) bool {
	for n, s := range exhausted {
		steps := exhaustedSteps(s)
		if i >= steps {
			i -= steps
			continue
		}
		k := newWalk(steps, rand.New(rand.NewPCG(w.Seed, uint64(n)<<8|3))).at(i)
		questions := exhaustedQuestions()
		world, ok := s.world(k / len(questions))
		if ok {
			for _, world := range w.signer.orders(world) {
				w.judgeEach(world, questions[k%len(questions)])
			}
		}
		return true
	}
	return false
}

// judgeEach gives the validator each response to a question that has up to one RRset about
// the name in the answer, and up to mostRecords others in the authority section: genuine ones, and
// what a wildcard stands for. The validator's own questions are answered honestly.
func (w *worker) judgeEach(world World, q question) {
	j := w.engine
	j.mu.Lock()
	defer j.mu.Unlock()
	j.enter(world, nil)
	j.tally.Questions++
	var others []*Set
	for _, i := range j.forger.genuine {
		others = append(others, i.set)
	}
	answers := [][]item{nil}
	for _, i := range j.forger.pool(q).about {
		answers = append(answers, []item{i})
	}
	for _, answer := range answers {
		subsets(distinct(others...), mostRecords, func(sets []*Set) {
			for _, rcode := range []int{dns.RcodeSuccess, dns.RcodeNameError} {
				r := &response{rcode: rcode, answer: answer}
				for _, set := range sets {
					r.authority = append(r.authority, item{set: set})
				}
				s := j.honestScript()
				s.parts[q] = r
				j.tally.Responses++
				j.checkReply(q, s, j.validate(j.engine(), q, s), "")
			}
		})
	}
}
