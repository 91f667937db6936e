package rollover

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// observation is a DNSKEY RRset, as seen by the key under test. Another Valid key
// authenticates the RRset unless fail is set.
type observation struct {
	name string
	make func(k, trusted, stranger *testKey) dnskeySet
	fail dnssec.Reason
}

var observations = []observation{
	{"absent", func(_, v, _ *testKey) dnskeySet { return dnskeySet{keys: keys(v), signers: keys(v)} }, 0},
	{"present", func(k, v, _ *testKey) dnskeySet { return dnskeySet{keys: keys(v, k), signers: keys(v)} }, 0},
	{"signs", func(k, v, _ *testKey) dnskeySet { return dnskeySet{keys: keys(v, k), signers: keys(k, v)} }, 0},
	{"revokes itself", func(k, v, _ *testKey) dnskeySet {
		return dnskeySet{keys: keys(v, k.revoked()), signers: keys(v, k.revoked())}
	}, 0},
	{"is said to be revoked", func(k, v, _ *testKey) dnskeySet { return dnskeySet{keys: keys(v, k.revoked()), signers: keys(v)} }, 0},
	{"revokes itself and stays", func(k, v, _ *testKey) dnskeySet {
		return dnskeySet{keys: keys(k, v, k.revoked()), signers: keys(v, k.revoked())}
	}, 0},
	{"absent in a forgery", func(_, v, x *testKey) dnskeySet { return dnskeySet{keys: keys(v, x), signers: keys(x)} }, dnssec.DNSKEYMissing},
	{"present in a forgery", func(k, v, x *testKey) dnskeySet { return dnskeySet{keys: keys(v, k, x), signers: keys(x)} }, dnssec.DNSKEYMissing},
	{"revokes itself in a forgery", func(k, v, x *testKey) dnskeySet {
		return dnskeySet{keys: keys(v, x, k.revoked()), signers: keys(x, k.revoked())}
	}, dnssec.DNSKEYMissing},
}

// wantTable has the state after an observation: before the time limit of the old
// state has passed, and after it. It is the table of RFC 5011, section 4, with the
// cases that the RFC omits.
var wantTable = map[State]map[string][2]State{
	Start: {
		"present": {AddPend, AddPend}, "signs": {AddPend, AddPend},
	},
	AddPend: {
		"absent": {Start, Start}, "present": {AddPend, Valid}, "signs": {AddPend, Valid}, "revokes itself": {Start, Start},
		"is said to be revoked": {Start, Start}, "revokes itself and stays": {Start, Start},
	},
	Valid: {
		"absent": {Missing, Missing}, "revokes itself": {Revoked, Revoked}, "is said to be revoked": {Missing, Missing},
		"revokes itself and stays": {Revoked, Revoked}, "revokes itself in a forgery": {Revoked, Revoked},
	},
	Missing: {
		"absent": {Missing, Start}, "present": {Valid, Valid}, "signs": {Valid, Valid}, "revokes itself": {Revoked, Revoked},
		"is said to be revoked": {Missing, Start}, "revokes itself and stays": {Revoked, Revoked},
		"revokes itself in a forgery": {Revoked, Revoked},
	},
	Revoked: {"absent": {Revoked, Removed}},
	Removed: {},
}

// TestStateTable makes each observation in each state. The state must not change if
// wantTable has no entry.
func TestStateTable(t *testing.T) {
	limits := map[State]time.Duration{AddPend: AddHoldDown, Missing: KeepMissing, Revoked: RemoveHoldDown}
	k, trusted, stranger := newTestKey(t, "example."), newTestKey(t, "example."), newTestKey(t, "example.")
	for from, row := range wantTable {
		for _, h := range observations {
			want, ok := row[h.name]
			if !ok {
				want = [2]State{from, from}
			}
			limit, timed := limits[from]
			if !timed {
				limit = 1000 * day
			}
			for i, age := range []time.Duration{limit - time.Second, limit} {
				t.Run(fmt.Sprintf("%s %s after %v", from, h.name, age), func(t *testing.T) {
					z := zoneWithKey(from, k, trusted, start.Add(-age))
					events, f := z.Update(start, h.make(k, trusted, stranger).set(t, "example.", start), strictPolicy)
					if reason := reasonOf(f); reason != h.fail {
						t.Errorf("failure %v, want %v", f, h.fail)
					}
					if got := stateIn(z, k); got != want[i] {
						t.Errorf("%v, want %v", got, want[i])
					}
					checkEvents(t, z, k, from, want[i], events)
				})
			}
		}
	}
}

// zoneWithKey returns a zone with the key in a state and a trusted key.
func zoneWithKey(s State, k, trusted *testKey, since time.Time) *Zone {
	z := &Zone{Name: "example.", Keys: []Key{{DNSKEY: trusted.rr, State: Valid, Since: since, Seen: since}}}
	known := Key{DNSKEY: k.rr, State: s, Since: since, Seen: since}
	switch s {
	case Start:
		return z
	case AddPend:
		known.Count, known.HoldDown = 1, AddHoldDown
	case Revoked, Removed:
		known.DNSKEY = k.revoked().rr
	}
	z.Keys = append(z.Keys, known)
	return z
}

func stateIn(z *Zone, k *testKey) State {
	for i := range z.Keys {
		if z.Keys[i].sameKeyAs(k.rr) {
			return z.Keys[i].State
		}
	}
	return Start
}

// checkEvents checks that there is one event if the state changed, and none
// otherwise.
func checkEvents(t *testing.T, z *Zone, k *testKey, from, to State, events []Event) {
	t.Helper()
	n := 0
	for _, e := range events {
		if e.KeyTag != k.rr.KeyTag() || e.Cause == 0 || e.String() == "" {
			continue
		}
		n++
		if e.From != from || e.To != to || e.Zone != z.Name {
			t.Errorf("%v, want a change from %v to %v", e, from, to)
		}
	}
	if (n == 1) != (from != to) || n > 1 {
		t.Errorf("%d events: %v", n, events)
	}
}

func reasonOf(f *dnssec.Failure) dnssec.Reason {
	if f == nil {
		return dnssec.ReasonNone
	}
	return f.Reason
}

// TestHoldDownEdges checks that a new key waits for 30 days or the Original TTL,
// whichever is longer, and then until it is seen again.
func TestHoldDownEdges(t *testing.T) {
	for _, tt := range []struct {
		ttl  uint32
		want time.Duration
	}{{60, 30 * day}, {172800, 30 * day}, {30 * 86400, 30 * day}, {30*86400 + 1, 30*day + time.Second}, {40 * 86400, 40 * day}} {
		a, b := newTestKey(t, "example."), newTestKey(t, "example.")
		names := map[string]*testKey{"a": a, "b": b}
		s := newScenario(t, "example.", names, a.ds())
		both := dnskeySet{keys: keys(a, b), signers: keys(a), ttl: tt.ttl}
		s.update(0, both, "a=valid b=addpend")
		// The hold-down is that of the first RRset with the key.
		short := both
		short.ttl = 1
		s.update(tt.want-time.Second, short, "a=valid b=addpend")
		s.update(time.Second, dnskeySet{keys: keys(a, b), signers: keys(b)}, "a=valid b=addpend", dnssec.DNSKEYMissing)
		s.update(0, both, "a=valid b=valid")
		s.update(0, dnskeySet{keys: keys(a, b), signers: keys(b)}, "a=valid b=valid")
	}
}

// TestHoldDownRestarts checks that the hold-down restarts if the key is not published
// once, and does not end early if the clock is set back.
func TestHoldDownRestarts(t *testing.T) {
	a, b := newTestKey(t, "example."), newTestKey(t, "example.")
	s := newScenario(t, "example.", map[string]*testKey{"a": a, "b": b}, a.ds())
	both, one := dnskeySet{keys: keys(a, b), signers: keys(a)}, dnskeySet{keys: keys(a), signers: keys(a)}
	s.update(0, both, "a=valid b=addpend")
	s.update(29*day, one, "a=valid")
	s.update(day, both, "a=valid b=addpend")
	s.update(29*day, both, "a=valid b=addpend")
	s.update(-50*day, both, "a=valid b=addpend")
	s.update(50*day, both, "a=valid b=addpend")
	s.update(day, both, "a=valid b=valid")
}

// TestNeverPending checks keys that never become AddPend.
func TestNeverPending(t *testing.T) {
	a := newTestKey(t, "example.")
	for name, edit := range map[string]func(*dns.DNSKEY){
		"no SEP flag":             func(k *dns.DNSKEY) { k.Flags = dns.ZONE },
		"no zone key":             func(k *dns.DNSKEY) { k.Flags = dns.SEP },
		"another protocol":        func(k *dns.DNSKEY) { k.Protocol = 2 },
		"algorithm not relied on": func(k *dns.DNSKEY) { k.Algorithm = dns.RSASHA1 },
		"unknown algorithm":       func(k *dns.DNSKEY) { k.Algorithm = 200 },
		"not a key":               func(k *dns.DNSKEY) { k.PublicKey = "AAAA" },
		"revoked":                 func(k *dns.DNSKEY) { k.Flags |= dns.REVOKE },
		"too long":                overlong,
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestKey(t, "example.")
			edit(b.rr)
			s := newScenario(t, "example.", map[string]*testKey{"a": a}, a.ds())
			for range 3 {
				s.update(31*day, dnskeySet{keys: keys(a, b), signers: keys(a)}, "a=valid")
			}
		})
	}
}

// overlong prepends zeros to an RSA modulus, which makes a usable key of more than
// maxPublicKey characters.
func overlong(k *dns.DNSKEY) {
	k.Algorithm = dns.RSASHA256
	wire := append([]byte{3, 1, 0, 1}, make([]byte, maxPublicKey-1000)...)
	k.PublicKey = base64.StdEncoding.EncodeToString(append(wire, bytes.Repeat([]byte{0xff}, 256)...))
}

// TestRemoveHoldDown checks that a Revoked key becomes Removed 30 days after it was
// last published.
func TestRemoveHoldDown(t *testing.T) {
	a, b := newTestKey(t, "example."), newTestKey(t, "example.")
	s := newScenario(t, "example.", map[string]*testKey{"a": a, "b": b}, a.ds(), b.ds())
	r := dnskeySet{keys: keys(a.revoked(), b), signers: keys(a.revoked(), b)}
	for range 7 {
		s.update(10*day, r, "a=revoked b=valid")
	}
	one := dnskeySet{keys: keys(b), signers: keys(b)}
	s.update(30*day-time.Second, one, "a=revoked b=valid")
	s.update(time.Second, one, "a=removed b=valid")
}

// TestMissingKeysWithoutValidKey checks that Missing keys are kept while no key is
// Valid.
func TestMissingKeysWithoutValidKey(t *testing.T) {
	a, b := newTestKey(t, "example."), newTestKey(t, "example.")
	long := start.AddDate(-5, 0, 0)
	z := &Zone{Name: "example.", Keys: []Key{
		{DNSKEY: a.rr, State: Missing, Since: long, Seen: long}, {DNSKEY: b.rr, State: Missing, Since: long, Seen: long},
	}}
	u := update{zone: z, now: start}
	if u.dropOldKeys(); len(z.Keys) != 2 || len(z.Anchors()) != 2 {
		t.Errorf("%+v", z.Keys)
	}
	z.Keys[0].State = Valid
	if u.dropOldKeys(); len(z.Keys) != 1 {
		t.Errorf("%+v", z.Keys)
	}
}

// TestWithoutSEP checks that a configured key without the SEP flag is dropped only if
// keys with the flag authenticate the RRset.
func TestWithoutSEP(t *testing.T) {
	ksk, other := newTestKey(t, "example."), newTestKey(t, "example.", zsk)
	s := newScenario(t, "example.", map[string]*testKey{"ksk": ksk, "zsk": other}, ksk.ds(), other.ds())
	byOther := dnskeySet{keys: keys(ksk, other), signers: keys(other)}
	s.update(0, byOther, "ksk=valid zsk=valid")
	s.update(day, byOther, "ksk=valid zsk=valid")
	s.update(day, dnskeySet{keys: keys(ksk, other), signers: keys(ksk, other)}, "ksk=valid")
	if last := s.events[len(s.events)-1]; last.Cause != NotSEP || last.KeyTag != other.rr.KeyTag() {
		t.Errorf("events %v", s.events)
	}
	s = newScenario(t, "example.", map[string]*testKey{"zsk": other}, other.ds())
	s.update(0, dnskeySet{keys: keys(other), signers: keys(other)}, "zsk=valid")
}
