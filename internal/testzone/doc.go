// Package testzone builds small trees of signed DNS zones, answers for them
// as a recursive resolver that does not validate, and breaks them on
// purpose, one thing at a time.
//
// It is the judge of the validator's tests. That is why it shares no code
// with the validator: what it knows of canonical order, NSEC, NSEC3 and
// signatures it has from the RFCs and from github.com/miekg/dns.
//
// A [World] is made from one [Spec] per zone:
//
//	w, err := testzone.New(time.Now(),
//		testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256,
//			Records: []string{"www A 192.0.2.1", "*.wild TXT any"}},
//		testzone.Spec{Name: "unsigned.example.", Records: []string{"www A 192.0.2.2"}},
//	)
//
// The root and the delegations between the zones are made by New, so that
// [World.Anchors] of "." is all a validator needs. What is asked for through
// [World.Answer], [World.ServeDNS] or [World.Serve] is answered from the
// stored records alone; nothing is signed again unless a method says so.
// (The exception is [CompactNSEC], which is made for on-line signing.)
package testzone
