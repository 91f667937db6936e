package dnssec

import "sync/atomic"

// Limits on the work for one query. They follow what validators chose after
// CVE-2023-50387 (KeyTrap) and CVE-2023-50868 (NSEC3 hashing). Failed checks have low
// limits: an attack consists of them, and an honest response rarely has one, such as
// an invalid signature beside a valid one or a second key with the same tag. Valid ones
// are limited by what they cost: 11 aliases to zones of their own take 85 checks if three
// zones above each of them are not known yet.
const (
	MaxSignatureCost  = 256  // signature checks for a client's query, failed ones too: 256 of P-256 or 32 of P-384
	MaxFailed         = 4    // failed signature checks for a client's query
	MaxFailedPerRRset = 2    // failed signature checks for an RRset, including those known to the Ledger
	MaxCandidates     = 32   // RRSIG records of an RRset that are considered
	MaxKeysPerTag     = 4    // DNSKEY records with one key tag and algorithm that are tried
	MaxDS             = 8    // DS records of a zone that have the key tag of a key and do not match it
	MaxDNSKEY         = 32   // DNSKEY records of a zone
	MaxNSEC3PerProof  = 32   // NSEC3 records in a response: those of 11 wildcards, and of a denial at the end
	MaxHashes         = 64   // NSEC3 owner names hashed for a client's query
	MaxHashBlocks     = 8192 // SHA-1 blocks for all these hashes
	MaxIterations     = 150  // NSEC3 iterations (RFC 9276, section 3.2); BIND and Unbound chose 150 in 2021
)

// expensiveHashBlocks is the number of SHA-1 blocks from which on an NSEC3 hash is
// computed through Turns.
const expensiveHashBlocks = 16

// Turns limits the expensive steps that run at the same time, over all queries. A
// step is a signature check or an expensive NSEC3 hash. No step waits for the
// network.
type Turns interface {
	// Do runs step, possibly after waiting, and returns its result. ok is false if step
	// was not run because too many steps are waiting.
	Do(step func() bool) (result, ok bool)
}

// Budget is the remaining work for one client's query. It is charged before each
// expensive step, and a step that exceeds it fails with LimitExceeded. It is safe for
// concurrent use. Concurrent steps may all fail when together they exceed the budget.
type Budget struct {
	cost, signatures, failures, hashes, blocks atomic.Int32 // what is left; of signatures what was checked

	scheduler Turns
}

// NewBudget returns the full budget for one client's query. Expensive steps run
// through scheduler, or directly if it is nil.
func NewBudget(scheduler Turns) *Budget {
	b := Budget{scheduler: scheduler}
	b.cost.Store(MaxSignatureCost)
	b.failures.Store(MaxFailed)
	b.hashes.Store(MaxHashes)
	b.blocks.Store(MaxHashBlocks)
	return &b
}

// Spent is the work that was charged for one client's query.
type Spent struct {
	Signatures int // signature checks
	Cost       int // of these, in units of MaxSignatureCost
	Failed     int // failed signature checks
	Hashes     int // NSEC3 owner names hashed
	Blocks     int // SHA-1 blocks for these hashes
}

// Spent returns the work charged so far. No count exceeds its limit, except that
// concurrent failures may raise Failed above MaxFailed.
func (b *Budget) Spent() Spent {
	spent := func(most int, left *atomic.Int32) int { return most - int(max(left.Load(), 0)) }
	return Spent{
		Signatures: int(b.signatures.Load()), Cost: spent(MaxSignatureCost, &b.cost), Failed: MaxFailed - int(b.failures.Load()),
		Hashes: spent(MaxHashes, &b.hashes), Blocks: spent(MaxHashBlocks, &b.blocks),
	}
}

// verifySignature charges the budget for one signature check and runs it. It fails
// with LimitExceeded or Overloaded if the check was not run.
func (b *Budget) verifySignature(cost int, verify func() bool) (good bool, f *Failure) {
	if b.failures.Load() <= 0 || b.cost.Add(int32(-cost)) < 0 {
		return false, fail(LimitExceeded, "signature checks for one query")
	}
	b.signatures.Add(1)
	if good, f = b.schedule(verify); f == nil && !good {
		b.failures.Add(-1)
	}
	return good, f
}

// spendHash charges the budget for one NSEC3 hash of the given number of SHA-1
// blocks.
func (b *Budget) spendHash(blocks int) *Failure {
	if b.hashes.Add(-1) < 0 || b.blocks.Add(int32(-blocks)) < 0 {
		return fail(LimitExceeded, "NSEC3 hashes for one query")
	}
	return nil
}

// schedule runs step through Turns. It fails with Overloaded if step was not run.
func (b *Budget) schedule(step func() bool) (result bool, f *Failure) {
	if b.scheduler == nil {
		return step(), nil
	}
	result, ok := b.scheduler.Do(step)
	if !ok {
		return false, fail(Overloaded, "too many checks wait")
	}
	return result, nil
}
