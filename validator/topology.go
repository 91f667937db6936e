package validator

import (
	"context"

	"github.com/dnssecval/dnssecval/internal/dnsname"
)

// A Topology says where the program sends the questions for a name, as far as validation
// depends on it. Names are canonical. Without one, a single resolver is asked for everything.
type Topology interface {
	// Private returns the zone by which the operator forwards a name on purpose, or the
	// root. Such a zone need not be in the public tree: if that proves that the zone does
	// not exist, or is not signed, answers for it are Indeterminate, not Bogus.
	Private(name string) (zone string)

	// Forwarded reports whether questions for the name go to an upstream. If such a question
	// is not answered, that is cached for a moment (RFC 9520, section 3.1).
	Forwarded(name string) bool

	// Silent reports whether the upstream for the name answers nothing at present, so
	// that asking it again is of no use.
	Silent(name string) bool
}

// oneResolver is the Topology of a single resolver, which is asked for everything.
type oneResolver struct{}

func (oneResolver) Private(string) string { return dnsname.Root }
func (oneResolver) Forwarded(string) bool { return true }
func (oneResolver) Silent(string) bool    { return false }

// An Observer is called while a question is answered, so that it can count and log. Several
// goroutines call it at once, and it must not block. Embed NopObserver for the methods that
// you do not need, and for those that later versions add.
type Observer interface {
	// CacheLookup is called for each look-up in the caches of zones and signatures.
	CacheLookup(hit bool)
	// SignatureChecked is called for each signature that was computed.
	SignatureChecked(algorithm uint8, good bool)
	// AnswerSynthesized is called for an answer from what is proven already, without a question
	// to the Exchanger (RFC 8198).
	AnswerSynthesized(kind Synthesis)
	// NotValidated is called whenever a zone can't be validated because of the operator's
	// configuration: the zone is forwarded by name, and the public tree does not show it to be
	// signed. The detail says what the public tree shows.
	NotValidated(zone, detail string)
	// OwnKeysUsed is called for a served zone that is judged by its own keys, with a DS
	// record of one of them as a zone-file line.
	OwnKeysUsed(zone, ds string)
	// Panicked is called after a panic in a goroutine of the validator. The program goes on.
	Panicked(during string, value any, stack []byte)
}

// Synthesis is the kind of an answer that was synthesized from proven records (RFC 8198).
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

// observeNothing is the default of Options.Observe.
func observeNothing(context.Context) Observer { return NopObserver{} }
