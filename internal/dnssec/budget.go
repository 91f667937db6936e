package dnssec

import "sync/atomic"

// Limits of the work for one response, from what the established validators chose
// after CVE-2023-50387 and CVE-2023-50868.
const (
	MaxSignatures         = 32   // signature checks for a client's query, failed ones too
	MaxSignaturesPerRRset = 8    // signature checks for an RRset
	MaxCandidates         = 32   // RRSIG records of an RRset that are looked at
	MaxKeysPerTag         = 4    // DNSKEYs of one tag and algorithm that are tried
	MaxDS                 = 8    // DS records of a zone that are tried
	MaxDNSKEY             = 32   // DNSKEY records of a zone
	MaxNSEC3PerProof      = 8    // NSEC3 records of a response
	MaxHashes             = 64   // NSEC3 owner names that are computed
	MaxHashBlocks         = 8192 // SHA-1 blocks for all of them
	MaxIterations         = 150  // NSEC3 iterations that are computed (RFC 9276, section 3.2)
)

// Budget is what one response may still cost. It is spent before each expensive
// step, and the first step that it does not cover fails with LimitExceeded. Several
// goroutines may spend from it.
type Budget struct {
	signatures, hashes, blocks atomic.Int32
}

// NewBudget returns the budget for one client's query.
func NewBudget() *Budget {
	var b Budget
	b.signatures.Store(MaxSignatures)
	b.hashes.Store(MaxHashes)
	b.blocks.Store(MaxHashBlocks)
	return &b
}

func (b *Budget) spendSignature() *Failure {
	if b.signatures.Add(-1) < 0 {
		return fail(LimitExceeded, "signature checks for one query")
	}
	return nil
}

// spendHash pays for one NSEC3 hash of so many SHA-1 blocks.
func (b *Budget) spendHash(blocks int) *Failure {
	if b.hashes.Add(-1) < 0 || b.blocks.Add(int32(-blocks)) < 0 {
		return fail(LimitExceeded, "NSEC3 hashes for one query")
	}
	return nil
}
