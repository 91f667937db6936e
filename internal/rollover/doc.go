// Package rollover keeps the trust anchors of a zone by RFC 5011: it takes each
// DNSKEY RRset that the zone publishes and decides which keys are trusted from then
// on. It is pure but for Read and Write: it asks nobody and reads no clock.
//
// The states are those of RFC 5011, section 4.2, and the table of section 4.1 is
// what [Zone.Update] does:
//
//	Start    the key isn't known; a Zone has no such key
//	AddPend  published, and waiting for its hold-down to end; not trusted
//	Valid    trusted
//	Missing  trusted, and not in the last authenticated RRset
//	Revoked  has revoked itself; never trusted again
//	Removed  revoked, and long gone from the zone; kept so that it can't come back
//
// Where the RFC leaves a choice:
//
//   - A Zone starts from DS records, which are Valid before their keys were seen. The
//     first authenticated RRset that has a key puts it in the place of its DS. A key
//     that was configured needs no hold-down, whenever it appears.
//   - An RRset is authenticated by a Valid or Missing key that it has (RFC 4035,
//     section 5.2). Unbound also takes one that is signed by a trusted key and does
//     not have it; the resolver proper never would.
//   - A revocation counts if the key signed the RRset that has it with the REVOKE
//     bit, even if nothing else in that RRset can be believed.
//   - A Missing key is kept for 366 days, as Unbound does, and for ever if no key is
//     Valid. RFC 5011 keeps it for ever.
//   - A key whose algorithm is not relied on never becomes pending.
//   - When the last trusted key is revoked the trust point is deleted (RFC 5011,
//     section 5, and Unbound): it is as if it had never been configured, so names
//     below are judged from the next trust anchor above, or are indeterminate if
//     there is none. Bogus would promise more than it keeps: who can revoke every
//     key can also sign anything. It is told as an [Event] with [Deleted], by every
//     later Update as trust_anchor_missing, and only new anchors end it.
package rollover
