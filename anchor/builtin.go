package anchor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
)

// builtinNegative has the zones that resolvers answer by themselves, without signatures, and the
// RFC that says so. They are those of IANA's registry of locally served zones, and the names of
// the registry of special-use names that resolvers do not forward. The public tree proves for
// each of them that it does not exist or is not signed.
var builtinNegative = locallyServed()

// locallyServed makes the map from zones to the numbers of RFCs.
func locallyServed() map[string]string {
	zones := map[string]string{
		"test.": "6761", "localhost.": "6761", "invalid.": "6761", "local.": "6762", "onion.": "7686", "alt.": "9476",
		"home.arpa.": "8375", "resolver.arpa.": "9462", "service.arpa.": "9665", "6tisch.arpa.": "9031", "eap-noob.arpa.": "9140",
		"ipv4only.arpa.": "8880", "170.0.0.192.in-addr.arpa.": "8880", "171.0.0.192.in-addr.arpa.": "8880", "empty.as112.arpa.": "7535",

		"10.in-addr.arpa.": "6303", "168.192.in-addr.arpa.": "6303", "0.in-addr.arpa.": "6303", "127.in-addr.arpa.": "6303",
		"254.169.in-addr.arpa.": "6303", "2.0.192.in-addr.arpa.": "6303", "100.51.198.in-addr.arpa.": "6303", "113.0.203.in-addr.arpa.": "6303",
		"255.255.255.255.in-addr.arpa.": "6303", strings.Repeat("0.", 32) + "ip6.arpa.": "6303", "1." + strings.Repeat("0.", 31) + "ip6.arpa.": "6303",
		"d.f.ip6.arpa.": "6303", "8.e.f.ip6.arpa.": "6303", "9.e.f.ip6.arpa.": "6303", "a.e.f.ip6.arpa.": "6303", "b.e.f.ip6.arpa.": "6303",
		"8.b.d.0.1.0.0.2.ip6.arpa.": "6303",
	}
	for i := 16; i <= 31; i++ {
		zones[fmt.Sprintf("%d.172.in-addr.arpa.", i)] = "6303"
	}
	for i := 64; i <= 127; i++ {
		zones[fmt.Sprintf("%d.100.in-addr.arpa.", i)] = "7793"
	}
	return zones
}

// BuiltinNegativeZones returns the zones with built-in negative trust anchors, in canonical
// order.
func BuiltinNegativeZones() []string {
	return slices.SortedFunc(maps.Keys(builtinNegative), dnsname.Compare)
}

// BuiltinNegative returns the zone of the built-in negative trust anchor that counts for a
// canonical name, and the number of the RFC that it follows. None counts if an anchor that was
// configured, be it a trust anchor or a negative one, is as deep or deeper.
//
// Unlike a configured one a built-in negative trust anchor does not end validation: it only
// says that an answer need not be proven. Closest, Negative and NegativeZones ignore it.
func (s *Set) BuiltinNegative(name string, now time.Time) (zone, rfc string, ok bool) {
	configured, kind := s.Closest(name, now)
	if s.noBuiltinNegative || kind != Positive {
		return "", "", false
	}
	for zone = name; zone != configured; zone = dnsname.Parent(zone) {
		if rfc, ok = builtinNegative[zone]; ok {
			return zone, rfc, true
		}
	}
	return "", "", false
}

// RemoveBuiltinNegative removes the built-in negative trust anchors. A set that NewSet or Root
// made has them.
func (s *Set) RemoveBuiltinNegative() { s.noBuiltinNegative = true }
