package rollover

// State is a state of a key (RFC 5011, section 4.2). The zero value is Start, so that
// an unset State is never trusted.
type State uint8

// The states.
const (
	Start State = iota
	AddPend
	Valid
	Missing
	Revoked
	Removed

	numStates
)

var stateWords = [numStates]string{"start", "addpend", "valid", "missing", "revoked", "removed"}

// String returns the state in lower case, as used in logs, metrics and the state
// file.
func (s State) String() string {
	if s >= numStates {
		return "unknown"
	}
	return stateWords[s]
}

// Trusted reports whether keys in this state are trust anchors.
func (s State) Trusted() bool { return s == Valid || s == Missing }

// stateFromWord is the inverse of State.String.
func stateFromWord(word string) (s State, ok bool) {
	for s := range numStates {
		if stateWords[s] == word {
			return s, true
		}
	}
	return Start, false
}
