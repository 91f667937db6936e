package validator

import (
	"context"

	"github.com/dnssecval/dnssecval/internal/dnsname"
)

// A Topology says what the configuration of the program means for the validation of a
// name. Names are canonical. The zero Options have that of one resolver, which is asked
// for everything.
type Topology interface {
	// Private returns the zone by which the operator forwards a name on purpose, or the
	// root. Such a zone need not be in the public tree: if that proves that the zone does
	// not exist, or is not signed, answers for it are Indeterminate, not Bogus.
	Private(name string) (zone string)

	// Forwarded reports whether questions for the name go to an upstream. That one of
	// these was not answered is remembered for a moment (RFC 9520, section 3.1).
	Forwarded(name string) bool

	// Silent reports whether the upstream for the name answers nothing at present, so
	// that asking it again is of no use.
	Silent(name string) bool
}

type oneResolver struct{}

func (oneResolver) Private(string) string { return dnsname.Root }
func (oneResolver) Forwarded(string) bool { return true }
func (oneResolver) Silent(string) bool    { return false }

// An Observer is told what happens while a question is answered. It is called by several
// goroutines at once and must not block. Embed NopObserver for the methods that are not of
// interest, and for those that come later.
type Observer interface {
	// CacheLookup is called for each look-up in the caches of zones and signatures.
	CacheLookup(hit bool)
	// SignatureChecked is called for each signature that was computed.
	SignatureChecked(algorithm uint8, good bool)
	// AnswerSynthesized is called for an answer that was not asked for (RFC 8198).
	AnswerSynthesized(kind Synthesis)
	// NotValidated is called whenever a zone is found that can't be validated for the
	// operator's own configuration: a zone that is forwarded by name and is not signed in
	// the public tree.
	NotValidated(zone, detail string)
	// OwnKeysUsed is called for a served zone that is judged by its own keys, with a DS
	// record of one of them as a zone-file line.
	OwnKeysUsed(zone, ds string)
	// Panicked is called for a panic in a goroutine of the validator, which it survives.
	Panicked(during string, value any, stack []byte)
}

// Synthesis is the kind of a synthesized answer.
type Synthesis string

const (
	SynthesizedNameError Synthesis = "nxdomain"
	SynthesizedNoData    Synthesis = "nodata"
	SynthesizedWildcard  Synthesis = "wildcard"
)

// NopObserver is an Observer that does nothing.
type NopObserver struct{}

func (NopObserver) CacheLookup(bool)             {}
func (NopObserver) SignatureChecked(uint8, bool) {}
func (NopObserver) AnswerSynthesized(Synthesis)  {}
func (NopObserver) NotValidated(string, string)  {}
func (NopObserver) OwnKeysUsed(string, string)   {}
func (NopObserver) Panicked(string, any, []byte) {}

func observeNothing(context.Context) Observer { return NopObserver{} }
