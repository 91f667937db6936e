package rollover

// State is what a key is to the resolver (RFC 5011, section 4.2). The zero value is
// Start, so that nothing is trusted by accident.
type State uint8

// The states.
const (
	Start State = iota
	AddPend
	Valid
	Missing
	Revoked
	Removed

	states // how many there are
)

var stateWords = [states]string{"start", "addpend", "valid", "missing", "revoked", "removed"}

// String returns the word in lower case, as logs, metrics and the state file have it.
func (s State) String() string {
	if s >= states {
		return "unknown"
	}
	return stateWords[s]
}

// Trusted tells whether keys in this state are trust anchors.
func (s State) Trusted() bool { return s == Valid || s == Missing }

// stateOf returns the state that a word stands for.
func stateOf(word string) (s State, ok bool) {
	for s := range states {
		if stateWords[s] == word {
			return s, true
		}
	}
	return Start, false
}
