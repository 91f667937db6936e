package real

import (
	"os"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// another is a zone of one's own beside the other, with the records of it.
const another = "other.example.com."

func twoZones(t *testing.T) *testzone.World {
	t.Helper()
	w := ownWorld(t, testzone.Spec{Name: another, Algorithm: dns.ECDSAP256SHA256, DS: []uint8{}, Records: []string{"www A 192.0.2.1", "bad A 192.0.2.1"}})
	breakZone(t, w, another, testzone.ChangeRDATA("bad."+another, dns.TypeA))
	breakWWW(t, w)
	return w
}

// refused is what both zones have altered.
var refused = []asked{{"www." + own + " A", "do", forged}, {"bad." + another + " A", "do", forged}}

// TestServeZones: the ZONES of file and of dnssec say which zones there are, and
// which of them are judged.
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
				writeZone(t, p.put.Replace(file), w.Zone(zone))
			}
			write(t, p.put.Replace("DIR/own"), strings.Join(w.Anchors(own), "\n"))
			write(t, p.put.Replace("DIR/otherown"), strings.Join(w.Anchors(another), "\n"))
			p.start(t)
			p.answers(t, test.rows)
			p.answers(t, test.rows)
		})
	}
}

// TestServeChild: a zone and one below it in the same block are judged each by its
// own keys; the DS in between is nobody's to give.
func TestServeChild(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	p := prepare(t, w, ".:PORT {\nbind 127.0.0.1\nfile DIR/zone "+own+"\nfile DIR/child signed."+own+"\ndnssec {\nserve\ntrust-anchor DIR/own\n}\n}")
	breakZone(t, w, "signed."+own, testzone.ChangeRDATA("ns.signed."+own, dns.TypeA))
	writeZone(t, p.put.Replace("DIR/zone"), w.Zone(own))
	writeZone(t, p.put.Replace("DIR/child"), w.Zone("signed."+own))
	write(t, p.put.Replace("DIR/own"), strings.Join(w.Anchors(own), "\n"))
	p.start(t)
	p.keeps(t, positive...)
	p.keeps(t, asked{"signed NS", "do", "aa NOERROR NS=ns.signed.internal.example.com. RRSIG opt"}, asked{"none.signed A", "do", "aa NXDOMAIN denial opt"},
		asked{"ns.signed A", "do", forged}, asked{"www.plain A", "do", "NOERROR opt"})
	p.logs(t, "signed."+own+" is judged by the keys in its own file")
}

// bothWords is a block that serves a zone and forwards the rest.
const bothWords = ".:PORT {\nbind 127.0.0.1\nerrors\nfile DIR/zone " + own + " {\nfallthrough\n}\nprometheus HTTP\n" +
	"dnssec {\nvalidate\nserve\nlog-failures\ntrust-anchor ANCHORS DIR/own\n}\nforward . UPSTREAM\n"

// TestServeAndForward: in a block that does both, what is served and what is
// forwarded are judged each by its own rules.
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
			p := prepare(t, public, bothWords+words)
			writeZone(t, p.put.Replace("DIR/zone"), w.Zone(own))
			write(t, p.put.Replace("DIR/own"), strings.Join(append(w.Anchors(own), public.Anchors(own)...), "\n"))
			p.start(t)
			for range 2 {
				p.answers(t, usual)
				p.answers(t, []asked{
					{"v4." + own + " A", "do", "NOERROR ad A=192.0.2.4 RRSIG opt"},
					{"v4." + own + " MX", "do", "NOERROR ad denial opt"},
					{"www." + own + " A", "edns", forged},
					{"fallen." + own + " A", "do", "NOERROR ad A=192.0.2.77 RRSIG opt"}, // file let it through
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

// TestServeFromTree: where the tree vouches for the zone by way of the upstream, no
// anchor of its own is needed.
func TestServeFromTree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const corefile = ".:PORT {\nbind 127.0.0.1\nfile DIR/zone secure.test\ndnssec {\nvalidate\nserve\ntrust-anchor ANCHORS\n}\nforward . UPSTREAM\n}"
	p := prepare(t, w, corefile)
	writeZone(t, p.put.Replace("DIR/zone"), w.Zone("secure.test."))
	p.start(t)
	p.answers(t, usual)
	if lines := p.out.lines("[WARNING]"); len(lines) > 0 {
		t.Errorf("the log has the warnings %q", lines)
	}
	if n := w.Questions()[testzone.Question{Name: "www.secure.test.", Type: dns.TypeA}]; n > 0 {
		t.Errorf("what is served was asked for %d times", n)
	}

	stranger := prepare(t, w, corefile)
	writeZone(t, stranger.put.Replace("DIR/zone"), newWorld(t).Zone("secure.test."))
	stranger.start(t)
	stranger.answers(t, []asked{{"www.secure.test. A", "do", "SERVFAIL opt ede=9/dnskey_no_ds_match"}})
}

// TestServeAuto: zones that auto finds are judged too, also those that come later;
// with a trust anchor and without.
func TestServeAuto(t *testing.T) {
	t.Parallel()
	for words, rows := range map[string][]asked{"trust-anchor DIR/own": positive, "": unvouched(positive)} {
		w := ownWorld(t)
		breakWWW(t, w)
		p := prepare(t, w, "example.com:PORT {\nbind 127.0.0.1\nprometheus HTTP\nauto {\ndirectory DIR/zones\nreload 1s\n}\ndnssec {\nserve\nlog-failures\n"+words+"\n}\n}")
		zones := p.put.Replace("DIR/zones/db.")
		if err := os.Mkdir(p.put.Replace("DIR/zones"), 0o755); err != nil {
			t.Fatal(err)
		}
		writeZone(t, zones+strings.TrimSuffix(own, "."), w.Zone(own))
		write(t, p.put.Replace("DIR/own"), strings.Join(w.Anchors(own), "\n"))
		p.start(t)
		p.keeps(t, asked{"www A", "do", forged}, asked{"added A", "do", rows[2].want})
		p.keeps(t, rows...)
		writeZone(t, zones+"signed."+strings.TrimSuffix(own, "."), w.Zone("signed."+own))
		p.recovers(t, "ns.signed."+own+" A", "NOERROR A=192.0.2.54 RRSIG opt")
		p.keeps(t, rows...)
		if n := p.metrics(t).value("coredns_dnssec_failures_total"); n != 2 {
			t.Errorf("%v failures were counted", n)
		}
		if !p.out.await("zone "+own+": its signatures last for", 2*logTime, p.ended) {
			t.Error("the log does not say how long the signatures last")
		}
	}
}

// TestServeSecondary: a zone that is transferred from another server is judged.
func TestServeSecondary(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	breakWWW(t, w)
	primary := keeping(t, w, own+":PORT {\nbind 127.0.0.1\nfile DIR/zone\ntransfer {\nto *\n}\n}")
	p := prepare(t, w, own+":PORT {\nbind 127.0.0.1\nprometheus HTTP\nsecondary {\ntransfer from "+primary.addr+"\n}\ndnssec {\nserve\nlog-failures\ntrust-anchor DIR/own\n}\n}")
	write(t, p.put.Replace("DIR/own"), strings.Join(w.Anchors(own), "\n"))
	p.start(t)
	p.recovers(t, inZone("v4 A"), "NOERROR ad A=192.0.2.4 RRSIG opt")
	p.keeps(t, asked{"www A", "do", forged})
	p.keeps(t, positive...)
	p.logs(t, "bogus: "+inZone("www A"), "signature_invalid")
}
