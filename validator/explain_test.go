package validator

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// explained returns the report of a question.
func explained(t *testing.T, v *Validator, name string, qtype uint16) *Report {
	t.Helper()
	report, err := v.Explain(t.Context(), name, qtype)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func zoneNames(r *Report) (names []string) {
	for _, z := range r.Zones {
		names = append(names, z.Name+" "+z.Status.String())
	}
	return names
}

// TestExplain: a report has the zones of the chain and the signatures in them.
func TestExplain(t *testing.T) {
	w := exampleWorld(t)
	report := explained(t, newTestValidator(t, w), "www.example", typeA)
	if report.Status != dnssec.Secure || !slices.Equal(zoneNames(report), []string{". secure", "example. secure"}) || report.Missing != "" {
		t.Fatalf("%v of %q", report.Finding, zoneNames(report))
	}
	root, example := report.Zones[0], report.Zones[1]
	if len(root.Anchors) != 1 || len(root.DS.RRs) != 0 || example.Parent != "." || example.DS.Status != dnssec.Secure || len(example.DNSKEY.RRs) == 0 {
		t.Errorf("%+v\n%+v", root, example)
	}
	for _, set := range []RRsetReport{root.DNSKEY, example.DS, example.DNSKEY, report.RRsets[0]} {
		if len(set.Signatures) != 1 || set.Signatures[0].Status != dnssec.Secure || set.Signatures[0].Expires.IsZero() {
			t.Errorf("%s is signed by %+v", &set, set.Signatures)
		}
	}
}

// TestExplainBreakages: a report has the finding of a response, and names the zone that is
// at fault, for each kind of breakage.
func TestExplainBreakages(t *testing.T) {
	for i, c := range slices.Concat(brokenKeys, brokenSets, brokenDenials) {
		w := newWorld(t, testzone.Spec{Name: "test.", Algorithm: dns.ECDSAP256SHA256}, testzone.Spec{Name: "other.", Algorithm: dns.ECDSAP256SHA256},
			testzone.Spec{Name: brokenName(i), Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1", "*.wild A 192.0.2.2", "zz A 192.0.2.3", "cc A 192.0.2.4"}})
		breakZone(t, w, brokenName(i), c.breakage(brokenName(i)))
		name := c.name + brokenName(i)
		report, want := explained(t, newTestValidator(t, w), name, c.qtype), judged(t, newTestValidator(t, w), name, c.qtype)
		if report.Finding != want.Finding {
			t.Errorf("%s: %+v, the response is %+v", c.breakage(brokenName(i)), report.Finding, want.Finding)
		}
		if zone, _ := report.Failed(); (zone == "") != (report.Status != dnssec.Bogus) || zone != "" && zone != brokenName(i) {
			t.Errorf("%s: %s is at fault", c.breakage(brokenName(i)), zone)
		}
	}
}

// TestExplainOptions: the time and the trust anchors of the validator are those of the report.
func TestExplainOptions(t *testing.T) {
	w := exampleWorld(t)
	later := time.Now().AddDate(0, 1, 0)
	if report := explained(t, newTestValidator(t, w, at(later)), "www.example", typeA); report.Reason != dnssec.SignatureExpired || !report.At.Equal(later) {
		t.Errorf("%v as of %s", report.Finding, report.At)
	}
	builtin := func(_ testing.TB, o *Options) { o.Anchors = nil }
	if report := explained(t, newTestValidator(t, w, builtin), "www.example", typeA); report.Reason != dnssec.DNSKEYNoAnchorMatch || len(report.Anchors) != 2 {
		t.Errorf("%v from the built-in anchors %v", report.Finding, report.Anchors)
	}
	v := newTestValidator(t, w, negative("example."))
	if report := explained(t, v, "www.example", typeA); report.Reason != dnssec.NegativeTrustAnchor || !slices.Equal(zoneNames(report), []string{"example. insecure"}) {
		t.Errorf("%v of %q", report.Finding, zoneNames(report))
	}
}

// TestExplainUnproven: if a parent does not prove that a zone is unsigned the zone is at
// fault, so that nobody sets a negative trust anchor for all of the parent.
func TestExplainUnproven(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "parent.", Algorithm: dns.ECDSAP256SHA256},
		testzone.Spec{Name: "child.parent.", Records: []string{"www A 192.0.2.1"}})
	breakZone(t, w, "parent.", testzone.DropDenialOf("child.parent."))
	for _, name := range []string{"www.child.parent.", "nobody.child.parent."} {
		report := explained(t, newTestValidator(t, w), name, typeA)
		if zone, _ := report.Failed(); report.Reason != dnssec.DenialMissing || zone != "child.parent." {
			t.Errorf("%s: %v, and %s is at fault", name, report.Finding, zone)
		}
	}
}

// TestExplainUnanswered: without a response there is an error and no report.
func TestExplainUnanswered(t *testing.T) {
	w := exampleWorld(t)
	w.Intercept(func(_, _ *dns.Msg) *dns.Msg { return nil })
	if report, err := newTestValidator(t, w).Explain(t.Context(), "www.example", typeA); !errors.Is(err, ErrNoAnswer) || report != nil {
		t.Errorf("%v, %v", report, err)
	}
}

// TestExplainAnew: a report asks for everything anew, and leaves the validator as it is.
func TestExplainAnew(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	ask(t, v, "no.example.", typeA, withDO)
	time.Sleep(20 * time.Millisecond) // for questions that were asked ahead
	before := v.Stats()
	breakZone(t, w, "example.", testzone.WrongDSTag())
	if report := explained(t, v, "no.example", typeA); report.Reason != dnssec.DNSKEYNoDSMatch {
		t.Errorf("%v", report.Finding)
	}
	if after := v.Stats(); after != before {
		t.Errorf("%+v is kept, was %+v", after, before)
	}
	if m := ask(t, v, "no.example.", typeA, withDO); !m.AuthenticatedData {
		t.Errorf("%s", m)
	}
}
