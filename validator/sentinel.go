package validator

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// The labels by which clients find out which root keys are trusted (RFC 8509,
// section 2).
const (
	sentinelIsTA  = "root-key-sentinel-is-ta-"
	sentinelNotTA = "root-key-sentinel-not-ta-"
)

// sentinelRefuses reports whether the answer for a sentinel name has to be SERVFAIL: it is
// secure, and what the label says of a root key is not true (RFC 8509, section 3).
func (q *query) sentinelRefuses(status dnssec.Status) bool {
	if status != dnssec.Secure || (q.question.qtype != dns.TypeA && q.question.qtype != dns.TypeAAAA) {
		return false
	}
	label, _, _ := strings.Cut(q.question.name, ".")
	if tag, ok := sentinelTag(label, sentinelIsTA); ok {
		return !q.trustsRootKey(tag)
	}
	tag, ok := sentinelTag(label, sentinelNotTA)
	return ok && q.trustsRootKey(tag)
}

// sentinelTag reads the key tag: five digits, with zeros in front.
func sentinelTag(label, prefix string) (uint16, bool) {
	digits, ok := strings.CutPrefix(label, prefix)
	if !ok || len(digits) != 5 {
		return 0, false
	}
	tag, err := strconv.ParseUint(digits, 10, 16)
	return uint16(tag), err == nil
}

// trustsRootKey reports whether a trust anchor of the root has a key tag.
func (q *query) trustsRootKey(tag uint16) bool {
	return slices.ContainsFunc(q.v.anchors.Load().Anchors(dnsname.Root), func(a anchor.Anchor) bool { return a.DS.KeyTag == tag })
}
