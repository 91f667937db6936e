package rollover

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// rolloverPlan is a rollover with its dates.
type rolloverPlan struct {
	zone                     string
	ttl                      uint32
	signatureInterval        time.Duration // between signatures, which are valid for twice as long
	begin, published, signs  time.Time
	revoked, removed, end    time.Time
	old, fresh, zone1, zone2 *testKey
	sets                     map[int64]dnssec.RRset
}

func date(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

// rootPlan returns the dates of the root's rollover from KSK-2017 to KSK-2024.
func rootPlan(t *testing.T, old, fresh *testKey) *rolloverPlan {
	return &rolloverPlan{
		zone: ".", ttl: 172800, signatureInterval: 10 * day, old: old, fresh: fresh,
		zone1: newTestKey(t, ".", zsk), zone2: newTestKey(t, ".", zsk), sets: make(map[int64]dnssec.RRset),
		begin: date(2024, 12, 1), published: date(2025, 1, 11), signs: date(2026, 10, 11),
		revoked: date(2027, 1, 11), removed: date(2027, 3, 22), end: date(2027, 7, 1),
	}
}

// at returns the DNSKEY RRset of the zone at a time. The zone signing key changes as
// well.
func (p *rolloverPlan) at(t testing.TB, now time.Time) dnssec.RRset {
	slot := now.Sub(p.begin) / p.signatureInterval
	start := p.begin.Add(slot * p.signatureInterval)
	set, ok := p.sets[int64(slot)]
	// A change of the keys between signatures needs a new RRset.
	for _, change := range []time.Time{p.published, p.signs, p.revoked, p.removed} {
		ok = ok && !(change.After(start) && change.Before(start.Add(p.signatureInterval)))
	}
	if ok {
		return set
	}
	w := dnskeySet{ttl: p.ttl, inception: start.Add(-time.Hour), expiration: start.Add(2 * p.signatureInterval), keys: keys(p.zone1)}
	if (slot/9)%2 == 1 {
		w.keys = keys(p.zone2)
	}
	switch {
	case now.Before(p.published):
		w.keys, w.signers = append(w.keys, p.old), keys(p.old)
	case now.Before(p.signs):
		w.keys, w.signers = append(w.keys, p.old, p.fresh), keys(p.old)
	case now.Before(p.revoked):
		w.keys, w.signers = append(w.keys, p.old, p.fresh), keys(p.fresh)
	case now.Before(p.removed):
		w.keys, w.signers = append(w.keys, p.old.revoked(), p.fresh), keys(p.fresh, p.old.revoked())
	default:
		w.keys, w.signers = append(w.keys, p.fresh), keys(p.fresh)
	}
	set = w.set(t, p.zone, now)
	p.sets[int64(slot)] = set
	return set
}

// run updates the trust anchors whenever a query is due, from a day to the end of the
// plan. The RRset of every day has to be authenticated.
func (p *rolloverPlan) run(t *testing.T, from time.Time, anchors ...*dns.DS) *scenario {
	t.Helper()
	s := newScenario(t, p.zone, map[string]*testKey{"old": p.old, "new": p.fresh, "zsk": p.zone1, "zsk2": p.zone2}, anchors...)
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
			events, f := s.z.Update(next, p.at(t, next), strictPolicy)
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
		p.checkStates(t, s, from, noon)
		if today.Day()%5 == 1 {
			s.checkRoundTrip() // as after a restart
		}
	}
	if days := int(p.end.Sub(from) / day); queries < days/20 || queries > 30*days {
		t.Errorf("%d queries in %d days", queries, days)
	}
	return s
}

// checkStates checks the states some days after the dates of the plan.
func (p *rolloverPlan) checkStates(t *testing.T, s *scenario, from, now time.Time) {
	t.Helper()
	later := func(then time.Time, d time.Duration) bool {
		if from.After(then) {
			then = from
		}
		return now.After(then.Add(d))
	}
	// An installation after the removal never sees the revocation.
	if old := stateIn(s.z, p.old); from.Before(p.removed) && later(p.revoked, 2*day) && old.Trusted() {
		t.Errorf("%v: the old key is %v", now, old)
	}
	if fresh := stateIn(s.z, p.fresh); later(p.published, 33*day) && fresh != Valid {
		t.Errorf("%v: the new key is %v", now, fresh)
	}
}

// TestRootRollover simulates the root's rollover of 2025 to 2027 day by day, with
// generated keys.
func TestRootRollover(t *testing.T) {
	old, fresh := newTestKey(t, ".", algorithm(dns.RSASHA256)), newTestKey(t, ".", algorithm(dns.RSASHA256))
	p := rootPlan(t, old, fresh)

	t.Run("from KSK-2017 only", func(t *testing.T) {
		s := p.run(t, p.begin, old.ds())
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
		s := p.run(t, p.begin, old.ds(), fresh.ds())
		if got := s.states(); got != "new=valid old=removed" {
			t.Error(got)
		}
	})
	t.Run("from both, installed later", func(t *testing.T) {
		for from := p.published; from.Before(p.end); from = from.AddDate(0, 5, 3) {
			p.run(t, from, old.ds(), fresh.ds())
		}
	})
	t.Run("from KSK-2017 only, installed at the last moment", func(t *testing.T) {
		p.run(t, p.signs.Add(-35*day), old.ds())
	})
}

// TestPrivateRootRollover simulates a shorter rollover of a private root and a zone.
func TestPrivateRootRollover(t *testing.T) {
	for name, zone := range map[string]string{"root": ".", "zone": "corp.internal."} {
		t.Run(name, func(t *testing.T) {
			p := rootPlan(t, newTestKey(t, zone), newTestKey(t, zone))
			p.zone, p.ttl, p.signatureInterval = zone, 4*3600, 3*day
			p.begin, p.published, p.signs = date(2026, 1, 1), date(2026, 1, 5), date(2026, 2, 10)
			p.revoked, p.removed, p.end = date(2026, 3, 1), date(2026, 3, 15), date(2026, 5, 1)
			p.zone1, p.zone2 = newTestKey(t, zone, zsk), newTestKey(t, zone, zsk)
			for _, anchors := range [][]*dns.DS{{p.old.ds()}, {p.old.ds(), p.fresh.ds()}} {
				s := p.run(t, p.begin, anchors...)
				if got := s.states(); got != "new=valid old=removed" {
					t.Error(got)
				}
			}
		})
	}
}

// TestAlgorithmRollover simulates a rollover from RSA to ECDSA and to Ed25519.
func TestAlgorithmRollover(t *testing.T) {
	rsa := newTestKey(t, ".", algorithm(dns.RSASHA256))
	for _, to := range []uint8{dns.ECDSAP256SHA256, dns.ED25519} {
		p := rootPlan(t, rsa, newTestKey(t, ".", algorithm(to)))
		p.begin, p.published = date(2026, 8, 1), date(2026, 8, 11)
		p.end = date(2027, 5, 1)
		s := p.run(t, p.begin, p.old.ds())
		if got := s.states(); got != "new=valid old=removed" {
			t.Error(got)
		}
		if anchors := s.z.Anchors(); len(anchors) != 1 || anchors[0].Algorithm != to {
			t.Errorf("anchors %v", anchors)
		}
	}
}

// TestRootTags checks that the REVOKE bit adds 128 to the key tag, as from 20326 to
// 20454.
func TestRootTags(t *testing.T) {
	k := newTestKey(t, ".", algorithm(dns.RSASHA256))
	z := &Zone{Name: ".", Keys: []Key{{DNSKEY: k.rr, State: Valid}}}
	plain, revoked := z.Keys[0].Tag(), (&Key{DNSKEY: k.revoked().rr}).Tag()
	if d := (uint32(revoked) + 65535 - uint32(plain)) % 65535; d != 128 {
		t.Errorf("tags %d and %d", plain, revoked)
	}
}
