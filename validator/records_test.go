package validator

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// records returns the records of sections as text, sorted.
func records(sections ...[]dns.RR) string {
	var lines []string
	for _, rr := range slices.Concat(sections...) {
		lines = append(lines, text(rr))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// text returns a record as text, without its TTL and the case of its owner name.
func text(rr dns.RR) string {
	rr = dns.Copy(rr)
	rr.Header().Ttl = 0
	rr.Header().Name = dnsname.Canonical(rr.Header().Name)
	return rr.String()
}

// flip changes one bit of a signature.
func flip(sig *dns.RRSIG) {
	raw, err := base64.StdEncoding.DecodeString(sig.Signature)
	if err != nil {
		panic(err)
	}
	if len(raw) > 0 {
		raw[len(raw)/2] ^= 1
	}
	sig.Signature = base64.StdEncoding.EncodeToString(raw)
}

// dayOf returns a time so many days from now.
func dayOf(days int) time.Time {
	return time.Now().Add(time.Duration(days) * 24 * time.Hour).Add(-10 * time.Minute)
}

// justBefore returns a name that sorts shortly before name, and so does its NSEC3 hash, so
// that no name of the zone is between them.
func justBefore(name string) string {
	hash := func(n string) string { return dns.HashName(n, dns.SHA1, 0, "") }
	best := ""
	for i := range 1000 {
		candidate := fmt.Sprintf("nn%d%s", i, name[2:])
		if hash(candidate) < hash(name) && (best == "" || hash(candidate) > hash(best)) {
			best = candidate
		}
	}
	return best
}
