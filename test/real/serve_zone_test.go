package real

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// own is the zone that the tests serve, as in the guide.
const own = "internal.example.com."

// ownRecords is what is in it.
var ownRecords = []string{
	"@ SOA ns hostmaster 7 3600 600 86400 300", "@ NS ns", "ns A 192.0.2.53",
	"www A 192.0.2.1", "www AAAA 2001:db8::1", "v4 A 192.0.2.4", "*.wild A 192.0.2.9", "a.b.ent A 192.0.2.5", "@ MX 10 mail",
	"alias CNAME www", "dangling CNAME none", "to-wild CNAME x.wild", "mail A 192.0.2.6", "mx MX 10 www", "wc.wild CNAME www", "zz TXT last",
}

// ownWorld has that zone, an island of security, below it a signed and an unsigned
// one, and what newWorld has.
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
	whole := path + ".new" // never half a file where it is read
	write(t, whole, text.String())
	if err := os.Rename(whole, path); err != nil {
		t.Fatal(err)
	}
}

// keeping is a process that serves a zone of the world, with DIR/zone as its file and
// DIR/own with its trust anchors.
func keeping(t *testing.T, w *testzone.World, corefile string, more ...string) *process {
	t.Helper()
	p := prepare(t, w, corefile, more...)
	writeZone(t, p.put.Replace("DIR/zone"), w.Zone(own))
	write(t, p.put.Replace("DIR/own"), strings.Join(w.Anchors(own), "\n"))
	p.start(t)
	return p
}

// keeper is the block of the guide for a zone of one's own, with other words in the
// dnssec block and below it.
func keeper(words, below string) string {
	return own + ":PORT {\nbind 127.0.0.1\nerrors\nlog\nfile DIR/zone\ndnssec {\nserve\nlog-failures\n" + words + "\n}\nprometheus HTTP\n" + below + "\n}\n"
}

// inZone makes the question "LABELS TYPE", with @ for the apex, one of the zone.
func inZone(question string) string {
	labels, qtype, _ := strings.Cut(question, " ")
	if labels == "@" {
		return own + " " + qtype
	}
	return labels + "." + own + " " + qtype
}

// keys is what differs in each world.
var keys = regexp.MustCompile(`(DNSKEY|DS)=\d+ \d+ \d+ \S+`)

// keeps asks over UDP and TCP and compares, as answers does, with aa before it.
func (p *process) keeps(t *testing.T, rows ...asked) {
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

// withoutDO is what a client gets that does not set DO, of what one gets that does.
var withoutDO = strings.NewReplacer(" ad", "", " RRSIG", "", " denial", "", " opt", "")

// positive is a few answers of all kinds that are right whatever else is broken.
var positive = []asked{
	{"v4 A", "do", "aa NOERROR ad A=192.0.2.4 RRSIG opt"},
	{"zz MX", "do", "aa NOERROR ad denial opt"},
	{"none A", "do", "aa NXDOMAIN ad denial opt"},
}

// unvouched is the same without a trust anchor.
func unvouched(rows []asked) (without []asked) {
	for _, row := range rows {
		without = append(without, asked{row.question, row.flags, strings.Replace(row.want, " ad", "", 1)})
	}
	return without
}
