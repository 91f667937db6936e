package dnssecval

import (
	"slices"
	"strconv"
	"strings"

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

// sentinelRefuses decides whether the answer for a sentinel name is SERVFAIL: the
// answer is secure, and the label says of a root key what is not so.
func (v *Validator) sentinelRefuses(q question, status dnssec.Status) bool {
	if status != dnssec.Secure || (q.qtype != dns.TypeA && q.qtype != dns.TypeAAAA) {
		return false
	}
	label, _, _ := strings.Cut(q.name, ".")
	if tag, ok := sentinelTag(label, sentinelIsTA); ok {
		return !v.trustsRootKey(tag)
	}
	tag, ok := sentinelTag(label, sentinelNotTA)
	return ok && v.trustsRootKey(tag)
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

func (v *Validator) trustsRootKey(tag uint16) bool {
	return slices.ContainsFunc(v.anchors.Load().positive[dnsname.Root], func(a anchor) bool { return a.ds.KeyTag == tag })
}
