// Package dnssec authenticates RRsets and denials of existence: given records, keys,
// a time, a policy and a budget, it decides what is proven (RFC 4035, section 5).
//
// The package does no I/O, reads no clock, keeps no state and logs nothing. Only a
// Verifier creates the values that callers may rely on. Their fields are unexported:
//
//   - Keys, the DNSKEY RRset of a zone, authenticated by a DS RRset or a trust anchor,
//   - Authenticated, an RRset with a signature that one of those keys verifies,
//   - Denial, the authenticated NSEC and NSEC3 records of one zone.
//
// A check that fails returns a *Failure with the Reason.
package dnssec
