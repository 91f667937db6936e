package rollover

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// TestStolenKey: who has a trusted key for 29 days, and answers as he likes all that
// time, can't add a key of his own.
func TestStolenKey(t *testing.T) {
	a, b, evil := newPair(t, "example."), newPair(t, "example."), newPair(t, "example.")
	s := tell(t, "example.", map[string]*pair{"a": a, "b": b, "evil": evil}, a.ds(), b.ds())
	honest := published{keys: keys(a, b), by: keys(a, b)}
	s.sees(0, honest, "a=valid b=valid")
	forged := published{keys: keys(a, b, evil), by: keys(a)}
	s.sees(0, forged, "a=valid b=valid evil=addpend")
	for range 29 * 4 {
		s.sees(6*time.Hour, forged, "a=valid b=valid evil=addpend")
		s.sees(0, published{keys: keys(evil), by: keys(evil)}, "a=valid b=valid evil=addpend", dnssec.DNSKEYNoAnchorMatch)
	}
	// The owner is heard once, and revokes what was stolen.
	r := published{keys: keys(a.revoked(), b), by: keys(a.revoked(), b)}
	s.sees(time.Hour, r, "a=revoked b=valid")
	// What was signed with the stolen key means nothing any more.
	s.sees(time.Hour, forged, "a=revoked b=valid", dnssec.DNSKEYMissing)
	for range 3 {
		s.sees(20*day, published{keys: keys(a, b, evil), by: keys(a, evil)}, "a=revoked b=valid", dnssec.DNSKEYMissing)
	}
	// It can't come back, gone or not, not even if the zone wants it.
	s.sees(day, published{keys: keys(b), by: keys(b)}, "a=removed b=valid")
	for range 3 {
		s.sees(40*day, published{keys: keys(a, b), by: keys(b)}, "a=removed b=valid")
	}
}

// TestForgedRevocation: nobody but the key itself can revoke it.
func TestForgedRevocation(t *testing.T) {
	a, b, evil := newPair(t, "example."), newPair(t, "example."), newPair(t, "example.")
	r, flagged := a.revoked(), a.revoked()
	flagged.rr.Flags |= 2
	for name, p := range map[string]published{
		"not signed":                   {keys: keys(r)},
		"signed by another":            {keys: keys(r, evil), by: keys(evil)},
		"another's signature, its tag": {keys: keys(r, evil), more: []signing{evil.as(r.rr.KeyTag())}},
		"its signature, the old tag":   {keys: keys(r, evil), more: []signing{a.as(a.rr.KeyTag())}},
		"not in the set":               {keys: keys(evil), by: keys(r)},
		"another's copy":               {keys: keys(evil.revoked()), by: keys(evil.revoked())},
		"its copy with another flag":   {keys: keys(flagged), by: keys(flagged)},
		"of another type":              {keys: keys(r), by: keys(r)},
		"of another zone":              {keys: keys(r), by: keys(r)},
	} {
		t.Run(name, func(t *testing.T) {
			z, err := New("example.", []*dns.DS{a.ds(), b.ds()})
			must(t, err)
			for range 2 {
				set := p.set(t, "example.", start)
				switch name {
				case "of another type":
					set.Type = dns.TypeCDNSKEY
				case "of another zone":
					set.Name = "other."
				}
				if _, f := z.Update(start, set, strict); f == nil {
					t.Error("no failure")
				}
				if len(z.Anchors()) != 2 || stateIn(z, a) != Valid {
					t.Errorf("%+v", z.Keys)
				}
				z.Keys[0] = Key{DNSKEY: a.rr, State: Valid, Since: start, Seen: start} // the same, once it was seen
			}
		})
	}
	// The attacker revokes his own copy beside the key: the key stays.
	s := tell(t, "example.", map[string]*pair{"a": a, "evil": evil}, a.ds())
	s.sees(0, published{keys: keys(a, evil.revoked()), by: keys(a, evil.revoked())}, "a=valid")
}

// TestRevokedVouchesForNothing: with a key that revoked itself nothing else can be said.
func TestRevokedVouchesForNothing(t *testing.T) {
	a, evil := newPair(t, "example."), newPair(t, "example.")
	s := tell(t, "example.", map[string]*pair{"a": a, "evil": evil}, a.ds())
	s.sees(0, published{keys: keys(a, evil), by: keys(a)}, "a=valid evil=addpend")
	s.sees(31*day, published{keys: keys(a.revoked(), evil), by: keys(a.revoked(), evil)}, "a=revoked", dnssec.TrustAnchorMissing)
	if last := s.events[len(s.events)-1]; last.Cause != Deleted {
		t.Errorf("events %v", s.events)
	}
}

// TestRevokedBeforeItWasSeen: the DS of a key that is already revoked when the
// resolver starts is worth nothing from the first answer on.
func TestRevokedBeforeItWasSeen(t *testing.T) {
	a, b := newPair(t, "example."), newPair(t, "example.")
	s := tell(t, "example.", map[string]*pair{"a": a, "b": b}, a.ds(), b.ds())
	s.sees(0, published{keys: keys(a.revoked(), b), by: keys(a.revoked(), b)}, "a=revoked b=valid")
}

// TestFlood: signatures that are nonsense cost no more than the limits allow, and
// make nothing trusted or revoked.
func TestFlood(t *testing.T) {
	a, evil := newPair(t, "example."), newPair(t, "example.")
	b := newPair(t, "example.")
	r := a.revoked()
	p := published{keys: keys(r, b, evil), by: keys(r, b)}
	for range 64 {
		p.more = append(p.more, evil.as(evil.rr.KeyTag()), evil.as(r.rr.KeyTag()), evil.as(b.rr.KeyTag()))
	}
	set := p.set(t, "example.", start)
	for range 20 {
		set.RRs = append(set.RRs, r.rr)
	}
	z, err := New("example.", []*dns.DS{a.ds(), b.ds()})
	must(t, err)
	began := time.Now()
	_, f := z.Update(start, set, strict)
	if reasonOf(f) != dnssec.LimitExceeded || len(z.Anchors()) != 2 || stateIn(z, evil) != Start {
		t.Errorf("%v, %+v", f, z.Keys)
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("it took %v", d)
	}
}

// TestTooManyKeys: there is an end to what is kept.
func TestTooManyKeys(t *testing.T) {
	a := newPair(t, "example.")
	s := tell(t, "example.", map[string]*pair{"a": a}, a.ds())
	s.sees(0, published{keys: keys(a), by: keys(a)}, "a=valid")
	for range maxRemoved + 4 {
		k := newPair(t, "example.").revoked()
		s.z.Keys = append(s.z.Keys, Key{DNSKEY: k.rr, State: Revoked, Since: s.now, Seen: s.now})
		s.now = s.now.Add(time.Hour)
	}
	_, f := s.z.Update(s.now.Add(40*day), published{keys: keys(a), by: keys(a)}.set(t, "example.", s.now.Add(40*day)), strict)
	if f != nil || s.z.count(Removed) != maxRemoved || len(s.z.Anchors()) != 1 {
		t.Errorf("%v: %d removed", f, s.z.count(Removed))
	}
	for len(s.z.Keys) < maxKeys {
		k := newPair(t, "example.").revoked()
		s.z.Keys = append(s.z.Keys, Key{DNSKEY: k.rr, State: Revoked, Since: s.now, Seen: s.now.Add(40 * day)})
	}
	more := published{keys: keys(a, newPair(t, "example.")), by: keys(a)}
	if _, f := s.z.Update(s.now, more.set(t, "example.", s.now), strict); f != nil || len(s.z.Keys) != maxKeys {
		t.Errorf("%v: %d keys", f, len(s.z.Keys))
	}
}
