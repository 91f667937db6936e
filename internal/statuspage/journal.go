package statuspage

import (
	"slices"
	"sync"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	lru "github.com/hashicorp/golang-lru/v2"
)

// journalSize bounds the entries of a journal.
const journalSize = 200

// Journal keeps the latest failures: one entry for each question and reason, however
// often it failed.
type Journal struct {
	mu      sync.Mutex
	entries *lru.Cache[journalKey, Entry]
}

// journalKey is what the failures of an entry have in common.
type journalKey struct {
	name, qtype string
	reason      dnssec.Reason
}

// Failure is one question that failed.
type Failure struct {
	Time   time.Time
	Name   string
	Type   string
	Client string // the address of who asked
	Zone   string // the closest one that is known
	Reason dnssec.Reason
	Detail string // the sentence of the log
}

// Entry is the failures of one question for one reason. Client, Zone and Detail are those
// of the last.
type Entry struct {
	Last   time.Time `json:"time"`
	First  time.Time `json:"first"`
	Times  int       `json:"times"`
	Name   string    `json:"name"`
	Type   string    `json:"type"`
	Client string    `json:"client"`
	Zone   string    `json:"zone"`
	Reason string    `json:"reason"`
	Detail string    `json:"detail"`
	Remedy string    `json:"remedy"`
}

// newJournal returns an empty journal.
func newJournal() *Journal {
	entries, _ := lru.New[journalKey, Entry](journalSize) // fails for sizes below 1 only
	return &Journal{entries: entries}
}

// Note enters a failure. The entry that was noted longest ago makes room for a new one.
func (j *Journal) Note(f Failure) {
	key := journalKey{f.Name, f.Type, f.Reason}
	j.mu.Lock()
	defer j.mu.Unlock()
	e, known := j.entries.Peek(key)
	if !known {
		e = Entry{First: f.Time, Name: f.Name, Type: f.Type, Reason: f.Reason.String(), Remedy: f.Reason.Remedy()}
	}
	e.Last, e.Client, e.Zone, e.Detail = f.Time, f.Client, f.Zone, f.Detail
	e.Times++
	j.entries.Add(key, e)
}

// newestFirst returns the entries, the one that was noted last first.
func (j *Journal) newestFirst() []Entry {
	entries := j.entries.Values()
	slices.Reverse(entries)
	return entries
}
