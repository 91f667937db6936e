package validator

import (
	"fmt"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestSentinel has the table of RFC 8509, section 3.1.
func TestSentinel(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"* A 192.0.2.1"}},
		testzone.Spec{Name: "unsigned.", Records: []string{"* A 192.0.2.2"}})
	v := newTestValidator(t, w)
	trusted := v.Anchors().Anchors(".")[0].DS.KeyTag
	name := func(word string, tag uint16) string { return fmt.Sprintf("%s%05d", word, tag) }
	for _, tc := range []struct {
		name  string
		qtype uint16
		rcode int
	}{
		{name: name(sentinelIsTA, trusted) + ".example.", qtype: dns.TypeA},
		{name: name(sentinelIsTA, trusted+1) + ".example.", qtype: dns.TypeA, rcode: servfail},
		{name: name(sentinelNotTA, trusted) + ".example.", qtype: dns.TypeA, rcode: servfail},
		{name: name(sentinelNotTA, trusted+1) + ".example.", qtype: dns.TypeA},
		{name: name(sentinelNotTA, trusted) + ".example.", qtype: dns.TypeMX},
		{name: name(sentinelNotTA, trusted) + ".unsigned.", qtype: dns.TypeA},
		{name: sentinelIsTA + "1.example.", qtype: dns.TypeA},
		{name: "x." + name(sentinelNotTA, trusted) + ".example.", qtype: dns.TypeA},
	} {
		if got := ask(t, v, tc.name, tc.qtype, withDO); got.Rcode != tc.rcode {
			t.Errorf("%s: %s, want %s", tc.name, dns.RcodeToString[got.Rcode], dns.RcodeToString[tc.rcode])
		}
	}
}
