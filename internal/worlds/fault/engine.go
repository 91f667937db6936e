package fault

const (
	response   = "validator/response.go"
	verdicts   = "validator/verdict.go"
	denials    = "validator/denial.go"
	found      = "validator/proofs.go"
	alias      = "validator/alias.go"
	delegation = "validator/delegation.go"
	aggressive = "validator/aggressive.go"
	replies    = "validator/reply.go"
	kept       = "validator/denials.go"
)

// Engine is faults of the validator around the proofs.
var Engine = []Fault{
	{
		Name: "answer: a wildcard needs no proof", Rule: "RFC 4035, section 5.3.4", Like: "wildcard although a closer name exists, 2026",
		Changes: []Change{{response, "f := r.proofs().of(proof.Signer()).WildcardAnswer(set.Name, encloser)", "f := dnssec.Proven"}},
	},
	{
		Name: "answer: what has no signature is insecure", Rule: "RFC 4035, section 5.2", Like: "routedns #530, blocky GHSA-x845-2f78-7v36",
		Changes: []Change{{verdicts, "if zone.finding.Status == dnssec.Secure || failure.refuted", "if failure.refuted"}, {verdicts, "return q.orLocal(home(set), inheritedFrom(zone))", "zone.finding.Status = dnssec.Insecure\n\treturn inheritedFrom(&cut{name: zone.name, finding: dnssec.Finding{Status: dnssec.Insecure}})"}},
	},
	{
		Name: "answer: NXDOMAIN may come with an answer", Rule: "RFC 2308, section 2.1",
		Changes: []Change{{response, "\t\tr.exists = true\n\tcase (positive", "\tcase (positive"}},
	},
	{
		Name: "answer: the CNAME beside a DNAME may lead anywhere", Rule: "RFC 6672, section 5.3.1",
		Changes: []Change{{response, "if l.mismatch != \"\" && ", "if false && "}},
	},
	{
		Name: "answer: a CNAME beside a signed DNAME is believed", Rule: "RFC 6672, section 5.3.1",
		Changes: []Change{{alias, "target, ok := substitute(name, dname.Name, to)\n", "target, ok := substitute(name, dname.Name, to)\n\tif len(cname.RRs) > 0 {\n\t\treturn link{set: dname, synthesized: name}, dnsname.Canonical(cname.RRs[0].(*dns.CNAME).Target), nil\n\t}\n"}},
	},
	{
		Name: "denial: a name error by the proof of no data", Rule: "RFC 4035, section 5.4", Like: "an empty non-terminal denied, 2026",
		Changes: []Change{{found, "if rcode == dns.RcodeNameError {\n\t\t\tf = p.of(zone).NameError(name)\n\t\t}", "if false {\n\t\t\tf = p.of(zone).NameError(name)\n\t\t}"}},
	},
	{
		Name: "denial: a response without proof is insecure", Rule: "RFC 4035, section 5.2",
		Changes: []Change{{denials, "if above.finding.Status == dnssec.Secure || ", "if false || "}},
	},
	{
		Name: "denial: a DS is denied by the zone that begins there", Rule: "RFC 4035, section 3.1.4.1",
		Changes: []Change{{found, "zones := p.zones(container(name, qtype), within)", "zones := p.zones(name, within)"}, {denial, "case qtype == dns.TypeDS && t.has(dns.TypeSOA) && name != \".\":", "case false:"}},
	},
	{
		Name: "signature: the signer need not be above the owner name", Rule: "RFC 4035, section 5.3.1", Like: "routedns #531",
		Changes: []Change{{checker, " || !zoneMayHold(set, zone) {", " {"}, {verdicts, "if !dnsname.IsSubdomain(home(set), signer) || ", "if "}},
	},
	{
		Name: "zone cut: no denial is needed for an insecure delegation", Rule: "RFC 4035, section 5.2", Like: "routedns #530",
		Changes: []Change{{delegation, "if above.finding.Status != dnssec.Secure {\n\t\treturn q.inherit(name, above)\n\t}\n\treturn &cut{name: name, delegation: dnssec.DelegationUnsigned, finding: finding}", "if above.finding.Status != dnssec.Secure {\n\t\treturn q.inherit(name, above)\n\t}\n\treturn &cut{name: name, delegation: dnssec.DelegationUnsigned, finding: dnssec.Finding{Status: dnssec.Insecure, Reason: dnssec.DelegationInsecure}, expires: q.until(60)}"}},
	},
	{
		Name: "synthesis: an opt-out span denies", Rule: "RFC 8198, section 5; RFC 5155, section 9.2",
		Changes: []Change{{aggressive, "if denial.NameError(name).Status != dnssec.Secure {", "if denial.NameError(name).Status == dnssec.Bogus {"}},
	},
	{
		Name: "synthesis: a wildcard needs no denial of the name", Rule: "RFC 8198, section 5.3",
		Changes: []Change{{aggressive, "if denial.WildcardAnswer(q.question.name, encloser).Status != dnssec.Secure {", "if false && encloser != \"\" {"}},
	},
	{
		Name: "synthesis: no data is said of what does not exist", Rule: "RFC 8198, section 5.2",
		Changes: []Change{{aggressive, "kind, s.result.rcode = SynthesizedNoData, dns.RcodeSuccess\n\t\tif denial.NoData(name, qtype).Status != dnssec.Secure {", "kind, s.result.rcode = SynthesizedNoData, dns.RcodeSuccess\n\t\tif qtype == dns.TypeANY {"}},
	},
	{
		Name: "synthesis: the closest wildcard that is known stands for the name", Rule: "RFC 4592, section 3.3.1",
		Changes: []Change{{kept, "z.spans.Covering(dnsname.NextCloser(name, encloser), dnssec.NewBudget(nil))", "z.spans.Covering(name, dnssec.NewBudget(nil))"}, {aggressive, "if denial.WildcardAnswer(q.question.name, encloser).Status != dnssec.Secure {", "if denial.WildcardAnswer(q.question.name, dnsname.Parent(q.question.name)).Status != dnssec.Secure && encloser != \"\" {"}},
	},
	{
		Name: "reply: unproven records stay beside AD", Rule: "RFC 4035, section 3.2.3", Like: "Hickory, 2026",
		Changes: []Change{{replies, "msg.Ns = onlyKept(msg.Ns, result.sets.proven, authoritySection)", "msg.Ns = slices.Clone(msg.Ns)"}},
	},
}

// All returns all faults.
func All() []Fault { return append(append([]Fault(nil), Proofs...), Engine...) }
