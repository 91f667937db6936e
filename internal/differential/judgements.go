package differential

import "slices"

// judgements has what was found out about each disagreement that is known, on
// Unbound 1.17 and BIND 9.18.
var judgements = slices.Concat(keyJudgements, denialJudgements, optOutJudgements, responseJudgements)

// besides are the defects that put a bad signature beside a good one.
var besides = []string{"expired signature besides", "wrong signature besides", "unknown signature besides"}

// badSignatures are the defects after which an RRset has no signature that counts.
var badSignatures = []string{
	"signatures dropped", "expired", "expired minutes ago", "not yet valid", "inception after expiration",
	"bit of the signature flipped", "RDATA changed", "wrong key tag", "wrong signature algorithm",
	"signed by an unknown key", "signed by no zone", "signatures of the SOA", "labels one more",
}

// keyJudgements are about keys and signatures.
var keyJudgements = []Judgement{
	{
		Name:     "AD on an RRSIG RRset",
		Question: []string{"RRSIG"},
		Statuses: []Statuses{{insecure, secure, insecure}, {bogus, insecure, bogus}, {bogus, secure, bogus}},
		Section:  "RFC 4035, sections 2.2 and 3.2.3",
		Because: "An RRSIG RR is never signed, so that there is nothing to prove it by; and where there is none, " +
			"that has to be proven. BIND does not validate answers of this type.",
	},
	{
		Name:       "the CNAME that a DNAME makes",
		Question:   []string{"CNAME of a DNAME"},
		Statuses:   []Statuses{{bogus, secure, secure}, {insecure, secure, secure}},
		WrongPeers: []string{"unbound"},
		Section:    "RFC 6672, section 5.3.1",
		Because: "The signed DNAME proves it, as BIND says too, whatever else is wrong. Unbound sees that only where the question is " +
			"for another type; here it goes by the DS denial of the name.",
	},
	{
		Name:       "the CNAME that a DNAME makes, and a bad signature beside a good one",
		Question:   []string{"CNAME of a DNAME"},
		Defects:    besides,
		Statuses:   []Statuses{{bogus, bogus, secure}},
		WrongPeers: []string{"unbound", "named"},
		Section:    "RFC 6672, section 5.3.1; RFC 6840, section 5.4",
		Because:    "Unbound fails for the one reason, BIND for the other: see there.",
	},
	{
		Name:     "a KSK that is no zone key, or of another protocol",
		Defects:  []string{"KSK not a zone key", "KSK protocol wrong"},
		Statuses: []Statuses{{bogus, secure, bogus}, {bogus, insecure, bogus}},
		Section:  "RFC 4034, sections 2.1.1 and 2.1.2; RFC 4035, section 5.2",
		Because:  "Such a DNSKEY must not be used. BIND looks at both only where the key signs data.",
	},
	{
		Name:     "a KSK that is no zone key, or of another protocol, and over 150 iterations",
		Defects:  []string{"KSK not a zone key", "KSK protocol wrong"},
		Traits:   []string{belowNonTerminal, manyIterations},
		Statuses: []Statuses{{insecure, secure, bogus}},
		Section:  "RFC 4034, sections 2.1.1 and 2.1.2; RFC 4035, section 5.2",
		Because:  "As above; why Unbound takes the zone for insecure is said of a cut below an empty non-terminal.",
	},
	{
		Name:     "a CSK that is no zone key, or of another protocol",
		Defects:  []string{"ZSK not a zone key", "ZSK protocol wrong"},
		Question: []string{"DNSKEY"},
		Statuses: []Statuses{{bogus, secure, bogus}},
		Section:  "RFC 4034, sections 2.1.1 and 2.1.2; RFC 4035, section 5.2",
		Because:  "As above.",
	},
	{
		Name:     "keys with the REVOKE flag",
		Defects:  []string{"KSK revoked", "ZSK revoked"},
		Statuses: []Statuses{{secure, bogus, bogus}, {insecure, bogus, bogus}},
		Section:  "RFC 5011, section 2.1",
		Because:  "A revoked key must not be used for anything but its revocation. Unbound minds it at trust anchors only.",
	},
	{
		Name:     "RRSIG below keys with the REVOKE flag",
		Defects:  []string{"KSK revoked", "ZSK revoked"},
		Question: []string{"RRSIG"},
		Statuses: []Statuses{{insecure, insecure, bogus}},
		Section:  "RFC 5011, section 2.1; RFC 4035, section 5.2",
		Because:  "What lies below a zone that is bogus is not shown to be insecure. Unbound takes the key, and BIND validates no answers of this type.",
	},
	{
		Name:     "a DS of nothing but a revoked key",
		Traits:   []string{revokedAlone},
		Statuses: []Statuses{{secure, secure, bogus}, {insecure, insecure, bogus}, {bogus, secure, bogus}},
		Section:  "RFC 5011, section 2.1; RFC 4035, section 5.2",
		Because: "A key with the REVOKE bit must not be used for any purpose but to validate its revocation, so that no key is left that the DS " +
			"stands for. The zone is not insecure: its DS has an algorithm that is relied on. Nobody's revocation ends like this, since a key's tag " +
			"and digest change with the bit; a zone whose last key is revoked has to say so to its parent. BIND refuses the key where it is the only " +
			"one that signs the DNSKEY RRset, and takes it where one that no DS stands for has signed too; Unbound minds the bit at trust anchors only.",
	},
	{
		Name:       "one bad signature beside a good one",
		Defects:    besides,
		Statuses:   []Statuses{{secure, bogus, secure}, {secure, insecure, secure}, {insecure, bogus, insecure}},
		WrongPeers: []string{"named"},
		Section:    "RFC 6840, section 5.4",
		Because:    "Any signature that is valid is enough. BIND allows one failure for each fetch, and often ends at the first.",
	},
	{
		Name:     "an SOA that is signed as if it came from a wildcard",
		Defects:  []string{"labels one less"},
		Statuses: []Statuses{{secure, bogus, bogus}, {insecure, bogus, bogus}},
		Section:  "RFC 4035, sections 5.3.1 and 5.3.4",
		Because:  "It would have to be shown that the apex does not exist. Unbound looks at the labels of what was asked for only.",
	},
	{
		Name:     "an RRset at the apex that the parent has signed",
		Defects:  []string{"signed by the parent"},
		Question: []string{"positive", "DNSKEY", "NXDOMAIN", "NODATA"},
		Statuses: []Statuses{{secure, bogus, bogus}, {insecure, bogus, bogus}},
		Section:  "RFC 4035, section 5.3.1",
		Because:  "The signer has to be the zone that contains the RRset, which for SOA, NS and DNSKEY is the one that begins there. Unbound takes the parent's word.",
	},
	{
		Name:     "a denial by an NSEC that the parent has signed",
		Defects:  []string{"signed by the parent"},
		Question: withoutData,
		Statuses: []Statuses{{bogus, secure, bogus}, {secure, secure, bogus}},
		Section:  "RFC 4035, section 5.3.1; RFC 6840, section 4.1",
		Because:  "The SOA shows that the name is in the child, of which the parent's NSEC says nothing. BIND looks at each alone, Unbound now and then.",
	},
	{
		Name:     "an answer with such an NSEC beside other RRsets",
		Defects:  []string{"signed by the parent"},
		Question: []string{"ANY from a wildcard", "DNAME to wildcard", "CNAME across to wildcard", "wildcard", "wildcard CNAME", "NXDOMAIN", "CNAME to NXDOMAIN", "DNAME to NXDOMAIN"},
		Statuses: []Statuses{{bogus, secure, bogus}},
		Section:  "RFC 4035, section 5.3.1; RFC 6840, section 4.1",
		Because:  "As above.",
	},
	{
		Name:     "a denial behind an insecure alias, whose SOA the parent has signed",
		Defects:  []string{"signed by the parent"},
		Question: []string{"CNAME across to NODATA", "CNAME across to NXDOMAIN", "DNAME to NODATA", "DNAME to NXDOMAIN"},
		Statuses: []Statuses{{insecure, insecure, bogus}},
		Section:  "RFC 4035, sections 5.3.1 and 5.5",
		Because:  "That the alias is insecure does not make the denial so. Unbound takes the parent's word, and BIND passes the denial without AD.",
	},
	{
		Name:     "an NSEC3 RR that the parent has signed",
		Defects:  []string{"signed by the parent"},
		Traits:   []string{"NSEC3"},
		Statuses: []Statuses{{secure, bogus, bogus}},
		Section:  "RFC 4035, section 5.3.1; RFC 5155, section 8.1",
		Because:  "Its owner name is of the child's chain, and the signer has to be the zone that contains it. Unbound takes the parent's word now and then.",
	},
	{
		Name:     "an expansion that the parent has denied a closer match for",
		Defects:  []string{"signed by the parent"},
		Question: []string{"wildcard", "wildcard CNAME", "CNAME across to wildcard", "DNAME to wildcard", "ANY from a wildcard"},
		Statuses: []Statuses{{secure, secure, bogus}, {insecure, insecure, bogus}},
		Section:  "RFC 4035, sections 5.3.1 and 5.3.4",
		Because:  "The NSEC that proves an expansion is of the zone that has the wildcard. The peers take that of any zone above.",
	},
}
