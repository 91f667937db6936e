package dnssec

import (
	"regexp"
	"slices"
	"testing"
)

var statuses = []Status{Indeterminate, Insecure, Secure, Bogus}

func TestStatus(t *testing.T) {
	var zero Status
	if zero != Indeterminate || zero.String() != "indeterminate" {
		t.Errorf("the zero status is %v", zero)
	}
	words := []string{Indeterminate.String(), Insecure.String(), Secure.String(), Bogus.String()}
	if !slices.Equal(words, []string{"indeterminate", "insecure", "secure", "bogus"}) {
		t.Errorf("the words are %q", words)
	}
}

// TestWeaker checks that Weaker returns the weaker status and is commutative.
func TestWeaker(t *testing.T) {
	order := []Status{Bogus, Indeterminate, Insecure, Secure}
	for i, a := range order {
		for j, b := range order {
			if got, want := a.Weaker(b), order[min(i, j)]; got != want {
				t.Errorf("%v with %v is %v, want %v", a, b, got, want)
			}
		}
	}
	for _, a := range statuses {
		if a.Weaker(Secure) != a || a.Weaker(Bogus) != Bogus || a.Weaker(a) != a {
			t.Errorf("%v is no part of an answer", a)
		}
	}
}

// TestReasons checks that each reason has a unique token, a text, a remedy and an EDE
// code.
func TestReasons(t *testing.T) {
	snake := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	tokens := make(map[string]Reason)
	for r := range numReasons {
		if !snake.MatchString(r.String()) {
			t.Errorf("reason %d has the token %q", r, r.String())
		}
		if other, ok := tokens[r.String()]; ok {
			t.Errorf("reasons %d and %d are both %v", other, r, r)
		}
		tokens[r.String()] = r
		if r.Text() == "" {
			t.Errorf("%v has no text", r)
		}
		if (r.Remedy() == "") != (r == ReasonNone) {
			t.Errorf("%v has the remedy %q", r, r.Remedy())
		}
		if code, ok := r.EDE(); ok && code == 0 && r != DNSKEYLimitExceeded && !r.Unfinished() {
			t.Errorf("%v has no EDE code of its own", r)
		}
		if _, ok := r.EDE(); r.Status() == Bogus && !ok {
			t.Errorf("%v is bogus without an EDE code", r)
		}
		if (r.Status() == Secure) != (r == ReasonNone) {
			t.Errorf("%v is %v", r, r.Status())
		}
	}
	if got := Reasons(); len(got) != int(numReasons)-1 || got[0] != ReasonNone+1 || got[len(got)-1] != numReasons-1 || !slices.IsSorted(got) {
		t.Errorf("Reasons returns %v", got)
	}
}

// TestReasonOrder checks that reasons are grouped by status, and that bogus ones are
// in the order of the checks, on which laterFailure depends.
func TestReasonOrder(t *testing.T) {
	statuses := []Status{}
	for r := range numReasons {
		if len(statuses) == 0 || statuses[len(statuses)-1] != r.Status() {
			statuses = append(statuses, r.Status())
		}
	}
	if !slices.Equal(statuses, []Status{Secure, Indeterminate, Insecure, Bogus}) {
		t.Errorf("the statuses come as %v", statuses)
	}
	checks := []Reason{SignatureMissing, SignatureSignerInvalid, SignatureLabelsInvalid, SignatureAlgorithmUnsupported,
		SignatureExpiredBeforeValid, SignatureNotYetValid, SignatureExpired, DNSKEYMissing, DNSKEYProtocolInvalid,
		DNSKEYZoneFlagMissing, DNSKEYRevoked, DNSKEYMalformed, SignatureInvalid, LimitExceeded, Overloaded}
	if !slices.IsSorted(checks) {
		t.Error("the checks are not in their order")
	}
	for _, below := range []Reason{DenialMissing, DenialIncomplete, ResponseMalformed} {
		if below > checks[0] {
			t.Errorf("%v outdoes a signature that was looked at", below)
		}
	}
	if DenialMissing > DenialIncomplete || DenialIncomplete > DenialContradicted {
		t.Error("the proofs are not in their order")
	}
}

func TestLaterFailure(t *testing.T) {
	a, b := fail(SignatureExpired, "first"), fail(SignatureInvalid, "second")
	for _, got := range []*Failure{laterFailure(a, b), laterFailure(b, a), laterFailure(b, nil), laterFailure(nil, b), laterFailure(b, fail(SignatureInvalid, "later"))} {
		if got != b {
			t.Errorf("got %v", got)
		}
	}
	for r, want := range map[Reason]bool{ReasonNone: false, DSUnavailable: false, DNSKEYLimitExceeded: false, SignatureInvalid: false, LimitExceeded: true, Overloaded: true} {
		if r.Unfinished() != want {
			t.Errorf("%v says that it is unfinished: %v", r, !want)
		}
	}
	if laterFailure(nil, nil) != nil {
		t.Error("nothing is a failure")
	}
	if f := b.Finding(); f.Status != Bogus || f.Reason != SignatureInvalid || f.Detail != "second" {
		t.Errorf("the finding is %v", f)
	}
	if Proven.Status != Secure || Proven.Reason != ReasonNone {
		t.Errorf("proven is %v", Proven)
	}
}
