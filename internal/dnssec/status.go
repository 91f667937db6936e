package dnssec

import "strings"

// Status is a security status of RFC 4033, section 5. The zero value is
// Indeterminate, so that an unset Status is never Secure.
type Status uint8

const (
	Indeterminate Status = iota // no trust anchor applies to the name
	Insecure                    // proven to have no authentication chain from a trust anchor
	Secure                      // authenticated from a trust anchor
	Bogus                       // should be authenticated, but validation failed
)

// String returns the status in lower case, as used in logs and metrics.
func (s Status) String() string {
	switch s {
	case Insecure:
		return "insecure"
	case Secure:
		return "secure"
	case Bogus:
		return "bogus"
	default:
		return "indeterminate"
	}
}

// Weaker returns the status of a response with parts of both: the first of Bogus,
// Indeterminate, Insecure and Secure.
func (s Status) Weaker(other Status) Status {
	if statusRank[other] < statusRank[s] {
		return other
	}
	return s
}

// statusRank orders the statuses for Weaker.
var statusRank = [...]int{Bogus: 0, Indeterminate: 1, Insecure: 2, Secure: 3}

// Finding is the result of a check that can be Secure, Insecure or Bogus. All but
// Secure have a Reason.
type Finding struct {
	Status Status
	Reason Reason
	Detail string // records, zones and keys; may be empty
}

// String returns "token: detail", as log lines and EDE texts have it.
func (f Finding) String() string {
	detail := f.Detail
	switch {
	case detail != "":
	case f.Reason == ReasonNone && f.Status != Secure:
		detail = "not judged" // a response with REFUSED, for example
	default:
		detail = f.Reason.Text()
	}
	return f.Reason.String() + ": " + strings.TrimSpace(detail)
}

// Proven is the Finding of a successful check.
var Proven = Finding{Status: Secure}

// finding returns the Finding with the Status of a Reason.
func finding(r Reason, detail string) Finding {
	return Finding{Status: r.Status(), Reason: r, Detail: detail}
}

// Failure is the error of a check: the rule that was violated, and the record, zone
// or key that violates it.
type Failure struct {
	Reason Reason
	Detail string
}

// Error returns "token: detail", or "token: text" without a Detail.
func (f *Failure) Error() string {
	if f.Detail == "" {
		return f.Reason.String() + ": " + f.Reason.Text()
	}
	return f.Reason.String() + ": " + f.Detail
}

// Finding returns the failure as a Finding with the Status of the Reason.
func (f *Failure) Finding() Finding { return finding(f.Reason, f.Detail) }

func fail(r Reason, detail string) *Failure { return &Failure{Reason: r, Detail: detail} }

// laterFailure returns the failure whose Reason is later in the order of the checks,
// and a if they are equal. Both may be nil.
func laterFailure(a, b *Failure) *Failure {
	if a == nil || (b != nil && b.Reason > a.Reason) {
		return b
	}
	return a
}
