//go:build integration && linux

package integration

import (
	"strings"

	"github.com/miekg/dns"
)

// An excuse is a question that a peer is known to get wrong. It isn't asked
// there, and the other peer judges alone.
type excuse struct {
	peer   string
	match  func(question) bool
	reason string // with the text that says what is right
}

var excuses = []excuse{
	{
		peer: "unbound",
		match: func(q question) bool {
			return q.qtype == dns.TypeCNAME && strings.Contains(q.name, ".d-")
		},
		reason: "Unbound 1.17 answers SERVFAIL when the question is for the CNAME itself that a DNAME synthesizes. " +
			"The signed DNAME proves it (RFC 6672, section 5.3.1).",
	},
	{
		peer:  "unbound",
		match: func(q question) bool { return strings.HasSuffix(q.name, "downgrade.example.") },
		reason: "Unbound 1.17, unless told to harden-algo-downgrade, takes a DS with a SHA-1 digest beside one with SHA-256. " +
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
			"and gives no answer before the client's patience ends. It is bogus, and SERVFAIL (RFC 4035, section 5.5).",
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
