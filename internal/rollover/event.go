package rollover

import (
	"fmt"

	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// Cause is what made a key change its state: the events of RFC 5011, section 4.1,
// and four of our own.
type Cause uint8

// The causes.
const (
	NewKey   Cause = iota + 1 // Start to AddPend: a new key is published
	AddTime                   // AddPend to Valid: it was there all the hold-down time
	KeyRem                    // AddPend to Start, Valid to Missing: it is not published any more
	KeyPres                   // Missing to Valid: it is published again
	RevBit                    // Valid or Missing to Revoked: it has revoked itself
	RemTime                   // Revoked to Removed: it was gone all the hold-down time
	Resolved                  // a configured DS: the key was seen
	LongGone                  // Missing to Start: it was gone for too long
	NotSEP                    // Valid or Missing to Start: it has no SEP flag, and there are keys that have
	Deleted                   // of the zone: its last trusted key is revoked

	causes
)

var causeTexts = [causes]string{
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

// String returns the cause in words.
func (c Cause) String() string {
	if c >= causes {
		return "unknown"
	}
	return causeTexts[c]
}

// Event is a change of one key, or of the zone as a whole if the cause is Deleted.
type Event struct {
	Zone      string
	KeyTag    uint16 // without the REVOKE bit
	Algorithm uint8
	From, To  State
	Cause     Cause
}

// String returns a line for a log.
func (e Event) String() string {
	if e.Cause == Deleted {
		return fmt.Sprintf("zone %s %s", e.Zone, e.Cause)
	}
	return fmt.Sprintf("DNSKEY %s (tag %d, %s) %s: from %s to %s", e.Zone, e.KeyTag, dnssec.AlgorithmName(e.Algorithm), e.Cause, e.From, e.To)
}
