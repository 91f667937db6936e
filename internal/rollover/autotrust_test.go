package rollover

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// The tests in this file play the sequences of Unbound's scenarios of the same names
// (autotrust_rollover.rpl and so on) with keys of our own. The queries that those make
// of the resolver are not played here: what they show is which anchors there are.

// trio is a zone's old and new key and its zone-signing key, and a story that begins
// with the old one and the zone-signing key as anchors.
func trio(t *testing.T, edits ...func(*dns.DNSKEY)) (s *story, old, fresh, zone *pair) {
	t.Helper()
	old, fresh, zone = newPair(t, "example.com."), newPair(t, "example.com.", edits...), newPair(t, "example.com.", zsk)
	s = tell(t, "example.com.", map[string]*pair{"old": old, "new": fresh, "zsk": zone}, old.ds(), zone.ds())
	s.now = time.Unix(1251100000, 0)
	s.sees(0, published{keys: keys(old, zone), by: keys(zone, old)}, "old=valid")
	s.next(90 * time.Minute)
	return s, old, fresh, zone
}

// pend publishes the new key, and shows it for a second time ten days later.
func (s *story) pend(both published) {
	s.t.Helper()
	s.sees(30*day, both, "new=addpend old=valid")
	s.next(90 * time.Minute)
	s.sees(10*day, both, "new=addpend old=valid")
	s.next(90 * time.Minute)
}

func TestAutotrust10key(t *testing.T) {
	a, b := newPair(t, "example.com."), newPair(t, "example.com.")
	names := map[string]*pair{"a": a, "b": b}
	s := tell(t, "example.com.", names, a.ds(), b.ds())
	s.sees(0, published{keys: keys(a, b), by: keys(b)}, "a=valid b=valid")
	all := keys(a, b)
	for i := range 11 {
		k := newPair(t, "example.com.")
		names[string(rune('c'+i))] = k
		all = append(all, k)
	}
	pending := "a=valid b=valid c=addpend d=addpend e=addpend f=addpend g=addpend h=addpend i=addpend j=addpend k=addpend l=addpend m=addpend"
	s.sees(2*time.Hour, published{keys: all, by: keys(b), ttl: 3600}, pending)
	s.next(time.Hour)
	// And on: all of them are trusted, and the last one alone can sign.
	valid := "a=valid b=valid c=valid d=valid e=valid f=valid g=valid h=valid i=valid j=valid k=valid l=valid m=valid"
	s.sees(30*day, published{keys: all, by: keys(a)}, valid)
	s.sees(day, published{keys: all, by: all[12:]}, valid)
	if n := len(s.z.Anchors()); n != 13 {
		t.Errorf("%d anchors", n)
	}
}

func TestAutotrustAddpendEarly(t *testing.T) {
	s, old, fresh, zone := trio(t)
	s.pend(published{keys: keys(old, fresh, zone), by: keys(zone, old, fresh)})
	success, last := s.z.LastSuccess, s.now
	s.sees(10*day, published{keys: keys(fresh, zone), by: keys(zone, fresh)}, "new=addpend old=valid", dnssec.DNSKEYNoAnchorMatch)
	s.next(time.Hour)
	if !s.z.LastSuccess.Equal(success) || !success.Equal(last) || !s.z.LastTry.Equal(s.now) {
		t.Errorf("last success %v, last try %v", s.z.LastSuccess, s.z.LastTry)
	}
}

func TestAutotrustAddpendNosignnew(t *testing.T) {
	s, old, fresh, zone := trio(t)
	s.sees(30*day, published{keys: keys(old, fresh, zone), by: keys(zone, old, fresh)}, "new=addpend old=valid")
	more := newPair(t, "example.com.")
	s.sees(10*day, published{keys: keys(old, fresh, more, zone), by: keys(zone, fresh)}, "new=addpend old=valid", dnssec.DNSKEYMissing)
	s.next(time.Hour)
}

func TestAutotrustAddpendTwice(t *testing.T) {
	s, old, fresh, zone := trio(t)
	both := published{keys: keys(old, fresh, zone), by: keys(zone, old, fresh)}
	s.pend(both)
	s.sees(21*day, both, "new=valid old=valid")
	s.revokeOld(old, fresh, zone)
}

// revokeOld is how three of the scenarios end.
func (s *story) revokeOld(old, fresh, zone *pair) {
	s.t.Helper()
	revoked := old.revoked()
	s.sees(30*day, published{
		keys: keys(revoked, fresh, zone), by: keys(zone, revoked, fresh),
		more: []signing{old.as(old.rr.KeyTag())}, // by the tag of before
	}, "new=valid old=revoked")
	s.next(90 * time.Minute)
	if got, want := s.z.Keys[0].Tag(), revoked.rr.KeyTag(); got != want || got == old.rr.KeyTag() {
		s.t.Errorf("tag %d, want %d", got, want)
	}
	// Unbound drops it from the file here; a removed key is kept, and trusted no more.
	s.sees(370*day, published{keys: keys(fresh, zone), by: keys(zone, fresh)}, "new=valid old=removed")
	s.next(90 * time.Minute)
	if anchors := s.z.Anchors(); len(anchors) != 1 || anchors[0].KeyTag != fresh.rr.KeyTag() {
		s.t.Errorf("anchors %v", anchors)
	}
}

func TestAutotrustInitDS(t *testing.T) {
	old, zone := newPair(t, "example.com."), newPair(t, "example.com.", zsk)
	s := tell(t, "example.com.", map[string]*pair{"old": old}, old.rr.ToDS(dns.SHA1))
	one := published{keys: keys(old, zone), by: keys(zone, old)}
	s.sees(0, one, "old=valid")
	s.next(90 * time.Minute)
	if k := s.z.Keys[0]; k.DS != nil || k.DNSKEY.PublicKey != old.rr.PublicKey || !k.Since.Equal(start) {
		t.Errorf("%+v", k)
	}
	s.sees(90*time.Minute, one, "old=valid")
	s.next(90 * time.Minute)
	if k := s.z.Keys[0]; !k.Since.Equal(start) {
		t.Errorf("valid since %v", k.Since)
	}
}

func TestAutotrustInitFailsig(t *testing.T) {
	old, zone := newPair(t, "example.com."), newPair(t, "example.com.", zsk)
	s := tell(t, "example.com.", map[string]*pair{"old": old, "zsk": zone}, old.ds(), zone.ds())
	past := start.AddDate(-1, 0, 0)
	for range 2 {
		s.sees(time.Hour, published{keys: keys(old, zone), by: keys(zone, old), begin: past, end: past}, "old=valid zsk=valid", dnssec.SignatureExpired)
		s.next(time.Hour)
		if s.z.Keys[0].DS == nil || !s.z.LastSuccess.IsZero() {
			t.Errorf("%+v", s.z)
		}
	}
}

func TestAutotrustInitSigs(t *testing.T) {
	s, old, _, zone := trio(t) // signatures in the anchors' file say nothing
	s.sees(90*time.Minute, published{keys: keys(old, zone), by: keys(zone, old)}, "old=valid")
	s.next(90 * time.Minute)
}

// missing plays what the scenarios of missing keys have in common.
func (s *story) missing(both published) {
	s.t.Helper()
	s.pend(both)
	s.sees(10*day, both, "new=addpend old=valid")
	if k := s.z.Keys[1]; k.Count != 3 {
		s.t.Errorf("seen %d times", k.Count)
	}
	s.sees(11*day, both, "new=valid old=valid")
}

func TestAutotrustMissing(t *testing.T) {
	s, old, fresh, zone := trio(t)
	s.missing(published{keys: keys(old, fresh, zone), by: keys(zone, old, fresh)})
	one := published{keys: keys(fresh, zone), by: keys(zone, fresh)}
	s.sees(30*day, one, "new=valid old=missing")
	s.sees(366*day-time.Second, one, "new=valid old=missing")
	s.sees(4*day, one, "new=valid")
}

// TestAutotrustMissingReturns differs from Unbound in its middle: an RRset that has no
// trusted key isn't authenticated though one signed it (RFC 4035, section 5.3.1), so
// that neither key becomes missing; and so the old one is missed a year later.
func TestAutotrustMissingReturns(t *testing.T) {
	s, old, fresh, zone := trio(t)
	s.missing(published{keys: keys(old, fresh, zone), by: keys(zone, old, fresh)})
	s.sees(30*day, published{keys: keys(zone), by: keys(zone, fresh)}, "new=valid old=valid", dnssec.DNSKEYNoAnchorMatch)
	one := published{keys: keys(fresh, zone), by: keys(zone, fresh)}
	s.sees(370*day, one, "new=valid old=missing")
	s.sees(370*day, one, "new=valid")

	// Both missing, as Unbound has them then: the one that returns is trusted at once,
	// and only with it the other one's time is over.
	s.z.Keys = []Key{
		{DNSKEY: fresh.rr, State: Missing, Since: s.now, Seen: s.now},
		{DNSKEY: old.rr, State: Missing, Since: s.now, Seen: s.now},
	}
	s.sees(370*day, published{keys: keys(zone), by: keys(zone, fresh)}, "new=missing old=missing", dnssec.DNSKEYNoAnchorMatch)
	s.sees(0, one, "new=valid")
}

func TestAutotrustProbefailsig(t *testing.T) {
	a, b := newPair(t, "example.com."), newPair(t, "example.com.")
	s := tell(t, "example.com.", map[string]*pair{"a": a, "b": b}, a.ds(), b.ds())
	s.sees(0, published{keys: keys(a, b), by: keys(a, b)}, "a=valid b=valid")
	past := start.AddDate(-1, 0, 0)
	none := published{keys: keys(a.revoked(), b.revoked()), by: keys(a.revoked(), b.revoked()), begin: past, end: past}
	s.sees(2*time.Hour, none, "a=valid b=valid", dnssec.DNSKEYNoAnchorMatch)
	s.next(time.Hour)
	if !s.z.LastSuccess.Equal(start) {
		t.Errorf("last success %v", s.z.LastSuccess)
	}
}

func TestAutotrustRevokedWithInvalid(t *testing.T) {
	a, b, unknown := newPair(t, "example.com."), newPair(t, "example.com."), newPair(t, "example.com.")
	s := tell(t, "example.com.", map[string]*pair{"a": a, "b": b}, a.ds(), b.ds())
	s.sees(0, published{keys: keys(a, b), by: keys(a, b)}, "a=valid b=valid")
	r := b.revoked()
	s.sees(2*time.Hour, published{keys: keys(r, unknown), by: keys(r, unknown)}, "a=valid b=revoked", dnssec.DNSKEYNoAnchorMatch)
	s.next(time.Hour)
	if len(s.events) != 1 || s.events[0].Cause != RevBit || s.events[0].KeyTag != b.rr.KeyTag() || !s.z.LastSuccess.Equal(start) {
		t.Errorf("events %v, last success %v", s.events, s.z.LastSuccess)
	}
}

func TestAutotrustRevtpRead(t *testing.T) {
	a, b := newPair(t, "example.com."), newPair(t, "example.com.")
	s := tell(t, "example.com.", map[string]*pair{"a": a, "b": b}, a.ds(), b.ds())
	plain := published{keys: keys(a, b), by: keys(a, b)}
	s.sees(0, plain, "a=valid b=valid")
	gone := published{keys: keys(a.revoked(), b.revoked()), by: keys(a.revoked(), b.revoked())}
	s.sees(0, gone, "a=revoked b=revoked", dnssec.TrustAnchorMissing) // and the state file was read back
	if last := s.events[len(s.events)-1]; last.Cause != Deleted || len(s.events) != 3 {
		t.Errorf("events %v", s.events)
	}
	for range 3 {
		if _, ask := s.z.NextQuery(s.now); ask || !s.z.Deleted() || len(s.z.Anchors()) != 0 {
			t.Errorf("deleted %v, anchors %v", s.z.Deleted(), s.z.Anchors())
		}
		s.sees(400*day, plain, "a=revoked b=revoked", dnssec.TrustAnchorMissing)
		s.z.Failed(s.now)
	}
}

func TestAutotrustRollalgo(t *testing.T) {
	s, old, fresh, zone := trio(t, algorithm(dns.RSASHA256))
	s.missing(published{keys: keys(old, fresh), by: keys(old, fresh)})
	s.revokeOld(old, fresh, zone)
}

func TestAutotrustRollover(t *testing.T) {
	s, old, fresh, zone := trio(t)
	s.missing(published{keys: keys(old, fresh, zone), by: keys(zone, old, fresh)})
	s.revokeOld(old, fresh, zone)
}
