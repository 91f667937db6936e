package dnssecval

import (
	"slices"
	"sync"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/miekg/dns"
)

// journaled bounds the failures that a journal has.
const journaled = 200

// journal is the failures of late, for the status page: one entry for a question and
// reason, however often it failed.
type journal struct {
	mu      sync.Mutex
	entries *lru.Cache[loggedFailure, journalEntry]
}

// journalEntry is a failure as the page has it.
type journalEntry struct {
	Last   time.Time `json:"time"`
	First  time.Time `json:"first"`
	Times  int       `json:"times"`
	Name   string    `json:"name"`
	Type   string    `json:"type"`
	Client string    `json:"client"` // who asked last
	Zone   string    `json:"zone"`   // the closest that is known
	Reason string    `json:"reason"`
	Detail string    `json:"detail"` // the sentence of the log
	Remedy string    `json:"remedy"`
}

func newJournal() *journal {
	entries, _ := lru.New[loggedFailure, journalEntry](journaled) // fails for sizes below 1 only
	return &journal{entries: entries}
}

// note enters why a query failed. Without a status page there is no journal.
func (j *journal) note(q *query, f dnssec.Finding) {
	if j == nil {
		return
	}
	zone, ok := q.v.zoneOf(q.question)
	if !ok {
		zone = nothing
	}
	key := loggedFailure{q.question, f.Reason}
	j.mu.Lock()
	defer j.mu.Unlock()
	e, known := j.entries.Peek(key)
	if !known {
		e = journalEntry{First: q.now, Name: q.question.name, Type: dns.Type(q.question.qtype).String(), Reason: f.Reason.String(), Remedy: f.Reason.Remedy()}
	}
	e.Last, e.Client, e.Zone, e.Detail = q.now, q.client(), zone, sentence(f)
	e.Times++
	j.entries.Add(key, e)
}

// newestFirst returns what the journal has.
func (j *journal) newestFirst() []journalEntry {
	entries := j.entries.Values()
	slices.Reverse(entries)
	return entries
}
