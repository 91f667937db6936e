package real

import (
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

func breakWWW(t *testing.T, w *testzone.World) {
	t.Helper()
	breakZone(t, w, own, testzone.ChangeRDATA("www."+own, dns.TypeA))
}

func signedUntil(t *testing.T, w *testzone.World, name string, qtype uint16, until time.Time) {
	t.Helper()
	breakZone(t, w, own, testzone.SignedDuring(name, qtype, time.Now().Add(-time.Hour*24*30), until))
}

// brokenFile is a broken zone file. The questions in bad are refused with the
// reason token; those in good are answered as usual.
type brokenFile struct {
	name    string
	breakIt func(*testing.T, *testzone.World)
	token   string
	bad     []string
	good    []asked
}

func breaking(b ...testzone.Breakage) func(*testing.T, *testzone.World) {
	return func(t *testing.T, w *testzone.World) {
		t.Helper()
		breakZone(t, w, own, b...)
	}
}

func replacing(lines ...string) func(*testing.T, *testzone.World) {
	return func(t *testing.T, w *testzone.World) {
		t.Helper()
		if err := w.Zone(own).Replace(lines...); err != nil {
			t.Fatal(err)
		}
	}
}

func removing(name string, qtype uint16) func(*testing.T, *testzone.World) {
	return func(t *testing.T, w *testzone.World) {
		t.Helper()
		if err := w.Zone(own).Remove(name, qtype); err != nil {
			t.Fatal(err)
		}
	}
}

// mxAlone is the answer for the apex MX without additional records.
var mxAlone = asked{"@ MX", "do", "aa NOERROR ad MX=10 mail.internal.example.com. RRSIG opt"}

var brokenFiles = []brokenFile{
	{"an altered record", breaking(testzone.ChangeRDATA("www."+own, dns.TypeA)), "signature_invalid", []string{"www A", "alias A"},
		append([]asked{{"www AAAA", "do", "aa NOERROR ad AAAA=2001:db8::1 RRSIG opt"}}, positive...)},
	{"an altered alias", breaking(testzone.ChangeRDATA("alias."+own, dns.TypeCNAME)), "signature_invalid", []string{"alias A", "alias CNAME", "alias MX"}, positive},
	{"an altered wildcard", breaking(testzone.ChangeRDATA("*.wild."+own, dns.TypeA)), "signature_invalid", []string{"x.wild A", "*.wild A"},
		append([]asked{{"to-wild A", "do", "aa SERVFAIL CNAME=x.wild.internal.example.com. RRSIG opt"}}, positive...)},
	{"an altered SOA", breaking(testzone.ChangeRDATA(own, dns.TypeSOA)), "signature_invalid", []string{"@ SOA", "none A", "www MX", "@ ANY"}, positive[:1]},
	{"altered NS", breaking(testzone.ChangeRDATA(own, dns.TypeNS)), "signature_invalid", []string{"@ NS"}, positive},
	{"an altered DS", breaking(testzone.ChangeRDATA("signed."+own, dns.TypeDS)), "signature_invalid", []string{"signed DS", "www.signed A"}, positive},
	{"an altered address of a target", breaking(testzone.ChangeRDATA("mail."+own, dns.TypeA)), "signature_invalid", []string{"mail A"}, append([]asked{mxAlone}, positive...)},
	{"an added record without signature", replacing("added A 192.0.2.66"), "signature_missing", []string{"added A"}, positive},
	{"an added wildcard without signature", replacing("* A 192.0.2.66"), "signature_missing", []string{"added A", "none A"}, positive[:2]},
	{"an added alias without signature", replacing("added CNAME v4"), "signature_missing", []string{"added A", "added CNAME"}, positive},
	{"a type added to a name", replacing("www TXT added"), "signature_missing", []string{"www TXT"}, positive},
	{"a signature removed", breaking(testzone.DropSignatures("www."+own, dns.TypeA)), "signature_missing", []string{"www A", "alias A"}, positive},
	{"signatures that ran out", breaking(testzone.Expired("", 0)), "signature_expired", []string{"www A", "www MX", "none A", "x.wild A", "@ DNSKEY", "www.signed A"},
		[]asked{{"www.plain A", "do", "NOERROR opt"}}},
	{"a signature that ran out", breaking(testzone.Expired("www."+own, dns.TypeA)), "signature_expired", []string{"www A", "alias A"}, positive},
	{"a signature of the future", breaking(testzone.NotYetValid("www."+own, dns.TypeA)), "signature_not_yet_valid", []string{"www A"}, positive},
	{"a removed record", removing("v4."+own, dns.TypeA), "denial_contradicted", []string{"v4 A"}, positive[1:]},
	{"a removed type", removing("www."+own, dns.TypeA), "denial_contradicted", []string{"www A"}, positive},
	{"a bit of an NSEC", breaking(testzone.ClearTypeBit("www."+own, dns.TypeAAAA), testzone.ChangeRDATA("www."+own, dns.TypeNSEC)), "signature_invalid", []string{"www MX"}, positive},
}

// TestServeBroken checks that altered data are refused with the reason in the
// EDE, the log and the metrics, with and without a trust anchor, and that the
// rest is served.
func TestServeBroken(t *testing.T) {
	t.Parallel()
	for _, test := range brokenFiles {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := ownWorld(t)
			test.breakIt(t, w)
			for words, rows := range map[string][]asked{"trust-anchor DIR/own": test.good, "": withoutAD(test.good)} {
				p := startServing(t, w, serveBlock(words, ""))
				for _, question := range test.bad {
					for flags, want := range map[string]string{"do": "SERVFAIL opt", "ad": "SERVFAIL", "edns": "SERVFAIL opt"} {
						p.refuses(t, question, flags, want, test.token)
					}
					p.logs(t, "bogus: "+inZone(question)+" from 127.0.0.1: "+test.token+": ")
				}
				p.serves(t, rows...)
				failed := p.metrics(t)
				if n, all := failed.value("coredns_dnssec_failures_total", `reason="`+test.token+`"`), failed.value("coredns_dnssec_validations_total", `status="bogus"`); n != all || n < float64(len(test.bad)) {
					t.Errorf("%v failures are for %s, of %v", n, test.token, all)
				}
			}
		})
	}
}

// refuses checks the answer, and the token in the Extended DNS Error if the
// client sent EDNS.
func (p *process) refuses(t *testing.T, question, flags, want, token string) {
	t.Helper()
	got := p.ask(t, inZone(question), flags)
	if strings.HasSuffix(want, " opt") {
		head, ede, _ := strings.Cut(got, " ede=")
		if _, told, _ := strings.Cut(ede, "/"); head != want || told != token {
			t.Errorf("%s [%s]: %s, want %s with %s", question, flags, got, want, token)
		}
		return
	}
	if got != want {
		t.Errorf("%s [%s]: %s, want %s", question, flags, got, want)
	}
}

// TestServeBeside checks that altered RRsets in the authority and additional
// sections are left out.
func TestServeBeside(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	intact := startServing(t, w, serveBlock("trust-anchor DIR/own", ""))
	question := message(t, own+" MX", "do")
	if m := exchange(t, "tcp", intact.addr, nil, question); len(m.Ns) != 2 || len(m.Extra) != 3 {
		t.Errorf("beside the answer are %v and %v, want the NS and an address, signed", m.Ns, m.Extra)
	}
	breakZone(t, w, own, testzone.ChangeRDATA(own, dns.TypeNS), testzone.ChangeRDATA("mail."+own, dns.TypeA))
	p := startServing(t, w, serveBlock("trust-anchor DIR/own", ""))
	m := exchange(t, "tcp", p.addr, nil, question)
	if len(m.Answer) != 2 || len(m.Ns) != 0 || len(m.Extra) != 1 || !m.AuthenticatedData {
		t.Errorf("of what was altered is left\n%s", m)
	}
}

// TestServeInsecure checks that with the option insecure, failures are served
// without AD, and counted and logged.
func TestServeInsecure(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	breakWWW(t, w)
	p := startServing(t, w, serveBlock("insecure\ntrust-anchor DIR/own", ""))
	p.serves(t, append([]asked{{"www A", "do", "aa NOERROR A=192.0.2.0 RRSIG opt ede=6/signature_invalid"}, {"www A", "ad", "aa NOERROR A=192.0.2.0"}}, positive...)...)
	p.logs(t, "bogus: "+inZone("www A"), "signature_invalid")
	if n := p.metrics(t).value("coredns_dnssec_failures_total", `reason="signature_invalid"`); n < 2 {
		t.Errorf("%v failures were counted", n)
	}
}

// TestServeWrongAnchor checks that a trust anchor that matches no key makes the
// whole zone fail.
func TestServeWrongAnchor(t *testing.T) {
	t.Parallel()
	w, other := ownWorld(t), ownWorld(t)
	p := prepare(t, w, serveBlock("trust-anchor DIR/own", ""))
	writeZone(t, p.placeholders.Replace("DIR/zone"), w.Zone(own))
	write(t, p.placeholders.Replace("DIR/own"), strings.Join(other.Anchors(own), "\n"))
	p.start(t)
	for _, question := range []string{"www A", "none A", "@ DNSKEY", "x.wild A"} {
		p.refuses(t, question, "do", "SERVFAIL opt", "dnskey_no_anchor_match")
	}
	p.logs(t, "bogus: "+inZone("www A"), "dnskey_no_anchor_match")
	if lines := p.out.lines("is not validated"); len(lines) > 0 {
		t.Errorf("the log of a zone with a trust anchor has %q", lines)
	}
}

// TestServeUnsigned checks that an unsigned zone is served with a warning, and
// refused if it has a trust anchor.
func TestServeUnsigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testzone.Spec{Name: own, Records: ownRecords})
	p := prepare(t, w, serveBlock("", ""))
	writeZone(t, p.placeholders.Replace("DIR/zone"), w.Zone(own))
	p.start(t)
	p.serves(t, asked{"www A", "do", "aa NOERROR A=192.0.2.1 opt"}, asked{"none A", "ad", "aa NXDOMAIN"}, asked{"x.wild A", "ad", "aa NOERROR A=192.0.2.9"},
		asked{"alias A", "do", "aa NOERROR A=192.0.2.1 CNAME=www.internal.example.com. opt"})
	p.logs(t, "[WARNING] plugin/dnssec: zone "+own+" is served without signatures")
	if lines := p.out.lines("is not validated"); len(lines) > 0 {
		t.Errorf("the log has failures for answers that are served: %q", lines)
	}
	if found := p.metrics(t).of("coredns_dnssec_zone_signature_expiration_timestamp_seconds"); len(found) > 0 {
		t.Errorf("there is %q", found)
	}

	trusting := prepare(t, w, serveBlock("trust-anchor DIR/own", ""))
	writeZone(t, trusting.placeholders.Replace("DIR/zone"), w.Zone(own))
	write(t, trusting.placeholders.Replace("DIR/own"), strings.Join(ownWorld(t).Anchors(own), "\n"))
	trusting.start(t)
	trusting.refuses(t, "www A", "do", "SERVFAIL opt", "dnskey_absent")
}
