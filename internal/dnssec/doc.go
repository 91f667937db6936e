// Package dnssec answers one question: given these records, these keys, this
// instant, this policy and this budget, what is proven?
//
// It is pure: it asks nobody, reads no clock, keeps nothing and logs nothing.
// Only a Verifier makes the three things that the rest of the program may rely
// on, and their fields can't be set from outside:
//
//   - Keys, the DNSKEY RRset of a zone that a DS set or a trust anchor vouches for,
//   - Authenticated, an RRset with a signature that those keys verify,
//   - Denial, the authenticated NSEC and NSEC3 records of one zone.
//
// What can't be proven comes back as a *Failure with the Reason why.
package dnssec
