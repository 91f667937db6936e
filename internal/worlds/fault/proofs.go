package fault

const (
	nsec    = "internal/dnssec/nsec.go"
	nsec3   = "internal/dnssec/nsec3.go"
	proof3  = "internal/dnssec/nsec3proof.go"
	denial  = "internal/dnssec/denial.go"
	keys    = "internal/dnssec/keys.go"
	checker = "internal/dnssec/verifier.go"
	rrset   = "internal/dnssec/rrset.go"
	data    = "internal/dnssec/signeddata.go"
)

// anyClass and anyClassSigned make the grouping of RRsets forget that only class IN is judged.
var (
	anyClass       = Change{rrset, "if h.Class != dns.ClassINET || ", "if "}
	anyClassSigned = Change{rrset, "ok && sig.Hdr.Class == dns.ClassINET {", "ok {"}
)

// Proofs are faults of the proofs of internal/dnssec.
var Proofs = []Fault{
	{
		Name: "NSEC: the last record is the one with the SOA bit", Rule: "RFC 4034, section 4.1.1", Like: "wrap by an unproven SOA, 2026",
		Changes: []Change{{nsec, "(r.next == zone || ", "(r.has(dns.TypeSOA) || "}},
	},
	{
		Name: "NSEC: an ancestor delegation covers names below it", Rule: "RFC 6840, section 4.1", Like: "Hickory, CVE-2026-123596",
		Changes: []Change{{nsec, "if r.isDelegationOrDNAME() && dnsname.IsBelow", "if r.has(dns.TypeDNAME) && dnsname.IsBelow"}},
	},
	{
		Name: "NSEC: a DNAME covers names below it", Rule: "RFC 6840, section 4.1",
		Changes: []Change{{nsec, "if r.isDelegationOrDNAME() && dnsname.IsBelow", "if r.isDelegation() && dnsname.IsBelow"}},
	},
	{
		Name: "NSEC: an empty non-terminal is no name", Rule: "RFC 4592, section 2.2.2", Like: "Hickory, CVE-2026-123594",
		Changes: []Change{{nsec, "case r.emptyNonTerminal(qname):\n\t\treturn finding(DenialContradicted, \"NSEC \"+r.owner+\" shows that \"+qname+\" is an empty non-terminal\")\n\t}\n\twildcard :=", "}\n\twildcard :="}},
	},
	{
		Name: "NSEC: a name error needs no denial of the wildcard", Rule: "RFC 4035, section 5.4",
		Changes: []Change{{nsec, "if w, ok := n.cover(wildcard); !ok || w.emptyNonTerminal(wildcard) {", "if w, ok := n.cover(wildcard); ok && w.emptyNonTerminal(wildcard) {"}},
	},
	{
		Name: "NSEC: a wildcard that is an empty non-terminal does not exist", Rule: "RFC 4592, section 2.2.2",
		Changes: []Change{{nsec, "if w, ok := n.cover(wildcard); !ok || w.emptyNonTerminal(wildcard) {", "if _, ok := n.cover(wildcard); !ok {"}},
	},
	{
		Name: "NSEC: the closest encloser is that of the owner name only", Rule: "RFC 4035, section 5.4",
		Changes: []Change{{nsec, "if len(a) > len(b) {", "if len(a) > 0 {"}},
	},
	{
		Name: "NSEC: a name without record and wildcard has no data", Rule: "RFC 4035, section 3.1.3.4",
		Changes: []Change{{nsec, "return finding(DenialIncomplete, \"NSEC shows that \"+qname+\" does not exist, and none matches \"+wildcard)", "return Proven"}},
	},
	{
		Name: "NSEC: qname instead of the next closer name for a wildcard", Rule: "RFC 4035, section 5.3.4", Like: "PowerDNS Recursor, 2026",
		Changes: []Change{{nsec, "name := dnsname.NextCloser(qname, closestEncloser)", "name := qname"}},
	},
	{
		Name: "NSEC3: a matching record covers", Rule: "RFC 5155, section 8.3", Like: "matching NSEC3 taken for a covering one, 2026",
		Changes: []Change{{nsec3, "bytes.Compare(r.owner[:], h[:]) < 0, ", "bytes.Compare(r.owner[:], h[:]) <= 0, "}},
	},
	{
		Name: "NSEC3: a record covers its next hashed owner name", Rule: "RFC 5155, section 8.3",
		Changes: []Change{{nsec3, "bytes.Compare(h[:], r.next[:]) < 0\n", "bytes.Compare(h[:], r.next[:]) <= 0\n"}},
	},
	{
		Name: "NSEC3: every record wraps", Rule: "RFC 5155, section 8.3", Like: "Hickory, CVE-2026-123601",
		Changes: []Change{{nsec3, "return afterOwner && beforeNext\n", "return afterOwner || beforeNext\n"}},
	},
	{
		Name: "NSEC3: the last record does not wrap", Rule: "RFC 5155, section 3.1.7",
		Changes: []Change{{nsec3, "return (afterOwner || beforeNext) && h != r.owner", "return afterOwner && beforeNext"}},
	},
	{
		Name: "NSEC3: the closest encloser may be a delegation or a DNAME", Rule: "RFC 5155, section 8.3; RFC 6840, section 4.1",
		Changes: []Change{{proof3, "case r.isDelegationOrDNAME():", "case false:"}},
	},
	{
		Name: "NSEC3: no next closer name", Rule: "RFC 5155, section 8.3",
		Changes: []Change{{proof3, "case covering == nil:\n\t\t\tbest = fail(DenialIncomplete, \"no NSEC3 covers \"+nextCloser)", "case covering == nil:\n\t\t\treturn p, nil"}},
	},
	{
		Name: "NSEC3: a name error needs no denial of the wildcard", Rule: "RFC 5155, section 8.4",
		Changes: []Change{{proof3, "case r == nil:\n\t\treturn finding(DenialIncomplete, \"no NSEC3 covers \"+wildcard)", "case r == nil:\n\t\treturn p.unlessOptOut(Proven, qname)"}},
	},
	{
		Name: "NSEC3: an opt-out span denies securely", Rule: "RFC 5155, section 9.2",
		Changes: []Change{{proof3, "if p.optOut {\n\t\treturn finding(OptOut, ", "if false {\n\t\treturn finding(OptOut, "}},
	},
	{
		Name: "NSEC3: no zone cut in an opt-out span", Rule: "RFC 5155, section 8.9",
		Changes: []Change{{proof3, "case p.optOut:\n\t\treturn DelegationUnsigned,", "case false:\n\t\treturn DelegationUnsigned,"}},
	},
	{
		Name: "NSEC3: every span is opt-out", Rule: "RFC 5155, section 6",
		Changes: []Change{{proof3, "p.optOut = covering.optOut", "p.optOut = covering != nil"}},
	},
	{
		Name: "NSEC3: qname instead of the next closer name for a wildcard", Rule: "RFC 5155, section 8.8", Like: "blocky #2267",
		Changes: []Change{{proof3, "name := dnsname.NextCloser(qname, closestEncloser)", "name := qname"}},
	},
	{
		Name: "types: the type itself does not count", Rule: "RFC 4035, section 5.4",
		Changes: []Change{{denial, "case t.has(qtype):", "case false:"}},
	},
	{
		Name: "NSEC: NXNAME says nothing", Rule: "RFC 9824, section 2",
		Changes: []Change{{nsec, "if r.has(dns.TypeNXNAME) {", "if r.has(dns.TypeNXNAME) && !ok {"}},
	},
	{
		Name: "NSEC3: the wildcard contradicts in an opt-out span", Rule: "RFC 5155, section 8.6", Like: "dnssecval itself, found by this",
		Changes: []Change{{proof3, "if p.optOut { // whatever", "if p.optOut && !dns.IsFqdn(qname) { // whatever"}, {proof3, "\t\treturn finding(DenialIncomplete, \"NSEC3 shows that \"+qname+\" does not exist, and none matches \"+wildcard)", "\t\treturn p.unlessOptOut(finding(DenialIncomplete, \"NSEC3 shows that \"+qname+\" does not exist, and none matches \"+wildcard), qname)"}},
	},
	{
		Name: "types: a CNAME does not count", Rule: "RFC 6840, section 4.3",
		Changes: []Change{{denial, "case t.has(dns.TypeCNAME):\n\t\treturn finding", "case false:\n\t\treturn finding"}},
	},
	{
		Name: "types: the child's apex denies the DS", Rule: "RFC 6840, section 4.4",
		Changes: []Change{{denial, "case qtype == dns.TypeDS && t.has(dns.TypeSOA) && name != \".\":", "case false:"}},
	},
	{
		Name: "types: the parent denies types of the child", Rule: "RFC 6840, section 4.1", Like: "a parent's NSEC used below the cut, 2026",
		Changes: []Change{{denial, "case qtype != dns.TypeDS && t.isDelegation():", "case false:"}},
	},
	{
		Name: "types: a name without NS is an insecure delegation", Rule: "RFC 6840, section 4.4", Like: "Hickory, CVE-2026-123591",
		Changes: []Change{{denial, "\tdefault:\n\t\treturn NotDelegation, Proven", "\tdefault:\n\t\treturn DelegationUnsigned, finding(DelegationInsecure, \"no DS at \"+name)"}},
	},
	{
		Name: "types: the apex is a delegation", Rule: "RFC 6840, section 4.1", Like: "Hickory, CVE-2026-123600",
		Changes: []Change{{denial, "return t.has(dns.TypeNS) && !t.has(dns.TypeSOA) }", "return t.has(dns.TypeNS) }"}},
	},
	{
		Name: "denial: records of any signer", Rule: "RFC 6840, section 4.1",
		Changes: []Change{{denial, "expanded || a.signer != zone {", "expanded {"}},
	},
	{
		Name: "denial: records that are expanded from a wildcard", Rule: "RFC 4035, section 5.4",
		Changes: []Change{{denial, "if _, expanded := a.Expanded(); expanded || a.signer != zone {", "if a.signer != zone {"}},
	},
	{
		Name: "keys: any key may sign the keys", Rule: "RFC 4035, section 5.2", Like: "routedns #528",
		Changes: []Change{{keys, "a, f := v.authenticate(set, set.Name, matching)", "a, f := v.authenticate(set, set.Name, append(matching, keys...))"}, {keys, "\tmatching, f := keysMatchingDS(keys, ds, v.Policy)\n\tif f != nil {", "\tmatching, f := keysMatchingDS(keys, ds, v.Policy)\n\tif f != nil && len(keys) == 0 {"}},
	},
	{
		Name: "class: RRsets of any class", Rule: "RFC 4035, section 5.3.1",
		Changes: []Change{anyClass, anyClassSigned},
	},
	{
		Name: "class: RRsets of any class, also in the reply", Rule: "RFC 4035, section 5.3.1",
		Changes: []Change{anyClass, anyClassSigned, {replies, "if k != nil && h.Class == dns.ClassINET {", "if k != nil {"}},
	},
	{
		Name: "class: a DS of any class", Rule: "RFC 4035, section 5.3.1", Like: "DS of another class, 2026",
		Changes: []Change{
			{rrset, "if h.Class != dns.ClassINET || ", "if h.Class != dns.ClassINET && h.Rrtype != dns.TypeDS || "},
			{rrset, "ok && sig.Hdr.Class == dns.ClassINET {", "ok && (sig.Hdr.Class == dns.ClassINET || sig.TypeCovered == dns.TypeDS) {"},
			{data, "b = binary.BigEndian.AppendUint16(b, dns.ClassINET)", "b = binary.BigEndian.AppendUint16(b, d.set.RRs[0].Header().Class)"},
		},
	},
	{
		Name: "signature: the TTL may be raised", Rule: "RFC 4035, section 5.3.3",
		Changes: []Change{{checker, "ttl := min(sig.OrigTtl, sig.Hdr.Ttl, ", "ttl := min(sig.Hdr.Ttl, "}},
	},
	{
		Name: "signature: an expansion is not noticed", Rule: "RFC 4035, section 5.3.4",
		Changes: []Change{{rrset, "if int(a.sig.Labels) >= dnsname.SignedLabels(a.set.Name) {\n\t\treturn \"\", false", "if a.sig != nil {\n\t\treturn \"\", false"}},
	},
}
