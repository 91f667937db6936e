package anchor

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// ParseNegative reads the words ZONE... [until TIME] of negative trust anchors, the time
// as RFC 3339 has it. The zones are returned as canonical names.
func ParseNegative(words []string) (zones []string, n Negative, err error) {
	if last := len(words) - 1; last >= 1 && words[last-1] == "until" {
		until, err := time.Parse(time.RFC3339, words[last])
		if err != nil {
			return nil, n, fmt.Errorf("%q is not a time such as 2026-12-31T12:00:00Z", words[last])
		}
		n.Until, words = until, words[:last-1]
	}
	if len(words) == 0 {
		return nil, n, errors.New("needs a zone")
	}
	for _, zone := range words {
		name, err := parseZone(zone)
		if err != nil {
			return nil, n, err
		}
		zones = append(zones, name)
	}
	return zones, n, nil
}

// parseZone returns the canonical name of a zone.
func parseZone(zone string) (string, error) {
	name := dnsname.Canonical(zone)
	if _, ok := dns.IsDomainName(name); !ok || !dns.IsFqdn(name) || zone == "until" {
		return "", fmt.Errorf("%q is not a zone", zone)
	}
	if !isASCII(zone) {
		return "", errNotASCII
	}
	if _, err := netip.ParsePrefix(zone); err == nil {
		return "", fmt.Errorf("%q is a network, not a zone such as 10.in-addr.arpa", zone)
	}
	return name, nil
}

// parseNegativeLines reads lines of ZONE [until TIME], with comments as Parse has them.
func parseNegativeLines(source, text string, negative map[string]Negative) error {
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		words := strings.Fields(withoutComment(line))
		if len(words) == 0 {
			continue
		}
		zones, n, err := ParseNegative(words)
		if err == nil && len(zones) != 1 {
			err = errors.New("one zone a line, and `until TIME` behind it if it ends")
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", source, i+1, err)
		}
		negative[zones[0]] = n
	}
	return nil
}
