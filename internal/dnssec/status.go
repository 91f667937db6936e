package dnssec

import "strings"

// Status is one of the four words of RFC 4033, section 5. The zero value is
// Indeterminate, so that nothing is secure by accident.
type Status uint8

const (
	Indeterminate Status = iota // no trust anchor says anything about the name
	Insecure                    // proven to be without a chain of signatures
	Secure                      // proven from a trust anchor down
	Bogus                       // ought to be provable, and is not
)

// String returns the word in lower case, as logs and metrics have it.
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

// Weaker returns the status that an answer of both parts has: bogus before
// indeterminate before insecure before secure.
func (s Status) Weaker(other Status) Status {
	if rank[other] < rank[s] {
		return other
	}
	return s
}

var rank = [...]int{Bogus: 0, Indeterminate: 1, Insecure: 2, Secure: 3}

// Finding is what a check shows where more than one outcome is sound: a status,
// and for all but Secure the reason.
type Finding struct {
	Status Status
	Reason Reason
	Detail string // which record, zone and key; may be empty
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

// Proven is the finding that needs no reason.
var Proven = Finding{Status: Secure}

// found makes the finding that a reason stands for.
func found(r Reason, detail string) Finding {
	return Finding{Status: r.Status(), Reason: r, Detail: detail}
}

// Failure is the error of a check: which rule was broken, and by what.
type Failure struct {
	Reason Reason
	Detail string
}

// Error returns "token: detail".
func (f *Failure) Error() string {
	if f.Detail == "" {
		return f.Reason.String() + ": " + f.Reason.Text()
	}
	return f.Reason.String() + ": " + f.Detail
}

// Finding returns the failure as a finding of the reason's status.
func (f *Failure) Finding() Finding { return found(f.Reason, f.Detail) }

func fail(r Reason, detail string) *Failure { return &Failure{Reason: r, Detail: detail} }

// further returns the failure that got further through the checks: the order of
// the reasons is the order of the checks, and the first of equals is kept.
func further(a, b *Failure) *Failure {
	if a == nil || (b != nil && b.Reason > a.Reason) {
		return b
	}
	return a
}
