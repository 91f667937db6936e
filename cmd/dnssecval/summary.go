package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// summary is a report, with what its reader has to know beside it.
type summary struct {
	*validator.Report
	server   string
	zone     string   // that is at fault; empty if none is
	failed   []dns.RR // the records that are at fault
	negative string   // a negative trust anchor for the Corefile; empty if none should be suggested
}

// negativeFor is for how long a negative trust anchor is suggested. RFC 7646, section 2, asks
// for short ones.
const negativeFor = 24 * time.Hour

func newSummary(report *validator.Report, server string) *summary {
	s := &summary{Report: report, server: server}
	s.zone, s.failed = report.Failed()
	if s.zone != "" && s.zone != "." && !slices.Contains(unmended, report.Reason) {
		s.negative = "negative-trust-anchor " + s.zone + " until " + report.At.Add(negativeFor).UTC().Format(time.RFC3339)
	}
	return s
}

// unmended are the failures that a negative trust anchor does not mend, and those that may be
// an attack.
var unmended = []validator.Reason{validator.DNSKEYNoAnchorMatch, validator.LimitExceeded, validator.ResponseMalformed, validator.CNAMEChainInvalid}

// remedy returns what to do about the finding, or an empty string.
func (s *summary) remedy() string {
	if s.Reason == validator.ReasonNone {
		return ""
	}
	return s.Reason.Remedy()
}

// without returns the type and name of the RRset that does not exist.
func (s *summary) without() string {
	name := s.Missing
	if name == "" {
		name = s.Name
	}
	return dns.Type(s.Type).String() + " " + name
}

// withoutRRsets describes an answer that has no RRset to judge.
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

// stamp formats a time.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// instant returns the time of a field of an RRSIG (RFC 4034, section 3.1.5): of all that the
// 32 bits stand for the closest one to another time.
func instant(at time.Time, serial uint32) time.Time {
	return time.Unix(at.Unix()+int64(int32(serial-uint32(at.Unix()))), 0).UTC()
}

// digest returns the name of a digest type, or its number.
func digest(number uint8) string {
	if name, ok := dns.HashToString[number]; ok {
		return name
	}
	return strconv.Itoa(int(number))
}

// algorithm returns the mnemonic of an algorithm that the validator implements, or a number.
func algorithm(number uint8) string {
	switch number {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519, dns.ED448:
		return dns.AlgorithmToString[number]
	default:
		return strconv.Itoa(int(number))
	}
}

// dsOf returns the DS records of a zone at its parent, and its trust anchors.
func dsOf(z validator.ZoneReport) (records []*dns.DS) {
	for _, rr := range z.DS.RRs {
		if ds, ok := rr.(*dns.DS); ok {
			records = append(records, ds)
		}
	}
	return append(records, z.Anchors...)
}

// matchesAny reports whether one of the records is a digest of the key.
func matchesAny(key validator.KeyReport, records []*dns.DS) bool {
	return slices.ContainsFunc(records, func(ds *dns.DS) bool { return slices.Contains(key.Matches, ds) })
}
