package rollover

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// TestStolenKey checks that an attacker who has a trusted key and forges every
// response for 29 days can't add a key, and that the owner can revoke the stolen key.
func TestStolenKey(t *testing.T) {
	a, b, evil := newTestKey(t, "example."), newTestKey(t, "example."), newTestKey(t, "example.")
	s := newScenario(t, "example.", map[string]*testKey{"a": a, "b": b, "evil": evil}, a.ds(), b.ds())
	honest := dnskeySet{keys: keys(a, b), signers: keys(a, b)}
	s.update(0, honest, "a=valid b=valid")
	forged := dnskeySet{keys: keys(a, b, evil), signers: keys(a)}
	s.update(0, forged, "a=valid b=valid evil=addpend")
	for range 29 * 4 {
		s.update(6*time.Hour, forged, "a=valid b=valid evil=addpend")
		s.update(0, dnskeySet{keys: keys(evil), signers: keys(evil)}, "a=valid b=valid evil=addpend", dnssec.DNSKEYNoAnchorMatch)
	}
	// One response of the owner gets through, and revokes the stolen key.
	r := dnskeySet{keys: keys(a.revoked(), b), signers: keys(a.revoked(), b)}
	s.update(time.Hour, r, "a=revoked b=valid")
	// Signatures by the stolen key are rejected from now on.
	s.update(time.Hour, forged, "a=revoked b=valid", dnssec.DNSKEYMissing)
	for range 3 {
		s.update(20*day, dnskeySet{keys: keys(a, b, evil), signers: keys(a, evil)}, "a=revoked b=valid", dnssec.DNSKEYMissing)
	}
	// It stays revoked, published or not, even if another trusted key signs it.
	s.update(day, dnskeySet{keys: keys(b), signers: keys(b)}, "a=removed b=valid")
	for range 3 {
		s.update(40*day, dnskeySet{keys: keys(a, b), signers: keys(b)}, "a=removed b=valid")
	}
}

// TestForgedRevocation checks that only a signature by the key itself revokes it.
func TestForgedRevocation(t *testing.T) {
	a, b, evil := newTestKey(t, "example."), newTestKey(t, "example."), newTestKey(t, "example.")
	r, flagged := a.revoked(), a.revoked()
	flagged.rr.Flags |= 2
	for name, p := range map[string]dnskeySet{
		"not signed":                   {keys: keys(r)},
		"signed by another":            {keys: keys(r, evil), signers: keys(evil)},
		"another's signature, its tag": {keys: keys(r, evil), extraSigs: []signing{evil.signWithTag(r.rr.KeyTag())}},
		"its signature, the old tag":   {keys: keys(r, evil), extraSigs: []signing{a.signWithTag(a.rr.KeyTag())}},
		"not in the set":               {keys: keys(evil), signers: keys(r)},
		"another's copy":               {keys: keys(evil.revoked()), signers: keys(evil.revoked())},
		"its copy with another flag":   {keys: keys(flagged), signers: keys(flagged)},
		"of another type":              {keys: keys(r), signers: keys(r)},
		"of another zone":              {keys: keys(r), signers: keys(r)},
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
				if _, f := z.Update(start, set, strictPolicy); f == nil {
					t.Error("no failure")
				}
				if len(z.Anchors()) != 2 || stateIn(z, a) != Valid {
					t.Errorf("%+v", z.Keys)
				}
				z.Keys[0] = Key{DNSKEY: a.rr, State: Valid, Since: start, Seen: start} // once more, with the DNSKEY in the place of the DS
			}
		})
	}
	// Another key that revokes itself does not affect this one.
	s := newScenario(t, "example.", map[string]*testKey{"a": a, "evil": evil}, a.ds())
	s.update(0, dnskeySet{keys: keys(a, evil.revoked()), signers: keys(a, evil.revoked())}, "a=valid")
}

// TestRevokedKeyAuthenticatesNothing checks that a key can't authenticate the RRset
// in which it revokes itself.
func TestRevokedKeyAuthenticatesNothing(t *testing.T) {
	a, evil := newTestKey(t, "example."), newTestKey(t, "example.")
	s := newScenario(t, "example.", map[string]*testKey{"a": a, "evil": evil}, a.ds())
	s.update(0, dnskeySet{keys: keys(a, evil), signers: keys(a)}, "a=valid evil=addpend")
	s.update(31*day, dnskeySet{keys: keys(a.revoked(), evil), signers: keys(a.revoked(), evil)}, "a=revoked", dnssec.TrustAnchorMissing)
	if last := s.events[len(s.events)-1]; last.Cause != Deleted {
		t.Errorf("events %v", s.events)
	}
}

// TestRevokedBeforeFirstUpdate checks that the first RRset can revoke a configured
// DS.
func TestRevokedBeforeFirstUpdate(t *testing.T) {
	a, b := newTestKey(t, "example."), newTestKey(t, "example.")
	s := newScenario(t, "example.", map[string]*testKey{"a": a, "b": b}, a.ds(), b.ds())
	s.update(0, dnskeySet{keys: keys(a.revoked(), b), signers: keys(a.revoked(), b)}, "a=revoked b=valid")
}

// TestSignatureFlood checks that many invalid signatures exceed the limits quickly,
// and make no key trusted or revoked.
func TestSignatureFlood(t *testing.T) {
	a, evil := newTestKey(t, "example."), newTestKey(t, "example.")
	b := newTestKey(t, "example.")
	r := a.revoked()
	p := dnskeySet{keys: keys(r, b, evil), signers: keys(r, b)}
	for range 64 {
		p.extraSigs = append(p.extraSigs, evil.signWithTag(evil.rr.KeyTag()), evil.signWithTag(r.rr.KeyTag()), evil.signWithTag(b.rr.KeyTag()))
	}
	set := p.set(t, "example.", start)
	for range 20 {
		set.RRs = append(set.RRs, r.rr)
	}
	z, err := New("example.", []*dns.DS{a.ds(), b.ds()})
	must(t, err)
	began := time.Now()
	_, f := z.Update(start, set, strictPolicy)
	if reasonOf(f) != dnssec.LimitExceeded || len(z.Anchors()) != 2 || stateIn(z, evil) != Start {
		t.Errorf("%v, %+v", f, z.Keys)
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("it took %v", d)
	}
}

// TestTooManyKeys checks maxRemoved and maxKeys.
func TestTooManyKeys(t *testing.T) {
	a := newTestKey(t, "example.")
	s := newScenario(t, "example.", map[string]*testKey{"a": a}, a.ds())
	s.update(0, dnskeySet{keys: keys(a), signers: keys(a)}, "a=valid")
	for range maxRemoved + 4 {
		k := newTestKey(t, "example.").revoked()
		s.z.Keys = append(s.z.Keys, Key{DNSKEY: k.rr, State: Revoked, Since: s.now, Seen: s.now})
		s.now = s.now.Add(time.Hour)
	}
	_, f := s.z.Update(s.now.Add(40*day), dnskeySet{keys: keys(a), signers: keys(a)}.set(t, "example.", s.now.Add(40*day)), strictPolicy)
	if f != nil || s.z.count(Removed) != maxRemoved || len(s.z.Anchors()) != 1 {
		t.Errorf("%v: %d removed", f, s.z.count(Removed))
	}
	for len(s.z.Keys) < maxKeys {
		k := newTestKey(t, "example.").revoked()
		s.z.Keys = append(s.z.Keys, Key{DNSKEY: k.rr, State: Revoked, Since: s.now, Seen: s.now.Add(40 * day)})
	}
	more := dnskeySet{keys: keys(a, newTestKey(t, "example.")), signers: keys(a)}
	if _, f := s.z.Update(s.now, more.set(t, "example.", s.now), strictPolicy); f != nil || len(s.z.Keys) != maxKeys {
		t.Errorf("%v: %d keys", f, len(s.z.Keys))
	}
}
