package differential

// judgements has what was found out about each disagreement that is known.
var judgements = []Judgement{
	{
		Name:     "AD on an RRSIG RRset",
		Question: []string{"RRSIG"},
		Statuses: []Statuses{{insecure, secure, insecure}},
		Section:  "RFC 4035, sections 2.2 and 3.2.3",
		Because:  "An RRSIG RR is never signed, so that there is nothing to prove it by.",
	},
	{
		Name:      "the CNAME that a DNAME makes",
		Question:  []string{"CNAME of a DNAME"},
		Statuses:  []Statuses{{bogus, secure, secure}},
		WrongPeer: "unbound",
		Section:   "RFC 6672, section 5.3.1",
		Because:   "The signed DNAME proves it. Unbound 1.17 does so only if the question is for another type.",
	},
	{
		Name:     "a KSK that is no zone key, or of another protocol",
		Defects:  []string{"KSK not a zone key", "KSK protocol wrong"},
		Statuses: []Statuses{{bogus, secure, bogus}, {bogus, insecure, bogus}},
		Section:  "RFC 4034, sections 2.1.1 and 2.1.2; RFC 4035, section 5.2",
		Because:  "Such a DNSKEY must not be used. BIND 9.18 looks at both only where the key signs data.",
	},
	{
		Name:     "NSEC3 with flags that nobody knows",
		Defects:  []string{"NSEC3 flags unknown"},
		Statuses: []Statuses{{bogus, secure, bogus}, {bogus, insecure, bogus}},
		Section:  "RFC 5155, section 8.2",
		Because:  "Such an RR has to be ignored, and without it there is no proof. BIND takes it.",
	},
	{
		Name:     "keys with the REVOKE flag",
		Defects:  []string{"KSK revoked", "ZSK revoked"},
		Statuses: []Statuses{{secure, bogus, bogus}, {insecure, bogus, bogus}},
		Section:  "RFC 5011, section 2.1",
		Because:  "A revoked key must not be used for anything but its revocation. Unbound uses those of zones that are no trust anchors.",
	},
}
