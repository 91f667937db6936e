package real

import (
	"os"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// another is a second served zone with the same records.
const another = "other.example.com."

func twoZones(t *testing.T) *testzone.World {
	t.Helper()
	w := ownWorld(t, testzone.Spec{Name: another, Algorithm: dns.ECDSAP256SHA256, DS: []uint8{}, Records: []string{"www A 192.0.2.1", "bad A 192.0.2.1"}})
	breakZone(t, w, another, testzone.ChangeRDATA("bad."+another, dns.TypeA))
	breakWWW(t, w)
	return w
}

// refused has questions for the altered record of each zone.
var refused = []asked{{"www." + own + " A", "do", forged}, {"bad." + another + " A", "do", forged}}

// TestServeZones checks that the ZONES of file determine the served zones, and
// those of dnssec which of them are validated.
func TestServeZones(t *testing.T) {
	t.Parallel()
	const files = "file DIR/zone " + own + "\nfile DIR/other " + another + "\n"
	secure := asked{"www." + another + " A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"}
	for name, test := range map[string]struct {
		corefile string
		rows     []asked
	}{
		"ZONES of file":          {".:PORT {\nbind 127.0.0.1\n" + files + "dnssec {\nserve\ntrust-anchor DIR/own DIR/otherown\n}\n}", append([]asked{secure}, refused...)},
		"keys of the block":      {own + ":PORT {\nbind 127.0.0.1\nfile DIR/zone\ndnssec {\nserve\ntrust-anchor DIR/own\n}\n}\n" + another + ":PORT {\nbind 127.0.0.1\nfile DIR/other\ndnssec {\nserve\ntrust-anchor DIR/otherown\n}\n}", append([]asked{secure}, refused...)},
		"several keys of one":    {own + ":PORT " + another + ":PORT {\nbind 127.0.0.1\n" + files + "dnssec {\nserve\ntrust-anchor DIR/own DIR/otherown\n}\n}", append([]asked{secure}, refused...)},
		"one has a trust anchor": {".:PORT {\nbind 127.0.0.1\n" + files + "dnssec {\nserve\ntrust-anchor DIR/own\n}\n}", append([]asked{{secure.question, "do", "NOERROR A=192.0.2.1 RRSIG opt"}}, refused...)},
		"ZONES of dnssec": {".:PORT {\nbind 127.0.0.1\n" + files + "dnssec " + own + " {\nserve\ntrust-anchor DIR/own DIR/otherown\n}\n}",
			[]asked{refused[0], {secure.question, "do", "NOERROR A=192.0.2.1 RRSIG opt"}, {refused[1].question, "do", "NOERROR A=192.0.2.0 RRSIG opt"}}},
		"one block judges": {own + ":PORT {\nbind 127.0.0.1\nfile DIR/zone\ndnssec {\nserve\ntrust-anchor DIR/own\n}\n}\n" + another + ":PORT {\nbind 127.0.0.1\nfile DIR/other\n}",
			[]asked{refused[0], {refused[1].question, "do", "NOERROR A=192.0.2.0 RRSIG opt"}}},
		"negative trust anchor": {".:PORT {\nbind 127.0.0.1\n" + files + "dnssec {\nserve\ntrust-anchor DIR/own DIR/otherown\nnegative-trust-anchor " + another + "\n}\n}",
			[]asked{refused[0], {refused[1].question, "ad", "NOERROR A=192.0.2.0"}}},
		"capitals": {"INTERNAL.example.COM:PORT {\nbind 127.0.0.1\nfile DIR/zone\ndnssec {\nserve\ntrust-anchor DIR/own\n}\n}",
			[]asked{refused[0], {"WWW.Internal.Example.com. A", "do", forged}, {"V4.Internal.Example.com. A", "do", "NOERROR ad A=192.0.2.4 RRSIG opt"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := twoZones(t)
			p := prepare(t, w, test.corefile)
			for zone, file := range map[string]string{own: "DIR/zone", another: "DIR/other"} {
				writeZone(t, p.placeholders.Replace(file), w.Zone(zone))
			}
			write(t, p.placeholders.Replace("DIR/own"), strings.Join(w.Anchors(own), "\n"))
			write(t, p.placeholders.Replace("DIR/otherown"), strings.Join(w.Anchors(another), "\n"))
			p.start(t)
			p.answers(t, test.rows)
			p.answers(t, test.rows)
		})
	}
}

// TestServeChild checks that a zone and its child zone in one block are
// validated with their own keys. Neither zone answers with the DS.
func TestServeChild(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	p := prepare(t, w, ".:PORT {\nbind 127.0.0.1\nfile DIR/zone "+own+"\nfile DIR/child signed."+own+"\ndnssec {\nserve\ntrust-anchor DIR/own\n}\n}")
	breakZone(t, w, "signed."+own, testzone.ChangeRDATA("ns.signed."+own, dns.TypeA))
	writeZone(t, p.placeholders.Replace("DIR/zone"), w.Zone(own))
	writeZone(t, p.placeholders.Replace("DIR/child"), w.Zone("signed."+own))
	write(t, p.placeholders.Replace("DIR/own"), strings.Join(w.Anchors(own), "\n"))
	p.start(t)
	p.serves(t, positive...)
	p.serves(t, asked{"signed NS", "do", "aa NOERROR NS=ns.signed.internal.example.com. RRSIG opt"}, asked{"none.signed A", "do", "aa NXDOMAIN denial opt"},
		asked{"ns.signed A", "do", forged}, asked{"www.plain A", "do", "NOERROR opt"})
	p.logs(t, "signed."+own+" is judged by the keys in its own file")
}

// serveAndForward is a block that serves a zone and forwards the rest.
const serveAndForward = ".:PORT {\nbind 127.0.0.1\nerrors\nfile DIR/zone " + own + " {\nfallthrough\n}\nprometheus HTTP\n" +
	"dnssec {\nvalidate\nserve\nlog-failures\ntrust-anchor ANCHORS DIR/own\n}\nforward . UPSTREAM\n"

// TestServeAndForward checks that in a block with serve and validate, served
// and forwarded answers are validated by their own rules.
func TestServeAndForward(t *testing.T) {
	t.Parallel()
	for name, words := range map[string]string{"plain": "}", "cache": "cache 30\n}"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			public := ownWorld(t)
			if err := public.Zone(own).Replace("fallen A 192.0.2.77"); err != nil {
				t.Fatal(err)
			}
			if err := public.Zone(own).Sign(); err != nil {
				t.Fatal(err)
			}
			w := ownWorld(t)
			records := []string{"out CNAME www.secure.test.", "gone CNAME none.secure.test.", "tampered CNAME www.tampered.test.", "plainly CNAME www.unsigned.test."}
			if err := w.Zone(own).Replace(records...); err != nil {
				t.Fatal(err)
			}
			if err := w.Zone(own).Sign(); err != nil {
				t.Fatal(err)
			}
			breakWWW(t, w)
			p := prepare(t, public, serveAndForward+words)
			writeZone(t, p.placeholders.Replace("DIR/zone"), w.Zone(own))
			write(t, p.placeholders.Replace("DIR/own"), strings.Join(append(w.Anchors(own), public.Anchors(own)...), "\n"))
			p.start(t)
			for range 2 {
				p.answers(t, regularAnswers)
				p.answers(t, []asked{
					{"v4." + own + " A", "do", "NOERROR ad A=192.0.2.4 RRSIG opt"},
					{"v4." + own + " MX", "do", "NOERROR ad denial opt"},
					{"www." + own + " A", "edns", forged},
					{"fallen." + own + " A", "do", "NOERROR ad A=192.0.2.77 RRSIG opt"}, // fell through to forward
					{"none." + own + " A", "do", "NXDOMAIN ad denial opt"},
					{"out." + own + " A", "do", "NOERROR A=192.0.2.1 CNAME=www.secure.test. RRSIG opt"},
					{"gone." + own + " A", "ad", "NXDOMAIN CNAME=none.secure.test."},
					{"plainly." + own + " A", "ad", "NOERROR A=192.0.2.1 CNAME=www.unsigned.test."},
					{"tampered." + own + " A", "ad", "SERVFAIL CNAME=www.tampered.test."},
				})
			}
			p.logs(t, "bogus: www."+own+" A", "signature_invalid")
			p.logs(t, "bogus: www.tampered.test. A", "signature_invalid")
		})
	}
}

// TestServeFromTree checks that a served zone needs no trust anchor if the
// authentication chain by way of the upstream leads to it.
func TestServeFromTree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const corefile = ".:PORT {\nbind 127.0.0.1\nfile DIR/zone secure.test\ndnssec {\nvalidate\nserve\ntrust-anchor ANCHORS\n}\nforward . UPSTREAM\n}"
	p := prepare(t, w, corefile)
	writeZone(t, p.placeholders.Replace("DIR/zone"), w.Zone("secure.test."))
	p.start(t)
	p.answers(t, regularAnswers)
	if lines := p.out.lines("[WARNING]"); len(lines) > 0 {
		t.Errorf("the log has the warnings %q", lines)
	}
	if n := w.Questions()[testzone.Question{Name: "www.secure.test.", Type: dns.TypeA}]; n > 0 {
		t.Errorf("what is served was asked for %d times", n)
	}

	stranger := prepare(t, w, corefile)
	writeZone(t, stranger.placeholders.Replace("DIR/zone"), newWorld(t).Zone("secure.test."))
	stranger.start(t)
	stranger.answers(t, []asked{{"www.secure.test. A", "do", "SERVFAIL opt ede=9/dnskey_no_ds_match"}})
}

// TestServeAuto checks that zones of auto are validated, including those added
// later, with and without a trust anchor.
func TestServeAuto(t *testing.T) {
	t.Parallel()
	for words, rows := range map[string][]asked{"trust-anchor DIR/own": positive, "": withoutAD(positive)} {
		w := ownWorld(t)
		breakWWW(t, w)
		p := prepare(t, w, "example.com:PORT {\nbind 127.0.0.1\nprometheus HTTP\nauto {\ndirectory DIR/zones\nreload 1s\n}\ndnssec {\nserve\nlog-failures\n"+words+"\n}\n}")
		zones := p.placeholders.Replace("DIR/zones/db.")
		if err := os.Mkdir(p.placeholders.Replace("DIR/zones"), 0o755); err != nil {
			t.Fatal(err)
		}
		writeZone(t, zones+strings.TrimSuffix(own, "."), w.Zone(own))
		write(t, p.placeholders.Replace("DIR/own"), strings.Join(w.Anchors(own), "\n"))
		p.start(t)
		p.serves(t, asked{"www A", "do", forged}, asked{"added A", "do", rows[2].want})
		p.serves(t, rows...)
		writeZone(t, zones+"signed."+strings.TrimSuffix(own, "."), w.Zone("signed."+own))
		p.recovers(t, "ns.signed."+own+" A", "NOERROR A=192.0.2.54 RRSIG opt")
		p.serves(t, rows...)
		if n := p.metrics(t).value("coredns_dnssec_failures_total"); n != 2 {
			t.Errorf("%v failures were counted", n)
		}
		if !p.out.await("zone "+own+": its signatures last for", 2*logTime, p.ended) {
			t.Error("the log does not say how long the signatures last")
		}
	}
}

// TestServeSecondary checks that a transferred zone is validated.
func TestServeSecondary(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	breakWWW(t, w)
	primary := startServing(t, w, own+":PORT {\nbind 127.0.0.1\nfile DIR/zone\ntransfer {\nto *\n}\n}")
	p := prepare(t, w, own+":PORT {\nbind 127.0.0.1\nprometheus HTTP\nsecondary {\ntransfer from "+primary.addr+"\n}\ndnssec {\nserve\nlog-failures\ntrust-anchor DIR/own\n}\n}")
	write(t, p.placeholders.Replace("DIR/own"), strings.Join(w.Anchors(own), "\n"))
	p.start(t)
	p.recovers(t, inZone("v4 A"), "NOERROR ad A=192.0.2.4 RRSIG opt")
	p.serves(t, asked{"www A", "do", forged})
	p.serves(t, positive...)
	p.logs(t, "bogus: "+inZone("www A"), "signature_invalid")
}
