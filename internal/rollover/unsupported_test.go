package rollover

import (
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// withKeyAhead returns a state file with a trusted key, and one of an algorithm that is not
// implemented, which a later version of the program took over.
func withKeyAhead(t *testing.T) (known *testKey, ahead *dns.DNSKEY, text string) {
	t.Helper()
	known = newTestKey(t, ".")
	record := *newTestKey(t, ".").rr
	record.Algorithm = 18
	since := start.AddDate(0, -3, 0)
	lines, err := Format([]*Zone{{Name: ".", LastSuccess: start, LastTry: start, Next: start, Retry: time.Hour, Keys: []Key{
		{DNSKEY: known.rr, State: Valid, Since: since, Seen: start},
		{DNSKEY: &record, State: Valid, Since: since, Seen: start},
		{DS: &dns.DS{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeDS, Class: dns.ClassINET}, KeyTag: 1, Algorithm: 13, DigestType: 6, Digest: "ab"}, State: Valid},
	}}}, start)
	must(t, err)
	return known, &record, string(lines)
}

// TestKeyAhead: a key that this version does not rely on stays in the file with its state, and
// is no trust anchor, so that versions can share a file.
func TestKeyAhead(t *testing.T) {
	known, ahead, text := withKeyAhead(t)
	zones, err := Parse("state", []byte(text))
	must(t, err)
	s := &scenario{t: t, z: zones[0], now: start, names: map[string]*testKey{"known": known, "ahead": {rr: ahead}}}
	if anchors := s.z.AnchorsReliedOn(dnssec.Policy{}); len(anchors) != 1 || anchors[0].KeyTag != known.rr.KeyTag() || len(s.z.Anchors()) != 3 {
		t.Errorf("the anchors are %v", anchors)
	}
	set := dnskeySet{keys: keys(known, &testKey{rr: ahead}), signers: keys(known)}.set(t, ".", start)
	for range 3 {
		s.now = s.now.Add(day)
		if _, f := s.z.Update(s.now, set, dnssec.Policy{}); f != nil {
			t.Fatal(f)
		}
		s.checkRoundTrip()
	}
	if stateIn(s.z, known) != Valid || s.z.Keys[1].State != Valid || s.z.Keys[1].Algorithm() != 18 {
		t.Errorf("the keys are %+v", s.z.Keys)
	}
}

// TestNoKeyReliedOn: if a zone has trusted keys, and none that is relied on, they are its trust
// anchors all the same. They match nothing, so that the zone is bogus.
func TestNoKeyReliedOn(t *testing.T) {
	_, _, text := withKeyAhead(t)
	zones, err := Parse("state", []byte(text))
	must(t, err)
	z := zones[0]
	z.Keys = z.Keys[1:]
	if anchors := z.AnchorsReliedOn(dnssec.Policy{}); len(anchors) != 2 || z.Deleted() {
		t.Errorf("the anchors are %v", anchors)
	}
}

// TestReliedOn: which keys the policy accepts.
func TestReliedOn(t *testing.T) {
	sha1 := Key{DS: &dns.DS{Hdr: dns.RR_Header{Name: "."}, Algorithm: dns.RSASHA1, DigestType: dns.SHA256, Digest: strings.Repeat("ab", 32)}}
	for _, test := range []struct {
		name   string
		key    Key
		policy dnssec.Policy
		want   bool
	}{
		{name: "usual", key: Key{DNSKEY: newTestKey(t, ".").rr}, want: true},
		{name: "revoked", key: Key{DNSKEY: newTestKey(t, ".").revoked().rr}, want: true},
		{name: "SHA-1", key: sha1},
		{name: "SHA-1 that is allowed", key: sha1, policy: dnssec.Policy{AllowSHA1: true}, want: true},
	} {
		if got := test.key.ReliedOn(test.policy); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
