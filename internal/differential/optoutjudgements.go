package differential

import "slices"

// optOutJudgements are about what may be insecure: names in an opt-out span, and zones
// with many iterations.
var optOutJudgements = []Judgement{
	{
		Name:     "a denial by the NSEC3 RR of another name",
		Defects:  []string{"NODATA of another name"},
		Question: []string{"DS of an insecure delegation", "wildcard"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{bogus, insecure, bogus}},
		Section:  "RFC 5155, section 8.6",
		Because:  "It takes a match, or a span with opt-out that covers the next closer name. BIND finds one by a question of its own.",
	},
	{
		Name:     "a name in an opt-out span without the rest of the proof",
		Defects:  []string{"next name is near", "type bit DS set", "next name is the zone", "denial of a name dropped"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{insecure, bogus, insecure}},
		Section:  "RFC 5155, sections 6 and 8.6",
		Because:  "The span covers the next closer name, so that there may be an unsigned delegation: insecure is what is proven.",
	},
	{
		Name:     "a closest encloser or wildcard with a bit that it must not have, in an opt-out span",
		Defects:  []string{"type bit CNAME set", "type bit MX set", "type bit NS set"},
		Question: []string{"wildcard NODATA"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{bogus, insecure, bogus}},
		Section:  "RFC 5155, section 8.7",
		Because: "At the wildcard neither the bit of the type nor that of CNAME may be set, nor NS, which an RR of the parent's has. " +
			"BIND is content that the next closer name is in the span.",
	},
	{
		Name:     "an empty answer for a name in an opt-out span",
		Defects:  []string{"answer emptied"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{bogus, bogus, insecure}},
		Section:  "RFC 5155, sections 6 and 8.6",
		Because: "By the denial of the DS there may be an unsigned child at the name, and that may have no such RRset. " +
			"The peers go by the NSEC3 RR that came with the answer, which is no proof.",
	},
	{
		Name:     "an alias without signature, with over 150 iterations",
		Defects:  []string{"signatures dropped"},
		Question: aliases,
		Traits:   []string{manyIterations},
		Statuses: []Statuses{{bogus, bogus, insecure}},
		Section:  "RFC 9276, section 3.2",
		Because: "In such a zone no denial of a DS is proven, so that any unsigned RRset may be an unsigned child's. " +
			"The peers say so of all types but CNAME, where the question for the DS leads on.",
	},
	{
		Name:     "an alias without signature, for a name in an opt-out span",
		Defects:  []string{"signatures dropped"},
		Question: []string{"wildcard CNAME", "wildcard CNAME to NODATA"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{bogus, bogus, insecure}},
		Section:  "RFC 5155, sections 6 and 8.6",
		Because:  "As above: what is unsigned may be an unsigned child's by the denial of the DS, whatever its type.",
	},
	{
		Name:     "an expansion whose proof fails, for a name in an opt-out span",
		Defects:  noDenial,
		Question: []string{"wildcard", "CNAME across to wildcard", "DNAME to wildcard"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{insecure, bogus, insecure}},
		Section:  "RFC 5155, sections 6 and 8.6",
		Because:  "By the denial of the DS, which is asked for by itself, there may be an unsigned child at the name. Behind an alias BIND wants the proof with the answer.",
	},
	{
		Name:     "a denial behind an alias whose SOA fails, with over 150 iterations",
		Defects:  badSignatures,
		Question: aliases,
		Traits:   []string{manyIterations},
		Statuses: []Statuses{{insecure, insecure, bogus}},
		Section:  "RFC 4035, sections 3.2.3 and 5.5",
		Because:  "No signature of the SOA can be validated, so that the response is bad. The peers say so only where no alias leads there.",
	},
	{
		Name:     "a denial without records for a name in an opt-out span",
		Defects:  []string{"authority dropped", "signatures of the authority dropped"},
		Question: []string{"NXDOMAIN"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{insecure, bogus, insecure}},
		Section:  "RFC 5155, sections 6 and 8.6",
		Because:  "By the denial of the DS there may be an unsigned child at the name, which need not prove anything. BIND wants a proof with the answer.",
	},
	{
		Name:     "an NSEC3 RR that fails, beside one of an opt-out span",
		Defects:  slices.Concat(badSignatures, []string{"labels one less"}),
		Question: []string{"wildcard NODATA"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{bogus, insecure, insecure}},
		Section:  "RFC 5155, sections 8.7 and 9.2",
		Because:  "The span covers the next closer name, so that nothing about a wildcard has to be proven. Unbound fails for any record of the authority section.",
	},
	{
		Name:     "an NSEC3 RR that fails, beside one with over 150 iterations",
		Defects:  slices.Concat(badSignatures, []string{"labels one less"}),
		Traits:   []string{manyIterations},
		Statuses: []Statuses{{bogus, insecure, insecure}, {insecure, bogus, insecure}},
		Section:  "RFC 9276, section 3.2",
		Because: "The signature over an NSEC3 RR has to be validated before its iterations count, and that of the other one is. " +
			"Unbound fails for any record of the authority section, BIND for one that it needs behind an alias.",
	},
}
