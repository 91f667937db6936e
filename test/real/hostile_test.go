package real

import (
	"slices"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// hostile is a misbehaving upstream, with the possible reasons for SERVFAIL in
// a signed zone.
type hostile struct {
	name     string
	upstream upstream
	reasons  []string
	insecure string // answer for www.unsigned.test. A; "" if unaffected
	slow     bool   // each query takes until the timeout
}

var hostiles = []hostile{
	{"strips signatures", stripSignatures, []string{"signature_missing", "dnskey_unsigned", "dnskey_signature_missing"}, "", false},
	{"strips everything", stripAll, []string{"dnskey_absent"}, "", false},
	{"forges an answer", forgeAnswer, []string{"signature_missing"}, "NOERROR A=203.0.113.66", false},
	{"forges that all is insecure", forgeInsecurity, []string{"denial_missing", "signature_missing"}, "", false},
	{"forges NXDOMAIN", forgeNXDOMAIN, []string{"denial_missing"}, "NXDOMAIN", false},
	{"forges NODATA", forgeNODATA, []string{"denial_missing"}, "NOERROR", false},
	{"never answers DS", silentOn(dns.TypeDS), []string{"ds_unavailable"}, "", true},
	{"refuses DS", failOn(dns.TypeDS, dns.RcodeRefused), []string{"ds_unavailable"}, "", false},
	{"fails on DS", failOn(dns.TypeDS, dns.RcodeServerFailure), []string{"ds_unavailable"}, "", false},
	{"does not know DS", failOn(dns.TypeDS, dns.RcodeNotImplemented), []string{"ds_unavailable"}, "", false},
	{"says that DS names don't exist", failOn(dns.TypeDS, dns.RcodeNameError), []string{"denial_missing"}, "", false},
	{"fails on DNSKEY", failOn(dns.TypeDNSKEY, dns.RcodeServerFailure), []string{"dnskey_unavailable"}, "", false},
	{"answers EDNS with FORMERR", withoutEDNS, []string{"dnskey_absent"}, "", false},
	{"ignores EDNS", ignoreEDNS, []string{"dnskey_absent"}, "", false},
}

// TestHostileUpstreams checks that no upstream gets unproven data through for a
// signed zone: the answer is SERVFAIL, with the reason in the log. Local names
// are not affected. One upstream "strips signatures" and one "knows no EDNS".
func TestHostileUpstreams(t *testing.T) {
	t.Parallel()
	for _, h := range hostiles {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Intercept(h.upstream)
			p := start(t, w, ".:PORT {"+validating+"cache\nhosts {\n192.0.2.77 local.secure.test\nfallthrough\n}\nforward . UPSTREAM\n}")
			questions, clients := []string{"www.secure.test. A", "www.nsec3.test. A", "www.secure.test. A"}, []string{"do", "edns ad", "", "do tcp"}
			if h.slow {
				questions, clients = questions[:1], clients[:1]
			}
			for _, question := range questions {
				for _, flags := range clients {
					p.isRefused(t, question, flags, h.reasons)
				}
			}
			want := h.insecure
			if want == "" {
				p.isRefused(t, "www.unsigned.test. A", "edns", h.reasons)
			} else {
				p.answers(t, []asked{{"www.unsigned.test. A", "ad", want}})
			}
			p.answers(t, []asked{{"local.secure.test. A", "do", "NOERROR A=192.0.2.77 opt"}})
			p.logsReason(t, "www.secure.test. A", h.reasons)
		})
	}
}

// isRefused checks that the answer is SERVFAIL without data, with one of the
// reasons if the client sent EDNS.
func (p *process) isRefused(t *testing.T, question, flags string, reasons []string) {
	t.Helper()
	got := p.ask(t, question, flags)
	if flags == "" {
		if got != "SERVFAIL" {
			t.Errorf("%s [%s]: %s, want SERVFAIL", question, flags, got)
		}
		return
	}
	code, token, _ := strings.Cut(got, "/")
	for _, reason := range reasons {
		if strings.HasPrefix(code, "SERVFAIL opt ede=") && token == reason {
			return
		}
	}
	t.Errorf("%s [%s]: %s, want SERVFAIL for one of %q", question, flags, got, reasons)
}

func (p *process) logsReason(t *testing.T, question string, reasons []string) {
	t.Helper()
	line := p.logs(t, "[WARNING] plugin/dnssec: bogus: "+question+" from 127.0.0.1: ")
	for _, reason := range reasons {
		if strings.Contains(line, ": "+reason+": ") {
			return
		}
	}
	t.Errorf("the log has %q, want one of %q", line, reasons)
}

// TestDeadUpstream checks that nothing but SERVFAIL is answered while the
// upstream is dead, and that answers return as soon as it does.
func TestDeadUpstream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dead := "127.0.0.1:" + freePort(t)
	p := start(t, w, ".:PORT {"+validating+"hosts {\n192.0.2.77 local.secure.test\nfallthrough\n}\nforward . DEAD {\nmax_fails 0\n}\n}", "DEAD", dead)
	for _, question := range []string{"www.secure.test. A", "www.unsigned.test. A"} {
		if got := p.ask(t, question, "do"); !strings.HasPrefix(got, "SERVFAIL") {
			t.Errorf("%s: %s, want SERVFAIL", question, got)
		}
	}
	p.answers(t, []asked{{"local.secure.test. A", "do", "NOERROR A=192.0.2.77 opt"}})
	p.logs(t, "plugin/errors", "www.secure.test. A", "connection refused")
	s, err := w.Serve(dead)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p.recovers(t, "www.secure.test. A", "NOERROR ad A=192.0.2.1 RRSIG opt")
	p.recovers(t, "www.tampered.test. A", forged)
}

// TestUpstreamRecovers checks that a failure is not cached for long.
func TestUpstreamRecovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Intercept(failOn(dns.TypeDNSKEY, dns.RcodeServerFailure))
	p := start(t, w, ".:PORT {"+validating+"forward . UPSTREAM\n}")
	p.isRefused(t, "www.secure.test. A", "do", []string{"dnskey_unavailable"})
	w.Intercept(nil)
	p.recovers(t, "www.secure.test. A", "NOERROR ad A=192.0.2.1 RRSIG opt")
}

// TestHonestUpstreams checks that odd but valid responses are accepted.
func TestHonestUpstreams(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]upstream{
		"sets AD on everything":       setAD,
		"validates by itself":         serveFail,
		"strips at first":             atFirst(stripSignatures),
		"strips everything at first":  atFirst(stripAll),
		"fails at first":              atFirst(serveFail),
		"forges at first":             atFirst(forgeAnswer),
		"writes names in mixed cases": mixCases,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Intercept(f)
			p := start(t, w, ".:PORT {"+validating+"forward . UPSTREAM\n}")
			p.answers(t, []asked{
				{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
				{"www.nsec3.test. AAAA", "do", "NOERROR ad AAAA=2001:db8::1 RRSIG opt"},
				{"none.secure.test. AAAA", "do", "NXDOMAIN ad denial opt"},
				{"www.unsigned.test. AAAA", "do", "NOERROR AAAA=2001:db8::1 opt"},
				{"www.tampered.test. AAAA", "do", forged},
			})
		})
	}
}

// TestAliasesAlone: the upstream "leaves out what an alias leads to", which is
// then queried separately.
func TestAliasesAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Intercept(aliasesAlone)
	p := start(t, w, ".:PORT {"+validating+"cache\nforward . UPSTREAM\n}")
	p.answers(t, []asked{
		{"alias.secure.test. A", "do", "NOERROR ad A=192.0.2.1 CNAME=www.secure.test. RRSIG opt"},
		{"alias.secure.test. MX", "do", "NOERROR ad CNAME=www.secure.test. RRSIG denial opt"},
		{"out.secure.test. A", "do", "NOERROR A=192.0.2.1 CNAME=www.unsigned.test. RRSIG opt"},
		{"alias.unsigned.test. A", "edns", "NOERROR A=192.0.2.1 CNAME=www.secure.test. opt"},
		{"bad.secure.test. A", "do", forged},
	})
}

// aliasesAlone removes everything after the first alias.
func aliasesAlone(_, a *dns.Msg) *dns.Msg {
	if i := slices.IndexFunc(a.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeCNAME }); i >= 0 {
		alias := a.Answer[i].Header().Name
		a.Answer = slices.DeleteFunc(a.Answer, func(rr dns.RR) bool { return rr.Header().Name != alias })
		a.Ns = nil
	}
	return a
}

// mixCases changes owner names to capitals, as an upstream may that caches the
// case of an earlier client.
func mixCases(_, a *dns.Msg) *dns.Msg {
	for i, rr := range a.Answer {
		rr = dns.Copy(rr)
		rr.Header().Name = strings.ToUpper(rr.Header().Name)
		a.Answer[i] = rr
	}
	return a
}

// TestTruncatingUpstream: the upstream "truncates" responses that don't fit, or
// all, and they are fetched over TCP.
func TestTruncatingUpstream(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testzone.Spec{Name: "rsa.test.", Algorithm: dns.RSASHA256, Bits: 4096, Denial: testzone.NSEC3,
		Records: []string{"www A 192.0.2.1", "big TXT " + long(8)}})
	for name, addr := range map[string]string{"what is long": "UPSTREAM", "everything": truncating(t, w)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, w, ".:PORT {"+validating+"cache\nforward . "+addr+"\n}")
			p.answers(t, []asked{
				{"www.rsa.test. A", "do tcp", "NOERROR ad A=192.0.2.1 RRSIG opt"},
				{"none.rsa.test. A", "do tcp", "NXDOMAIN ad denial opt"},
				{"big.rsa.test. TXT", "do tcp", "NOERROR ad TXT=(2023) RRSIG opt"},
				{"www.rsa.test. A", "", "NOERROR A=192.0.2.1"},
				{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
				{"www.unsigned.test. A", "do", "NOERROR A=192.0.2.1 opt"},
				{"www.tampered.test. A", "do", forged},
			})
		})
	}
}

// TestTruncatedOverTCP checks that a truncated response over TCP is not used.
func TestTruncatedOverTCP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Intercept(truncateAll)
	p := start(t, w, ".:PORT {"+validating+"forward . UPSTREAM\n}")
	p.answers(t, []asked{{"www.secure.test. A", "do", answerUnavailable}, {"www.unsigned.test. A", "do tcp", answerUnavailable}})
	p.logs(t, "plugin/errors", "www.secure.test. A", "truncated over TCP")
}
