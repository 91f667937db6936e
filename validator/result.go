package validator

import (
	"cmp"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Status is one of the four words of RFC 4033, section 5.
type Status = dnssec.Status

const (
	Indeterminate = dnssec.Indeterminate // no trust anchor says anything about the name
	Insecure      = dnssec.Insecure      // proven to be without a chain of signatures
	Secure        = dnssec.Secure        // proven from a trust anchor down
	Bogus         = dnssec.Bogus         // should be provable, and is not
)

// Finding has a Status, its Reason, and as Detail the record, the zone and the key that it is
// about. String returns "reason: detail".
type Finding = dnssec.Finding

// Result is what was found of a response: the weakest of the statuses of its RRsets.
type Result struct {
	Finding
	Err      error // what the Exchanger returned, if there was no response to judge
	Judged   bool  // the finding is that of a response, not that there was none
	Repeated bool  // the question failed before and was not asked again
	Hashes   int   // NSEC3 hashes that were computed

	// Expires is until when a Secure answer may have AD: the first of the signatures that
	// prove it ends then. It is zero otherwise, and with Options.At, by which none ends.
	Expires time.Time

	shape
	progress
}

// shape is what the answer for the client is made from, besides the status.
type shape struct {
	rcode      int
	sets       provenSets
	errors     []*dns.EDNS0_EDE // instead of the error of the finding
	reportOnly bool             // a Bogus response is passed on
	served     *servedResult    // with Options.Served; nil otherwise
}

// progress is how far the judgement of a response came, to decide what to ask again.
type progress struct {
	inherited bool       // the failure is of a zone above: to ask for the answer again does not help
	until     time.Time  // when that failure ends
	verified  int        // links of the alias chain, from the first, that are not bogus
	partial   bool       // the response has neither data nor a denial for what the links lead to
	unsigned  []question // for what lacks its signature in the response
}

// provenSets are the RRsets that an answer for the client may have.
type provenSets struct {
	proven []keptRRset // of both sections, for a Secure answer
	path   []keptRRset // what the question leads to in the answer section, proven or not
}

// section is a section of a response (RFC 1035, section 4.1). The zero value is the answer.
type section uint8

const (
	answerSection section = iota
	authoritySection
	additionalSection
)

// keptRRset is an RRset that belongs to the answer or to its proofs.
type keptRRset struct {
	name    string
	rtype   uint16
	section section // in which it is
	ttl     uint32
	sig     *dns.RRSIG // that proved it, if one did
}

// keptFor returns the RRset to keep with a name and type in a section, or nil.
func keptFor(kept []keptRRset, name string, rtype uint16, in section) *keptRRset {
	for i := range kept {
		if kept[i].name == name && kept[i].rtype == rtype && kept[i].section == in {
			return &kept[i]
		}
	}
	return nil
}

// Rcode returns the response code that the answer for the client has, if it is not
// refused.
func (r *Result) Rcode() int { return r.rcode }

// finish completes the result of a response that was judged.
func (r *Result) finish(q *query) {
	r.Judged, r.reportOnly = true, q.v.options.ReportOnly
	r.Hashes = q.verifier.Budget.Spent().Hashes
	if !q.v.options.At.IsZero() {
		r.Expires = time.Time{}
	}
}

// settled reports whether there is no use in asking again.
func (r *Result) settled() bool {
	return r.whole() || r.Status == dnssec.Bogus && (r.inherited || r.Reason.Unfinished())
}

// whole reports whether the response can be passed on as it is.
func (r *Result) whole() bool { return r.Status != dnssec.Bogus && !r.partial }

// better reports whether a result is whole, or got further than another one that is not:
// along the alias chain first, then through the checks of RFC 4035, section 5.3.
func (r *Result) better(other *Result) bool {
	return r.whole() || cmp.Or(cmp.Compare(r.verified, other.verified), cmp.Compare(len(r.sets.path), len(other.sets.path)),
		cmp.Compare(r.Status, other.Status), cmp.Compare(r.Reason, other.Reason)) > 0
}

// judgeAndRetry judges the response, and asks again before it calls it bogus: another
// upstream may have the signatures that this one left out. If aliases are verified and
// nothing is said of their target, the target is asked for. What lacks a signature that it
// has in a response of its own is asked for by its type first. If the chain proves that there
// is no such name nothing is asked again. It returns the best result, and leaves the response
// that it is about in msg.
func (q *query) judgeAndRetry(msg **dns.Msg) *Result {
	var tried []question
	result := q.judgeCompleted(msg, &tried)
	for e := again; e < q.efforts(result.Reason) && !result.settled() && q.ctx.Err() == nil; e++ {
		plain := q.plain
		next := q.answerAgain(*msg, result, e)
		if next == nil {
			continue
		}
		other := q.judgeCompleted(&next, &tried)
		if other.verified > result.verified { // another target, with efforts of its own
			e = usual
		}
		if plain && other.whole() {
			q.v.mixed.noteRecovery(result.Reason, q.now)
		}
		if other.better(result) {
			*msg, result = next, other
		}
	}
	return result
}

// judgeCompleted judges a response. If it is bogus, a denial by the chain replaces it, or what
// lacks its signature is asked for by its type. It leaves the response that the result is
// about in msg.
func (q *query) judgeCompleted(msg **dns.Msg, tried *[]question) (result *Result) {
	*msg, result = q.orDenied(*msg, q.judgeResponse(*msg))
	result = q.complete(msg, result, tried)
	*msg, result = q.orDenied(*msg, result)
	return result
}
