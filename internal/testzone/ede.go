package testzone

import "github.com/miekg/dns"

// ExtendedErrors returns the Extended DNS Errors of a message, which may have none (RFC 8914,
// section 2).
func ExtendedErrors(m *dns.Msg) (errors []*dns.EDNS0_EDE) {
	opt := m.IsEdns0()
	if opt == nil {
		return nil
	}
	for _, o := range opt.Option {
		if ede, ok := o.(*dns.EDNS0_EDE); ok {
			errors = append(errors, ede)
		}
	}
	return errors
}

// ExtendedError returns the first Extended DNS Error of a message, or nil.
func ExtendedError(m *dns.Msg) *dns.EDNS0_EDE {
	for _, ede := range ExtendedErrors(m) {
		return ede
	}
	return nil
}
