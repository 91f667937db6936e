package validator

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestDelegations: what is asked for ahead below a zone follows from what was there before.
func TestDelegations(t *testing.T) {
	signed := &cut{delegation: dnssec.DelegationSigned, finding: dnssec.Proven}
	unsigned := &cut{delegation: dnssec.DelegationUnsigned, finding: dnssec.Finding{Status: dnssec.Insecure}}
	none := &cut{delegation: dnssec.NotDelegation, finding: dnssec.Proven}
	failed := failedCut("x.", dnssec.DSUnavailable, "")
	times := func(n int, c *cut) (found []*cut) {
		for range n {
			found = append(found, c)
		}
		return found
	}
	for _, tc := range []struct {
		what, zone string
		found      [][]*cut
		want       expected
	}{
		{what: "the root", zone: ".", want: expected{cut: true, keys: true}},
		{what: "the root, all unsigned", zone: ".", found: [][]*cut{times(100, unsigned)}, want: expected{cut: true, keys: true}},
		{what: "a new top level", zone: "test.", want: expected{cut: true, keys: true}},
		{what: "one unsigned", zone: "test.", found: [][]*cut{times(1, unsigned)}, want: expected{cut: true, keys: true}},
		{what: "two unsigned", zone: "test.", found: [][]*cut{times(2, unsigned)}, want: expected{cut: true}},
		{what: "one signed of three", zone: "test.", found: [][]*cut{times(20, unsigned), times(10, signed)}, want: expected{cut: true, keys: true}},
		{what: "one signed of six", zone: "test.", found: [][]*cut{times(25, unsigned), times(5, signed)}, want: expected{cut: true}},
		{what: "the last ones count more", zone: "test.", found: [][]*cut{times(200, unsigned), times(40, signed)}, want: expected{cut: true, keys: true}},
		{what: "the last ones count more, unsigned", zone: "test.", found: [][]*cut{times(200, signed), times(80, unsigned)}, want: expected{cut: true}},
		{what: "failures show nothing", zone: "test.", found: [][]*cut{times(1, signed), times(100, failed)}, want: expected{cut: true, keys: true}},
		{what: "a new zone further down", zone: "co.test.", want: expected{keys: true}},
		{what: "a zone with hosts", zone: "co.test.", found: [][]*cut{times(10, none), times(5, nil)}, want: expected{}},
		{what: "a zone with signed zones", zone: "co.test.", found: [][]*cut{times(3, signed)}, want: expected{cut: true, keys: true}},
		{what: "a zone with unsigned zones and hosts", zone: "co.test.", found: [][]*cut{times(6, unsigned), times(5, nil)}, want: expected{cut: true}},
	} {
		d, err := newDelegations()
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range tc.found {
			for _, c := range found {
				d.note(tc.zone, c)
			}
		}
		if got := d.next(tc.zone); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.what, got, tc.want)
		}
	}
}

// TestDelegationsBounded: however many zones there are, so many are counted.
func TestDelegationsBounded(t *testing.T) {
	d, err := newDelegations()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * delegationZones {
		d.note(string(rune('a'+i%26))+time.Duration(i).String()+".test.", nil)
	}
	if n := d.zones.Len(); n > delegationZones {
		t.Errorf("%d zones", n)
	}
}

// TestZonesFurtherDown: below a zone like co.uk most names are zones too. Once that is known
// a new one there takes one round trip.
func TestZonesFurtherDown(t *testing.T) {
	specs := []testzone.Spec{{Name: "test.", Algorithm: dns.ED25519}, {Name: "co.test.", Algorithm: dns.ED25519}}
	for _, zone := range []string{"a", "b", "c", "d", "e"} {
		specs = append(specs, testzone.Spec{Name: zone + ".co.test.", Algorithm: dns.ED25519, Records: []string{"www A 192.0.2.1"}})
	}
	w := newWorld(t, specs...)
	if got := roundTrips(t, w, "www.e.co.test.", 1.6, "www.a.co.test.", "www.b.co.test.", "www.c.co.test.", "www.d.co.test.", "no.a.co.test."); got > 1.6 {
		t.Errorf("%.1f round trips", got)
	}
}

// TestExpiredKeys: a DS RRset counts for its own TTL (RFC 4035, section 5.3.3). If the keys
// expire before it only they are asked for, together with the client's question.
func TestExpiredKeys(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "test.", Algorithm: dns.ED25519}, testzone.Spec{Name: "a.test.", Algorithm: dns.ED25519},
		testzone.Spec{Name: "b.a.test.", Algorithm: dns.ED25519, TTL: 100, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	now := fakeClock(v)
	ask(t, v, "www.b.a.test.", typeA, withDO)
	now.advance(101 * time.Second)
	w.ResetQuestions()
	const delay = 40 * time.Millisecond
	w.SetDelay(delay)
	start := time.Now()
	if m := ask(t, v, "www.b.a.test.", typeA, withDO); !m.AuthenticatedData {
		t.Errorf("%s", m)
	}
	if took := time.Since(start); took > delay*17/10 {
		t.Errorf("it took %v", took)
	}
	if ds, keys := asked(w, "b.a.test.", dns.TypeDS), asked(w, "b.a.test.", dns.TypeDNSKEY); ds != 0 || keys != 1 || askedInAll(w) != 2 {
		t.Errorf("%d questions for the DS and %d for the keys: %v", ds, keys, w.Questions())
	}
}
