package real

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// kindsOfAnswers has the answers for a client with DO if the zone has a trust
// anchor. AD is missing where file sends no proof: for the target of an alias,
// and for a name below an empty non-terminal.
var kindsOfAnswers = []asked{
	{"www A", "do", "aa NOERROR ad A=192.0.2.1 RRSIG opt"},
	{"www AAAA", "do", "aa NOERROR ad AAAA=2001:db8::1 RRSIG opt"},
	{"mx MX", "do", "aa NOERROR ad MX=10 www.internal.example.com. RRSIG opt"},
	{"zz TXT", "do", `aa NOERROR ad TXT="last" RRSIG opt`},
	{"www MX", "do", "aa NOERROR ad denial opt"},
	{"www DS", "do", "aa NOERROR ad denial opt"},
	{"@ TXT", "do", "aa NOERROR ad denial opt"},
	{"none A", "do", "aa NXDOMAIN ad denial opt"},
	{"zzz A", "do", "aa NXDOMAIN ad denial opt"},
	{"x.ent A", "do", "aa NXDOMAIN denial opt"},
	{"x.wild A", "do", "aa NOERROR ad A=192.0.2.9 RRSIG denial opt"},
	{"x.y.wild A", "do", "aa NOERROR ad A=192.0.2.9 RRSIG denial opt"},
	{"x.wild MX", "do", "aa NOERROR denial opt"},
	{"*.wild A", "do", "aa NOERROR ad A=192.0.2.9 RRSIG opt"},
	{"wild A", "do", "aa NOERROR ad denial opt"},
	{"ent A", "do", "aa NOERROR ad denial opt"},
	{"b.ent TXT", "do", "aa NOERROR ad denial opt"},
	{"a.b.ent A", "do", "aa NOERROR ad A=192.0.2.5 RRSIG opt"},
	{"alias A", "do", "aa NOERROR ad A=192.0.2.1 CNAME=www.internal.example.com. RRSIG opt"},
	{"alias CNAME", "do", "aa NOERROR ad CNAME=www.internal.example.com. RRSIG opt"},
	{"alias MX", "do", "aa NOERROR CNAME=www.internal.example.com. RRSIG opt"},
	{"to-wild A", "do", "aa NOERROR A=192.0.2.9 CNAME=x.wild.internal.example.com. RRSIG opt"},
	{"dangling A", "do", "aa NXDOMAIN CNAME=none.internal.example.com. RRSIG opt"},
	{"www.signed A", "do", "NOERROR opt"},
	{"signed NS", "do", "NOERROR opt"},
	{"signed DS", "do", "aa NOERROR ad DS RRSIG opt"},
	{"www.plain A", "do", "NOERROR opt"},
	{"plain DS", "do", "aa NOERROR ad denial opt"},
	{"@ SOA", "do", "aa NOERROR ad SOA=ns.internal.example.com. hostmaster.internal.example.com. 7 3600 600 86400 300 RRSIG opt"},
	{"@ NS", "do", "aa NOERROR ad NS=ns.internal.example.com. RRSIG opt"},
	{"@ DNSKEY", "do", "aa NOERROR ad DNSKEY DNSKEY RRSIG opt"},
	{"@ DS", "do", "aa NOERROR denial opt"},
	{"@ NSEC", "do", "aa NOERROR ad NSEC=alias.internal.example.com. NS SOA MX RRSIG NSEC DNSKEY RRSIG opt"},
	{"www NSEC", "do", "aa NOERROR ad NSEC=zz.internal.example.com. A AAAA RRSIG NSEC RRSIG opt"},
	{"www RRSIG", "do", "aa NOERROR RRSIG opt"},
	{"www ANY", "do", "aa NOERROR denial opt"},
	{"@ ANY", "do", "aa NOERROR denial opt"},
}

// TestServeAnswers checks that all kinds of answers of an intact zone are
// served with AA. AD is set only with a trust anchor and for clients that
// understand it, and DNSSEC records are sent only with DO.
func TestServeAnswers(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	for name, test := range map[string]struct {
		words string
		rows  []asked
	}{
		"trust anchor":    {"trust-anchor DIR/own", kindsOfAnswers},
		"no trust anchor": {"", withoutAD(kindsOfAnswers)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startServing(t, w, serveBlock(test.words, ""))
			p.serves(t, test.rows...)
			slices.Reverse(test.rows)
			for _, row := range test.rows {
				p.serves(t, row)
				if strings.HasSuffix(row.question, " NSEC") || strings.HasSuffix(row.question, " RRSIG") {
					continue // asked for by type
				}
				plain := withoutDO.Replace(row.want)
				p.serves(t, asked{row.question, "", plain}, asked{row.question, "edns", plain + " opt"})
				if strings.Contains(row.want, " ad") {
					plain = strings.Replace(plain, "NOERROR", "NOERROR ad", 1)
					plain = strings.Replace(plain, "NXDOMAIN", "NXDOMAIN ad", 1)
				}
				p.serves(t, asked{row.question, "ad", plain})
			}
			if n := p.metrics(t).value("coredns_dnssec_failures_total"); n > 0 {
				t.Errorf("%v failures", n)
			}
		})
	}
}

// TestServeVouched checks that without a trust anchor the log suggests the line
// to add, and that with it there is no warning.
func TestServeVouched(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	p := startServing(t, w, serveBlock("", ""))
	p.serves(t, withoutAD(positive)...)
	line := p.logs(t, "[WARNING] plugin/dnssec: "+own+" is judged by the keys in its own file", "`trust-anchor FILE`")
	anchor := strings.Fields(w.Anchors(own)[0]) // internal.example.com. TTL IN DS …
	if want := strings.Join(append([]string{anchor[0]}, anchor[2:]...), " "); !strings.Contains(strings.ToUpper(line), strings.ToUpper(want)) {
		t.Errorf("%q does not have the trust anchor %q", line, want)
	}
	if lines := p.out.lines("is not validated"); len(lines) > 0 {
		t.Errorf("the log has %q", lines)
	}

	_, quoted, _ := strings.Cut(line, `the line "`)
	quoted, _, _ = strings.Cut(quoted, `"`)
	trusting := prepare(t, w, serveBlock("trust-anchor DIR/own", ""))
	writeZone(t, trusting.placeholders.Replace("DIR/zone"), w.Zone(own))
	write(t, trusting.placeholders.Replace("DIR/own"), quoted)
	trusting.start(t)
	trusting.serves(t, positive...)
	if lines := trusting.out.lines("[WARNING]"); len(lines) > 0 {
		t.Errorf("the log has the warnings %q", lines)
	}
}

// TestServeUnjudged checks that queries with CD, another class or opcode are
// not validated.
func TestServeUnjudged(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	breakWWW(t, w)
	p := startServing(t, w, serveBlock("trust-anchor DIR/own", ""))
	p.serves(t,
		asked{"www A", "do", forged},
		asked{"www A", "do cd", "aa NOERROR A=192.0.2.0 RRSIG opt"},
		asked{"www A", "cd", "aa NOERROR A=192.0.2.0"},
	)
	m := message(t, inZone("www A"), "")
	m.Question[0].Qclass = dns.ClassCHAOS
	exchange(t, "udp", p.addr, nil, m) // must not end the process
	p.serves(t, positive...)
}

// TestServeTransfer checks that a transfer has all records, valid or not.
func TestServeTransfer(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	breakWWW(t, w)
	const transfer = "transfer {\nto *\n}"
	p := startServing(t, w, serveBlock("trust-anchor DIR/own", transfer))
	stock := startServing(t, w, own+":PORT {\nbind 127.0.0.1\nfile DIR/zone\n"+transfer+"\n}")
	judged, plain := axfr(t, p.addr), axfr(t, stock.addr)
	if !slices.Equal(judged, plain) || len(plain) < len(w.Zone(own).Records()) {
		t.Errorf("%d records, without dnssec %d; the zone has %d", len(judged), len(plain), len(w.Zone(own).Records()))
	}
}

func axfr(t *testing.T, addr string) (records []string) {
	t.Helper()
	transfer := dns.Transfer{DialTimeout: clientTimeout, ReadTimeout: clientTimeout}
	envelopes, err := transfer.In(new(dns.Msg).SetAxfr(own), addr)
	if err != nil {
		t.Fatal(err)
	}
	for e := range envelopes {
		if e.Error != nil {
			t.Fatal(e.Error)
		}
		for _, rr := range e.RR {
			records = append(records, rr.String())
		}
	}
	slices.Sort(records)
	return records
}

// TestServeExpirationTold checks that the earliest expiration of a signature is
// logged at start and exported.
func TestServeExpirationTold(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	soon := time.Now().Add(100 * time.Hour).Truncate(time.Second)
	signedUntil(t, w, "www."+own, dns.TypeA, soon)
	p := startServing(t, w, serveBlock("", ""))
	p.logs(t, "[INFO] plugin/dnssec: zone "+own+": its signatures last for ", soon.UTC().Format(time.RFC3339))
	p.awaitExpiration(t, own, soon)
}

// awaitExpiration waits for the gauge to have the time.
func (p *process) awaitExpiration(t *testing.T, zone string, want time.Time) {
	t.Helper()
	var got float64
	for deadline := time.Now().Add(logTime); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		got = p.metrics(t).value("coredns_dnssec_zone_signature_expiration_timestamp_seconds", `zone="`+zone+`"`)
		if int64(got) == want.Unix() {
			return
		}
	}
	t.Errorf("the gauge of %s is %v, want %v", zone, got, want.Unix())
}
