package anchor

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// reading is what was read from one or several sources.
type reading struct {
	anchors     []Anchor
	unsupported []unsupported
}

// unsupported is a well-formed trust anchor that this version, or the rules, do not rely
// on. A key of a new algorithm is published long before all validators know it.
type unsupported struct {
	zone   string // canonical
	tag    uint16
	source string // file:line
	err    UnsupportedError
}

// add takes a record. It returns an error if the record can't be a trust anchor, whatever
// the rules are.
func (r *reading) add(rr dns.RR, source string, rules Rules) error {
	a, err := New(rr, source, rules)
	var left UnsupportedError
	switch {
	case errors.As(err, &left):
		r.unsupported = append(r.unsupported, unsupported{dnsname.Canonical(rr.Header().Name), tagOf(rr), source, left})
	case err != nil:
		return err
	default:
		r.anchors = append(r.anchors, a)
	}
	return nil
}

// tagOf returns the key tag of a DS or DNSKEY record.
func tagOf(rr dns.RR) uint16 {
	if key, ok := rr.(*dns.DNSKEY); ok {
		return key.KeyTag()
	}
	return rr.(*dns.DS).KeyTag
}

// empty reports whether no trust anchor was read, supported or not.
func (r *reading) empty() bool { return len(r.anchors) == 0 && len(r.unsupported) == 0 }

// join adds what was read from another source.
func (r *reading) join(other *reading) {
	r.anchors = append(r.anchors, other.anchors...)
	r.unsupported = append(r.unsupported, other.unsupported...)
}

// finished returns the anchors, and a warning for each one that is left out. A zone of
// which all anchors would be left out is an error: without any it would be insecure, or
// be validated from an anchor that was to be replaced.
func (r *reading) finished() (anchors []Anchor, warnings []string, err error) {
	for _, u := range r.unsupported {
		if !slices.ContainsFunc(r.anchors, func(a Anchor) bool { return a.Zone() == u.zone }) {
			return nil, nil, fmt.Errorf("%s: %w, and there is no other trust anchor of %s", u.source, u.err, u.zone)
		}
		warnings = append(warnings, fmt.Sprintf("%s: the trust anchor of %s with tag %d is left out: %s. The zone is validated from its other trust anchors, and fails once it is signed by this key alone",
			u.source, u.zone, u.tag, u.err))
	}
	return r.anchors, warnings, nil
}
