package dnssecval

import (
	"maps"
	"slices"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Report is what was found about a question, and on the way to it.
type Report struct {
	dnssec.Finding
	Name    string // canonical
	Type    uint16
	At      time.Time
	Message *dns.Msg      // the answer that was judged
	Zones   []ZoneReport  // each behind the zones above it
	RRsets  []RRsetReport // of the answer, and what denies that there is one
	Missing string        // the name, at the end of aliases, that has no such RRset; empty if it has
	Anchors []*dns.DS     // that were trusted
}

// ZoneReport is what is known of a zone.
type ZoneReport struct {
	dnssec.Finding
	Name    string
	Parent  string // the next zone above it that the report has; empty for the first
	Anchors []*dns.DS
	DS      RRsetReport
	Denial  []RRsetReport // of the DS
	DNSKEY  RRsetReport
}

// RRsetReport is an RRset as it came, with what its signatures are worth.
type RRsetReport struct {
	dnssec.Finding
	dnssec.RRset
	Signatures []SignatureReport
}

// SignatureReport is one RRSIG. Its finding is Indeterminate if it was not checked,
// since the keys of its signer are not known.
type SignatureReport struct {
	dnssec.Finding
	RRSIG   *dns.RRSIG
	Expires time.Time
}

// Failed returns the zone that is at fault, and the records that the finding of a
// report is about, as they came.
func (r *Report) Failed() (zone string, records []dns.RR) {
	if r.Status != dnssec.Bogus {
		return "", nil
	}
	for _, z := range r.Zones {
		if z.Status == dnssec.Bogus {
			return z.Name, slices.Concat(r.unmatched(z), r.about(z.DS), r.about(z.DNSKEY), r.aboutAny(z.Denial))
		}
	}
	for _, set := range r.RRsets {
		if set.Status == dnssec.Bogus {
			return r.ZoneOf(set), r.about(set)
		}
	}
	return r.zoneOf(container(r.Name, r.Type)), r.aboutAny(r.RRsets)
}

// unmatched returns what vouches for a zone and matches none of its keys.
func (r *Report) unmatched(z ZoneReport) (records []dns.RR) {
	switch r.Reason {
	case dnssec.DNSKEYNoDSMatch:
		return z.DS.RRs
	case dnssec.DNSKEYNoAnchorMatch:
		for _, ds := range z.Anchors {
			records = append(records, ds)
		}
	}
	return records
}

// about returns the signatures that failed as the report did, else the records of a
// set that failed so.
func (r *Report) about(set RRsetReport) (records []dns.RR) {
	for _, sig := range set.Signatures {
		if sig.Reason == r.Reason {
			records = append(records, sig.RRSIG)
		}
	}
	if len(records) == 0 && set.Status == dnssec.Bogus {
		return set.RRs
	}
	return records
}

// aboutAny is for a denial, which fails as a whole.
func (r *Report) aboutAny(sets []RRsetReport) (records []dns.RR) {
	for _, set := range sets {
		records = append(records, r.about(set)...)
	}
	if len(records) > 0 {
		return records
	}
	for _, set := range sets {
		records = append(records, set.RRs...)
	}
	return records
}

// ZoneOf returns the zone of the report that an RRset is of: that of its signer, or the
// closest one.
func (r *Report) ZoneOf(set RRsetReport) string {
	for _, sig := range set.Signatures {
		if signer := dnsname.Canonical(sig.RRSIG.SignerName); r.zoneOf(signer) == signer {
			return signer
		}
	}
	return r.zoneOf(container(set.Name, set.Type))
}

// zoneOf returns the closest zone of the report at or above a name.
func (r *Report) zoneOf(name string) string {
	closest := dnsname.Root
	for _, z := range r.Zones {
		if dnsname.IsSubdomain(name, z.Name) {
			closest = z.Name
		}
	}
	return closest
}

// reporter collects a report once the question is judged. It makes the same checks
// again, one record at a time: what they cost is not the client's.
type reporter struct {
	*query
	heard *observer
	msg   *dns.Msg
}

func (r *reporter) report(result *Result) *Report {
	report := &Report{Finding: result.Finding, Name: r.question.name, Type: r.question.qtype, At: r.now, Message: r.msg}
	for _, zone := range r.anchors.zones() {
		for _, a := range r.anchors.positive[zone] {
			report.Anchors = append(report.Anchors, a.ds)
		}
	}
	names := []string{container(r.question.name, r.question.qtype)}
	if provable(r.msg.Rcode) {
		p, failure := followAliases(r.question, r.msg)
		for _, set := range p.sets() {
			names = append(names, container(set.Name, set.Type))
			report.RRsets = append(report.RRsets, r.setReport(set))
		}
		if p.end != "" {
			names = append(names, container(p.end, r.question.qtype))
		}
		if len(p.final) == 0 && !p.unsigned && failure == nil {
			report.Missing = p.end
		}
		for _, set := range denialOf(r.msg) {
			report.RRsets = append(report.RRsets, r.setReport(set))
		}
	}
	report.Zones = r.zoneReports(names)
	return report
}

// sets returns the RRsets of the path.
func (p path) sets() (sets []dnssec.RRset) {
	for _, l := range p.links {
		sets = append(sets, l.set)
	}
	return append(sets, p.final...)
}

// zoneReports reports the zones that are known at and above some names.
func (r *reporter) zoneReports(names []string) (zones []ZoneReport) {
	cuts := make(map[string]*cut)
	for _, name := range names {
		scope := r.scope(name)
		if scope.finding.Status != dnssec.Secure {
			cuts[scope.zone] = &cut{name: scope.zone, finding: scope.finding}
			continue
		}
		for n := dnsname.Labels(scope.zone); n <= dnsname.Labels(name); n++ {
			if c := r.known(dnsname.Ancestor(name, n)); c != nil && c.beginsZone() && !r.isOf(c) {
				cuts[c.name] = c
			}
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(cuts), dnsname.Compare) {
		z := r.zoneReport(cuts[name])
		for _, above := range zones {
			if dnsname.IsBelow(name, above.Name) {
				z.Parent = above.Name
			}
		}
		zones = append(zones, z)
	}
	return zones
}

// isOf tells whether a name of which it could not be found out whether a zone begins
// there is one of a zone above: the signatures say so, be they good or not.
func (r *reporter) isOf(c *cut) bool {
	if c.finding.Status != dnssec.Bogus || len(r.heard.of(c.name, dns.TypeDS).RRs) > 0 {
		return false
	}
	for _, set := range dnssec.GroupRRsets(slices.Concat(r.msg.Answer, r.msg.Ns)) {
		home := container(set.Name, set.Type)
		if !dnsname.IsSubdomain(home, c.name) && (set.Type != dns.TypeSOA || !dnsname.IsBelow(c.name, home)) {
			continue
		}
		for _, signer := range set.Signers() {
			if dnsname.IsBelow(c.name, signer) {
				return true
			}
		}
	}
	return false
}

func (r *reporter) zoneReport(c *cut) ZoneReport {
	z := ZoneReport{Finding: c.finding, Name: c.name}
	if _, ok := r.anchors.of(c.name, r.now); ok {
		for _, a := range r.anchors.positive[c.name] {
			z.Anchors = append(z.Anchors, a.ds)
		}
	} else if r.scope(c.name).finding.Status == dnssec.Secure {
		z.DS = r.setReport(r.heard.of(c.name, dns.TypeDS))
		if len(z.DS.RRs) == 0 {
			for _, set := range denialOf(r.heard.answer(c.name, dns.TypeDS)) {
				z.Denial = append(z.Denial, r.setReport(set))
			}
		}
	}
	if vouched, ok := r.vouched(c.name); ok && c.finding.Status != dnssec.Insecure { // else it may have been asked for ahead, or not
		z.DNSKEY = r.keysReport(c, vouched)
	}
	return z
}

// setReport reports an RRset that the keys of another zone, or of a known one, sign.
func (r *reporter) setReport(set dnssec.RRset) RRsetReport {
	report := RRsetReport{RRset: set}
	if len(set.RRs) == 0 {
		return report
	}
	r.verifier.Budget = dnssec.NewBudget(nil)
	report.Finding = r.judgeSet(set).Finding
	for _, sig := range candidates(set) {
		s := SignatureReport{RRSIG: sig}
		if c := r.known(dnsname.Canonical(sig.SignerName)); c != nil && c.keys != nil {
			s.check(r.verifier.Authenticate(alone(set, sig), c.keys))
		}
		report.Signatures = append(report.Signatures, s)
	}
	return report
}

// keysReport reports the DNSKEY RRset of a zone. If the zone has failed, each signature is
// tried by itself with the keys that are vouched for.
func (r *reporter) keysReport(c *cut, vouched dnssec.DSSet) RRsetReport {
	set := r.heard.of(c.name, dns.TypeDNSKEY)
	report := RRsetReport{RRset: set, Finding: c.finding}
	r.verifier.Budget = dnssec.NewBudget(nil)
	for _, sig := range candidates(set) {
		s := SignatureReport{RRSIG: sig}
		if c.keys != nil {
			s.check(r.verifier.Authenticate(alone(set, sig), c.keys))
		} else if _, failure := r.verifier.Keys(alone(set, sig), vouched); failure != nil && !noKey(failure) {
			s.Finding = failure.Finding()
		}
		report.Signatures = append(report.Signatures, s)
	}
	return report
}

// vouched returns what vouches for the keys of a zone.
func (r *reporter) vouched(zone string) (dnssec.DSSet, bool) {
	if anchors, ok := r.anchors.of(zone, r.now); ok {
		return anchors, true
	}
	v, _ := r.judgeSigned(r.heard.of(zone, dns.TypeDS))
	if v.Status != dnssec.Secure {
		return dnssec.DSSet{}, false
	}
	return v.proof.DSSet()
}

// noKey tells whether a failure is not of a signature, but that no key was vouched for.
func noKey(f *dnssec.Failure) bool {
	return f.Reason == dnssec.DNSKEYNoDSMatch || f.Reason == dnssec.DNSKEYNoAnchorMatch
}

func candidates(set dnssec.RRset) []*dns.RRSIG {
	return set.Sigs[:min(len(set.Sigs), dnssec.MaxCandidates)]
}

func alone(set dnssec.RRset, sig *dns.RRSIG) dnssec.RRset {
	set.Sigs = []*dns.RRSIG{sig}
	return set
}

// check takes what a check of the signature has shown.
func (s *SignatureReport) check(proof *dnssec.Authenticated, f *dnssec.Failure) {
	if f != nil {
		s.Finding = f.Finding()
		return
	}
	s.Finding, s.Expires = dnssec.Proven, proof.Expires()
}
