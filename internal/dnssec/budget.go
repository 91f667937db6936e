package dnssec

import "sync/atomic"

// Limits of the work for one response, from what the established validators chose
// after CVE-2023-50387 and CVE-2023-50868. An attack is made of checks that fail, and
// an honest answer hardly ever has one: a signature that is wrong beside a good one,
// or a second key of the same tag. So few failed ones are enough.
const (
	MaxSignatures     = 32   // signature checks for a client's query, failed ones too
	MaxFailed         = 4    // of these failed
	MaxFailedPerRRset = 2    // failed ones for an RRset, also those that the ledger knows
	MaxCandidates     = 32   // RRSIG records of an RRset that are looked at
	MaxKeysPerTag     = 4    // DNSKEYs of one tag and algorithm that are tried
	MaxDS             = 8    // DS records of a zone that are tried
	MaxDNSKEY         = 32   // DNSKEY records of a zone
	MaxNSEC3PerProof  = 8    // NSEC3 records of a response
	MaxHashes         = 64   // NSEC3 owner names that are computed
	MaxHashBlocks     = 8192 // SHA-1 blocks for all of them
	MaxIterations     = 150  // NSEC3 iterations that are computed (RFC 9276, section 3.2)
)

// dearHash is how many SHA-1 blocks are worth a turn.
const dearHash = 16

// Turns shares the processors among all queries: what is costly is computed in turn.
// Nothing waits for an upstream in its turn.
type Turns interface {
	// Do makes the step when it is its turn, and returns its result; ok is false, and
	// the step is not made, if there is too much to do.
	Do(step func() bool) (result, ok bool)
}

// Budget is what one response may still cost. It is spent before each expensive
// step, and the first step that it does not cover fails with LimitExceeded. Several
// goroutines may spend from it; steps that they are at together may all fail.
type Budget struct {
	signatures, failures, hashes, blocks atomic.Int32

	turns Turns
}

// NewBudget returns the budget for one client's query. Without turns all is computed
// right here.
func NewBudget(turns Turns) *Budget {
	b := Budget{turns: turns}
	b.signatures.Store(MaxSignatures)
	b.failures.Store(MaxFailed)
	b.hashes.Store(MaxHashes)
	b.blocks.Store(MaxHashBlocks)
	return &b
}

// Spent is what a response has cost.
type Spent struct {
	Signatures int // that were computed
	Failed     int // of these
	Hashes     int // NSEC3 owner names that were computed
	Blocks     int // SHA-1 blocks of these
}

// Spent returns what was spent until now. What the budget did not cover is counted
// neither, but for the failures of steps that were made together.
func (b *Budget) Spent() Spent {
	used := func(most int, left *atomic.Int32) int { return most - int(max(left.Load(), 0)) }
	return Spent{
		Signatures: used(MaxSignatures, &b.signatures), Failed: MaxFailed - int(b.failures.Load()),
		Hashes: used(MaxHashes, &b.hashes), Blocks: used(MaxHashBlocks, &b.blocks),
	}
}

// check pays for a signature check, and makes it in its turn.
func (b *Budget) check(verify func() bool) (good bool, f *Failure) {
	if b.failures.Load() <= 0 || b.signatures.Add(-1) < 0 {
		return false, fail(LimitExceeded, "signature checks for one query")
	}
	if good, f = b.inTurn(verify); f == nil && !good {
		b.failures.Add(-1)
	}
	return good, f
}

// spendHash pays for one NSEC3 hash of so many SHA-1 blocks.
func (b *Budget) spendHash(blocks int) *Failure {
	if b.hashes.Add(-1) < 0 || b.blocks.Add(int32(-blocks)) < 0 {
		return fail(LimitExceeded, "NSEC3 hashes for one query")
	}
	return nil
}

func (b *Budget) inTurn(step func() bool) (result bool, f *Failure) {
	if b.turns == nil {
		return step(), nil
	}
	result, ok := b.turns.Do(step)
	if !ok {
		return false, fail(Overloaded, "too many checks wait")
	}
	return result, nil
}
