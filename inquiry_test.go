package dnssecval

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// inquiryOf asks a world, whose root it trusts.
func inquiryOf(t *testing.T, w *testzone.World, name string, qtype uint16) Inquiry {
	t.Helper()
	anchors, err := TrustAnchors([]string{anchorFile(t, w.Anchors(".")...)}, false, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return Inquiry{Name: name, Type: qtype, Next: w, Anchors: anchors}
}

func inquire(t *testing.T, in Inquiry) *Report {
	t.Helper()
	report, err := Inquire(context.Background(), in)
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

// TestInquire: a report has the zones of the chain and what signs in them.
func TestInquire(t *testing.T) {
	w := exampleWorld(t)
	report := inquire(t, inquiryOf(t, w, "www.example", typeA))
	if report.Status != dnssec.Secure || !slices.Equal(zoneNames(report), []string{". secure", "example. secure"}) || report.Missing != "" {
		t.Fatalf("%v of %q", report.Finding, zoneNames(report))
	}
	root, example := report.Zones[0], report.Zones[1]
	if len(root.Anchors) != 1 || len(root.DS.RRs) != 0 || example.Parent != "." || example.DS.Status != dnssec.Secure || len(example.DNSKEY.RRs) == 0 {
		t.Errorf("%+v\n%+v", root, example)
	}
	for _, set := range []RRsetReport{root.DNSKEY, example.DS, example.DNSKEY, report.RRsets[0]} {
		if len(set.Signatures) != 1 || set.Signatures[0].Status != dnssec.Secure || set.Signatures[0].Expires.IsZero() {
			t.Errorf("%s is signed by %+v", set.RRset, set.Signatures)
		}
	}
}

// TestInquireAs: the plugin and an inquiry find the same, of what is broken in each way.
func TestInquireAs(t *testing.T) {
	for i, c := range slices.Concat(brokenKeys, brokenSets, brokenDenials) {
		w := newWorld(t, testzone.Spec{Name: "test.", Algorithm: dns.ECDSAP256SHA256}, testzone.Spec{Name: "other.", Algorithm: dns.ECDSAP256SHA256},
			testzone.Spec{Name: brokenName(i), Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1", "*.wild A 192.0.2.2", "zz A 192.0.2.3", "cc A 192.0.2.4"}})
		breakZone(t, w, brokenName(i), c.breakage(brokenName(i)))
		name := c.name + brokenName(i)
		report, want := inquire(t, inquiryOf(t, w, name, c.qtype)), judged(t, newTestValidator(t, w), name, c.qtype)
		if report.Finding != want.Finding {
			t.Errorf("%s: %+v, the plugin finds %+v", c.breakage(brokenName(i)), report.Finding, want.Finding)
		}
		if zone, _ := report.Failed(); (zone == "") != (report.Status != dnssec.Bogus) || zone != "" && zone != brokenName(i) {
			t.Errorf("%s: %s is at fault", c.breakage(brokenName(i)), zone)
		}
	}
}

// TestInquireAt: signatures, and keys of root-anchors.xml, are judged as of a time.
func TestInquireAt(t *testing.T) {
	w := exampleWorld(t)
	in := inquiryOf(t, w, "www.example", typeA)
	in.At = time.Now().AddDate(0, 1, 0)
	if report := inquire(t, in); report.Reason != dnssec.SignatureExpired || !report.At.Equal(in.At) {
		t.Errorf("%v as of %s", report.Finding, report.At)
	}
	in.Anchors = nil
	if report := inquire(t, in); report.Reason != dnssec.DNSKEYNoAnchorMatch || len(report.Anchors) != len(builtin) {
		t.Errorf("%v from the built-in anchors %v", report.Finding, report.Anchors)
	}
	in.Negative = []string{"example"}
	if report := inquire(t, in); report.Reason != dnssec.NegativeTrustAnchor || !slices.Equal(zoneNames(report), []string{"example. insecure"}) {
		t.Errorf("%v of %q", report.Finding, zoneNames(report))
	}
}

// TestInquireUnproven: a zone whose parent does not prove that it is unsigned is at
// fault itself, so that a negative trust anchor is not asked for all of the parent.
func TestInquireUnproven(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "parent.", Algorithm: dns.ECDSAP256SHA256},
		testzone.Spec{Name: "child.parent.", Records: []string{"www A 192.0.2.1"}})
	breakZone(t, w, "parent.", testzone.DropDenialOf("child.parent."))
	for _, name := range []string{"www.child.parent.", "nobody.child.parent."} {
		report := inquire(t, inquiryOf(t, w, name, typeA))
		if zone, _ := report.Failed(); report.Reason != dnssec.DenialMissing || zone != "child.parent." {
			t.Errorf("%s: %v, and %s is at fault", name, report.Finding, zone)
		}
	}
}

// TestInquireErrors: an inquiry that is wrong is told from an answer that did not come.
func TestInquireErrors(t *testing.T) {
	w := exampleWorld(t)
	in := inquiryOf(t, w, "www.example", typeA)
	in.Negative = []string{"10.0.0.0/8"}
	if _, err := Inquire(context.Background(), in); err == nil || errors.Is(err, ErrNoAnswer) {
		t.Error(err)
	}
	in = inquiryOf(t, w, "www.example", typeA)
	in.Anchors = []*dns.DS{{Hdr: dns.RR_Header{Name: "."}, Algorithm: dns.DSA}}
	if _, err := Inquire(context.Background(), in); err == nil || errors.Is(err, ErrNoAnswer) {
		t.Error(err)
	}
	w.Intercept(func(_, _ *dns.Msg) *dns.Msg { return nil })
	if _, err := Inquire(context.Background(), inquiryOf(t, w, "www.example", typeA)); !errors.Is(err, ErrNoAnswer) {
		t.Error(err)
	}
	if _, err := TrustAnchors([]string{"/no/such/file"}, false, time.Now()); err == nil {
		t.Error("a file that is not there was read")
	}
}
