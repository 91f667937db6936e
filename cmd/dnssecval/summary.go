package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dnssecval/dnssecval"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// summary is a report with what follows from it for a person.
type summary struct {
	*dnssecval.Report
	server   string
	zone     string   // at fault; empty if none is
	failed   []dns.RR // what the finding is about
	negative string   // a line for the Corefile that lets the zone pass; empty where none should
}

// tolerated is how long a negative trust anchor is suggested for: RFC 7646, section 2,
// wants them short.
const tolerated = 24 * time.Hour

func newSummary(report *dnssecval.Report, server string) *summary {
	s := &summary{Report: report, server: server}
	s.zone, s.failed = report.Failed()
	if s.zone != "" && s.zone != "." && !slices.Contains(notTheZone, report.Reason) {
		s.negative = "negative-trust-anchor " + s.zone + " until " + report.At.Add(tolerated).UTC().Format(time.RFC3339)
	}
	return s
}

// notTheZone are failures that trusting the zone less would not mend, or that may be
// an attack.
var notTheZone = []dnssec.Reason{dnssec.DNSKEYNoAnchorMatch, dnssec.LimitExceeded, dnssec.ResponseMalformed, dnssec.CNAMEChainInvalid}

// remedy says what to do; it is empty if nothing is to be done.
func (s *summary) remedy() string {
	if s.Reason == dnssec.ReasonNone {
		return ""
	}
	return s.Reason.Remedy()
}

// without names the RRset that the answer does not have.
func (s *summary) without() string {
	name := s.Missing
	if name == "" {
		name = s.Name
	}
	return dns.Type(s.Type).String() + " " + name
}

// withoutRRsets says what the answer is that has no RRset to judge.
func (s *summary) withoutRRsets() string {
	switch {
	case s.Message.Rcode != dns.RcodeSuccess:
		return dns.RcodeToString[s.Message.Rcode]
	case len(s.Message.Answer) > 0:
		return fmt.Sprintf("%d records", len(s.Message.Answer))
	default:
		return "no such record"
	}
}

// stamp writes a time.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// instant returns the time nearest to another that has the serial number of an RRSIG.
func instant(at time.Time, serial uint32) time.Time {
	return time.Unix(at.Unix()+int64(int32(serial-uint32(at.Unix()))), 0).UTC()
}

// digest names a digest type.
func digest(number uint8) string {
	if name, ok := dns.HashToString[number]; ok {
		return name
	}
	return strconv.Itoa(int(number))
}

// keysOf returns the DNSKEY records of a zone.
func keysOf(z dnssecval.ZoneReport) (keys []*dns.DNSKEY) {
	for _, rr := range z.DNSKEY.RRs {
		if key, ok := rr.(*dns.DNSKEY); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// dsOf returns the DS records that vouch for a zone: those of its parent, or the
// trust anchors.
func dsOf(z dnssecval.ZoneReport) (records []*dns.DS) {
	for _, rr := range z.DS.RRs {
		if ds, ok := rr.(*dns.DS); ok {
			records = append(records, ds)
		}
	}
	return append(records, z.Anchors...)
}

// vouchedFor tells whether one of the records stands for the key.
func vouchedFor(key *dns.DNSKEY, records []*dns.DS) bool {
	return slices.ContainsFunc(records, func(ds *dns.DS) bool { return dnssec.Matches(ds, key) })
}
