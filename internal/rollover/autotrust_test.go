package rollover

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// The tests in this file follow Unbound's scenarios of the same names, such as
// autotrust_rollover.rpl, with generated keys. They check the trust anchors, and not
// the queries that the scenarios send to the resolver.

// newAutotrust returns the old and the new key of a zone and its zone signing key,
// and a scenario with the old key and the zone signing key as trust anchors.
func newAutotrust(t *testing.T, edits ...func(*dns.DNSKEY)) (s *scenario, old, fresh, zone *testKey) {
	t.Helper()
	old, fresh, zone = newTestKey(t, "example.com."), newTestKey(t, "example.com.", edits...), newTestKey(t, "example.com.", zsk)
	s = newScenario(t, "example.com.", map[string]*testKey{"old": old, "new": fresh, "zsk": zone}, old.ds(), zone.ds())
	s.now = time.Unix(1251100000, 0)
	s.update(0, dnskeySet{keys: keys(old, zone), signers: keys(zone, old)}, "old=valid")
	s.wantNextQuery(90 * time.Minute)
	return s, old, fresh, zone
}

// publishTwice publishes the new key, and again ten days later.
func (s *scenario) publishTwice(both dnskeySet) {
	s.t.Helper()
	s.update(30*day, both, "new=addpend old=valid")
	s.wantNextQuery(90 * time.Minute)
	s.update(10*day, both, "new=addpend old=valid")
	s.wantNextQuery(90 * time.Minute)
}

func TestAutotrust10key(t *testing.T) {
	a, b := newTestKey(t, "example.com."), newTestKey(t, "example.com.")
	names := map[string]*testKey{"a": a, "b": b}
	s := newScenario(t, "example.com.", names, a.ds(), b.ds())
	s.update(0, dnskeySet{keys: keys(a, b), signers: keys(b)}, "a=valid b=valid")
	all := keys(a, b)
	for i := range 11 {
		k := newTestKey(t, "example.com.")
		names[string(rune('c'+i))] = k
		all = append(all, k)
	}
	pending := "a=valid b=valid c=addpend d=addpend e=addpend f=addpend g=addpend h=addpend i=addpend j=addpend k=addpend l=addpend m=addpend"
	s.update(2*time.Hour, dnskeySet{keys: all, signers: keys(b), ttl: 3600}, pending)
	s.wantNextQuery(time.Hour)
	// Beyond Unbound's scenario: all keys become trusted, and the last one alone can
	// sign.
	valid := "a=valid b=valid c=valid d=valid e=valid f=valid g=valid h=valid i=valid j=valid k=valid l=valid m=valid"
	s.update(30*day, dnskeySet{keys: all, signers: keys(a)}, valid)
	s.update(day, dnskeySet{keys: all, signers: all[12:]}, valid)
	if n := len(s.z.Anchors()); n != 13 {
		t.Errorf("%d anchors", n)
	}
}

func TestAutotrustAddpendEarly(t *testing.T) {
	s, old, fresh, zone := newAutotrust(t)
	s.publishTwice(dnskeySet{keys: keys(old, fresh, zone), signers: keys(zone, old, fresh)})
	success, last := s.z.LastSuccess, s.now
	s.update(10*day, dnskeySet{keys: keys(fresh, zone), signers: keys(zone, fresh)}, "new=addpend old=valid", dnssec.DNSKEYNoAnchorMatch)
	s.wantNextQuery(time.Hour)
	if !s.z.LastSuccess.Equal(success) || !success.Equal(last) || !s.z.LastTry.Equal(s.now) {
		t.Errorf("last success %v, last try %v", s.z.LastSuccess, s.z.LastTry)
	}
}

func TestAutotrustAddpendNosignnew(t *testing.T) {
	s, old, fresh, zone := newAutotrust(t)
	s.update(30*day, dnskeySet{keys: keys(old, fresh, zone), signers: keys(zone, old, fresh)}, "new=addpend old=valid")
	more := newTestKey(t, "example.com.")
	s.update(10*day, dnskeySet{keys: keys(old, fresh, more, zone), signers: keys(zone, fresh)}, "new=addpend old=valid", dnssec.DNSKEYMissing)
	s.wantNextQuery(time.Hour)
}

func TestAutotrustAddpendTwice(t *testing.T) {
	s, old, fresh, zone := newAutotrust(t)
	both := dnskeySet{keys: keys(old, fresh, zone), signers: keys(zone, old, fresh)}
	s.publishTwice(both)
	s.update(21*day, both, "new=valid old=valid")
	s.revokeOld(old, fresh, zone)
}

// revokeOld is the end of three scenarios.
func (s *scenario) revokeOld(old, fresh, zone *testKey) {
	s.t.Helper()
	revoked := old.revoked()
	s.update(30*day, dnskeySet{
		keys: keys(revoked, fresh, zone), signers: keys(zone, revoked, fresh),
		extraSigs: []signing{old.signWithTag(old.rr.KeyTag())}, // with the key tag without the REVOKE bit
	}, "new=valid old=revoked")
	s.wantNextQuery(90 * time.Minute)
	if got, want := s.z.Keys[0].Tag(), revoked.rr.KeyTag(); got != want || got == old.rr.KeyTag() {
		s.t.Errorf("tag %d, want %d", got, want)
	}
	// Unbound removes the key from its file here; this package keeps it as Removed.
	s.update(370*day, dnskeySet{keys: keys(fresh, zone), signers: keys(zone, fresh)}, "new=valid old=removed")
	s.wantNextQuery(90 * time.Minute)
	if anchors := s.z.Anchors(); len(anchors) != 1 || anchors[0].KeyTag != fresh.rr.KeyTag() {
		s.t.Errorf("anchors %v", anchors)
	}
}

func TestAutotrustInitDS(t *testing.T) {
	old, zone := newTestKey(t, "example.com."), newTestKey(t, "example.com.", zsk)
	s := newScenario(t, "example.com.", map[string]*testKey{"old": old}, old.rr.ToDS(dns.SHA1))
	one := dnskeySet{keys: keys(old, zone), signers: keys(zone, old)}
	s.update(0, one, "old=valid")
	s.wantNextQuery(90 * time.Minute)
	if k := s.z.Keys[0]; k.DS != nil || k.DNSKEY.PublicKey != old.rr.PublicKey || !k.Since.Equal(start) {
		t.Errorf("%+v", k)
	}
	s.update(90*time.Minute, one, "old=valid")
	s.wantNextQuery(90 * time.Minute)
	if k := s.z.Keys[0]; !k.Since.Equal(start) {
		t.Errorf("valid since %v", k.Since)
	}
}

func TestAutotrustInitFailsig(t *testing.T) {
	old, zone := newTestKey(t, "example.com."), newTestKey(t, "example.com.", zsk)
	s := newScenario(t, "example.com.", map[string]*testKey{"old": old, "zsk": zone}, old.ds(), zone.ds())
	past := start.AddDate(-1, 0, 0)
	for range 2 {
		s.update(time.Hour, dnskeySet{keys: keys(old, zone), signers: keys(zone, old), inception: past, expiration: past}, "old=valid zsk=valid", dnssec.SignatureExpired)
		s.wantNextQuery(time.Hour)
		if s.z.Keys[0].DS == nil || !s.z.LastSuccess.IsZero() {
			t.Errorf("%+v", s.z)
		}
	}
}

func TestAutotrustInitSigs(t *testing.T) {
	s, old, _, zone := newAutotrust(t) // signatures in Unbound's anchor file have no effect
	s.update(90*time.Minute, dnskeySet{keys: keys(old, zone), signers: keys(zone, old)}, "old=valid")
	s.wantNextQuery(90 * time.Minute)
}

// acceptNew publishes the new key until it is Valid.
func (s *scenario) acceptNew(both dnskeySet) {
	s.t.Helper()
	s.publishTwice(both)
	s.update(10*day, both, "new=addpend old=valid")
	if k := s.z.Keys[1]; k.Count != 3 {
		s.t.Errorf("seen %d times", k.Count)
	}
	s.update(11*day, both, "new=valid old=valid")
}

func TestAutotrustMissing(t *testing.T) {
	s, old, fresh, zone := newAutotrust(t)
	s.acceptNew(dnskeySet{keys: keys(old, fresh, zone), signers: keys(zone, old, fresh)})
	one := dnskeySet{keys: keys(fresh, zone), signers: keys(zone, fresh)}
	s.update(30*day, one, "new=valid old=missing")
	s.update(366*day-time.Second, one, "new=valid old=missing")
	s.update(4*day, one, "new=valid")
}

// TestAutotrustMissingReturns differs from Unbound's scenario: an RRset without a
// trusted key is not authenticated even if one signed it (RFC 4035, section 5.3.1).
// So neither key becomes Missing then, and the old one is dropped a year later.
func TestAutotrustMissingReturns(t *testing.T) {
	s, old, fresh, zone := newAutotrust(t)
	s.acceptNew(dnskeySet{keys: keys(old, fresh, zone), signers: keys(zone, old, fresh)})
	s.update(30*day, dnskeySet{keys: keys(zone), signers: keys(zone, fresh)}, "new=valid old=valid", dnssec.DNSKEYNoAnchorMatch)
	one := dnskeySet{keys: keys(fresh, zone), signers: keys(zone, fresh)}
	s.update(370*day, one, "new=valid old=missing")
	s.update(370*day, one, "new=valid")

	// Both are Missing, as in Unbound. The key that returns is Valid at once, and only
	// then the other one is dropped.
	s.z.Keys = []Key{
		{DNSKEY: fresh.rr, State: Missing, Since: s.now, Seen: s.now},
		{DNSKEY: old.rr, State: Missing, Since: s.now, Seen: s.now},
	}
	s.update(370*day, dnskeySet{keys: keys(zone), signers: keys(zone, fresh)}, "new=missing old=missing", dnssec.DNSKEYNoAnchorMatch)
	s.update(0, one, "new=valid")
}

func TestAutotrustProbefailsig(t *testing.T) {
	a, b := newTestKey(t, "example.com."), newTestKey(t, "example.com.")
	s := newScenario(t, "example.com.", map[string]*testKey{"a": a, "b": b}, a.ds(), b.ds())
	s.update(0, dnskeySet{keys: keys(a, b), signers: keys(a, b)}, "a=valid b=valid")
	past := start.AddDate(-1, 0, 0)
	none := dnskeySet{keys: keys(a.revoked(), b.revoked()), signers: keys(a.revoked(), b.revoked()), inception: past, expiration: past}
	s.update(2*time.Hour, none, "a=valid b=valid", dnssec.DNSKEYNoAnchorMatch)
	s.wantNextQuery(time.Hour)
	if !s.z.LastSuccess.Equal(start) {
		t.Errorf("last success %v", s.z.LastSuccess)
	}
}

func TestAutotrustRevokedWithInvalid(t *testing.T) {
	a, b, unknown := newTestKey(t, "example.com."), newTestKey(t, "example.com."), newTestKey(t, "example.com.")
	s := newScenario(t, "example.com.", map[string]*testKey{"a": a, "b": b}, a.ds(), b.ds())
	s.update(0, dnskeySet{keys: keys(a, b), signers: keys(a, b)}, "a=valid b=valid")
	r := b.revoked()
	s.update(2*time.Hour, dnskeySet{keys: keys(r, unknown), signers: keys(r, unknown)}, "a=valid b=revoked", dnssec.DNSKEYNoAnchorMatch)
	s.wantNextQuery(time.Hour)
	if len(s.events) != 1 || s.events[0].Cause != RevBit || s.events[0].KeyTag != b.rr.KeyTag() || !s.z.LastSuccess.Equal(start) {
		t.Errorf("events %v, last success %v", s.events, s.z.LastSuccess)
	}
}

func TestAutotrustRevtpRead(t *testing.T) {
	a, b := newTestKey(t, "example.com."), newTestKey(t, "example.com.")
	s := newScenario(t, "example.com.", map[string]*testKey{"a": a, "b": b}, a.ds(), b.ds())
	plain := dnskeySet{keys: keys(a, b), signers: keys(a, b)}
	s.update(0, plain, "a=valid b=valid")
	gone := dnskeySet{keys: keys(a.revoked(), b.revoked()), signers: keys(a.revoked(), b.revoked())}
	s.update(0, gone, "a=revoked b=revoked", dnssec.TrustAnchorMissing) // update also reads the state file back
	if last := s.events[len(s.events)-1]; last.Cause != Deleted || len(s.events) != 3 {
		t.Errorf("events %v", s.events)
	}
	for range 3 {
		if _, ask := s.z.NextQuery(s.now); ask || !s.z.Deleted() || len(s.z.Anchors()) != 0 {
			t.Errorf("deleted %v, anchors %v", s.z.Deleted(), s.z.Anchors())
		}
		s.update(400*day, plain, "a=revoked b=revoked", dnssec.TrustAnchorMissing)
		s.z.Failed(s.now)
	}
}

func TestAutotrustRollalgo(t *testing.T) {
	s, old, fresh, zone := newAutotrust(t, algorithm(dns.RSASHA256))
	s.acceptNew(dnskeySet{keys: keys(old, fresh), signers: keys(old, fresh)})
	s.revokeOld(old, fresh, zone)
}

func TestAutotrustRollover(t *testing.T) {
	s, old, fresh, zone := newAutotrust(t)
	s.acceptNew(dnskeySet{keys: keys(old, fresh, zone), signers: keys(zone, old, fresh)})
	s.revokeOld(old, fresh, zone)
}
