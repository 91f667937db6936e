//go:build integration && linux

package integration

import (
	"strings"

	"github.com/miekg/dns"
)

// excuse is a kind of question that a peer is known to answer wrongly. The peer
// is not asked, and only the other one is compared.
type excuse struct {
	peer   string
	match  func(question) bool
	reason string // includes the RFC that decides
}

var excuses = []excuse{
	{
		peer: "unbound",
		match: func(q question) bool {
			return q.qtype == dns.TypeCNAME && strings.Contains(q.name, ".d-")
		},
		reason: "Unbound 1.17 answers SERVFAIL to a query for a CNAME synthesized from a DNAME. " +
			"The signed DNAME proves it (RFC 6672, section 5.3.1).",
	},
	{
		peer:  "unbound",
		match: func(q question) bool { return strings.HasSuffix(q.name, "downgrade.example.") },
		reason: "Unbound 1.17, without harden-algo-downgrade, uses a DS with a SHA-1 digest beside one with SHA-256. " +
			"It should be ignored (RFC 4509, section 3).",
	},
	{
		peer: "named",
		match: func(q question) bool {
			label, zone, _ := strings.Cut(q.name, ".")
			return (zone == "unsigned.example." || zone == "nosigs.example.") &&
				(label == "alias" || label == "twice" || label == "dangling")
		},
		reason: "For an unsigned CNAME BIND 9.18 asks for the DS at its owner name, is answered with the same CNAME, " +
			"and does not answer before the client's timeout. The answer is bogus, so SERVFAIL (RFC 4035, section 5.5).",
	},
}

func excused(peer string, q question) bool {
	for _, e := range excuses {
		if e.peer == peer && e.match(q) {
			return true
		}
	}
	return false
}
