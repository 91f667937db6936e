package rollover

import (
	"fmt"

	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// Cause is the reason for a change of state: an event of RFC 5011, section 4.1, or
// one of the four that this package adds, from Resolved to Deleted.
type Cause uint8

// The causes, with the changes of state.
const (
	NewKey   Cause = iota + 1 // Start to AddPend: a new key is published
	AddTime                   // AddPend to Valid: it was published for its hold-down time
	KeyRem                    // AddPend to Start, Valid to Missing: it is no longer published
	KeyPres                   // Missing to Valid: it is published again
	RevBit                    // Valid or Missing to Revoked: it has revoked itself
	RemTime                   // Revoked to Removed: it was not published for the remove hold-down time
	Resolved                  // the key of a configured DS was published
	LongGone                  // Missing to Start: it was not published for KeepMissing
	NotSEP                    // Valid or Missing to Start: it has no SEP flag, and trusted keys with it suffice
	Deleted                   // of the zone: its last trusted key was revoked

	numCauses
)

var causeTexts = [numCauses]string{
	NewKey:   "is new, and waits for its hold-down to end",
	AddTime:  "was published all its hold-down time",
	KeyRem:   "is not published any more",
	KeyPres:  "is published again",
	RevBit:   "has revoked itself",
	RemTime:  "was revoked, and is gone",
	Resolved: "is the key of a configured DS",
	LongGone: "has been missing for too long",
	NotSEP:   "has no SEP flag, and other trusted keys have",
	Deleted:  "has no trust anchor any more: every one is revoked; give it new ones",
}

// String returns the predicate of the log line, such as "is published again".
func (c Cause) String() string {
	if c >= numCauses {
		return "unknown"
	}
	return causeTexts[c]
}

// Event is a change of state of one key, or of the zone if the cause is Deleted.
type Event struct {
	Zone      string
	KeyTag    uint16 // computed without the REVOKE bit
	Algorithm uint8
	From, To  State
	Cause     Cause
}

// String returns the text of a log line.
func (e Event) String() string {
	if e.Cause == Deleted {
		return fmt.Sprintf("zone %s %s", e.Zone, e.Cause)
	}
	return fmt.Sprintf("DNSKEY %s (tag %d, %s) %s: from %s to %s", e.Zone, e.KeyTag, dnssec.AlgorithmName(e.Algorithm), e.Cause, e.From, e.To)
}
