// Package differential generates random signed worlds with single defects, and
// judges the disagreements of validators about them.
//
// A [Plan] describes one world: a top-level domain with zones below it and at
// most one [Defect]. It is generated from a seed and contains no keys, so that
// it can be printed, reduced, and built again under another name. A [Batch] is
// several plans built under one root. The answers of the validators to one
// question are a [Case]. Disagreements are looked up in the table of
// judgements.
//
// The package does not start processes or send queries; cmd/differential does.
package differential
