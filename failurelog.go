package dnssecval

import (
	"fmt"
	"strings"
	"sync"
	"time"

	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/dnssecval/dnssecval/validator"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/miekg/dns"
)

const (
	logInterval  = time.Minute // between lines of one name and reason
	loggedNames  = 1000
	linesPerTick = 100 // lines of all names in an interval
)

// failureLog writes a line for each failure, at most one a minute for a question and
// reason and a limited number in all, so that an attack does not fill a disk. A line has
// the number of those that were left out before it.
type failureLog struct {
	out  clog.P
	mu   sync.Mutex
	seen *lru.Cache[loggedFailure, *heldBack]
	all  heldBack
	left int
}

type loggedFailure struct {
	question
	reason validator.Reason
}

type heldBack struct {
	until time.Time
	count int
}

func newFailureLog(out clog.P) *failureLog {
	seen, _ := lru.New[loggedFailure, *heldBack](loggedNames) // fails for sizes below 1 only
	return &failureLog{out: out, seen: seen}
}

// log writes "bogus: NAME TYPE from CLIENT: token: detail".
func (l *failureLog) log(q question, client string, f validator.Finding, now time.Time) {
	held, ok := l.admit(loggedFailure{q, f.Reason}, now)
	if !ok {
		return
	}
	more := ""
	if held > 0 {
		more = fmt.Sprintf(" (%d more held back)", held)
	}
	line := fmt.Sprintf("%s: %s %s from %s: %s%s", f.Status, q.name, dns.Type(q.qtype), client, f.String(), more)
	l.out.Warning(strings.ReplaceAll(line, `\ `, `\032`)) // a space in a name would look like its end
}

// admit decides whether a line may be written, and returns how many were left out before
// it.
func (l *failureLog) admit(key loggedFailure, now time.Time) (held int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !now.Before(l.all.until) {
		l.all.until, l.left = now.Add(logInterval), linesPerTick
	}
	same, known := l.seen.Get(key)
	if known && now.Before(same.until) {
		same.count++
		return 0, false
	}
	if l.left == 0 {
		l.all.count++
		return 0, false
	}
	l.left--
	held = l.all.count
	l.all.count = 0
	if known {
		held += same.count
	}
	l.seen.Add(key, &heldBack{until: now.Add(logInterval)})
	return held, true
}
