// Package differential makes random signed worlds with single defects, and
// decides what to think of validators that disagree on them.
//
// A [Plan] is the description of one world: a top-level domain with zones
// below it, and at most one [Defect]. It is made from a seed and has no keys
// yet, so that it can be printed, made smaller, and built again under another
// name. A [Batch] is several plans built side by side under one root. What
// validators answered in it makes a [Case]; those that differ are looked up
// in the table of judgements.
//
// Nothing here starts a process or asks a question: cmd/differential does.
package differential
