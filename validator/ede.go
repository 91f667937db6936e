package validator

import (
	"github.com/miekg/dns"
)

// maxExtraText bounds the octets of an EDE text: escaped names could make it ten times as
// long as the question, which may have a forged source address.
const maxExtraText = 255

// ExtendedError returns the Extended DNS Error (RFC 8914) of a finding, or nil. What is let
// pass although its reason is one of bogus answers has none.
func ExtendedError(f Finding) *dns.EDNS0_EDE {
	code, ok := f.Reason.EDE()
	if !ok || f.Reason.Status() != f.Status {
		return nil
	}
	text := f.String()
	return &dns.EDNS0_EDE{InfoCode: code, ExtraText: text[:min(len(text), maxExtraText)]}
}

// ExtendedError returns the Extended DNS Error of the answer, or nil.
func (r *Result) ExtendedError() *dns.EDNS0_EDE {
	if r.ede != nil {
		return r.ede
	}
	return ExtendedError(r.Finding)
}

// explain adds the Extended DNS Error to an answer for a client with EDNS.
func (r *Result) explain(m *dns.Msg, opt *dns.OPT) {
	if opt == nil {
		return
	}
	ede := r.ExtendedError()
	if ede == nil {
		return
	}
	if m.IsEdns0() == nil {
		m.Extra = withOPT(m.Extra, opt)
	}
	own := m.IsEdns0()
	own.Option = append(own.Option, ede)
}
