package differential

import "slices"

// judgements explains all known disagreements with Unbound 1.17 and BIND 9.18.
var judgements = slices.Concat(keyJudgements, denialJudgements, optOutJudgements, responseJudgements)

// badBesideGood lists the defects that put a bad signature beside a good one.
var badBesideGood = []string{"expired signature besides", "wrong signature besides", "unknown signature besides"}

// badSignatures lists the defects that leave an RRset without a valid
// signature.
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
		Because:  "RRSIG RRs are never signed, so they can't be authenticated, and their absence has to be proven. BIND does not validate answers of this type.",
	},
	{
		Name:       "a CNAME synthesized from a DNAME",
		Question:   []string{"CNAME of a DNAME"},
		Statuses:   []Statuses{{bogus, secure, secure}, {insecure, secure, secure}},
		WrongPeers: []string{"unbound"},
		Section:    "RFC 6672, section 5.3.1",
		Because: "The signed DNAME proves it whatever else is wrong, and BIND agrees. Unbound uses the DNAME only for other qtypes; for qtype " +
			"CNAME it relies on the DS denial of the name.",
	},
	{
		Name:       "a CNAME synthesized from a DNAME, and a bad signature beside a good one",
		Question:   []string{"CNAME of a DNAME"},
		Defects:    badBesideGood,
		Statuses:   []Statuses{{bogus, bogus, secure}},
		WrongPeers: []string{"unbound", "named"},
		Section:    "RFC 6672, section 5.3.1; RFC 6840, section 5.4",
		Because:    "Unbound fails as for any CNAME synthesized from a DNAME, BIND as for any bad signature beside a good one.",
	},
	{
		Name:     "a KSK without the ZONE flag or with a wrong protocol",
		Defects:  []string{"KSK not a zone key", "KSK protocol wrong"},
		Statuses: []Statuses{{bogus, secure, bogus}, {bogus, insecure, bogus}},
		Section:  "RFC 4034, sections 2.1.1 and 2.1.2; RFC 4035, section 5.2",
		Because:  "Such a DNSKEY must not be used. BIND checks flag and protocol only for keys that sign data.",
	},
	{
		Name:     "a KSK without the ZONE flag or with a wrong protocol, and over 150 iterations",
		Defects:  []string{"KSK not a zone key", "KSK protocol wrong"},
		Traits:   []string{belowNonTerminal, manyIterations},
		Statuses: []Statuses{{insecure, secure, bogus}},
		Section:  "RFC 4034, sections 2.1.1 and 2.1.2; RFC 4035, section 5.2",
		Because:  "Such a DNSKEY must not be used. Unbound considers the zone insecure because its zone cut is below an empty non-terminal: see there.",
	},
	{
		Name:     "a CSK without the ZONE flag or with a wrong protocol",
		Defects:  []string{"ZSK not a zone key", "ZSK protocol wrong"},
		Question: []string{"DNSKEY"},
		Statuses: []Statuses{{bogus, secure, bogus}},
		Section:  "RFC 4034, sections 2.1.1 and 2.1.2; RFC 4035, section 5.2",
		Because:  "Such a DNSKEY must not be used. BIND checks flag and protocol only for keys that sign data.",
	},
	{
		Name:     "keys with the REVOKE flag",
		Defects:  []string{"KSK revoked", "ZSK revoked"},
		Statuses: []Statuses{{secure, bogus, bogus}, {insecure, bogus, bogus}},
		Section:  "RFC 5011, section 2.1",
		Because:  "A revoked key must only be used to validate its revocation. Unbound checks the flag only on trust anchors.",
	},
	{
		Name:     "RRSIG below keys with the REVOKE flag",
		Defects:  []string{"KSK revoked", "ZSK revoked"},
		Question: []string{"RRSIG"},
		Statuses: []Statuses{{insecure, insecure, bogus}},
		Section:  "RFC 5011, section 2.1; RFC 4035, section 5.2",
		Because:  "A name below a bogus zone is not proven insecure. Unbound accepts the revoked key, and BIND does not validate answers of this type.",
	},
	{
		Name:     "a DS RRset for a revoked key only",
		Traits:   []string{revokedAlone},
		Statuses: []Statuses{{secure, secure, bogus}, {insecure, insecure, bogus}, {bogus, secure, bogus}},
		Section:  "RFC 5011, section 2.1; RFC 4035, section 5.2",
		Because: "A revoked key must only be used to validate its revocation, so the DS RRset matches no usable key. The zone is not insecure, " +
			"because the algorithm is supported. No real rollover ends like this: the flag changes key tag and digest, and a zone that " +
			"revokes its last key has to tell its parent. BIND rejects the key if it alone signs the DNSKEY RRset, but accepts it if a key " +
			"without a DS RR signs as well. Unbound checks the flag only on trust anchors.",
	},
	{
		Name:       "one bad signature beside a good one",
		Defects:    badBesideGood,
		Statuses:   []Statuses{{secure, bogus, secure}, {secure, insecure, secure}, {insecure, bogus, insecure}},
		WrongPeers: []string{"named"},
		Section:    "RFC 6840, section 5.4",
		Because:    "One valid signature is enough. BIND allows one failure per fetch and often stops at the first.",
	},
	{
		Name:     "an SOA signed as if expanded from a wildcard",
		Defects:  []string{"labels one less"},
		Statuses: []Statuses{{secure, bogus, bogus}, {insecure, bogus, bogus}},
		Section:  "RFC 4035, sections 5.3.1 and 5.3.4",
		Because:  "An expansion needs the proof that the apex does not exist. Unbound checks the Labels field only of RRsets in the answer.",
	},
	{
		Name:     "an apex RRset signed by the parent zone",
		Defects:  []string{"signed by the parent"},
		Question: []string{"positive", "DNSKEY", "NXDOMAIN", "NODATA"},
		Statuses: []Statuses{{secure, bogus, bogus}, {insecure, bogus, bogus}},
		Section:  "RFC 4035, section 5.3.1",
		Because: "The signer has to be the zone that contains the RRset. SOA, NS and DNSKEY at the apex belong to the child zone. Unbound " +
			"accepts the parent zone as the signer.",
	},
	{
		Name:     "a denial by an NSEC signed by the parent zone",
		Defects:  []string{"signed by the parent"},
		Question: withoutData,
		Statuses: []Statuses{{bogus, secure, bogus}, {secure, secure, bogus}},
		Section:  "RFC 4035, section 5.3.1; RFC 6840, section 4.1",
		Because: "The SOA shows that the name is in the child zone, which an NSEC of the parent zone can't deny. BIND checks each RRset by " +
			"itself; Unbound accepts the response sometimes.",
	},
	{
		Name:     "an NSEC signed by the parent zone beside other RRsets",
		Defects:  []string{"signed by the parent"},
		Question: []string{"ANY from a wildcard", "DNAME to wildcard", "CNAME across to wildcard", "wildcard", "wildcard CNAME", "NXDOMAIN", "CNAME to NXDOMAIN", "DNAME to NXDOMAIN"},
		Statuses: []Statuses{{bogus, secure, bogus}},
		Section:  "RFC 4035, section 5.3.1; RFC 6840, section 4.1",
		Because:  "The SOA shows that the name is in the child zone, which an NSEC of the parent zone can't deny. BIND checks each RRset by itself.",
	},
	{
		Name:     "a denial behind an insecure alias, with an SOA signed by the parent zone",
		Defects:  []string{"signed by the parent"},
		Question: []string{"CNAME across to NODATA", "CNAME across to NXDOMAIN", "DNAME to NODATA", "DNAME to NXDOMAIN"},
		Statuses: []Statuses{{insecure, insecure, bogus}},
		Section:  "RFC 4035, sections 5.3.1 and 5.5",
		Because:  "An insecure alias does not make the denial insecure. Unbound accepts the parent zone as the signer, and BIND returns the denial without AD.",
	},
	{
		Name:     "an NSEC3 RR signed by the parent zone",
		Defects:  []string{"signed by the parent"},
		Traits:   []string{"NSEC3"},
		Statuses: []Statuses{{secure, bogus, bogus}},
		Section:  "RFC 4035, section 5.3.1; RFC 5155, section 8.1",
		Because:  "Its owner name is in the child zone's NSEC3 chain, so the signer has to be the child zone. Unbound accepts the parent zone sometimes.",
	},
	{
		Name:     "a wildcard expansion with a denial signed by the parent zone",
		Defects:  []string{"signed by the parent"},
		Question: []string{"wildcard", "wildcard CNAME", "CNAME across to wildcard", "DNAME to wildcard", "ANY from a wildcard"},
		Statuses: []Statuses{{secure, secure, bogus}, {insecure, insecure, bogus}},
		Section:  "RFC 4035, sections 5.3.1 and 5.3.4",
		Because:  "The NSEC that proves an expansion has to be of the zone with the wildcard. The peers accept one of any ancestor zone.",
	},
}
