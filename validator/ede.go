package validator

import (
	"strings"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

const (
	// maxExtraText bounds the octets of an EDE text: escaped names could make it ten times as
	// long as the question, which may have a forged source address.
	maxExtraText = 255
	// maxUpstreamErrors bounds the Extended DNS Errors that are taken over from an upstream.
	maxUpstreamErrors = 3
)

// ExtendedError returns the Extended DNS Error (RFC 8914) of a finding, or nil. A finding has
// none if its status is not that of its reason.
func ExtendedError(f Finding) *dns.EDNS0_EDE {
	code, ok := f.Reason.EDE()
	if !ok || f.Reason.Status() != f.Status {
		return nil
	}
	if f.Reason.Unavailable() {
		return newExtendedError(code, withoutCause(f).String())
	}
	return newExtendedError(code, f.String())
}

// withoutCause leaves out the error of the network, which may have internal addresses: the
// detail is "DS example.: error", or, of the client's own question, the error alone.
func withoutCause(f Finding) Finding {
	subject, _, found := strings.Cut(f.Detail, ": ")
	if f.Detail = ""; found && f.Reason != dnssec.AnswerUnavailable {
		f.Detail = subject
	}
	return f
}

// newExtendedError makes an Extended DNS Error, and cuts its text.
func newExtendedError(code uint16, text string) *dns.EDNS0_EDE {
	return &dns.EDNS0_EDE{InfoCode: code, ExtraText: text[:min(len(text), maxExtraText)]}
}

// ExtendedErrors returns the Extended DNS Errors of the answer: that of the finding, or what
// an upstream said of a failure of its own.
func (r *Result) ExtendedErrors() []*dns.EDNS0_EDE {
	if len(r.errors) > 0 {
		return r.errors
	}
	if ede := ExtendedError(r.Finding); ede != nil {
		return []*dns.EDNS0_EDE{ede}
	}
	return nil
}

// explain adds the Extended DNS Errors to an answer for a client with EDNS.
func (r *Result) explain(m *dns.Msg, opt *dns.OPT) {
	if opt == nil {
		return
	}
	errors := r.ExtendedErrors()
	if len(errors) == 0 {
		return
	}
	if m.IsEdns0() == nil {
		m.Extra = withOPT(m.Extra, opt)
	}
	own := m.IsEdns0()
	for _, ede := range errors {
		own.Option = append(own.Option, ede)
	}
}

// upstreamErrors returns what an upstream says of a response that can't be judged: its own
// Extended DNS Errors, marked as the upstream's, behind one with the response code. Nothing
// proves them, so the texts are cut, and other than ASCII characters are replaced.
func upstreamErrors(msg *dns.Msg) []*dns.EDNS0_EDE {
	code := uint16(dns.ExtendedErrorCodeNoReachableAuthority)
	if msg.Rcode != dns.RcodeServerFailure {
		code = dns.ExtendedErrorCodeNetworkError
	}
	errors := []*dns.EDNS0_EDE{newExtendedError(code, "the upstream answered "+rcodeName(msg.Rcode))}
	opt := msg.IsEdns0()
	if opt == nil {
		return errors
	}
	for _, o := range opt.Option {
		if ede, ok := o.(*dns.EDNS0_EDE); ok && len(errors) <= maxUpstreamErrors {
			errors = append(errors, newExtendedError(ede.InfoCode, strings.TrimSuffix("upstream: "+printable(ede.ExtraText), ": ")))
		}
	}
	return errors
}

// rcodeName returns the name of a response code.
func rcodeName(rcode int) string {
	if rcode == dns.RcodeBadVers { // the number of BADSIG too, which is of TSIG
		return "BADVERS"
	}
	if name, ok := dns.RcodeToString[rcode]; ok {
		return name
	}
	return "with an unknown response code"
}

// printable replaces what is no printable ASCII by dots.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, text[:min(len(text), maxExtraText)])
}

// isFailure reports whether a response code says that the upstream itself failed or
// refused.
func isFailure(rcode int) bool { return !provable(rcode) && rcode != dns.RcodeYXDomain }
