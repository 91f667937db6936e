package differential

import (
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// Phase is a step of a key rollover (RFC 6781, section 4.1; RFC 7583). A zone
// is equally secure in all phases.
type Phase string

const steady Phase = "steady"

// phases has the extra keys of a zone in each phase.
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

// rollTo is the new algorithm in an algorithm rollover.
const rollTo = dns.ECDSAP384SHA384

func roll(keys ...testzone.ExtraKey) []testzone.ExtraKey { return withAlgorithm(rollTo, keys) }

func unknown(keys ...testzone.ExtraKey) []testzone.ExtraKey { return withAlgorithm(unassigned, keys) }

// unassigned is an algorithm that no validator supports. The private ones (253,
// 254) are not suitable: their public keys must begin with a name.
const unassigned = 200

func withAlgorithm(algorithm uint8, keys []testzone.ExtraKey) []testzone.ExtraKey {
	for i := range keys {
		keys[i].Algorithm = algorithm
	}
	return keys
}
