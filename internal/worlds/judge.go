package worlds

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// honestScript answers as the authorities of the present zones do.
func (j *engineJudge) honestScript() *script {
	a := authority{j.signer, j.versions[0]}
	return &script{mu: &j.mu, parts: make(map[question]*response), make: func(q question) *response { return &a.answer(q.name, q.qtype).response }}
}

// forgedScript answers the client's question with a forgery. The validator's own questions
// are answered with one as well, or honestly.
func (j *engineJudge) forgedScript(q question) *script {
	s, f, seed := j.honestScript(), j.forger, j.random.Uint64()
	honest := s.make
	if z := j.versions[0].holding(q.name, q.qtype); seed%8 == 1 && z != nil && z.apex != top {
		s.make = f.takeover(z, q, honest, seed)
		return s
	}
	s.make = func(asked question) *response {
		if r := f.forge(asked, seed); seed%2 == 0 && len(r.authority)%2 == 0 {
			return r
		}
		return honest(asked)
	}
	s.parts[q] = f.forge(q, seed)
	return s
}

// judgeForgery judges a forged response to a question by a validator that knows nothing.
func (j *engineJudge) judgeForgery(q question) {
	s := j.forgedScript(q)
	v := j.validate(j.engine(), q, s)
	j.checkReply(q, s, v, "")
	j.tally.Responses++
}

// judgeHonest judges an honest response in one of its forms.
func (j *engineJudge) judgeHonest(q question) {
	a := authority{j.signer, j.versions[0]}
	h := a.answer(q.name, q.qtype)
	if !h.ok {
		return
	}
	s := j.honestScript()
	s.parts[q] = a.form(h, j.random)
	j.tally.Responses++
	v := j.validate(j.engine(), q, s)
	if v.finding.Status != h.status {
		v = j.validate(newEngine(j.signer), q, s) // one that has nothing under way
	}
	j.tally.check(HonestAnswer, v.finding.Status == h.status, func() Counterexample {
		return j.example(q, s, v, "it ought to be "+h.status.String())
	})
	j.checkReply(q, s, v, "")
}

// judgeSequence asks one validator several questions. What the earlier responses left
// behind must not make a later verdict untrue. After honest responses only, honest ones
// have to be accepted.
func (j *engineJudge) judgeSequence() {
	e := j.engine()
	forged := j.random.IntN(2) == 0
	before := ""
	for range 2 + j.random.IntN(3) {
		q := j.question()
		s := j.honestScript()
		if forged && j.random.IntN(3) > 0 {
			s = j.forgedScript(q)
		}
		cd := j.random.IntN(6) == 0
		v := j.resolve(e, q, s, cd)
		j.tally.Responses++
		if !cd {
			j.checkReply(q, s, v, before)
		}
		if !forged && !cd {
			j.checkAfterHonest(q, s, v, before)
		}
		before += q.String() + ": " + s.describe(q) + "; "
	}
	if !forged || !j.isSimple() {
		return
	}
	j.rest(e)
	for range recoveries {
		j.judgeRecovery(e, before)
	}
}

// recoveries is how many questions are asked after forged responses.
const recoveries = 3

// forgottenAfter is when no failure is kept any more, in seconds.
const forgottenAfter = 31

// isSimple reports whether nothing that is true of the world is the attacker's choice.
func (j *engineJudge) isSimple() bool {
	return len(j.versions) == 1 && !slices.ContainsFunc(j.world.Nodes, func(n Node) bool { return n.Kind == Hostile })
}

// judgeRecovery checks that forged responses leave behind nothing but failures, which end
// soon: an honest response is accepted then. Nothing is under way when the time has
// passed, so that no failure is kept later.
func (j *engineJudge) judgeRecovery(e *engine, before string) {
	q, s := j.question(), j.honestScript()
	h := authority{j.signer, j.versions[0]}.answer(q.name, q.qtype)
	if !h.ok {
		return
	}
	v := j.resolve(e, q, s, false)
	j.tally.Responses++
	j.checkReply(q, s, v, before)
	j.tally.check(HonestRecovery, v.finding.Status == h.status, func() Counterexample {
		return j.example(q, s, v, "it ought to be "+h.status.String()+", after "+before)
	})
}

// rest lets everything end that a validator has under way, and all failures.
func (j *engineJudge) rest(e *engine) {
	j.mu.Unlock()
	defer j.mu.Lock()
	e.rest()
	e.later.Add(forgottenAfter)
}

// checkAfterHonest makes the claim about honest responses after honest ones.
func (j *engineJudge) checkAfterHonest(q question, s *script, v verdict, before string) {
	h := authority{j.signer, j.versions[0]}.answer(q.name, q.qtype)
	if h.ok {
		j.tally.check(HonestAfterward, v.finding.Status == h.status, func() Counterexample {
			return j.example(q, s, v, "it ought to be "+h.status.String()+", after "+before)
		})
	}
}

// checkReply makes the claims about what a client got.
func (j *engineJudge) checkReply(q question, s *script, v verdict, before string) {
	p, ok := claimOf(v)
	if !ok {
		return
	}
	holds := newReply(j.signer, j.versions, q.qtype, v.finding.Status, v.reply).isTrue(q.name)
	j.tally.check(p, holds, func() Counterexample {
		if before != "" {
			return j.example(q, s, v, "after "+before)
		}
		return j.minimal(q, s, v)
	})
	if before != "" {
		j.tally.check(KeptState, holds, func() Counterexample { return j.example(q, s, v, "after "+before) })
	}
	if v.finding.Status == dnssec.Secure && !j.isHostile(q.name) {
		j.tally.check(BoundedTTL, hasBoundedTTL(v.reply), func() Counterexample { return j.example(q, s, v, "") })
		j.tally.check(GenuineRecords, j.isGenuine(v.reply.Ns), func() Counterexample { return j.example(q, s, v, "") })
	}
}

// isHostile reports whether a name is in a hostile zone.
func (j *engineJudge) isHostile(name string) bool {
	return j.versions[0].holding(name, dns.TypeA) == nil || j.versions.isHostile(name, dns.TypeA)
}

// isGenuine reports whether each record of a section is one of an RRset whose signature
// is beside it.
func (j *engineJudge) isGenuine(section []dns.RR) bool {
	return !slices.ContainsFunc(section, func(rr dns.RR) bool {
		return rr.Header().Rrtype != dns.TypeRRSIG && !slices.ContainsFunc(section, func(other dns.RR) bool {
			sig, ok := other.(*dns.RRSIG)
			return ok && sig.TypeCovered == rr.Header().Rrtype && sig.Hdr.Class == dns.ClassINET && j.isSigned(rr, sig)
		})
	})
}

// isSigned reports whether a zone made the signature for a record with this class and RDATA.
func (j *engineJudge) isSigned(rr dns.RR, sig *dns.RRSIG) bool {
	set := j.bySignature[sig.Signature]
	return set != nil && slices.ContainsFunc(set.RRs, func(other dns.RR) bool {
		return other.Header().Class == rr.Header().Class && rdata(other) == rdata(rr)
	})
}

// hasBoundedTTL reports whether no TTL is larger than the one that is signed.
func hasBoundedTTL(reply *dns.Msg) bool {
	return !slices.ContainsFunc(slices.Concat(reply.Answer, reply.Ns), func(rr dns.RR) bool { return rr.Header().Ttl > 3600 })
}

// isRefusal reports whether a reply says nothing of a name: its response code is that of a
// failure, and it has no records.
func isRefusal(reply *dns.Msg) bool {
	return reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError && len(reply.Answer)+len(reply.Ns) == 0
}

// claimOf returns the claim that a verdict is one of. There is none about a bogus one.
func claimOf(v verdict) (p Property, ok bool) {
	switch {
	case v.synthesized:
		return Synthesized, true
	case v.finding.Status == dnssec.Secure:
		return SecureAnswer, true
	case v.finding.Status == dnssec.Insecure:
		return InsecureAnswer, true
	default:
		return NoAnchor, v.finding.Status == dnssec.Indeterminate && !isRefusal(v.reply)
	}
}

// minimal makes a counterexample with as few records as possible: each is left out if
// the verdict stays as wrong without it.
func (j *engineJudge) minimal(q question, s *script, v verdict) Counterexample {
	for _, part := range s.questions() {
		for n := 0; ; {
			smaller, ok := s.parts[part].without(n)
			if !ok {
				break
			}
			trial := &script{mu: &j.mu, parts: maps.Clone(s.parts), make: s.make}
			trial.parts[part] = smaller
			if again := j.validate(newEngine(j.signer), q, trial); j.isWrong(q, again) {
				s, v = trial, again
			} else {
				n++
			}
		}
	}
	return j.example(q, s, v, "")
}

// isWrong reports whether a verdict is untrue.
func (j *engineJudge) isWrong(q question, v verdict) bool {
	_, ok := claimOf(v)
	return ok && !newReply(j.signer, j.versions, q.qtype, v.finding.Status, v.reply).isTrue(q.name)
}

// questions returns the questions that were asked, in order.
func (s *script) questions() []question {
	return slices.SortedFunc(maps.Keys(s.parts), func(a, b question) int { return strings.Compare(a.String(), b.String()) })
}

// describe returns what is answered, to one question first.
func (s *script) describe(q question) string {
	text := "not asked"
	if r := s.parts[q]; r != nil {
		text = r.String()
	}
	for _, other := range s.questions() {
		if other != q {
			text += "\n            " + other.String() + ": " + s.parts[other].String()
		}
	}
	return text
}

// example makes a counterexample.
func (j *engineJudge) example(q question, s *script, v verdict, note string) Counterexample {
	text := fmt.Sprintf("%s, %s, answer", v.finding.Status, dns.RcodeToString[v.reply.Rcode])
	for _, rr := range v.reply.Answer {
		if rr.Header().Rrtype != dns.TypeRRSIG {
			text += " | " + strings.Join(strings.Fields(rr.String()), " ")
		}
	}
	if v.finding.Status != dnssec.Secure {
		text += " (" + v.finding.String() + ")"
	}
	if note != "" {
		text += "; " + note
	}
	return Counterexample{World: j.world.String(), Question: q.String(), Response: s.describe(q), Verdict: text}
}
