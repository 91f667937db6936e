package rollover

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// plan is a rollover with its dates.
type plan struct {
	zone                     string
	ttl                      uint32
	slot                     time.Duration // how long one signature is used; it is valid for twice that
	begin, published, signs  time.Time
	revoked, removed, end    time.Time
	old, fresh, zone1, zone2 *pair
	sets                     map[int64]dnssec.RRset
}

func date(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

// theRoot has the dates of the root's rollover from KSK-2017 to KSK-2024.
func theRoot(t *testing.T, old, fresh *pair) *plan {
	return &plan{
		zone: ".", ttl: 172800, slot: 10 * day, old: old, fresh: fresh,
		zone1: newPair(t, ".", zsk), zone2: newPair(t, ".", zsk), sets: make(map[int64]dnssec.RRset),
		begin: date(2024, 12, 1), published: date(2025, 1, 11), signs: date(2026, 10, 11),
		revoked: date(2027, 1, 11), removed: date(2027, 3, 22), end: date(2027, 7, 1),
	}
}

// at returns what the zone publishes at a time. The zone-signing key changes as well.
func (p *plan) at(t testing.TB, now time.Time) dnssec.RRset {
	slot := now.Sub(p.begin) / p.slot
	start := p.begin.Add(slot * p.slot)
	set, ok := p.sets[int64(slot)]
	// The dates of the plan don't wait for a slot to end.
	for _, change := range []time.Time{p.published, p.signs, p.revoked, p.removed} {
		ok = ok && !(change.After(start) && change.Before(start.Add(p.slot)))
	}
	if ok {
		return set
	}
	w := published{ttl: p.ttl, begin: start.Add(-time.Hour), end: start.Add(2 * p.slot), keys: keys(p.zone1)}
	if (slot/9)%2 == 1 {
		w.keys = keys(p.zone2)
	}
	switch {
	case now.Before(p.published):
		w.keys, w.by = append(w.keys, p.old), keys(p.old)
	case now.Before(p.signs):
		w.keys, w.by = append(w.keys, p.old, p.fresh), keys(p.old)
	case now.Before(p.revoked):
		w.keys, w.by = append(w.keys, p.old, p.fresh), keys(p.fresh)
	case now.Before(p.removed):
		w.keys, w.by = append(w.keys, p.old.revoked(), p.fresh), keys(p.fresh, p.old.revoked())
	default:
		w.keys, w.by = append(w.keys, p.fresh), keys(p.fresh)
	}
	set = w.set(t, p.zone, now)
	p.sets[int64(slot)] = set
	return set
}

// live keeps the anchors from a day on until the plan ends, and asks when it is time
// to. There must be no day that can't be authenticated.
func (p *plan) live(t *testing.T, from time.Time, anchors ...*dns.DS) *story {
	t.Helper()
	s := tell(t, p.zone, map[string]*pair{"old": p.old, "new": p.fresh, "zsk": p.zone1, "zsk2": p.zone2}, anchors...)
	queries := 0
	for today := from; today.Before(p.end); today = today.Add(day) {
		for {
			next, ok := s.z.NextQuery(today)
			if !ok {
				t.Fatalf("%v: the trust point is deleted", today)
			}
			if !next.Before(today.Add(day)) {
				break
			}
			queries++
			events, f := s.z.Update(next, p.at(t, next), strict)
			if f != nil {
				t.Fatalf("%v: %v", next, f)
			}
			s.now, s.events = next, append(s.events, events...)
		}
		noon := today.Add(12 * time.Hour)
		v := &dnssec.Verifier{Now: noon, Budget: dnssec.NewBudget(nil)}
		if _, f := v.Keys(p.at(t, noon), dnssec.TrustAnchors(p.zone, s.z.Anchors())); f != nil {
			t.Fatalf("%v: %v", noon, f)
		}
		p.dates(t, s, from, noon)
		if today.Day()%5 == 1 {
			s.keeps() // it restarts from the state file
		}
	}
	if days := int(p.end.Sub(from) / day); queries < days/20 || queries > 30*days {
		t.Errorf("%d queries in %d days", queries, days)
	}
	return s
}

// dates checks the states some days after something was to happen.
func (p *plan) dates(t *testing.T, s *story, from, now time.Time) {
	t.Helper()
	later := func(then time.Time, d time.Duration) bool {
		if from.After(then) {
			then = from
		}
		return now.After(then.Add(d))
	}
	// Who never saw the revocation has only what was configured.
	if old := stateIn(s.z, p.old); from.Before(p.removed) && later(p.revoked, 2*day) && old.Trusted() {
		t.Errorf("%v: the old key is %v", now, old)
	}
	if fresh := stateIn(s.z, p.fresh); later(p.published, 33*day) && fresh != Valid {
		t.Errorf("%v: the new key is %v", now, fresh)
	}
}

// TestRootRollover lives through the root's rollover of 2025 to 2027 day by day, with
// generated keys in the place of KSK-2017 and KSK-2024.
func TestRootRollover(t *testing.T) {
	old, fresh := newPair(t, ".", algorithm(dns.RSASHA256)), newPair(t, ".", algorithm(dns.RSASHA256))
	p := theRoot(t, old, fresh)

	t.Run("from KSK-2017 only", func(t *testing.T) {
		s := p.live(t, p.begin, old.ds())
		want := []struct {
			tag   uint16
			cause Cause
			after time.Time
		}{
			{old.rr.KeyTag(), Resolved, p.begin},
			{fresh.rr.KeyTag(), NewKey, p.published},
			{fresh.rr.KeyTag(), AddTime, p.published.Add(30 * day)},
			{old.rr.KeyTag(), RevBit, p.revoked},
			{old.rr.KeyTag(), RemTime, p.removed.Add(30 * day)},
		}
		if len(s.events) != len(want) {
			t.Fatalf("events %v", s.events)
		}
		for i, w := range want {
			if e := s.events[i]; e.KeyTag != w.tag || e.Cause != w.cause {
				t.Errorf("event %v, want %v of %d", e, w.cause, w.tag)
			}
		}
		if got := s.states(); got != "new=valid old=removed" {
			t.Error(got)
		}
	})
	t.Run("from both", func(t *testing.T) {
		s := p.live(t, p.begin, old.ds(), fresh.ds())
		if got := s.states(); got != "new=valid old=removed" {
			t.Error(got)
		}
	})
	t.Run("from both, installed later", func(t *testing.T) {
		for from := p.published; from.Before(p.end); from = from.AddDate(0, 5, 3) {
			p.live(t, from, old.ds(), fresh.ds())
		}
	})
	t.Run("from KSK-2017 only, installed at the last moment", func(t *testing.T) {
		p.live(t, p.signs.Add(-35*day), old.ds())
	})
}

// TestPrivateRootRollover is the same for a private root of short times.
func TestPrivateRootRollover(t *testing.T) {
	for name, zone := range map[string]string{"root": ".", "zone": "corp.internal."} {
		t.Run(name, func(t *testing.T) {
			p := theRoot(t, newPair(t, zone), newPair(t, zone))
			p.zone, p.ttl, p.slot = zone, 4*3600, 3*day
			p.begin, p.published, p.signs = date(2026, 1, 1), date(2026, 1, 5), date(2026, 2, 10)
			p.revoked, p.removed, p.end = date(2026, 3, 1), date(2026, 3, 15), date(2026, 5, 1)
			p.zone1, p.zone2 = newPair(t, zone, zsk), newPair(t, zone, zsk)
			for _, anchors := range [][]*dns.DS{{p.old.ds()}, {p.old.ds(), p.fresh.ds()}} {
				s := p.live(t, p.begin, anchors...)
				if got := s.states(); got != "new=valid old=removed" {
					t.Error(got)
				}
			}
		})
	}
}

// TestAlgorithmRollover is what is planned for the root after that: from RSA to ECDSA.
func TestAlgorithmRollover(t *testing.T) {
	rsa := newPair(t, ".", algorithm(dns.RSASHA256))
	for _, to := range []uint8{dns.ECDSAP256SHA256, dns.ED25519} {
		p := theRoot(t, rsa, newPair(t, ".", algorithm(to)))
		p.begin, p.published = date(2026, 8, 1), date(2026, 8, 11)
		p.end = date(2027, 5, 1)
		s := p.live(t, p.begin, p.old.ds())
		if got := s.states(); got != "new=valid old=removed" {
			t.Error(got)
		}
		if anchors := s.z.Anchors(); len(anchors) != 1 || anchors[0].Algorithm != to {
			t.Errorf("anchors %v", anchors)
		}
	}
}

// TestRootTags: the REVOKE bit makes another tag, as 20326 becomes 20454.
func TestRootTags(t *testing.T) {
	k := newPair(t, ".", algorithm(dns.RSASHA256))
	z := &Zone{Name: ".", Keys: []Key{{DNSKEY: k.rr, State: Valid}}}
	plain, revoked := z.Keys[0].Tag(), (&Key{DNSKEY: k.revoked().rr}).Tag()
	if d := (uint32(revoked) + 65535 - uint32(plain)) % 65535; d != 128 {
		t.Errorf("tags %d and %d", plain, revoked)
	}
}

// TestIntervals is RFC 5011, section 2.3, to the second.
func TestIntervals(t *testing.T) {
	tests := []struct {
		ttl, validity, refresh, retry time.Duration
	}{
		{0, 0, time.Hour, time.Hour},
		{0, -time.Hour, time.Hour, time.Hour},
		{2*time.Hour - time.Second, 30 * day, time.Hour, time.Hour},
		{2*time.Hour + 2*time.Second, 30 * day, time.Hour + time.Second, time.Hour},
		{3 * time.Hour, 30 * day, 90 * time.Minute, time.Hour},
		{10*time.Hour + 10*time.Second, 30 * day, 5*time.Hour + 5*time.Second, time.Hour + time.Second},
		{48 * time.Hour, 21 * day, day, 4*time.Hour + 48*time.Minute},
		{48 * time.Hour, 20 * time.Hour, 10 * time.Hour, 2 * time.Hour},
		{30 * day, 60 * day, 15 * day, day},
		{31 * day, 60 * day, 15 * day, day},
		{100 * day, 14 * day, 7 * day, day},
		{100 * day, 9 * day, 108 * time.Hour, 21*time.Hour + 36*time.Minute},
	}
	for _, tt := range tests {
		if got := refresh(tt.ttl, tt.validity); got != tt.refresh {
			t.Errorf("refresh of %v and %v is %v, want %v", tt.ttl, tt.validity, got, tt.refresh)
		}
		if got := retry(tt.ttl, tt.validity); got != tt.retry {
			t.Errorf("retry of %v and %v is %v, want %v", tt.ttl, tt.validity, got, tt.retry)
		}
	}
}

// TestNextQuery: at once at first, by the interval, by the retry time, and at once
// again when a clock that was ahead was put right.
func TestNextQuery(t *testing.T) {
	a := newPair(t, "example.")
	s := tell(t, "example.", map[string]*pair{"a": a}, a.ds())
	s.next(0)
	s.z.Failed(s.now)
	s.next(time.Hour)
	long := published{keys: keys(a), by: keys(a), ttl: 172800}
	s.sees(0, long, "a=valid")
	s.next(day)
	s.now = s.now.Add(2 * day)
	s.next(0)
	s.z.Failed(s.now)
	s.next(4*time.Hour + 48*time.Minute)
	s.sees(time.Hour, published{keys: keys(a)}, "a=valid", dnssec.SignatureMissing)
	s.next(4*time.Hour + 48*time.Minute)
	s.now = s.now.AddDate(-1, 0, 0)
	s.next(0)
}

// TestNew: which anchors a zone begins with.
func TestNew(t *testing.T) {
	a, b := newPair(t, "example."), newPair(t, "example.")
	sha1, sha256, sha384 := a.rr.ToDS(dns.SHA1), a.rr.ToDS(dns.SHA256), a.rr.ToDS(dns.SHA384)
	for _, tt := range []struct {
		name    string
		zone    string
		anchors []*dns.DS
		want    []*dns.DS
	}{
		{"one", "example.", []*dns.DS{sha256}, []*dns.DS{sha256}},
		{"the zone in capitals", "EXAMPLE", []*dns.DS{sha256}, []*dns.DS{sha256}},
		{"twice", "example.", []*dns.DS{sha256, sha256}, []*dns.DS{sha256}},
		{"the strongest", "example.", []*dns.DS{sha1, sha384, sha256}, []*dns.DS{sha384}},
		{"SHA-1 alone", "example.", []*dns.DS{sha1}, []*dns.DS{sha1}},
		{"SHA-1 of another key", "example.", []*dns.DS{b.rr.ToDS(dns.SHA1), sha256}, []*dns.DS{sha256}},
		{"two keys", "example.", []*dns.DS{sha256, b.ds()}, []*dns.DS{sha256, b.ds()}},
		{"none", "example.", nil, nil},
		{"of another zone", ".", []*dns.DS{sha256}, nil},
		{"no name", "a..b.", []*dns.DS{sha256}, nil},
		{"a space in the name", `a\ b.`, []*dns.DS{sha256}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			z, err := New(tt.zone, tt.anchors)
			if (err != nil) != (tt.want == nil) {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			got := z.Anchors()
			if len(got) != len(tt.want) || len(z.States()) != len(got) || z.Deleted() {
				t.Fatalf("anchors %v", got)
			}
			for i := range got {
				if !sameDS(got[i], tt.want[i]) || z.States()[i].State != Valid || z.States()[i].KeyTag != tt.want[i].KeyTag {
					t.Errorf("anchor %v, want %v", got[i], tt.want[i])
				}
			}
		})
	}
}

// TestClone: a copy does not follow.
func TestClone(t *testing.T) {
	a := newPair(t, "example.")
	z, err := New("example.", []*dns.DS{a.ds()})
	must(t, err)
	c := z.Clone()
	_, f := z.Update(start, published{keys: keys(a), by: keys(a)}.set(t, "example.", start), strict)
	if f != nil || c.Keys[0].DNSKEY != nil || !c.LastTry.IsZero() || z.Keys[0].DNSKEY == nil {
		t.Errorf("%v, %+v", f, c)
	}
}
