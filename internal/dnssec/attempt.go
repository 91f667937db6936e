package dnssec

import "sync"

// attempt is the search for a signature and a key that verify one RRset. It is used again
// for later RRsets, with its buffers.
type attempt struct {
	verifier   *Verifier
	set        RRset
	data       signedData
	packed     bool   // the RRset is in data
	failed     int    // signature checks that failed, including those known to the Ledger
	candidates []*key // buffer of candidateKeys

	step   func() bool // checks the signature in data with key, unless that was done meanwhile
	key    *key
	digest Digest // of this check
}

var attempts = sync.Pool{New: func() any {
	a := new(attempt)
	a.step = a.compute
	return a
}}

// attempt returns an attempt for an RRset. The caller has to call end.
func (v *Verifier) attempt(set RRset) *attempt {
	a := attempts.Get().(*attempt)
	a.verifier, a.set, a.packed, a.failed = v, set, false, 0
	return a
}

// end gives the attempt back. Nothing of it may be used afterwards.
func (a *attempt) end() {
	clear(a.candidates)
	a.verifier, a.set, a.key = nil, RRset{}, nil
	a.data.set = RRset{}
	attempts.Put(a)
}

// check verifies the signature in data within the budget.
func (a *attempt) check(k *key) (good bool, f *Failure) {
	a.key = k
	return a.verifier.Budget.verifySignature(k.cost(), a.step)
}

// compute verifies the signature in data, when it is its turn. Queries for one zone often need
// the same signature at the same time: what was computed for another one meanwhile counts.
func (a *attempt) compute() (good bool) {
	ledger := a.verifier.Ledger
	if ledger == nil {
		return a.key.verify(a.data.signed, a.data.signature)
	}
	if good, known := ledger.Meanwhile(a.digest); known {
		return good
	}
	good = a.key.verify(a.data.signed, a.data.signature)
	ledger.Checked(a.digest, a.key.algorithm(), good)
	return good
}

// The failures have functions of their own, to keep them out of the stack frames above a
// signature check.

// malformed returns why the RRset can't be authenticated by any signature, or nil.
//
//go:noinline
func (a *attempt) malformed() *Failure {
	switch {
	case len(a.set.RRs) == 0:
		return fail(ResponseMalformed, a.set.String()+" has no records")
	case a.set.hasSeveralTargets():
		return fail(CNAMEChainInvalid, a.set.String()+" has several targets")
	default:
		return nil
	}
}

// unsigned returns the failure that no signature is by the zone.
//
//go:noinline
func (a *attempt) unsigned(zone string) *Failure {
	return fail(SignatureMissing, "no RRSIG "+a.set.String()+" by "+zone)
}

// limit returns the failure that there are too many of something of the RRset.
//
//go:noinline
func (a *attempt) limit(what string) *Failure { return fail(LimitExceeded, what+a.set.String()) }
