// Package rollover manages the trust anchors of a zone by RFC 5011: it takes each
// DNSKEY RRset of the zone and decides which keys are trusted from then on. It does
// no I/O except in Read and Write, and it reads no clock.
//
// [Zone.Update] implements the state table of RFC 5011, section 4, with the states of
// section 4.2:
//
//	Start    unknown; a Zone contains no such key
//	AddPend  published, in its add hold-down time; not trusted
//	Valid    trusted
//	Missing  trusted, but not in the last authenticated RRset
//	Revoked  has revoked itself; never trusted again
//	Removed  revoked and no longer published; kept so that it can't return
//
// Where the RFC leaves a choice or this package deviates from it:
//
//   - A Zone starts with DS records, which are Valid before their keys are seen. The
//     first authenticated RRset with a matching key replaces the DS by the key. A
//     configured key needs no hold-down, whenever it appears.
//   - An RRset is authenticated only by a Valid or Missing key that is in it (RFC 4035,
//     section 5). Unbound also accepts a signature by a trusted key that is not in it.
//   - A key is revoked if it is in the RRset with the REVOKE bit and signs it, even if
//     the RRset is not authenticated otherwise.
//   - A Missing key is dropped after 366 days, as in Unbound, but only if another key is
//     Valid. RFC 5011 keeps it forever.
//   - A key whose algorithm is not accepted never becomes pending. One that is in the
//     state file already, since another version of the program wrote it, is kept.
//   - When the last trusted key is revoked, the trust point is deleted (RFC 5011, section
//     5, as in Unbound). Names below it are validated from the next trust anchor above,
//     or are indeterminate if there is none. Bogus would be no safer: somebody who can revoke
//     every key can also sign anything. The deletion is reported as an [Event] with the
//     cause [Deleted]. Every later Update fails with trust_anchor_missing, until the
//     operator configures new trust anchors.
package rollover
