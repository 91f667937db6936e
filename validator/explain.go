package validator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// ErrNoAnswer is the error of Explain if there was no response to judge.
var ErrNoAnswer = errors.New("no answer")

// Explain asks a question and reports the chain link by link. It asks for everything
// anew, as if nothing were known. The only error is one that wraps ErrNoAnswer.
func (v *Validator) Explain(ctx context.Context, name string, qtype uint16) (*Report, error) {
	recorded := &recorder{next: v.exchanger, responses: make(map[question]*dns.Msg)}
	fresh := v.fresh(recorded)
	q := fresh.newQuery(ctx, newRequest(dns.Fqdn(name), qtype))
	msg, err := fresh.exchange(ctx, q.upstreamRequest(q.request.Question[0].Name, usual), usual, Manner{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	result := q.judgeAndRetry(&msg)
	return (&reporter{query: q, recorded: recorded, msg: msg}).report(result), nil
}

// fresh returns a validator with the same settings that knows nothing yet, and that
// answers nothing from what it learns.
func (v *Validator) fresh(exchanger Exchanger) *Validator {
	options := v.options
	options.Anchors, options.NoSynthesis, options.Observe = v.Anchors(), true, observeNothing
	fresh, _ := New(exchanger, options) // the options were good before
	return fresh
}

// recorder remembers the last response to each question.
type recorder struct {
	next      Exchanger
	mu        sync.Mutex
	responses map[question]*dns.Msg
}

// Exchange implements Exchanger. It remembers a copy: the validator may change the
// message.
func (r *recorder) Exchange(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
	msg, err := r.next.Exchange(ctx, request, how)
	if err == nil && msg != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.responses[question{dnsname.Canonical(request.Question[0].Name), request.Question[0].Qtype}] = msg.Copy()
	}
	return msg, err
}

// response returns the last response to a question, or an empty message.
func (r *recorder) response(name string, qtype uint16) *dns.Msg {
	r.mu.Lock()
	defer r.mu.Unlock()
	if msg := r.responses[question{name, qtype}]; msg != nil {
		return msg
	}
	return new(dns.Msg)
}

// of returns the RRset in the response to the question for it, an empty one if there is
// none.
func (r *recorder) of(name string, rtype uint16) dnssec.RRset {
	set, ok := findSet(dnssec.GroupRRsets(r.response(name, rtype).Answer), name, rtype)
	if !ok {
		return dnssec.RRset{Name: name, Type: rtype}
	}
	return set
}

// denialOf returns the NSEC and NSEC3 RRsets of a response, up to a limit.
func denialOf(msg *dns.Msg) []dnssec.RRset {
	sets := slices.DeleteFunc(dnssec.GroupRRsets(msg.Ns), func(set dnssec.RRset) bool {
		return set.Type != dns.TypeNSEC && set.Type != dns.TypeNSEC3
	})
	return sets[:min(len(sets), maxRRsets)]
}

// reporter collects a report once the question is judged. It makes the same checks again,
// one record at a time, with budgets of its own.
type reporter struct {
	*query
	recorded *recorder
	msg      *dns.Msg
}

// report makes the report of a result.
func (r *reporter) report(result *Result) *Report {
	report := &Report{Finding: result.Finding, Name: r.question.name, Type: r.question.qtype, At: r.verifier.Now, Message: r.msg}
	for _, zone := range r.anchors.Zones() {
		report.Anchors = append(report.Anchors, r.anchorRecords(zone)...)
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

// isOf reports whether a name at which a zone cut could be neither proven nor denied is in
// a zone above: the signatures of the response say so, whether they verify or not.
func (r *reporter) isOf(c *cut) bool {
	if c.finding.Status != dnssec.Bogus || len(r.recorded.of(c.name, dns.TypeDS).RRs) > 0 {
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

// zoneReport reports a zone.
func (r *reporter) zoneReport(c *cut) ZoneReport {
	z := ZoneReport{Finding: c.finding, Name: c.name}
	if _, ok := r.anchorDS(c.name); ok {
		z.Anchors = r.anchorRecords(c.name)
	} else if r.scope(c.name).finding.Status == dnssec.Secure {
		z.DS = r.setReport(r.recorded.of(c.name, dns.TypeDS))
		if len(z.DS.RRs) == 0 {
			for _, set := range denialOf(r.recorded.response(c.name, dns.TypeDS)) {
				z.Denial = append(z.Denial, r.setReport(set))
			}
		}
	}
	// Below an insecure delegation it is by chance whether the keys were asked for.
	if ds, ok := r.dsSet(c.name); ok && c.finding.Status != dnssec.Insecure {
		z.DNSKEY = r.keysReport(c, ds)
	}
	z.Keys = keyReports(z)
	return z
}

// setReport reports an RRset other than DNSKEY.
func (r *reporter) setReport(set dnssec.RRset) RRsetReport {
	report := RRsetReport{Name: set.Name, Type: set.Type, RRs: set.RRs}
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

// keysReport reports the DNSKEY RRset of a zone. If the zone is bogus each signature is
// tried by itself with the keys that match the DS set.
func (r *reporter) keysReport(c *cut, ds dnssec.DSSet) RRsetReport {
	set := r.recorded.of(c.name, dns.TypeDNSKEY)
	report := RRsetReport{Finding: c.finding, Name: set.Name, Type: set.Type, RRs: set.RRs}
	r.verifier.Budget = dnssec.NewBudget(nil)
	for _, sig := range candidates(set) {
		s := SignatureReport{RRSIG: sig}
		if c.keys != nil {
			s.check(r.verifier.Authenticate(alone(set, sig), c.keys))
		} else if _, failure := r.verifier.Keys(alone(set, sig), ds); failure != nil && !noKey(failure) {
			s.Finding = failure.Finding()
		}
		report.Signatures = append(report.Signatures, s)
	}
	return report
}

// dsSet returns the trust anchors of a zone, or its authenticated DS set.
func (r *reporter) dsSet(zone string) (dnssec.DSSet, bool) {
	if anchors, ok := r.anchorDS(zone); ok {
		return anchors, true
	}
	v, _ := r.judgeSigned(r.recorded.of(zone, dns.TypeDS))
	if v.Status != dnssec.Secure {
		return dnssec.DSSet{}, false
	}
	return v.proof.DSSet()
}

// noKey reports whether a failure is that no key matches, and not one of a signature.
func noKey(f *dnssec.Failure) bool {
	return f.Reason == dnssec.DNSKEYNoDSMatch || f.Reason == dnssec.DNSKEYNoAnchorMatch
}

// candidates returns the signatures of an RRset, up to the limit of a validation.
func candidates(set dnssec.RRset) []*dns.RRSIG {
	return set.Sigs[:min(len(set.Sigs), dnssec.MaxCandidates)]
}

// alone returns an RRset with one of its signatures.
func alone(set dnssec.RRset, sig *dns.RRSIG) dnssec.RRset {
	set.Sigs = []*dns.RRSIG{sig}
	return set
}

// check takes over the outcome of verifying the signature.
func (s *SignatureReport) check(proof *dnssec.Authenticated, f *dnssec.Failure) {
	if f != nil {
		s.Finding = f.Finding()
		return
	}
	s.Finding, s.Expires = dnssec.Proven, proof.Expires()
}
