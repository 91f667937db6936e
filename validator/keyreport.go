package validator

import (
	"slices"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// KeyReport is what was found about a key.
type KeyReport struct {
	*dns.DNSKEY
	Reason  Reason    // why it verifies no signatures; ReasonNone if it may
	Matches []*dns.DS // the DS records and trust anchors that are digests of it
}

// Bounds of the comparisons of keys with DS records, which need a digest each. They are far
// more than a zone may have of either.
const (
	maxReportedKeys = 4 * dnssec.MaxDNSKEY
	maxReportedDS   = 4 * dnssec.MaxDS
)

// keyReports reports each key of a zone.
func keyReports(z ZoneReport) (keys []KeyReport) {
	records := slices.Clone(z.Anchors)
	for _, rr := range z.DS.RRs {
		if ds, ok := rr.(*dns.DS); ok {
			records = append(records, ds)
		}
	}
	records = records[:min(len(records), maxReportedDS)]
	for _, rr := range z.DNSKEY.RRs {
		key, ok := rr.(*dns.DNSKEY)
		if !ok {
			continue
		}
		k := KeyReport{DNSKEY: key}
		if failure := dnssec.CheckKey(key); failure != nil {
			k.Reason = failure.Reason
		}
		for _, ds := range records {
			if len(keys) < maxReportedKeys && dnssec.Matches(ds, key) {
				k.Matches = append(k.Matches, ds)
			}
		}
		keys = append(keys, k)
	}
	return keys
}
