package differential

import "slices"

// noDenial lists the defects that invalidate a denial.
var noDenial = slices.Concat(badSignatures, []string{
	"NSEC3 flags unknown", "NSEC3 hash unknown", "NSEC3 iterations wrong", "NSEC3 salt wrong", "denial dropped", "denial of a name dropped",
	"type bit DS set", "signed by the parent", "labels one less",
})

// denialJudgements are about denial with NSEC and NSEC3 RRs.
var denialJudgements = []Judgement{
	{
		Name:     "NSEC3 with unknown flags or hash",
		Defects:  []string{"NSEC3 flags unknown", "NSEC3 hash unknown"},
		Statuses: []Statuses{{bogus, secure, bogus}, {bogus, insecure, bogus}},
		Section:  "RFC 5155, sections 8.1 and 8.2",
		Because:  "Such an RR has to be ignored, and without it there is no proof. BIND uses it, or considers the name insecure.",
	},
	{
		Name:       "a zone cut below an empty non-terminal with a bad DS denial",
		Traits:     []string{belowNonTerminal},
		Defects:    noDenial,
		Statuses:   []Statuses{{bogus, secure, secure}, {bogus, insecure, insecure}},
		WrongPeers: []string{"unbound"},
		Section:    "RFC 4035, section 5.2",
		Because: "The authentication chain needs only the authenticated DS RRset at the zone cut. Unbound queries DS at each label and needs " +
			"the denial at those between.",
	},
	{
		Name:     "an insecure delegation below such a zone cut",
		Traits:   []string{belowNonTerminal, "unsigned"},
		Defects:  noDenial,
		Statuses: []Statuses{{bogus, bogus, insecure}},
		Section:  "RFC 4035, section 5.2",
		Because:  "The zone below the cut denies the DS securely. Without signatures BIND also queries DS at each label.",
	},
	{
		Name:     "a zone cut below an empty non-terminal, with over 150 iterations",
		Traits:   []string{belowNonTerminal, manyIterations},
		Statuses: []Statuses{{insecure, secure, secure}, {insecure, bogus, bogus}},
		Section:  "RFC 4035, section 5.2; RFC 9276, section 3.2",
		Because: "A proof with too many iterations makes a response insecure, but the DS RRset at the zone cut needs no proof. Unbound queries " +
			"DS at each label and stops at the empty non-terminal.",
	},
	{
		Name:     "a zone cut below an empty non-terminal, with over 150 iterations, and no usable key below",
		Traits:   []string{belowNonTerminal, manyIterations},
		Defects:  []string{"ZSK not a zone key", "ZSK protocol wrong"},
		Statuses: []Statuses{{insecure, insecure, bogus}},
		Section:  "RFC 4035, section 5.2; RFC 9276, section 3.2",
		Because:  "The DS RRset at the zone cut needs no proof. Without a valid signature below BIND also queries DS at each label, like Unbound.",
	},
	{
		Name:     "a zone cut below an empty non-terminal, with changed iterations",
		Traits:   []string{belowNonTerminal},
		Defects:  []string{"NSEC3 iterations wrong and many"},
		Statuses: []Statuses{{insecure, secure, secure}},
		Section:  "RFC 4035, section 5.2; RFC 9276, section 3.2",
		Because:  "The DS RRset at the zone cut needs no proof. Unbound queries DS at each label and stops at the empty non-terminal.",
	},
	{
		Name:     "a denial with a bad SOA",
		Statuses: []Statuses{{bogus, insecure, bogus}},
		Defects:  slices.Concat(badSignatures, []string{"record added", "signed by the parent"}),
		Section:  "RFC 4035, sections 3.2.3 and 5.5",
		Because:  "No signature of the SOA is valid, so the response is bogus. BIND returns it without AD.",
	},
	{
		Name:       "records in the authority section that are no part of the proof",
		Defects:    []string{"unsigned NSEC added", "NSEC with a wrong signature added"},
		Statuses:   []Statuses{{bogus, secure, secure}, {bogus, insecure, secure}, {bogus, insecure, insecure}},
		WrongPeers: []string{"unbound"},
		Section:    "RFC 4035, sections 3.2.3 and 5.4",
		Because:    "The answer and the records that prove a denial decide. What is not proven is left out of our reply. BIND keeps it and does not set AD.",
	},
	{
		Name:       "NSEC3 RRs of the child zone beside a DS",
		Defects:    []string{"one more denial added", "many denials added"},
		Question:   []string{"DS"},
		Statuses:   []Statuses{{bogus, secure, secure}},
		WrongPeers: []string{"unbound"},
		Section:    "RFC 4035, section 3.2.3",
		Because:    "The DS is signed by the parent zone and needs no denial. Unbound tries to verify the added RRs with the keys of the parent zone.",
	},
	{
		Name:       "a complete proof beside an NSEC3 RR that covers existing names",
		Defects:    []string{"next name is the zone", "next name is near", "NSEC3 iterations wrong", "NSEC3 salt wrong"},
		Question:   []string{"wildcard", "wildcard NODATA", "wildcard CNAME", "wildcard CNAME itself", "wildcard CNAME to NODATA", "ANY from a wildcard", "NXDOMAIN"},
		Statuses:   []Statuses{{secure, bogus, secure}},
		WrongPeers: []string{"named"},
		Section:    "RFC 5155, sections 8.4, 8.7 and 8.8",
		Because:    "The records that the proof needs are present and signed. If one of them covers too much, the signer said so.",
	},
	{
		Name:     "a wildcard expansion below an NSEC3 RR of a delegation",
		Defects:  []string{"type bit NS set"},
		Question: []string{"wildcard"},
		Statuses: []Statuses{{secure, bogus, bogus}},
		Section:  "RFC 6840, section 4.1; RFC 5155, section 8.3",
		Because:  "The parent zone's RR at a zone cut proves nothing about names below. Unbound does not check the closest encloser of an expansion.",
	},
	{
		Name:       "a closest encloser with the DS bit",
		Defects:    []string{"type bit DS set"},
		Traits:     []string{"NSEC3"},
		Statuses:   []Statuses{{secure, bogus, secure}},
		WrongPeers: []string{"named"},
		Section:    "RFC 5155, section 8.3",
		Because:    "Only DNAME, and NS without SOA, must not be set at the closest encloser. BIND ignores the RR if DS is set, too.",
	},
	{
		Name:     "a DS denied by an NSEC with the SOA bit",
		Defects:  []string{"type bit SOA set"},
		Question: []string{"DS of no zone cut", "DS of an empty non-terminal", "DS of an insecure delegation", "CNAME to NODATA", "NXDOMAIN", "wildcard NODATA"},
		Statuses: []Statuses{{bogus, secure, bogus}, {bogus, insecure, bogus}},
		Section:  "RFC 4035, section 5.2; RFC 6840, section 4.1",
		Because:  "An NSEC with the SOA bit is from the apex of the child zone, which can't deny the DS. BIND accepts it.",
	},
	{
		Name:       "an empty non-terminal where a wildcard would apply",
		Defects:    []string{"next name is near"},
		Question:   []string{"wildcard NODATA"},
		Statuses:   []Statuses{{bogus, secure, secure}},
		WrongPeers: []string{"unbound"},
		Section:    "RFC 4592, section 2.2.2; RFC 4035, section 5.4",
		Because:    "The next domain name is below the qname, so the qname exists and has no RRsets. Unbound first looks for the denial of the type at the wildcard.",
	},
	{
		Name:     "a denial by an NSEC of the parent zone, where an unsigned child zone is possible",
		Defects:  []string{"NODATA by the NSEC of a delegation", "NXDOMAIN by the NSEC of a delegation"},
		Statuses: []Statuses{{bogus, insecure, bogus}},
		Section:  "RFC 6840, section 4.1",
		Because:  "An NSEC of a delegation proves nothing about names below. BIND considers the answer to be from an unsigned zone, no matter which zone signed it.",
	},
	{
		Name:     "a delegated name denied by the parent zone",
		Defects:  []string{"type bit NS set", "NODATA by the NSEC of a delegation", "NXDOMAIN by the NSEC of a delegation"},
		Statuses: []Statuses{{insecure, insecure, bogus}},
		Section:  "RFC 6840, section 4.1",
		Because: "The NSEC is of an insecure delegation and denies nothing but the DS. An answer from an unsigned child zone would be insecure, " +
			"but the SOA shows that the parent zone answers.",
	},
	{
		Name:     "more NSEC3 records than any proof needs",
		Defects:  []string{"many denials added"},
		Statuses: []Statuses{{secure, secure, bogus}, {insecure, insecure, bogus}, {bogus, insecure, bogus}},
		Section:  "RFC 5155, section 7.2",
		Because:  "A proof needs at most three NSEC3 RRs of a zone. We reject a response with more than eight (CVE-2023-50868).",
	},
	{
		Name:     "no NSEC, where the NSEC3 RR has the CNAME bit",
		Defects:  []string{"type bit CNAME set"},
		Question: []string{"NSEC"},
		Statuses: []Statuses{{bogus, secure, bogus}},
		Section:  "RFC 5155, section 8.5",
		Because:  "Neither the bit of the qtype nor CNAME may be set, whatever the qtype. BIND does not check CNAME for qtype NSEC.",
	},
	{
		Name:     "a denial of a DS with a bad SOA",
		Defects:  []string{"labels one less"},
		Statuses: []Statuses{{insecure, bogus, insecure}},
		Section:  "RFC 4035, section 5.2",
		Because:  "The authentication chain needs only the NSEC or NSEC3 RRs, and the SOA is not sent to a client. BIND needs a valid SOA.",
	},
	{
		Name:       "an NSEC that covers the rest of the zone",
		Defects:    []string{"next name is the zone"},
		Question:   []string{"NXDOMAIN"},
		Statuses:   []Statuses{{bogus, secure, secure}},
		WrongPeers: []string{"unbound"},
		Section:    "RFC 4035, section 5.4",
		Because:    "One NSEC RR covers the name, another one the wildcard at the closest encloser. If the first covers an existing name, too, the signer said so.",
	},
	{
		Name:     "a name that is covered by the NSEC RR of another answer",
		Defects:  []string{"", "next name is the zone"},
		Question: []string{"DS of an insecure delegation", "DS of no zone cut", "DS", "CNAME to NODATA", "NXDOMAIN"},
		Statuses: []Statuses{{"NXDOMAIN AD", "NOERROR AD", "NOERROR AD"}, {secure, insecure, insecure}},
		Section:  "RFC 8198, section 5.1",
		Because: "A signed NSEC RR says that the zone has no other name, yet the zone answers. For DS queries Unbound synthesizes its answer " +
			"from that RR, whatever is configured.",
	},
}
