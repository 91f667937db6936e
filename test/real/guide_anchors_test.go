package real

import (
	"os"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// withAnchors prepares the guide's Corefile for trust anchors, with the given
// content of the anchor file.
func withAnchors(t *testing.T, w *testzone.World, anchors string) *process {
	t.Helper()
	const file = "trust-anchor /etc/coredns/anchors/anchors"
	corefile := guide(t, "trust anchors")
	if !strings.Contains(corefile, file) {
		t.Fatalf("the Corefile has no %q", file)
	}
	p := guideProcess(t, w, corefile)
	whole, err := os.ReadFile(p.conf)
	if err != nil {
		t.Fatal(err)
	}
	path := p.placeholders.Replace("DIR/guide-anchors")
	p.configure(t, strings.Replace(string(whole), p.placeholders.Replace("trust-anchor ANCHORS"), "trust-anchor "+path, 1))
	write(t, path, anchors)
	return p
}

// TestGuideAnchorsFile checks the guide's anchor file. It has the root's first
// key and the key of an internal zone. The root's next key is trusted with a
// warning.
func TestGuideAnchorsFile(t *testing.T) {
	t.Parallel()
	p := withAnchors(t, newWorld(t), guide(t, "anchors file"))
	p.start(t)
	p.logs(t, "[WARNING] plugin/dnssec: ", "lack the successor", `". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"`)
	metrics := p.metrics(t)
	for _, labels := range []string{`zone="." key_tag="20326"`, `zone="." key_tag="38696"`, `zone="internal." key_tag="12345"`} {
		if metrics.value("coredns_dnssec_trust_anchors", strings.Fields(labels)...) != 1 {
			t.Errorf("%s is not trusted: %q", labels, metrics.of("coredns_dnssec_trust_anchors"))
		}
	}
	if n := len(metrics.of("coredns_dnssec_trust_anchors")); n != 3 {
		t.Errorf("there are %d trust anchors", n)
	}
	p.answers(t, guideCluster)
	p.answers(t, []asked{{"www.secure.test. A", "edns", "SERVFAIL opt ede=9/dnskey_no_anchor_match"}}) // the test's root has a different key
}

// TestGuideAnchorsComplete checks that adding the suggested line removes the
// warning.
func TestGuideAnchorsComplete(t *testing.T) {
	t.Parallel()
	p := withAnchors(t, newWorld(t), guide(t, "anchors file")+"\n. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16\n")
	p.start(t)
	if lines := p.out.lines("[WARNING] plugin/dnssec"); len(lines) > 0 {
		t.Errorf("the log has %q", lines)
	}
	if n := len(p.metrics(t).of("coredns_dnssec_trust_anchors")); n != 3 {
		t.Errorf("there are %d trust anchors", n)
	}
}

// TestGuideAnchorsValidate uses a file of the same layout with the anchors of
// the test's root and of its internal zone, which has no DS.
func TestGuideAnchorsValidate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testzone.Spec{Name: "internal.", Algorithm: dns.ECDSAP256SHA256, DS: []uint8{}, Records: []string{"www A 10.0.0.1", "bad A 10.0.0.1"}})
	breakZone(t, w, "internal.", testzone.ChangeRDATA("bad.internal.", dns.TypeA))
	layout := strings.Split(guide(t, "anchors file"), "\n")
	for i, line := range layout {
		if zone, _, found := strings.Cut(line, " IN DS "); found {
			layout[i] = strings.Join(w.Anchors(zone), "\n")
		}
	}
	if kept := strings.Join(layout, "\n"); !strings.Contains(kept, "# Custom trust anchor") || strings.Contains(kept, "20326 8 2 E06") {
		t.Fatalf("the layout is\n%s", kept)
	}
	p := withAnchors(t, w, strings.Join(layout, "\n"))
	p.start(t)
	rows := append([]asked{
		{"www.internal. A", "do", "NOERROR ad A=10.0.0.1 RRSIG opt"},
		{"none.internal. A", "do", "NXDOMAIN ad denial opt"},
		{"bad.internal. A", "do", forged},
	}, guideAnswers...)
	p.answers(t, rows)
	p.answers(t, rows)
	p.answers(t, guideCluster)
	if lines := p.out.lines("[WARNING] plugin/dnssec"); len(lines) > 0 {
		t.Errorf("the log has %q", lines)
	}

	other := guided(t, w, guide(t, "validation")) // without an anchor for it
	other.answers(t, []asked{{"www.internal. A", "do", "NOERROR A=10.0.0.1 RRSIG opt"}, {"bad.internal. A", "ad", "NOERROR A=10.0.0.0"}})
}
