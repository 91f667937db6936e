package anchor_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

const p256 = dns.ECDSAP256SHA256

var www = []string{"www A 192.0.2.1"}

func newWorld(t *testing.T, specs ...testzone.Spec) *testzone.World {
	t.Helper()
	w, err := testzone.New(time.Now(), specs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func newSet(t *testing.T, lines ...string) *anchor.Set {
	t.Helper()
	anchors, _, err := anchor.Parse("test", strings.Join(lines, "\n"), anchor.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	set, _ := anchor.NewSet(anchors)
	return set
}

func newValidator(t *testing.T, w *testzone.World, options validator.Options) *validator.Validator {
	t.Helper()
	v, err := validator.New(validator.ExchangerFunc(func(_ context.Context, request *dns.Msg, _ validator.Manner) (*dns.Msg, error) {
		return w.Answer(request), nil
	}), options)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// resolve asks for the address of a name. It fails the test if AD or the code of the answer
// does not fit the status.
func resolve(t *testing.T, v *validator.Validator, name string) *validator.Result {
	t.Helper()
	request := new(dns.Msg).SetQuestion(name, dns.TypeA).SetEdns0(1232, true)
	answer, result := v.Resolve(t.Context(), request)
	if answer.AuthenticatedData != (result.Status == validator.Secure) || (answer.Rcode == dns.RcodeServerFailure) != (result.Status == validator.Bogus) {
		t.Errorf("%s is %s:\n%s", name, result.Status, answer)
	}
	return result
}

// TestTrust: what a validator makes of the anchors of a Set.
func TestTrust(t *testing.T) {
	w := newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: p256, Records: www},
		testzone.Spec{Name: "nested.example.", Algorithm: dns.ED25519, CSK: true, Records: www},
		testzone.Spec{Name: "broken.example.", Algorithm: p256, Records: www},
		testzone.Spec{Name: "unsigned.example.", Records: www},
		testzone.Spec{Name: "below.unsigned.example.", Algorithm: p256, Records: www},
		testzone.Spec{Name: "island.example.", Algorithm: p256, DS: []uint8{}, Records: www},
		testzone.Spec{Name: "below.island.example.", Algorithm: dns.ED25519, Records: www})
	if err := w.Break("broken.example.", testzone.DropAllSignatures()); err != nil {
		t.Fatal(err)
	}
	keys := func(zones ...string) (lines []string) {
		for _, zone := range zones {
			lines = append(lines, w.AnchorKeys(zone)...)
		}
		return lines
	}
	other := newWorld(t, testzone.Spec{Name: "nested.example.", Algorithm: dns.ED25519, CSK: true})
	otherKey := append(keys("."), other.Anchors("nested.example.")...)
	const none = validator.ReasonNone
	for _, test := range []struct {
		name     string
		asked    string
		anchors  []string
		negative []string
		reason   validator.Reason
	}{
		{name: "DS", asked: "www.example.", anchors: w.Anchors("."), reason: none},
		{name: "DNSKEY", asked: "www.example.", anchors: keys("."), reason: none},
		{name: "built-in anchors of another root", asked: "www.example.", anchors: keys("island.example."), reason: validator.DNSKEYNoAnchorMatch},
		{name: "island of security", asked: "www.island.example.", anchors: keys(".", "island.example."), reason: none},
		{name: "zone below an island", asked: "www.below.island.example.", anchors: keys(".", "island.example."), reason: none},
		{name: "island below an unsigned zone", asked: "www.below.unsigned.example.", anchors: keys(".", "below.unsigned.example."), reason: none},
		{name: "beside the island", asked: "www.unsigned.example.", anchors: keys(".", "below.unsigned.example."), reason: validator.DelegationInsecure},
		{name: "nested", asked: "www.nested.example.", anchors: keys(".", "nested.example."), reason: none},
		{name: "nested, another key", asked: "www.nested.example.", anchors: otherKey, reason: validator.DNSKEYNoAnchorMatch},
		{name: "nested, another key, above it", asked: "www.example.", anchors: otherKey, reason: none},
		{name: "negative", asked: "www.broken.example.", anchors: keys("."), negative: []string{"broken.example"}, reason: validator.NegativeTrustAnchor},
		{name: "negative above", asked: "www.broken.example.", anchors: keys("."), negative: []string{"test", "EXAMPLE."}, reason: validator.NegativeTrustAnchor},
		{name: "beside a negative one", asked: "www.nested.example.", anchors: keys("."), negative: []string{"broken.example"}, reason: none},
		{name: "name that ends alike", asked: "www.broken.example.", anchors: keys("."), negative: []string{"roken.example"}, reason: validator.SignatureMissing},
		{name: "positive below a negative one", asked: "www.nested.example.", anchors: keys(".", "nested.example."), negative: []string{"example"}, reason: none},
		{name: "both for a zone", asked: "www.nested.example.", anchors: keys(".", "nested.example."), negative: []string{"nested.example"}, reason: validator.NegativeTrustAnchor},
		{name: "negative for the root", asked: "www.example.", anchors: keys("."), negative: []string{"."}, reason: validator.NegativeTrustAnchor},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := newSet(t, test.anchors...)
			set.Disable(anchor.Negative{}, test.negative...)
			result := resolve(t, newValidator(t, w, validator.Options{Anchors: set}), test.asked)
			if result.Reason != test.reason || result.Status != test.reason.Status() {
				t.Errorf("%s is %s, %s, want %s", test.asked, result.Status, result.Finding, test.reason)
			}
			if e := result.ExtendedErrors(); test.reason == validator.NegativeTrustAnchor && (len(e) != 1 || e[0].InfoCode != 33) {
				t.Errorf("the Extended DNS Error is %v, want 33", e)
			}
		})
	}
}

// TestNegativeEnds: after the end of a negative trust anchor the zone is validated again, and
// nothing that was cached before makes it insecure.
func TestNegativeEnds(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: www})
	if err := w.Break("example.", testzone.DropAllSignatures()); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	set := newSet(t, w.Anchors(".")...)
	set.Disable(anchor.Negative{Until: now.Add(time.Hour)}, "example")
	v := newValidator(t, w, validator.Options{Anchors: set, Clock: func() time.Time { return now }})
	for range 2 {
		if got := resolve(t, v, "www.example."); got.Reason != validator.NegativeTrustAnchor {
			t.Errorf("before its end: %s", got.Finding)
		}
	}
	now = now.Add(time.Hour)
	if got := resolve(t, v, "www.example."); got.Reason != validator.SignatureMissing {
		t.Errorf("after its end: %s", got.Finding)
	}
}
