package anchor

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// prefixes are the networks of the registry of locally served zones (RFC 6303, section 4; RFC
// 7793; RFC 8880).
var prefixes = []string{
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.2.0/24", "198.51.100.0/24",
	"203.0.113.0/24", "255.255.255.255/32", "100.64.0.0/10", "192.0.0.170/32", "192.0.0.171/32",
	"::/128", "::1/128", "fd00::/8", "fe80::/10", "2001:db8::/32",
}

// specialNames are the other names that resolvers answer by themselves.
var specialNames = []string{"test.", "localhost.", "invalid.", "local.", "onion.", "alt.", "home.arpa.", "resolver.arpa.", "service.arpa.",
	"6tisch.arpa.", "eap-noob.arpa.", "ipv4only.arpa.", "empty.as112.arpa."}

// TestBuiltinNegativeZones: the zones are those of the networks and names, and no others.
func TestBuiltinNegativeZones(t *testing.T) {
	set, zones := Root(), BuiltinNegativeZones()
	if !slices.IsSortedFunc(zones, dnsname.Compare) || len(zones) != 112 {
		t.Errorf("%d zones: %q", len(zones), zones)
	}
	of := func(name string) string {
		zone, _, _ := set.BuiltinNegative(name, made)
		return zone
	}
	found := make(map[string]bool)
	for _, text := range prefixes {
		prefix := netip.MustParsePrefix(text)
		for addr := prefix.Addr(); prefix.Contains(addr); addr = next(addr, prefix) {
			zone := of(reverse(t, addr))
			if zone == "" {
				t.Errorf("%s of %s is in no zone", addr, text)
				break
			}
			found[zone] = true
			if addr == last(prefix) {
				break
			}
		}
		for _, outside := range []netip.Addr{prefix.Addr().Prev(), last(prefix).Next()} {
			if outside.IsValid() && !slices.ContainsFunc(prefixes, func(p string) bool { return netip.MustParsePrefix(p).Contains(outside) }) && of(reverse(t, outside)) != "" {
				t.Errorf("%s, beside %s, is in %s", outside, text, of(reverse(t, outside)))
			}
		}
	}
	for _, zone := range specialNames {
		found[zone] = true
		if of(zone) != zone || of("a.b."+zone) != zone || of("x"+zone) != "" {
			t.Errorf("%s: %q, %q, %q", zone, of(zone), of("a.b."+zone), of("x"+zone))
		}
	}
	for _, zone := range zones {
		if !found[zone] {
			t.Errorf("%s is of no network and no name", zone)
		}
	}
	for _, name := range []string{".", "arpa.", "in-addr.arpa.", "ip6.arpa.", "example.", "example.com.", "internal.", "example.org.", "172.in-addr.arpa.", "f.ip6.arpa.", "e.f.ip6.arpa.", "as112.arpa."} {
		if of(name) != "" {
			t.Errorf("%s is in %s", name, of(name))
		}
	}
}

// next goes on to the next /16, or the next nibble behind fe.
func next(addr netip.Addr, prefix netip.Prefix) netip.Addr {
	octets := addr.AsSlice()
	if addr.Is4() && prefix.Bits() <= 16 && octets[1] < 255 {
		octets[1]++
	} else if addr.Is6() && prefix.Bits() == 10 && octets[1] < 0xb0 {
		octets[1] += 0x10
	} else {
		return last(prefix)
	}
	addr, _ = netip.AddrFromSlice(octets)
	if !prefix.Contains(addr) {
		return last(prefix)
	}
	return addr
}

// last returns the last address of a network.
func last(prefix netip.Prefix) netip.Addr {
	octets := prefix.Addr().AsSlice()
	for bit := prefix.Bits(); bit < 8*len(octets); bit++ {
		octets[bit/8] |= 0x80 >> (bit % 8)
	}
	addr, _ := netip.AddrFromSlice(octets)
	return addr
}

func reverse(t *testing.T, addr netip.Addr) string {
	t.Helper()
	name, err := dns.ReverseAddr(addr.String())
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestBuiltinNegative: none counts where an anchor that was configured is as deep or deeper.
func TestBuiltinNegative(t *testing.T) {
	const ended = " until 2026-10-01T00:00:00Z"
	for _, test := range []struct {
		name     string
		positive []string // zones
		negative []string // zone, or "zone until time"
		change   func(*Set)
		counts   map[string]string // names and zones
	}{
		{name: "root alone", counts: map[string]string{"test.": "test.", "a.corp.test.": "test.", "1.0.0.10.in-addr.arpa.": "10.in-addr.arpa.", "example.": ""}},
		{name: "own trust anchor", positive: []string{"test."}, counts: map[string]string{"test.": "", "a.test.": "", "a.invalid.": "invalid."}},
		{name: "own trust anchor below", positive: []string{"corp.test."}, counts: map[string]string{"corp.test.": "", "a.corp.test.": "", "test.": "test.", "a.test.": "test."}},
		{name: "own trust anchor above", positive: []string{"in-addr.arpa."}, counts: map[string]string{"1.10.in-addr.arpa.": "10.in-addr.arpa."}},
		{name: "own negative", negative: []string{"test"}, counts: map[string]string{"test.": "", "a.test.": ""}},
		{name: "own negative below", negative: []string{"corp.test"}, counts: map[string]string{"a.corp.test.": "", "a.test.": "test."}},
		{name: "own negative above", negative: []string{"arpa"}, counts: map[string]string{"1.10.in-addr.arpa.": "", "a.test.": "test."}},
		{name: "own negative that has ended", negative: []string{"test" + ended}, counts: map[string]string{"a.test.": "test."}},
		{name: "removed", change: (*Set).RemoveBuiltinNegative, counts: map[string]string{"test.": "", "1.10.in-addr.arpa.": ""}},
		{name: "no trust anchor", change: func(s *Set) { s.Replace(".", nil) }, counts: map[string]string{"test.": ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := Root()
			for _, zone := range test.positive {
				set.Replace(zone, parsed(t, line(zone)))
			}
			for _, words := range test.negative {
				zones, n, err := ParseNegative(strings.Fields(words))
				if err != nil {
					t.Fatal(err)
				}
				set.Disable(n, zones...)
			}
			if test.change != nil {
				test.change(set)
			}
			for _, s := range []*Set{set, set.Clone()} {
				for name, want := range test.counts {
					zone, rfc, ok := s.BuiltinNegative(name, made)
					if zone != want || ok != (want != "") || (rfc != "") != ok {
						t.Errorf("%s: %q, %q, %t, want %q", name, zone, rfc, ok, want)
					}
				}
			}
		})
	}
}

// TestBuiltinNegativeApart: the built-in ones are none of the operator's, and none that ends
// validation.
func TestBuiltinNegativeApart(t *testing.T) {
	for _, off := range []bool{false, true} {
		set, _, err := Sources{NoBuiltinNegative: off}.Load()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, ok := set.BuiltinNegative("a.test.", time.Now()); ok == off {
			t.Errorf("off %t: %t", off, ok)
		}
		_, negative := set.Negative("test.")
		if _, kind := set.Closest("a.test.", time.Now()); kind != Positive || negative || len(set.NegativeZones()) > 0 || set.String() != ". 20326 (built in) 38696 (built in)" {
			t.Errorf("%s: %s, %q", set, kindNames[kind], set.NegativeZones())
		}
	}
}
