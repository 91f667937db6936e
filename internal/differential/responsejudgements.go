package differential

import "slices"

// aliases lists the kinds of questions whose answer is an alias.
var aliases = []string{
	"CNAME", "CNAME to NODATA", "CNAME to NXDOMAIN", "CNAME across", "CNAME across to NODATA", "CNAME across to NXDOMAIN",
	"CNAME across to wildcard", "wildcard CNAME", "wildcard CNAME to NODATA", "DNAME", "DNAME to NODATA", "DNAME to NXDOMAIN", "DNAME to wildcard",
}

// withData lists the kinds of questions that have an answer, and withoutData
// those with NODATA. Some kinds are in both.
var (
	withData = []string{
		"positive", "positive or NODATA", "wildcard", "wildcard itself", "wildcard CNAME itself", "CNAME itself", "DNAME itself",
		"CNAME of a DNAME", "DNSKEY", "DS", "NSEC", "ANY", "ANY from a wildcard",
	}
	withoutData = []string{
		"NODATA", "NODATA at the apex", "NODATA at a DNAME", "positive or NODATA", "empty non-terminal", "wildcard NODATA",
		"DS of no zone cut", "DS of an empty non-terminal", "DS of an insecure delegation", "DNSKEY", "DS", "NSEC",
		"CNAME to NODATA", "CNAME across to NODATA", "wildcard CNAME to NODATA", "DNAME to NODATA",
	}
)

// responseJudgements are about edited responses, aliases and ANY.
var responseJudgements = []Judgement{
	{
		Name:       "a denial without SOA",
		Defects:    []string{"SOA dropped"},
		Statuses:   []Statuses{{secure, bogus, secure}, {insecure, bogus, insecure}},
		WrongPeers: []string{"named"},
		Section:    "RFC 2308, section 2.2; RFC 4035, section 5.4",
		Because:    "A NODATA response may lack the SOA, and the NSEC or NSEC3 RRs alone are the proof.",
	},
	{
		Name:       "NXDOMAIN with secure data",
		Defects:    []string{"NXDOMAIN said"},
		Question:   withData,
		Statuses:   []Statuses{{bogus, bogus, secure}, {secure, bogus, secure}, {"NXDOMAIN AD", "SERVFAIL", "NOERROR AD"}},
		WrongPeers: []string{"unbound", "named"},
		Section:    "RFC 4035, section 5.3",
		Because:    "The rcode is not signed, but the data are, so our reply has NOERROR. The peers look for a denial of the name, Unbound not always.",
	},
	{
		Name:       "NXDOMAIN with a NODATA proof",
		Defects:    []string{"NXDOMAIN said", "NXDOMAIN of another name"},
		Question:   withoutData,
		Statuses:   []Statuses{{secure, bogus, secure}, {bogus, bogus, secure}, {bogus, secure, secure}, {"NXDOMAIN", "SERVFAIL", "NOERROR"}, {"NXDOMAIN", "SERVFAIL", "NOERROR AD"}},
		WrongPeers: []string{"unbound", "named"},
		Section:    "RFC 4035, section 5.4; RFC 5155, section 8.5",
		Because:    "The rcode is not signed, but the proof is, so our reply has NOERROR. Unbound does the same, but not with NSEC3.",
	},
	{
		Name:     "NXDOMAIN without the denial of the wildcard",
		Defects:  []string{"NXDOMAIN said", "expansion of a wildcard"},
		Question: []string{"wildcard NODATA", "DS of an insecure delegation"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{bogus, insecure, bogus}},
		Section:  "RFC 5155, section 8.4",
		Because:  "A name error needs an NSEC3 RR that covers the wildcard. For BIND it is enough that an opt-out span covers the next closer name.",
	},
	{
		Name:     "several CNAMEs for a name",
		Defects:  []string{"record added"},
		Statuses: []Statuses{{secure, bogus, bogus}, {insecure, bogus, bogus}},
		Section:  "RFC 2181, section 10.1",
		Because:  "A name can have only one CNAME. Unbound uses the first and leaves the forged one out.",
	},
	{
		Name:     "NOERROR for an alias to a name that does not exist",
		Defects:  []string{"NOERROR said"},
		Question: aliases,
		Statuses: []Statuses{{"NXDOMAIN", "NXDOMAIN", "NOERROR"}},
		Section:  "RFC 1034, section 5.3.3",
		Because:  "The rcode is not signed. The peers query the target of each alias themselves, and that answer has a different rcode.",
	},
	{
		Name:     "an alias that is known from another question",
		Defects:  []string{"NODATA of another name", "answer emptied", "NXDOMAIN of another name"},
		Question: []string{"wildcard CNAME to NODATA", "CNAME to NODATA", "wildcard CNAME", "CNAME"},
		Statuses: []Statuses{{bogus, secure, bogus}, {secure, bogus, bogus}},
		Section:  "RFC 1034, section 3.6.2",
		Because:  "The answer for this qtype denies the CNAME. A peer that has the CNAME in its cache does not ask for the qtype at all.",
	},
	{
		Name:     "a CNAME that does not match the DNAME",
		Defects:  []string{"synthesized CNAME changed"},
		Statuses: []Statuses{{secure, secure, bogus}, {insecure, insecure, bogus}, {bogus, secure, bogus}},
		Section:  "RFC 6672, section 5.3.1",
		Because:  "It has to be verified that the CNAME was properly synthesized. The peers replace the CNAME by the right one and go on.",
	},
	{
		Name:       "an unrelated address beside a denial",
		Defects:    []string{"unsigned address added to the answer"},
		Statuses:   []Statuses{{secure, bogus, secure}, {insecure, bogus, insecure}},
		WrongPeers: []string{"named"},
		Section:    "RFC 2308, section 2.2",
		Because:    "A response is NODATA if it has no relevant answer. The unrelated record does not matter and is left out.",
	},
	{
		Name:     "NXDOMAIN with data in an insecure zone",
		Defects:  []string{"NXDOMAIN said"},
		Statuses: []Statuses{{insecure, bogus, bogus}},
		Section:  "RFC 2308, section 2.1",
		Because:  "A name error has no answer except aliases. Nothing is proven, and Unbound returns the response.",
	},
	{
		Name:     "NXDOMAIN with data in an insecure zone, behind an alias",
		Defects:  []string{"NXDOMAIN said"},
		Question: aliases,
		Statuses: []Statuses{{insecure, insecure, bogus}},
		Section:  "RFC 2308, section 2.1",
		Because:  "A name error has no answer except aliases. BIND queries the target itself.",
	},
	{
		Name:     "an unavailable DS below an insecure zone",
		Defects:  []string{"DS unavailable"},
		Traits:   []string{"unsigned"},
		Statuses: []Statuses{{insecure, bogus, insecure}},
		Section:  "RFC 4035, section 5.2",
		Because:  "There is no authentication chain to the name, so the DS is not needed. BIND starts at the signer and fails without the DS.",
	},
	{
		Name:     "a name error at the apex",
		Defects:  []string{"NXDOMAIN of another name", "NXDOMAIN said"},
		Statuses: []Statuses{{insecure, bogus, insecure}},
		Section:  "RFC 4035, section 5.2",
		Because:  "The DS RRset is authenticated nevertheless, and in an insecure zone nothing can be proven. BIND caches the NXDOMAIN for the whole zone and then fails.",
	},
	{
		Name:     "a name error at the apex, with over 150 iterations",
		Defects:  []string{"NXDOMAIN said"},
		Question: []string{"NODATA at the apex"},
		Traits:   []string{manyIterations},
		Statuses: []Statuses{{bogus, bogus, insecure}},
		Section:  "RFC 4035, section 5.2; RFC 9276, section 3.2",
		Because:  "The denial itself is insecure. Both peers cache the NXDOMAIN for the whole zone and then fail.",
	},
	{
		Name:     "ANY with a bad RRset",
		Question: []string{"ANY", "ANY from a wildcard"},
		Defects:  slices.Concat(badSignatures, []string{"record added", "labels one less", "signed by the parent"}),
		Statuses: []Statuses{{bogus, secure, bogus}, {secure, bogus, bogus}, {secure, secure, bogus}},
		Section:  "RFC 8482, section 4.1; RFC 4035, section 5.5",
		Because:  "The answer to ANY may be any of the RRsets. A peer leaves out the bad one, or has some of the others in its cache. We refuse the answer.",
	},
	{
		Name:     "ANY from a wildcard without proof of the closest encloser",
		Defects:  []string{"labels one less", "wildcard proofs dropped"},
		Question: []string{"ANY from a wildcard"},
		Statuses: []Statuses{{secure, secure, bogus}, {insecure, insecure, bogus}, {bogus, insecure, bogus}},
		Section:  "RFC 4035, section 5.3.4",
		Because:  "It has to be proven that no closer name exists, whatever the qtype. The peers skip that for ANY, Unbound not always.",
	},
	{
		Name:       "a duplicate DNAME",
		Defects:    []string{"records twice"},
		Question:   []string{"DNAME", "DNAME itself", "DNAME to NODATA", "DNAME to NXDOMAIN", "DNAME to wildcard"},
		Statuses:   []Statuses{{bogus, secure, secure}, {bogus, insecure, insecure}},
		WrongPeers: []string{"unbound"},
		Section:    "RFC 4034, section 6.3",
		Because:    "Duplicate RRs may be dropped. Unbound counts two DNAMEs.",
	},
	{
		Name:     "an alias to a name in an opt-out span, without the denial of the wildcard",
		Defects:  []string{"denial of a name dropped"},
		Question: []string{"CNAME", "CNAME to NXDOMAIN", "CNAME across", "CNAME across to NXDOMAIN", "wildcard CNAME", "DNAME", "DNAME to NXDOMAIN"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{insecure, bogus, bogus}},
		Section:  "RFC 5155, section 8.4",
		Because:  "A name error needs an NSEC3 RR that covers the wildcard. Behind an alias Unbound also tries NODATA, for which the span is enough.",
	},
}
