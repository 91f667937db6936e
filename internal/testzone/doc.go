// Package testzone builds small trees of signed DNS zones, serves them as a
// non-validating recursive resolver would, and breaks them in one way at a
// time.
//
// The tests of the validator take their expected results from it. It therefore
// shares no code with the validator: canonical order, NSEC, NSEC3 and
// signatures are implemented here from the RFCs and with github.com/miekg/dns.
//
// A [World] is built from one [Spec] per zone:
//
//	w, err := testzone.New(time.Now(),
//		testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256,
//			Records: []string{"www A 192.0.2.1", "*.wild TXT any"}},
//		testzone.Spec{Name: "unsigned.example.", Records: []string{"www A 192.0.2.2"}},
//	)
//
// New also makes the root zone and the delegations between the zones, so a
// validator needs only [World.Anchors] of ".". [World.Answer], [World.ServeDNS]
// and [World.Serve] answer from the stored records and signatures. They sign
// nothing, except in a zone with [CompactNSEC], which is signed on line.
package testzone
