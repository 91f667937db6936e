// Package validator validates the answers of a DNS resolver with DNSSEC (RFC 4033, 4034,
// 4035, 5155, 6840, 9276).
//
// A Validator asks through an Exchanger, builds the authentication chain from the trust
// anchors down to each signer with questions for DS and DNSKEY, and judges each RRset of
// a response. Resolve asks and returns an answer for the client, Validate judges a
// response that the caller has already, Explain reports the chain link by link.
//
// What was proven is kept in bounded memory and used for later questions, denials too
// (RFC 8198). A Validator may be used by several goroutines at once. It writes no log
// and reads no file; an Observer can count and log what happens.
package validator
