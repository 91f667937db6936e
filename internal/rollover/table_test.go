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

// happening is what an RRset says about a key. Of those that are authenticated it is
// by another key that is Valid.
type happening struct {
	name string
	make func(k, trusted, stranger *pair) published
	fail dnssec.Reason
}

var happenings = []happening{
	{"absent", func(_, v, _ *pair) published { return published{keys: keys(v), by: keys(v)} }, 0},
	{"present", func(k, v, _ *pair) published { return published{keys: keys(v, k), by: keys(v)} }, 0},
	{"signs", func(k, v, _ *pair) published { return published{keys: keys(v, k), by: keys(k, v)} }, 0},
	{"revokes itself", func(k, v, _ *pair) published {
		return published{keys: keys(v, k.revoked()), by: keys(v, k.revoked())}
	}, 0},
	{"is said to be revoked", func(k, v, _ *pair) published { return published{keys: keys(v, k.revoked()), by: keys(v)} }, 0},
	{"revokes itself and stays", func(k, v, _ *pair) published {
		return published{keys: keys(k, v, k.revoked()), by: keys(v, k.revoked())}
	}, 0},
	{"absent in a forgery", func(_, v, x *pair) published { return published{keys: keys(v, x), by: keys(x)} }, dnssec.DNSKEYMissing},
	{"present in a forgery", func(k, v, x *pair) published { return published{keys: keys(v, k, x), by: keys(x)} }, dnssec.DNSKEYMissing},
	{"revokes itself in a forgery", func(k, v, x *pair) published {
		return published{keys: keys(v, x, k.revoked()), by: keys(x, k.revoked())}
	}, dnssec.DNSKEYMissing},
}

// tableWant has the state after a happening: before the time of the state is over,
// and after it. It is the table of RFC 5011, section 4.1, and all that isn't in it.
var tableWant = map[State]map[string][2]State{
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

// TestTable plays each happening to a key in each state. What tableWant does not name
// must not change the state.
func TestTable(t *testing.T) {
	limits := map[State]time.Duration{AddPend: AddHoldDown, Missing: KeepMissing, Revoked: RemoveHoldDown}
	k, trusted, stranger := newPair(t, "example."), newPair(t, "example."), newPair(t, "example.")
	for from, row := range tableWant {
		for _, h := range happenings {
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
					z := zoneWith(from, k, trusted, start.Add(-age))
					events, f := z.Update(start, h.make(k, trusted, stranger).set(t, "example.", start), strict)
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

// zoneWith has the key in a state since a time, beside a trusted one.
func zoneWith(s State, k, trusted *pair, since time.Time) *Zone {
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

func stateIn(z *Zone, k *pair) State {
	for i := range z.Keys {
		if z.Keys[i].is(k.rr) {
			return z.Keys[i].State
		}
	}
	return Start
}

// checkEvents: every change is told once, and nothing else is told of the key.
func checkEvents(t *testing.T, z *Zone, k *pair, from, to State, events []Event) {
	t.Helper()
	told := 0
	for _, e := range events {
		if e.KeyTag != k.rr.KeyTag() || e.Cause == 0 || e.String() == "" {
			continue
		}
		told++
		if e.From != from || e.To != to || e.Zone != z.Name {
			t.Errorf("%v, want a change from %v to %v", e, from, to)
		}
	}
	if (told == 1) != (from != to) || told > 1 {
		t.Errorf("%d events: %v", told, events)
	}
}

func reasonOf(f *dnssec.Failure) dnssec.Reason {
	if f == nil {
		return dnssec.ReasonNone
	}
	return f.Reason
}

// TestHoldDownEdges: a new key waits thirty days or the original TTL, to the second,
// and then until it is seen again.
func TestHoldDownEdges(t *testing.T) {
	for _, tt := range []struct {
		ttl  uint32
		want time.Duration
	}{{60, 30 * day}, {172800, 30 * day}, {30 * 86400, 30 * day}, {30*86400 + 1, 30*day + time.Second}, {40 * 86400, 40 * day}} {
		a, b := newPair(t, "example."), newPair(t, "example.")
		names := map[string]*pair{"a": a, "b": b}
		s := tell(t, "example.", names, a.ds())
		both := published{keys: keys(a, b), by: keys(a), ttl: tt.ttl}
		s.sees(0, both, "a=valid b=addpend")
		// The hold-down is that of the first RRset that had the key.
		short := both
		short.ttl = 1
		s.sees(tt.want-time.Second, short, "a=valid b=addpend")
		s.sees(time.Second, published{keys: keys(a, b), by: keys(b)}, "a=valid b=addpend", dnssec.DNSKEYMissing)
		s.sees(0, both, "a=valid b=valid")
		s.sees(0, published{keys: keys(a, b), by: keys(b)}, "a=valid b=valid")
	}
}

// TestHoldDownBegins anew when the key was not there once, and does not end when the
// clock goes back.
func TestHoldDownBegins(t *testing.T) {
	a, b := newPair(t, "example."), newPair(t, "example.")
	s := tell(t, "example.", map[string]*pair{"a": a, "b": b}, a.ds())
	both, one := published{keys: keys(a, b), by: keys(a)}, published{keys: keys(a), by: keys(a)}
	s.sees(0, both, "a=valid b=addpend")
	s.sees(29*day, one, "a=valid")
	s.sees(day, both, "a=valid b=addpend")
	s.sees(29*day, both, "a=valid b=addpend")
	s.sees(-50*day, both, "a=valid b=addpend")
	s.sees(50*day, both, "a=valid b=addpend")
	s.sees(day, both, "a=valid b=valid")
}

// TestNeverPending: these are never secure entry points, however long they are there.
func TestNeverPending(t *testing.T) {
	a := newPair(t, "example.")
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
			b := newPair(t, "example.")
			edit(b.rr)
			s := tell(t, "example.", map[string]*pair{"a": a}, a.ds())
			for range 3 {
				s.sees(31*day, published{keys: keys(a, b), by: keys(a)}, "a=valid")
			}
		})
	}
}

// overlong puts zeros before an RSA modulus: a key that can be used, and is longer
// than what is kept.
func overlong(k *dns.DNSKEY) {
	k.Algorithm = dns.RSASHA256
	wire := append([]byte{3, 1, 0, 1}, make([]byte, maxPublicKey-1000)...)
	k.PublicKey = base64.StdEncoding.EncodeToString(append(wire, bytes.Repeat([]byte{0xff}, 256)...))
}

// TestRemoveHoldDown: a revoked key is kept until it was gone from the zone for thirty
// days, however long it stays.
func TestRemoveHoldDown(t *testing.T) {
	a, b := newPair(t, "example."), newPair(t, "example.")
	s := tell(t, "example.", map[string]*pair{"a": a, "b": b}, a.ds(), b.ds())
	r := published{keys: keys(a.revoked(), b), by: keys(a.revoked(), b)}
	for range 7 {
		s.sees(10*day, r, "a=revoked b=valid")
	}
	one := published{keys: keys(b), by: keys(b)}
	s.sees(30*day-time.Second, one, "a=revoked b=valid")
	s.sees(time.Second, one, "a=removed b=valid")
}

// TestLastKeys: missing keys are kept, however old, while no key is valid.
func TestLastKeys(t *testing.T) {
	a, b := newPair(t, "example."), newPair(t, "example.")
	long := start.AddDate(-5, 0, 0)
	z := &Zone{Name: "example.", Keys: []Key{
		{DNSKEY: a.rr, State: Missing, Since: long, Seen: long}, {DNSKEY: b.rr, State: Missing, Since: long, Seen: long},
	}}
	u := update{zone: z, now: start}
	if u.forget(); len(z.Keys) != 2 || len(z.Anchors()) != 2 {
		t.Errorf("%+v", z.Keys)
	}
	z.Keys[0].State = Valid
	if u.forget(); len(z.Keys) != 1 {
		t.Errorf("%+v", z.Keys)
	}
}

// TestWithoutSEP: a configured key without the SEP flag is dropped only where those
// that have it do without.
func TestWithoutSEP(t *testing.T) {
	ksk, other := newPair(t, "example."), newPair(t, "example.", zsk)
	s := tell(t, "example.", map[string]*pair{"ksk": ksk, "zsk": other}, ksk.ds(), other.ds())
	byOther := published{keys: keys(ksk, other), by: keys(other)}
	s.sees(0, byOther, "ksk=valid zsk=valid")
	s.sees(day, byOther, "ksk=valid zsk=valid")
	s.sees(day, published{keys: keys(ksk, other), by: keys(ksk, other)}, "ksk=valid")
	if last := s.events[len(s.events)-1]; last.Cause != NotSEP || last.KeyTag != other.rr.KeyTag() {
		t.Errorf("events %v", s.events)
	}
	s = tell(t, "example.", map[string]*pair{"zsk": other}, other.ds())
	s.sees(0, published{keys: keys(other), by: keys(other)}, "zsk=valid")
}
