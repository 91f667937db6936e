package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

const (
	tries       = 3
	pause       = time.Second // minimum time between the starts of two tries
	timeout     = 5 * time.Second
	maxExamples = 20 // maximum number of failures that are shown
)

// load asks questions and counts the results.
type load struct {
	rand   *rand.Rand
	up     *upstream
	server *server

	mu                                     sync.Mutex
	asked, secure, insecure, refused       int
	retried, excused, lost, wrong, islands int
	due                                    int // number of questions that the rate asked for
	closed                                 int // retried because a TCP connection was closed
	strict                                 int // asked while failures were not excused
	examples                               []string
}

func newLoad(r *rand.Rand, up *upstream, s *server) *load {
	return &load{rand: r, up: up, server: s}
}

// question is one question to ask.
type question struct {
	kind
	qname   string
	network string
	do, ad  bool
}

func (q question) String() string {
	return fmt.Sprintf("%s %s over %s, DO %v, AD %v", q.qname, dns.Type(q.qtype), q.network, q.do, q.ad)
}

// run asks rate questions per second until ctx is done, then waits for the
// answers.
func (l *load) run(ctx context.Context, rate int) {
	ticker := time.NewTicker(time.Second / time.Duration(rate))
	defer ticker.Stop()
	begin := time.Now()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		select {
		case <-ctx.Done():
			l.due += int(time.Since(begin).Seconds() * float64(rate))
			return
		case <-ticker.C:
			q := l.choose()
			wg.Go(func() { l.ask(q) })
		}
	}
}

func (l *load) choose() question {
	k := kinds[l.rand.IntN(len(kinds))]
	q := question{kind: k, network: "udp", do: l.rand.IntN(2) == 0, ad: l.rand.IntN(2) == 0}
	q.qname = strings.Replace(k.name, "N", strconv.Itoa(int(l.rand.Uint32())), 1)
	if l.rand.IntN(5) == 0 {
		q.network = "tcp"
	}
	return q
}

// ask sends a question, up to three times, and judges the answer.
func (l *load) ask(q question) {
	m := new(dns.Msg).SetQuestion(q.qname, q.qtype)
	m.AuthenticatedData = q.ad
	if q.do {
		m.SetEdns0(1232, true)
	}
	client := dns.Client{Net: q.network, Timeout: timeout}
	begin := time.Now()
	for try := range tries {
		next := time.Now().Add(pause)
		a, _, err := client.Exchange(m, l.server.addr)
		if err == nil && a.Truncated {
			client.Net = "tcp"
			a, _, err = client.Exchange(m, l.server.addr)
		}
		if err == nil {
			l.judge(q, a, begin)
			return
		}
		l.noteRetry(try, err)
		time.Sleep(time.Until(next))
	}
	l.judge(q, nil, begin)
}

// noteRetry counts the first retry of a question.
func (l *load) noteRetry(try int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if try > 0 {
		return
	}
	l.retried++
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		l.closed++
	}
}

// judge counts the answer to a question that was first sent at begin. A nil
// answer means that there was none.
func (l *load) judge(q question, a *dns.Msg, begin time.Time) {
	excused := l.up.excuses(begin, time.Now())
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if !excused {
		l.strict++
	}
	failure := q.failure(a)
	switch {
	case q.mistake(a) != "":
		l.wrong++
		l.show("wrong", q, begin, q.mistake(a))
	case failure != "" && excused:
		l.excused++
	case failure != "":
		l.lost++
		l.show("lost", q, begin, failure)
	case a.AuthenticatedData:
		l.secure++
		if q.status == island {
			l.islands++
		}
	case q.status == broken:
		l.refused++
	default:
		l.insecure++
	}
}

func (l *load) show(what string, q question, begin time.Time, why string) {
	if len(l.examples) < maxExamples {
		l.examples = append(l.examples, fmt.Sprintf("%s %s: %s: %s; after %v, the upstream is %q, a reload was %v ago",
			time.Now().Format(time.TimeOnly), what, q, why, time.Since(begin).Round(time.Millisecond), l.up.now(), l.server.sinceReload().Round(time.Millisecond)))
	}
}

// failed reports whether the answer is missing or has an error rcode.
func failed(a *dns.Msg) bool {
	return a == nil || a.Rcode != dns.RcodeSuccess && a.Rcode != dns.RcodeNameError
}

// failure returns why an answer counts as lost, or "". Questions for broken
// names have to be answered as well.
func (q question) failure(a *dns.Msg) string {
	switch {
	case a == nil:
		return "no answer"
	case failed(a) && q.status != broken:
		return dns.RcodeToString[a.Rcode] + reason(a)
	}
	return ""
}

// reason returns the text of the Extended DNS Error, or "".
func reason(a *dns.Msg) string {
	if ede := testzone.ExtendedError(a); ede != nil {
		return " " + ede.ExtraText
	}
	return ""
}

// mistake returns why an answer is a wrong verdict, or "".
func (q question) mistake(a *dns.Msg) string {
	switch {
	case failed(a):
		return ""
	case q.status == broken:
		return "an answer for a broken name"
	case a.Rcode != q.rcode:
		return dns.RcodeToString[a.Rcode]
	case a.AuthenticatedData && q.status == insecure:
		return "AD on an answer that is not secure"
	case !a.AuthenticatedData && q.status == secure && (q.do || q.ad):
		return "no AD on a secure answer"
	}
	return ""
}

func (l *load) report(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(w, "%d questions, of %d that were due, %d of them without excuse for a failure: %d answered secure, %d without AD, %d refused as broken\n",
		l.asked, l.due, l.strict, l.secure, l.insecure, l.refused)
	fmt.Fprintf(w, "%d took another try, %d of them since CoreDNS closed their TCP connection\n", l.retried, l.closed)
	fmt.Fprintf(w, "%d failed with the upstream\n%d answers lost\n%d wrong verdicts\n", l.excused, l.lost, l.wrong)
	for _, line := range l.examples {
		fmt.Fprintln(w, "   ", line)
	}
}

// verdict returns the error of the whole run.
func verdict(l *load, t table) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	leaks := t.leaks()
	switch {
	case l.lost > 0 || l.wrong > 0:
		return fmt.Errorf("%d answers lost, %d wrong verdicts", l.lost, l.wrong)
	case l.strict < l.asked/10:
		return fmt.Errorf("the machine is too busy for a result: failures of %d questions in %d would have been excused", l.asked-l.strict, l.asked)
	case len(leaks) > 0:
		return fmt.Errorf("leaks: %s", strings.Join(leaks, ", "))
	case l.islands == 0 || l.secure == 0 || l.insecure == 0 || l.refused == 0 || l.excused == 0:
		return fmt.Errorf("not everything was tested: %d answers secure by the swapped anchor", l.islands)
	}
	return nil
}
