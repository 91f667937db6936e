package dnssecval

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/dnssecval/dnssecval/internal/statuspage"
	"github.com/dnssecval/dnssecval/validator"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	logInterval  = time.Minute // between lines of one name and reason
	loggedNames  = 1000
	linesPerTick = 100 // lines for all names in an interval
)

// failureLog writes a line for each failure, at most one a minute for a question and
// reason and a limited number in all, so that an attack does not fill a disk. A line has
// the number of those that were left out before it.
type failureLog struct {
	out  clog.P
	mu   sync.Mutex
	seen *lru.Cache[loggedFailure, *suppressed]
	all  suppressed
	left int // lines that may still be written in the interval
}

// loggedFailure is what has one line in an interval.
type loggedFailure struct {
	question
	reason validator.Reason
}

// suppressed counts the lines that were not written until a time.
type suppressed struct {
	until time.Time
	count int
}

// newFailureLog makes a log of failures.
func newFailureLog(out clog.P) *failureLog {
	seen, _ := lru.New[loggedFailure, *suppressed](loggedNames) // fails for sizes below 1 only
	return &failureLog{out: out, seen: seen}
}

// log writes "bogus: NAME TYPE from CLIENT: token: detail".
func (l *failureLog) log(q question, client string, f validator.Finding, now time.Time) {
	omitted, ok := l.admit(loggedFailure{q, f.Reason}, now)
	if !ok {
		return
	}
	more := ""
	if omitted > 0 {
		more = fmt.Sprintf(" (%d more held back)", omitted)
	}
	line := fmt.Sprintf("%s: %s %s from %s: %s%s", f.Status, q.name, dns.Type(q.qtype), client, f.String(), more)
	l.out.Warning(strings.ReplaceAll(line, `\ `, `\032`)) // a space in a name would look like its end
}

// admit decides whether a line may be written, and returns how many were left out before
// it.
func (l *failureLog) admit(key loggedFailure, now time.Time) (omitted int, ok bool) {
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
	omitted = l.all.count
	l.all.count = 0
	if known {
		omitted += same.count
	}
	l.seen.Add(key, &suppressed{until: now.Add(logInterval)})
	return omitted, true
}

// showStatus adds the block to the status page that it names, if it names one, until it is
// stopped.
func (b *block) showStatus(stopped <-chan struct{}) error {
	if !b.words.status.IsValid() {
		return nil
	}
	page, err := statuspage.Join(b.words.status, b, exportedCounters)
	if err != nil {
		return err
	}
	b.journal = page.Journal()
	go func() {
		<-stopped
		page.Leave(b)
	}()
	return nil
}

// View implements statuspage.Block. What the block serves, judged by a validator of its
// own, is shown with the rest.
func (b *block) View(most int) statuspage.BlockView {
	shown := statuspage.BlockView{Directive: b.directive, Zones: b.words.zones, Servers: b.servers, ReportOnly: b.words.reportOnly,
		Anchors: []statuspage.Anchor{}, Negative: []statuspage.NegativeAnchor{}, Known: []statuspage.Zone{}}
	for _, a := range b.trust.states() {
		shown.Anchors = append(shown.Anchors, statuspage.Anchor{Zone: a.zone, KeyTag: a.tag, State: a.state})
	}
	set := b.trust.set()
	for _, zone := range set.NegativeZones() {
		negative, _ := set.Negative(zone)
		n := statuspage.NegativeAnchor{Zone: zone, Ended: !negative.InForce(b.now())}
		if !negative.Until.IsZero() {
			n.Until = &negative.Until
		}
		shown.Negative = append(shown.Negative, n)
	}
	for _, engine := range b.engines() {
		zones, all := engine.KnownZones(most - len(shown.Known))
		shown.KnownInAll += all
		for _, z := range zones {
			shown.Known = append(shown.Known, statuspage.Zone{Name: z.Name, Status: z.Status.String(), Reason: z.Reason.String(), Detail: z.Detail, Expires: z.Expires})
		}
	}
	return shown
}

// exportedCounters returns the counters that the metrics of a directive have for some servers.
func exportedCounters(directive string, servers []string) ([]statuspage.Counter, error) {
	counters := []statuspage.Counter{}
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		return nil, err
	}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "coredns_"+directive+"_") {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := make(map[string]string)
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if m.GetCounter() != nil && slices.Contains(servers, labels["server"]) {
				counters = append(counters, statuspage.Counter{Name: family.GetName(), Labels: labels, Value: m.GetCounter().GetValue()})
			}
		}
	}
	return counters, nil
}

// note enters a failure into the journal of the status page, if there is one.
func (b *block) note(cl *client, engine *validator.Validator, f validator.Finding) {
	if b.journal == nil {
		return
	}
	zone, ok := engine.ZoneOf(cl.question.name, cl.question.qtype)
	if !ok {
		zone = nothing
	}
	b.journal.Note(statuspage.Failure{Time: cl.now, Name: cl.question.name, Type: dns.Type(cl.question.qtype).String(),
		Client: cl.address(), Zone: zone, Reason: f.Reason, Detail: f.String()})
}
