package real

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// own is the served zone, as in the guide.
const own = "internal.example.com."

// ownRecords has its records.
var ownRecords = []string{
	"@ SOA ns hostmaster 7 3600 600 86400 300", "@ NS ns", "ns A 192.0.2.53",
	"www A 192.0.2.1", "www AAAA 2001:db8::1", "v4 A 192.0.2.4", "*.wild A 192.0.2.9", "a.b.ent A 192.0.2.5", "@ MX 10 mail",
	"alias CNAME www", "dangling CNAME none", "to-wild CNAME x.wild", "mail A 192.0.2.6", "mx MX 10 www", "wc.wild CNAME www", "zz TXT last",
}

// ownWorld returns a world with the zone own as an island of security, a signed
// and an unsigned zone below it, and the zones of newWorld.
func ownWorld(t *testing.T, more ...testzone.Spec) *testzone.World {
	t.Helper()
	const alg = dns.ECDSAP256SHA256
	return newWorld(t, append([]testzone.Spec{
		{Name: own, Algorithm: alg, DS: []uint8{}, Records: ownRecords},
		{Name: "signed." + own, Algorithm: alg, Records: []string{"@ NS ns", "ns A 192.0.2.54"}},
		{Name: "plain." + own, Records: []string{"@ NS ns", "ns A 192.0.2.55"}},
	}, more...)...)
}

// writeZone writes a zone as a zone file.
func writeZone(t *testing.T, path string, z *testzone.Zone) {
	t.Helper()
	var text strings.Builder
	for _, rr := range z.Records() {
		text.WriteString(rr.String() + "\n")
	}
	whole := path + ".new" // the file is replaced atomically
	write(t, whole, text.String())
	if err := os.Rename(whole, path); err != nil {
		t.Fatal(err)
	}
}

// startServing starts a process that serves the zone own. DIR/zone is its zone
// file and DIR/own has its trust anchors.
func startServing(t *testing.T, w *testzone.World, corefile string, more ...string) *process {
	t.Helper()
	p := prepare(t, w, corefile, more...)
	writeZone(t, p.placeholders.Replace("DIR/zone"), w.Zone(own))
	write(t, p.placeholders.Replace("DIR/own"), strings.Join(w.Anchors(own), "\n"))
	p.start(t)
	return p
}

// serveBlock returns the guide's block for a served zone, with additional lines
// in the dnssec block and below it.
func serveBlock(words, below string) string {
	return own + ":PORT {\nbind 127.0.0.1\nerrors\nlog\nfile DIR/zone\ndnssec {\nserve\nlog-failures\n" + words + "\n}\nprometheus HTTP\n" + below + "\n}\n"
}

// inZone makes "LABELS TYPE", with @ for the apex, a question in the zone own.
func inZone(question string) string {
	labels, qtype, _ := strings.Cut(question, " ")
	if labels == "@" {
		return own + " " + qtype
	}
	return labels + "." + own + " " + qtype
}

// keys matches what is different in each world.
var keys = regexp.MustCompile(`(DNSKEY|DS)=\d+ \d+ \d+ \S+`)

// serves is answers over UDP and TCP, with aa in the wanted answer.
func (p *process) serves(t *testing.T, rows ...asked) {
	t.Helper()
	for _, row := range rows {
		for _, network := range []string{"udp", "tcp"} {
			m := exchange(t, network, p.addr, nil, message(t, inZone(row.question), row.flags))
			got := keys.ReplaceAllString(describe(m), "$1")
			if m != nil && m.Authoritative {
				got = "aa " + got
			}
			if got != row.want {
				t.Errorf("%s [%s] over %s: %s\n  want %s", row.question, row.flags, network, got, row.want)
			}
		}
	}
}

// withoutDO converts the answer for a client with DO to that for one without.
var withoutDO = strings.NewReplacer(" ad", "", " RRSIG", "", " denial", "", " opt", "")

// positive has a few valid answers that no breakage affects.
var positive = []asked{
	{"v4 A", "do", "aa NOERROR ad A=192.0.2.4 RRSIG opt"},
	{"zz MX", "do", "aa NOERROR ad denial opt"},
	{"none A", "do", "aa NXDOMAIN ad denial opt"},
}

// withoutAD returns the rows for a zone without a trust anchor.
func withoutAD(rows []asked) (without []asked) {
	for _, row := range rows {
		without = append(without, asked{row.question, row.flags, strings.Replace(row.want, " ad", "", 1)})
	}
	return without
}
