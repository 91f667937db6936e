package differential

import "slices"

// optOutJudgements are about responses that may be insecure: names covered by
// an opt-out span, and zones with over 150 iterations.
var optOutJudgements = []Judgement{
	{
		Name:     "a denial by the NSEC3 RR of another name",
		Defects:  []string{"NODATA of another name"},
		Question: []string{"DS of an insecure delegation", "wildcard"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{bogus, insecure, bogus}},
		Section:  "RFC 5155, section 8.6",
		Because:  "The proof needs a matching NSEC3 RR, or an opt-out span that covers the next closer name. BIND gets one with a DS query of its own.",
	},
	{
		Name:     "a name in an opt-out span without the rest of the proof",
		Defects:  []string{"next name is near", "type bit DS set", "next name is the zone", "denial of a name dropped"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{insecure, bogus, insecure}},
		Section:  "RFC 5155, sections 6 and 8.6",
		Because:  "The opt-out span covers the next closer name, so there may be an unsigned delegation, and the name is insecure.",
	},
	{
		Name:     "a closest encloser or wildcard with a forbidden type bit, in an opt-out span",
		Defects:  []string{"type bit CNAME set", "type bit MX set", "type bit NS set"},
		Question: []string{"wildcard NODATA"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{bogus, insecure, bogus}},
		Section:  "RFC 5155, section 8.7",
		Because: "At the wildcard, neither the bit of the qtype nor CNAME may be set, nor NS, which marks an RR of the parent zone. For BIND it " +
			"is enough that the span covers the next closer name.",
	},
	{
		Name:     "an empty answer for a name in an opt-out span",
		Defects:  []string{"answer emptied"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{bogus, bogus, insecure}},
		Section:  "RFC 5155, sections 6 and 8.6",
		Because: "The denial of the DS allows an unsigned child zone at the name, which may lack the RRset. The peers judge the NSEC3 RR in the " +
			"response, which is no proof.",
	},
	{
		Name:     "an unsigned alias, with over 150 iterations",
		Defects:  []string{"signatures dropped"},
		Question: aliases,
		Traits:   []string{manyIterations},
		Statuses: []Statuses{{bogus, bogus, insecure}},
		Section:  "RFC 9276, section 3.2",
		Because: "In such a zone no denial of a DS is secure, so an unsigned RRset may be from an unsigned child zone. The peers agree for all " +
			"types but CNAME, which makes their DS query follow the alias.",
	},
	{
		Name:     "an unsigned alias for a name in an opt-out span",
		Defects:  []string{"signatures dropped"},
		Question: []string{"wildcard CNAME", "wildcard CNAME to NODATA"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{bogus, bogus, insecure}},
		Section:  "RFC 5155, sections 6 and 8.6",
		Because:  "The denial of the DS allows an unsigned child zone at the name, whatever the qtype. The peers do not consider that for CNAME.",
	},
	{
		Name:     "a wildcard expansion with a bad proof, for a name in an opt-out span",
		Defects:  noDenial,
		Question: []string{"wildcard", "CNAME across to wildcard", "DNAME to wildcard"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{insecure, bogus, insecure}},
		Section:  "RFC 5155, sections 6 and 8.6",
		Because:  "The denial of the DS, which is queried separately, allows an unsigned child zone at the name. Behind an alias BIND needs the proof in the response.",
	},
	{
		Name:     "a denial with a bad SOA behind an alias, with over 150 iterations",
		Defects:  badSignatures,
		Question: aliases,
		Traits:   []string{manyIterations},
		Statuses: []Statuses{{insecure, insecure, bogus}},
		Section:  "RFC 4035, sections 3.2.3 and 5.5",
		Because:  "No signature of the SOA is valid, so the response is bogus. The peers agree only without an alias.",
	},
	{
		Name:     "a denial without proof for a name in an opt-out span",
		Defects:  []string{"authority dropped", "signatures of the authority dropped"},
		Question: []string{"NXDOMAIN"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{insecure, bogus, insecure}},
		Section:  "RFC 5155, sections 6 and 8.6",
		Because:  "The denial of the DS allows an unsigned child zone at the name, which needs no proof. BIND needs one in the response.",
	},
	{
		Name:     "a bad NSEC3 RR beside an opt-out span",
		Defects:  slices.Concat(badSignatures, []string{"labels one less"}),
		Question: []string{"wildcard NODATA"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{bogus, insecure, insecure}},
		Section:  "RFC 5155, sections 8.7 and 9.2",
		Because:  "The span covers the next closer name, so nothing has to be proven about a wildcard. Unbound fails for any bad RRset in the authority section.",
	},
	{
		Name:     "a bad NSEC3 RR beside one with over 150 iterations",
		Defects:  slices.Concat(badSignatures, []string{"labels one less"}),
		Traits:   []string{manyIterations},
		Statuses: []Statuses{{bogus, insecure, insecure}, {insecure, bogus, insecure}},
		Section:  "RFC 9276, section 3.2",
		Because: "The iterations count only in an NSEC3 RR with a valid signature, and the other one has it. Unbound fails for any bad RRset in " +
			"the authority section, BIND for one that it needs behind an alias.",
	},
}
