package main

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestJudge checks which answers count as lost and which as wrong.
func TestJudge(t *testing.T) {
	message := func(rcode int, ad bool) *dns.Msg {
		m := new(dns.Msg)
		m.Rcode, m.AuthenticatedData = rcode, ad
		return m
	}
	const success, servfail, nxdomain, refusal = dns.RcodeSuccess, dns.RcodeServerFailure, dns.RcodeNameError, dns.RcodeRefused
	for _, tt := range []struct {
		name        string
		status      status
		rcode       int
		asked       bool // for AD
		answer      *dns.Msg
		lost, wrong bool
	}{
		{name: "secure", status: secure, asked: true, answer: message(success, true)},
		{name: "secure, AD not asked for", status: secure, answer: message(success, false)},
		{name: "secure without AD", status: secure, asked: true, answer: message(success, false), wrong: true},
		{name: "secure, another code", status: secure, asked: true, answer: message(nxdomain, true), wrong: true},
		{name: "secure name error", status: secure, rcode: nxdomain, asked: true, answer: message(nxdomain, true)},
		{name: "secure, SERVFAIL", status: secure, answer: message(servfail, false), lost: true},
		{name: "secure, REFUSED", status: secure, answer: message(refusal, false), lost: true},
		{name: "secure, no answer", status: secure, lost: true},
		{name: "insecure", status: insecure, asked: true, answer: message(success, false)},
		{name: "insecure with AD", status: insecure, asked: true, answer: message(success, true), wrong: true},
		{name: "insecure, SERVFAIL", status: insecure, answer: message(servfail, false), lost: true},
		{name: "island with AD", status: island, asked: true, answer: message(success, true)},
		{name: "island without", status: island, asked: true, answer: message(success, false)},
		{name: "island, SERVFAIL", status: island, answer: message(servfail, false), lost: true},
		{name: "broken", status: broken, answer: message(servfail, false)},
		{name: "broken, no answer", status: broken, lost: true},
		{name: "broken, data", status: broken, answer: message(success, false), wrong: true},
		{name: "broken, denied", status: broken, answer: message(nxdomain, false), wrong: true},
	} {
		q := question{kind: kind{status: tt.status, rcode: tt.rcode}, ad: tt.asked}
		if got := q.failure(tt.answer) != ""; got != tt.lost {
			t.Errorf("%s: lost %v, want %v", tt.name, got, tt.lost)
		}
		if got := q.mistake(tt.answer) != ""; got != tt.wrong {
			t.Errorf("%s: wrong %v, want %v", tt.name, got, tt.wrong)
		}
	}
}

// TestExcuses checks that failures are excused while the upstream is harmful
// and until their effects are over, but not while it is slow.
func TestExcuses(t *testing.T) {
	begin := time.Now()
	at := func(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }
	u := &upstream{harmed: []interval{{at(10), at(13)}, {from: at(60)}}}
	forgotten := 13 + int(settle(3*time.Second)/time.Second)
	for _, tt := range []struct {
		from, to int
		want     bool
	}{
		{0, 9, false}, {0, 11, true}, {11, 12, true}, {forgotten - 1, forgotten + 1, true}, {forgotten + 1, forgotten + 2, false},
		{40, 59, false}, {50, 61, true}, {70, 71, true},
	} {
		if got := u.excuses(at(tt.from), at(tt.to)); got != tt.want {
			t.Errorf("from %d to %d: %v", tt.from, tt.to, got)
		}
	}
	u.set(slow)
	if len(u.harmed) != 2 {
		t.Error("slow is harmful")
	}
	u.set(dead)
	u.set(none)
	if len(u.harmed) != 3 || u.harmed[2].to.IsZero() {
		t.Errorf("dead is not: %v", u.harmed)
	}
}

// TestStalls checks that failures around a stall of the machine are excused,
// and for longer after a long stall.
func TestStalls(t *testing.T) {
	begin := time.Now()
	at := func(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }
	u := &upstream{stalled: []interval{{at(40), at(41)}, {at(100), at(130)}}}
	for _, tt := range []struct {
		name     string
		from, to int
		want     bool
	}{
		{"before", 30, 39, false}, {"across", 30, 45, true}, {"soon after a short one", 54, 55, true}, {"long after", 56, 57, false},
		{"as long after a long one", 155, 156, true}, {"longer after it", 172, 173, false},
	} {
		if got := u.excuses(at(tt.from), at(tt.to)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if times, total := u.stalls(); times != 2 || total != 31*time.Second {
		t.Errorf("%d stalls, %v", times, total)
	}
}

// TestStrips checks that one answer in 20 is stripped, but never two in a row.
func TestStrips(t *testing.T) {
	u := &upstream{stripped: make(map[testzone.Question]bool)}
	stripped, last := 0, false
	for range 1000 {
		now := u.strips(new(dns.Msg).SetQuestion("www.test.", dns.TypeA))
		if now && last {
			t.Error("twice in a row")
		}
		if last = now; now {
			stripped++
		}
	}
	if stripped != 50 {
		t.Errorf("%d of 1000", stripped)
	}
}

func TestLeaks(t *testing.T) {
	calm := sample{memory: 90e6, goroutines: 20, files: 50}
	for _, tt := range []struct {
		name string
		edit func(end *sample)
		want int
	}{
		{"none", func(*sample) {}, 0},
		{"a little", func(s *sample) { s.memory, s.goroutines, s.files = 120e6, 25, 55 }, 0},
		{"memory", func(s *sample) { s.memory = 140e6 }, 1},
		{"a goroutine a reload, in the shortest run", func(s *sample) { s.goroutines += float64(time.Minute/reloadEvery) - 1 }, 1},
		{"a file a reload, in the shortest run", func(s *sample) { s.files += float64(time.Minute/reloadEvery) - 1 }, 1},
		{"all", func(s *sample) { s.memory, s.goroutines, s.files = 200e6, 100, 200 }, 3},
	} {
		end := calm
		tt.edit(&end)
		if got := (table{calm, calm, end}).leaks(); len(got) != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if len((table{calm}).leaks()) == 0 {
		t.Error("a run without samples passes")
	}
}
