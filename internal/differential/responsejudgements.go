package differential

import "slices"

// aliases are the kinds of questions whose answer is a chain.
var aliases = []string{
	"CNAME", "CNAME to NODATA", "CNAME to NXDOMAIN", "CNAME across", "CNAME across to NODATA", "CNAME across to NXDOMAIN",
	"CNAME across to wildcard", "wildcard CNAME", "wildcard CNAME to NODATA", "DNAME", "DNAME to NODATA", "DNAME to NXDOMAIN", "DNAME to wildcard",
}

// withData are the kinds of questions that have an answer, and withoutData those that
// have none for a name that exists. Of some there are both.
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

// responseJudgements are about responses that were changed, and about chains of
// aliases and ANY.
var responseJudgements = []Judgement{
	{
		Name:       "a denial without SOA",
		Defects:    []string{"SOA dropped"},
		Statuses:   []Statuses{{secure, bogus, secure}, {insecure, bogus, insecure}},
		WrongPeers: []string{"named"},
		Section:    "RFC 2308, section 2.2; RFC 4035, section 5.4",
		Because:    "A NODATA response may come without SOA, and the NSEC or NSEC3 RRs alone are the proof.",
	},
	{
		Name:       "NXDOMAIN for data that are proven",
		Defects:    []string{"NXDOMAIN said"},
		Question:   withData,
		Statuses:   []Statuses{{bogus, bogus, secure}, {secure, bogus, secure}, {"NXDOMAIN AD", "SERVFAIL", "NOERROR AD"}},
		WrongPeers: []string{"unbound", "named"},
		Section:    "RFC 4035, section 5.3",
		Because:    "The response code is not signed, the data are. Our reply has NOERROR then. The peers look for the denial of the name, Unbound not always.",
	},
	{
		Name:       "NXDOMAIN for a name that is proven to be empty",
		Defects:    []string{"NXDOMAIN said", "NXDOMAIN of another name"},
		Question:   withoutData,
		Statuses:   []Statuses{{secure, bogus, secure}, {bogus, bogus, secure}, {bogus, secure, secure}, {"NXDOMAIN", "SERVFAIL", "NOERROR"}, {"NXDOMAIN", "SERVFAIL", "NOERROR AD"}},
		WrongPeers: []string{"unbound", "named"},
		Section:    "RFC 4035, section 5.4; RFC 5155, section 8.5",
		Because:    "The response code is not signed, what the records prove is. Our reply has NOERROR then. Unbound's too, but not by NSEC3.",
	},
	{
		Name:     "NXDOMAIN without the denial of the wildcard",
		Defects:  []string{"NXDOMAIN said", "expansion of a wildcard"},
		Question: []string{"wildcard NODATA", "DS of an insecure delegation"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{bogus, insecure, bogus}},
		Section:  "RFC 5155, section 8.4",
		Because:  "A name error needs an NSEC3 RR that covers the wildcard. BIND is content that the next closer name is in an opt-out span.",
	},
	{
		Name:     "several CNAMEs for a name",
		Defects:  []string{"record added"},
		Statuses: []Statuses{{secure, bogus, bogus}, {insecure, bogus, bogus}},
		Section:  "RFC 2181, section 10.1",
		Because:  "There can be but one. Unbound takes the first and leaves the forged one out.",
	},
	{
		Name:     "NOERROR for an alias to a name that does not exist",
		Defects:  []string{"NOERROR said"},
		Question: aliases,
		Statuses: []Statuses{{"NXDOMAIN", "NXDOMAIN", "NOERROR"}},
		Section:  "RFC 1034, section 5.3.3",
		Because:  "The code is not signed. The peers ask for the target of each alias by themselves, and that answer has another code here.",
	},
	{
		Name:     "an alias that is known from another question",
		Defects:  []string{"NODATA of another name", "answer emptied", "NXDOMAIN of another name"},
		Question: []string{"wildcard CNAME to NODATA", "CNAME to NODATA", "wildcard CNAME", "CNAME"},
		Statuses: []Statuses{{bogus, secure, bogus}, {secure, bogus, bogus}},
		Section:  "RFC 1034, section 3.6.2",
		Because:  "The answer for this type denies the CNAME. A peer that has it cached does not ask for the type at all.",
	},
	{
		Name:     "a CNAME that is not what the DNAME makes",
		Defects:  []string{"synthesized CNAME changed"},
		Statuses: []Statuses{{secure, secure, bogus}, {insecure, insecure, bogus}, {bogus, secure, bogus}},
		Section:  "RFC 6672, section 5.3.1",
		Because:  "What has to be verified is that the CNAME was properly synthesized. The peers make another one and go on.",
	},
	{
		Name:       "an address that nobody asked for beside a denial",
		Defects:    []string{"unsigned address added to the answer"},
		Statuses:   []Statuses{{secure, bogus, secure}, {insecure, bogus, insecure}},
		WrongPeers: []string{"named"},
		Section:    "RFC 2308, section 2.2",
		Because:    "A response is NODATA if no relevant answer is there; another record does not matter, and is left out.",
	},
	{
		Name:     "NXDOMAIN with data in an insecure zone",
		Defects:  []string{"NXDOMAIN said"},
		Statuses: []Statuses{{insecure, bogus, bogus}},
		Section:  "RFC 2308, section 2.1",
		Because:  "No name error has an answer but for aliases. Nothing is proven, and Unbound passes it on.",
	},
	{
		Name:     "NXDOMAIN with data in an insecure zone, behind an alias",
		Defects:  []string{"NXDOMAIN said"},
		Question: aliases,
		Statuses: []Statuses{{insecure, insecure, bogus}},
		Section:  "RFC 2308, section 2.1",
		Because:  "As above. BIND asks for the target by itself.",
	},
	{
		Name:     "a DS that can't be had below an insecure zone",
		Defects:  []string{"DS unavailable"},
		Traits:   []string{"unsigned"},
		Statuses: []Statuses{{insecure, bogus, insecure}},
		Section:  "RFC 4035, section 5.2",
		Because:  "No chain leads there, so that the DS is not needed. BIND begins at the signer and gives up without it.",
	},
	{
		Name:     "the name of a zone that is said not to exist",
		Defects:  []string{"NXDOMAIN of another name", "NXDOMAIN said"},
		Statuses: []Statuses{{insecure, bogus, insecure}},
		Section:  "RFC 4035, section 5.2",
		Because: "The DS RRset is authenticated all the same, and in an insecure zone nothing can be proven. " +
			"BIND remembers NXDOMAIN for the whole zone and then fails.",
	},
	{
		Name:     "the name of a zone that is said not to exist, and over 150 iterations",
		Defects:  []string{"NXDOMAIN said"},
		Question: []string{"NODATA at the apex"},
		Traits:   []string{manyIterations},
		Statuses: []Statuses{{bogus, bogus, insecure}},
		Section:  "RFC 4035, section 5.2; RFC 9276, section 3.2",
		Because:  "As above, also for Unbound. The denial itself is insecure.",
	},
	{
		Name:     "ANY with an RRset that fails",
		Question: []string{"ANY", "ANY from a wildcard"},
		Defects:  slices.Concat(badSignatures, []string{"record added", "labels one less", "signed by the parent"}),
		Statuses: []Statuses{{bogus, secure, bogus}, {secure, bogus, bogus}, {secure, secure, bogus}},
		Section:  "RFC 8482, section 4.1; RFC 4035, section 5.5",
		Because:  "The answer to ANY may be any of the RRsets: a peer leaves out the one that fails, or has some of the others cached. We refuse.",
	},
	{
		Name:     "ANY from a wildcard of another closest encloser",
		Defects:  []string{"labels one less", "wildcard proofs dropped"},
		Question: []string{"ANY from a wildcard"},
		Statuses: []Statuses{{secure, secure, bogus}, {insecure, insecure, bogus}, {bogus, insecure, bogus}},
		Section:  "RFC 4035, section 5.3.4",
		Because:  "It has to be proven that no closer name exists, whatever the type. The peers leave that out for ANY, Unbound not always.",
	},
	{
		Name:       "a DNAME that is there twice",
		Defects:    []string{"records twice"},
		Question:   []string{"DNAME", "DNAME itself", "DNAME to NODATA", "DNAME to NXDOMAIN", "DNAME to wildcard"},
		Statuses:   []Statuses{{bogus, secure, secure}, {bogus, insecure, insecure}},
		WrongPeers: []string{"unbound"},
		Section:    "RFC 4034, section 6.3",
		Because:    "Of duplicates all but one may be left out. Unbound counts two DNAMEs.",
	},
	{
		Name:     "an alias to a name in an opt-out span, without the denial of the wildcard",
		Defects:  []string{"denial of a name dropped"},
		Question: []string{"CNAME", "CNAME to NXDOMAIN", "CNAME across", "CNAME across to NXDOMAIN", "wildcard CNAME", "DNAME", "DNAME to NXDOMAIN"},
		Traits:   []string{"NSEC3 opt-out"},
		Statuses: []Statuses{{insecure, bogus, bogus}},
		Section:  "RFC 5155, section 8.4",
		Because:  "A name error needs an NSEC3 RR that covers the wildcard. Unbound goes on to look for NODATA where there is an alias, and is content with the span.",
	},
}
