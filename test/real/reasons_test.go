package real

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// zone returns the name of the provocation's zone.
func (c provocation) zone() string {
	switch c.reason {
	case dnssec.PrivateZone:
		return "private-zone.internal."
	case dnssec.LocallyServed:
		return "locally-served.invalid."
	}
	return strings.ReplaceAll(c.reason.String(), "_", "-") + ".test."
}

// question returns what to ask, as "NAME TYPE".
func (c provocation) question() string {
	if c.ask == "" {
		c.ask = "www A"
	}
	label, qtype, _ := strings.Cut(c.ask, " ")
	return label + "." + c.zone() + " " + qtype
}

const reasonsCorefile = `.:PORT {
	bind 127.0.0.1
	metadata
	log . "access {name} {type} status={/dnssec/status} reason={/dnssec/reason}."
	prometheus HTTP
	cache 30
	forward private-zone.internal UPSTREAM
	forward . UPSTREAM
	dnssec {
		validate
		log-failures
		trust-anchor ANCHORS
		negative-trust-anchor negative-trust-anchor.test
	}
}`

// TestReasons provokes each reason. The log, the metric, the Extended DNS Error
// of the first and of the cached answer, and the command must have its token.
func TestReasons(t *testing.T) {
	t.Parallel()
	w := provokedWorld(t)
	p := prepare(t, w, reasonsCorefile)
	write(t, p.placeholders.Replace("ANCHORS"), strings.Join(provokedAnchors(w), "\n"))
	p.start(t)
	rows := map[dnssec.Reason]provocation{}
	for _, c := range provocations {
		rows[c.reason] = c
		if c.separateTest == "" {
			p.checkReason(t, c, p.ask(t, c.question(), "do"))
		}
	}
	metrics := p.metrics(t)
	for _, reason := range dnssec.Reasons() {
		c, ok := rows[reason]
		switch {
		case !ok:
			t.Errorf("%s has no row", reason)
		case c.separateTest == "":
			checkReasonCounted(t, metrics, reason)
			if got := p.ask(t, c.question(), "do"); !hasToken(got, reason) {
				t.Errorf("from the cache: %s is answered %s", c.question(), got)
			}
		}
		if ok && c.unchecked == "" {
			p.checkCommand(t, c)
		}
	}
}

// checkReason checks the reason in the answer, if it has an EDE code, and in
// the logs.
func (p *process) checkReason(t *testing.T, c provocation, answer string) {
	t.Helper()
	if !hasToken(answer, c.reason) || strings.HasPrefix(answer, "SERVFAIL") != (c.reason.Status() == dnssec.Bogus) {
		t.Errorf("%s: %s is answered %s", c.reason, c.question(), answer)
	}
	p.logs(t, fmt.Sprintf("access %s status=%s reason=%s.", c.question(), c.reason.Status(), c.reason))
	if c.reason.Status() == dnssec.Bogus && c.reason != dnssec.AnswerUnavailable {
		p.logs(t, fmt.Sprintf("[WARNING] plugin/dnssec: bogus: %s from 127.0.0.1: %s: ", c.question(), c.reason))
	}
}

func hasToken(answer string, reason dnssec.Reason) bool {
	code, ok := reason.EDE()
	if !ok {
		return !strings.Contains(answer, "ede=")
	}
	return strings.HasSuffix(answer, fmt.Sprintf(" ede=%d/%s", code, reason))
}

// checkReasonCounted checks that the reason is counted as a failure or as an
// unproven answer.
func checkReasonCounted(t *testing.T, metrics samples, reason dnssec.Reason) {
	t.Helper()
	metric := "coredns_dnssec_unproven_answers_total"
	if reason.Status() == dnssec.Bogus {
		metric = "coredns_dnssec_failures_total"
	}
	if metrics.value(metric, `reason="`+reason.String()+`"`) < 1 {
		t.Errorf("%s is not counted: %q", reason, metrics.of(metric))
	}
}

// checkCommand checks the reason that the command finds with the same upstream.
func (p *process) checkCommand(t *testing.T, c provocation) {
	t.Helper()
	name, qtype, _ := strings.Cut(c.question(), " ")
	args := []string{"check", name, qtype, "--json", "--trust-anchor", p.placeholders.Replace("ANCHORS"), "@" + p.placeholders.Replace("UPSTREAM")}
	for _, option := range c.options {
		args = append(args, strings.ReplaceAll(option, "ZONE", c.zone()))
	}
	out, _ := exec.Command(command, args...).Output() // the exit code is not 0 unless the answer is secure
	var said struct {
		Verdict struct{ Status, Reason string }
	}
	if err := json.Unmarshal(out, &said); err != nil || said.Verdict.Reason != c.reason.String() || said.Verdict.Status != c.reason.Status().String() {
		t.Errorf("%s: check prints %v, %v", c.question(), said, err)
	}
}

// provokedWorld returns a world with a zone for each provocation.
func provokedWorld(t *testing.T) *testzone.World {
	t.Helper()
	specs := []testzone.Spec{{Name: "kid.opt-out.test.", Records: []string{"www A 192.0.2.1"}}}
	for _, c := range provocations {
		c.spec.Name, c.spec.Algorithm = c.zone(), dns.ECDSAP256SHA256
		if c.reason == dnssec.PrivateZone || c.reason == dnssec.LocallyServed {
			c.spec.Algorithm = 0
		}
		c.spec.Records = append(c.spec.Records, "www A 192.0.2.1", "*.wild A 192.0.2.9")
		specs = append(specs, c.spec)
	}
	w := newWorld(t, specs...)
	changes := map[string]upstream{}
	for _, c := range provocations {
		if c.breakage != nil {
			breakZone(t, w, c.zone(), c.breakage(c.zone()))
		}
		if c.upstream != nil {
			changes[c.zone()] = c.upstream(c.zone())
		}
	}
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		for zone, f := range changes {
			if dns.IsSubDomain(zone, q.Question[0].Name) {
				return f(q, a)
			}
		}
		return a
	})
	return w
}

// provokedAnchors returns the anchor of the root and two that match no key.
func provokedAnchors(w *testzone.World) []string {
	const malformed, unmatched = "dnskey-malformed.test.", "dnskey-no-anchor-match.test."
	lines := append(w.Anchors("."), malformedKey(malformed).ToDS(dns.SHA256).String())
	return append(lines, strings.Replace(w.Anchors("secure.test.")[0], "secure.test.", unmatched, 1))
}

// TestTrustAnchorMissing revokes the only trust anchor.
func TestTrustAnchorMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	corefile := strings.Replace(reasonsCorefile, "log-failures", "auto-trust-anchor DIR/state", 1)
	p := prepare(t, w, corefile)
	state := p.placeholders.Replace("DIR/state")
	p.start(t)
	p.logs(t, "is the key of a configured DS")
	text, err := os.ReadFile(state)
	for deadline := time.Now().Add(logTime); err != nil && time.Now().Before(deadline); text, err = os.ReadFile(state) {
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.stop(t)
	configured := strings.Join(w.Anchors("."), "\n")
	breakZone(t, w, ".", testzone.SetRevoke(testzone.KSK))
	due := regexp.MustCompile(`last-try=(\S+) next-query=\S+`)
	again := prepare(t, w, corefile)
	write(t, again.placeholders.Replace("ANCHORS"), configured)
	write(t, again.placeholders.Replace("DIR/state"), strings.TrimSpace(due.ReplaceAllString(string(text), "last-try=$1 next-query=$1")))
	again.start(t)
	again.logs(t, "trust anchors from now on:")
	const question, reason = "www.secure.test. A", dnssec.TrustAnchorMissing
	if answer := again.ask(t, question, "do"); answer != "NOERROR A=192.0.2.1 RRSIG opt" {
		t.Errorf("%s is answered %s", question, answer)
	}
	again.logs(t, fmt.Sprintf("access %s status=%s reason=%s.", question, reason.Status(), reason))
	checkReasonCounted(t, again.metrics(t), reason)
}

// TestAnswerUnavailable checks an upstream that is not there. Only forward's
// own metrics count that.
func TestAnswerUnavailable(t *testing.T) {
	t.Parallel()
	c := provocation{reason: dnssec.AnswerUnavailable}
	p := start(t, newWorld(t), strings.ReplaceAll(reasonsCorefile, "UPSTREAM", net.JoinHostPort("127.0.0.1", freePort(t))))
	p.checkReason(t, c, p.ask(t, c.question(), "do"))
}
