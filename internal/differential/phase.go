package differential

import (
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// Phase is where a zone is in a rollover of its keys (RFC 6781, section 4.1;
// RFC 7583). A zone in any of them is as secure as one with steady keys.
type Phase string

const steady Phase = "steady"

// phases has the keys that a zone has besides its own in each phase.
var phases = map[Phase][]testzone.ExtraKey{
	steady:                        nil,
	"ZSK pre-published":           {{}},
	"ZSK not yet published":       {{Hidden: true, Signs: true}},
	"ZSK double signature":        {{Signs: true}},
	"KSK double signature":        {{Role: testzone.KSK, Signs: true}},
	"KSK double DS and one key":   {{Role: testzone.KSK, Hidden: true, DS: true}},
	"KSK double DS and two keys":  {{Role: testzone.KSK, Signs: true, DS: true}},
	"KSK standby with DS":         {{Role: testzone.KSK, DS: true}},
	"KSK standby":                 {{Role: testzone.KSK}},
	"KSK revoked":                 {{Role: testzone.KSK, Signs: true, Revoked: true}},
	"KSK revoked with DS":         {{Role: testzone.KSK, Signs: true, Revoked: true, DS: true}},
	"ZSK revoked":                 {{Signs: true, Revoked: true}},
	"algorithm: signatures first": roll(testzone.ExtraKey{Role: testzone.KSK, Hidden: true, Signs: true}, testzone.ExtraKey{Hidden: true, Signs: true}),
	"algorithm: keys too":         roll(testzone.ExtraKey{Role: testzone.KSK, Signs: true}, testzone.ExtraKey{Signs: true}),
	"algorithm: DS of both":       roll(testzone.ExtraKey{Role: testzone.KSK, Signs: true, DS: true}, testzone.ExtraKey{Signs: true}),
	"algorithm: only DNSKEY":      roll(testzone.ExtraKey{Role: testzone.KSK, Signs: true, DS: true}),
	"algorithm: DS without key":   roll(testzone.ExtraKey{Role: testzone.KSK, Hidden: true, DS: true}),
	"algorithm: unknown":          unknown(testzone.ExtraKey{Role: testzone.KSK, Signs: true, DS: true}, testzone.ExtraKey{Signs: true}),
}

// rollTo is the algorithm of the keys in a roll to another one.
const rollTo = dns.ECDSAP384SHA384

func roll(keys ...testzone.ExtraKey) []testzone.ExtraKey { return of(rollTo, keys) }

func unknown(keys ...testzone.ExtraKey) []testzone.ExtraKey { return of(unassigned, keys) }

// unassigned is an algorithm that nobody relies on. The private ones will not
// do: their keys have to begin with a name.
const unassigned = 200

func of(algorithm uint8, keys []testzone.ExtraKey) []testzone.ExtraKey {
	for i := range keys {
		keys[i].Algorithm = algorithm
	}
	return keys
}
