package differential

import "slices"

// noDenial are the defects after which a denial proves nothing.
var noDenial = slices.Concat(badSignatures, []string{
	"NSEC3 flags unknown", "NSEC3 hash unknown", "NSEC3 iterations wrong", "NSEC3 salt wrong", "denial dropped", "denial of a name dropped",
	"type bit DS set", "signed by the parent", "labels one less",
})

// denialJudgements are about what NSEC and NSEC3 RRs prove.
var denialJudgements = []Judgement{
	{
		Name:     "NSEC3 with flags or a hash that nobody knows",
		Defects:  []string{"NSEC3 flags unknown", "NSEC3 hash unknown"},
		Statuses: []Statuses{{bogus, secure, bogus}, {bogus, insecure, bogus}},
		Section:  "RFC 5155, sections 8.1 and 8.2",
		Because:  "Such an RR has to be ignored, and without it there is no proof. BIND takes it, or takes the name for insecure.",
	},
	{
		Name:       "a cut below an empty non-terminal whose denial proves nothing",
		Traits:     []string{belowNonTerminal},
		Defects:    noDenial,
		Statuses:   []Statuses{{bogus, secure, secure}, {bogus, insecure, insecure}},
		WrongPeers: []string{"unbound"},
		Section:    "RFC 4035, section 5.2",
		Because: "An authenticated DS RRset at the cut is all that the chain needs. " +
			"Unbound asks for one at each label, and needs the denial at those that are no cut.",
	},
	{
		Name:     "an insecure delegation below such a cut",
		Traits:   []string{belowNonTerminal, "unsigned"},
		Defects:  noDenial,
		Statuses: []Statuses{{bogus, bogus, insecure}},
		Section:  "RFC 4035, section 5.2",
		Because:  "As above: the zone below the cut denies the DS. Where there is no signature BIND asks at each label too.",
	},
	{
		Name:     "a cut below an empty non-terminal, with over 150 iterations",
		Traits:   []string{belowNonTerminal, manyIterations},
		Statuses: []Statuses{{insecure, secure, secure}, {insecure, bogus, bogus}},
		Section:  "RFC 4035, section 5.2; RFC 9276, section 3.2",
		Because: "As above. What may be taken for insecure is a response whose proof has too many iterations, " +
			"and the DS RRset at the cut needs no proof.",
	},
	{
		Name:     "a cut below an empty non-terminal, with over 150 iterations, and nothing that can be validated below",
		Traits:   []string{belowNonTerminal, manyIterations},
		Defects:  []string{"ZSK not a zone key", "ZSK protocol wrong"},
		Statuses: []Statuses{{insecure, insecure, bogus}},
		Section:  "RFC 4035, section 5.2; RFC 9276, section 3.2",
		Because:  "As above; where no signature holds BIND asks at each label too.",
	},
	{
		Name:     "a cut below an empty non-terminal, where the iterations were changed",
		Traits:   []string{belowNonTerminal},
		Defects:  []string{"NSEC3 iterations wrong and many"},
		Statuses: []Statuses{{insecure, secure, secure}},
		Section:  "RFC 4035, section 5.2; RFC 9276, section 3.2",
		Because:  "As above.",
	},
	{
		Name:     "a denial whose SOA fails",
		Statuses: []Statuses{{bogus, insecure, bogus}},
		Defects:  slices.Concat(badSignatures, []string{"record added", "signed by the parent"}),
		Section:  "RFC 4035, sections 3.2.3 and 5.5",
		Because:  "No signature of the SOA can be validated, so that the response is bad. BIND passes it without AD.",
	},
	{
		Name:       "records in the authority section that are no part of the proof",
		Defects:    []string{"unsigned NSEC added", "NSEC with a wrong signature added"},
		Statuses:   []Statuses{{bogus, secure, secure}, {bogus, insecure, secure}, {bogus, insecure, insecure}},
		WrongPeers: []string{"unbound"},
		Section:    "RFC 4035, sections 3.2.3 and 5.4",
		Because: "What counts is the answer and the records that prove its denial. What is not proven is left out of our reply. " +
			"BIND does not set AD where it keeps it.",
	},
	{
		Name:       "NSEC3 RRs of the child beside a DS",
		Defects:    []string{"one more denial added", "many denials added"},
		Question:   []string{"DS"},
		Statuses:   []Statuses{{bogus, secure, secure}},
		WrongPeers: []string{"unbound"},
		Section:    "RFC 4035, section 3.2.3",
		Because:    "As above: the DS is signed by the parent, and needs no denial. Unbound tries the parent's keys on them.",
	},
	{
		Name:       "a proof that is complete, beside a span of the zone that covers what exists",
		Defects:    []string{"next name is the zone", "next name is near", "NSEC3 iterations wrong", "NSEC3 salt wrong"},
		Question:   []string{"wildcard", "wildcard NODATA", "wildcard CNAME", "wildcard CNAME itself", "wildcard CNAME to NODATA", "ANY from a wildcard", "NXDOMAIN"},
		Statuses:   []Statuses{{secure, bogus, secure}},
		WrongPeers: []string{"named"},
		Section:    "RFC 5155, sections 8.4, 8.7 and 8.8",
		Because:    "The records that the proof needs are there and signed. That one covers more than it should is the signer's word.",
	},
	{
		Name:     "an expansion below an NSEC3 RR of a delegation",
		Defects:  []string{"type bit NS set"},
		Question: []string{"wildcard"},
		Statuses: []Statuses{{secure, bogus, bogus}},
		Section:  "RFC 6840, section 4.1; RFC 5155, section 8.3",
		Because:  "The parent's RR at a zone cut says nothing of the names below. Unbound does not look at the closest encloser of an expansion.",
	},
	{
		Name:       "a closest encloser with the DS bit",
		Defects:    []string{"type bit DS set"},
		Traits:     []string{"NSEC3"},
		Statuses:   []Statuses{{secure, bogus, secure}},
		WrongPeers: []string{"named"},
		Section:    "RFC 5155, section 8.3",
		Because:    "What must not be set there is DNAME, and NS without SOA. BIND passes over one with DS too.",
	},
	{
		Name:     "a DS denied by an NSEC that says to be an apex",
		Defects:  []string{"type bit SOA set"},
		Question: []string{"DS of no zone cut", "DS of an empty non-terminal", "DS of an insecure delegation", "CNAME to NODATA", "NXDOMAIN", "wildcard NODATA"},
		Statuses: []Statuses{{bogus, secure, bogus}, {bogus, insecure, bogus}},
		Section:  "RFC 4035, section 5.2; RFC 6840, section 4.1",
		Because:  "With the SOA bit it is the child's, which has no say about the DS. BIND takes it.",
	},
	{
		Name:       "an empty non-terminal where a wildcard would apply",
		Defects:    []string{"next name is near"},
		Question:   []string{"wildcard NODATA"},
		Statuses:   []Statuses{{bogus, secure, secure}},
		WrongPeers: []string{"unbound"},
		Section:    "RFC 4592, section 2.2.2; RFC 4035, section 5.4",
		Because: "The next domain name is below the name that was asked for, which exists then and has no RRsets. " +
			"Unbound looks for the denial of the wildcard's type first.",
	},
	{
		Name:     "the denial by an NSEC of the parent, where an unsigned child can't be ruled out",
		Defects:  []string{"NODATA by the NSEC of a delegation", "NXDOMAIN by the NSEC of a delegation"},
		Statuses: []Statuses{{bogus, insecure, bogus}},
		Section:  "RFC 6840, section 4.1",
		Because:  "An NSEC of a delegation says nothing of the names below. BIND takes the answer for one of an unsigned zone, whoever signed it.",
	},
	{
		Name:     "a name that the zone has delegated, denied by the zone itself",
		Defects:  []string{"type bit NS set", "NODATA by the NSEC of a delegation", "NXDOMAIN by the NSEC of a delegation"},
		Statuses: []Statuses{{insecure, insecure, bogus}},
		Section:  "RFC 6840, section 4.1",
		Because: "The NSEC is that of an insecure delegation, and denies nothing but the DS. What an unsigned child says would be insecure, " +
			"but the SOA shows that it is the zone above that speaks.",
	},
	{
		Name:     "more NSEC3 records than any proof needs",
		Defects:  []string{"many denials added"},
		Statuses: []Statuses{{secure, secure, bogus}, {insecure, insecure, bogus}, {bogus, insecure, bogus}},
		Section:  "RFC 5155, section 7.2",
		Because:  "A proof takes three of a zone at most. We look at no response with more than eight (CVE-2023-50868).",
	},
	{
		Name:     "no NSEC where the NSEC3 RR has the CNAME bit",
		Defects:  []string{"type bit CNAME set"},
		Question: []string{"NSEC"},
		Statuses: []Statuses{{bogus, secure, bogus}},
		Section:  "RFC 5155, section 8.5",
		Because:  "Neither bit may be set, whatever the type. BIND does not look at the CNAME's for this one.",
	},
	{
		Name:     "the denial of a DS whose SOA fails",
		Defects:  []string{"labels one less"},
		Statuses: []Statuses{{insecure, bogus, insecure}},
		Section:  "RFC 4035, section 5.2",
		Because:  "In the chain the NSEC or NSEC3 RRs are what is needed, and the SOA goes to no client. BIND wants it to be sound.",
	},
	{
		Name:       "a span to the end of the zone",
		Defects:    []string{"next name is the zone"},
		Question:   []string{"NXDOMAIN"},
		Statuses:   []Statuses{{bogus, secure, secure}},
		WrongPeers: []string{"unbound"},
		Section:    "RFC 4035, section 5.4",
		Because: "One NSEC RR covers the name, another one the wildcard at the closest encloser. " +
			"That the first covers a name of the zone too is the signer's word.",
	},
	{
		Name:     "a name that is covered by the NSEC RR of another answer",
		Defects:  []string{"", "next name is the zone"},
		Question: []string{"DS of an insecure delegation", "DS of no zone cut", "DS", "CNAME to NODATA", "NXDOMAIN"},
		Statuses: []Statuses{{"NXDOMAIN AD", "NOERROR AD", "NOERROR AD"}, {secure, insecure, insecure}},
		Section:  "RFC 8198, section 5.1",
		Because: "The zone says in one RR that nothing else is in it, and gives an answer all the same. " +
			"Unbound makes its answer to questions for DS out of that RR, whatever is configured.",
	},
}
