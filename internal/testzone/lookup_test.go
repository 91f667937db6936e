package testzone

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// shape summarizes a response: the rcode, then the owner names (relative to
// apex where they are below it) and types of each section. RRSIGs are not
// shown; an RRset without a signature is marked with "!".
func shape(w *World, a *dns.Msg, apex string) string {
	section := func(rrs []dns.RR) string {
		var words []string
		for i := 0; i < len(rrs); {
			set := []dns.RR{rrs[i]}
			h := rrs[i].Header()
			for i++; i < len(rrs) && rrs[i].Header().Rrtype == h.Rrtype && rrs[i].Header().Name == h.Name; i++ {
				set = append(set, rrs[i])
			}
			mark := "!"
			for ; i < len(rrs) && rrs[i].Header().Rrtype == dns.TypeRRSIG && h.Rrtype != dns.TypeRRSIG; i++ {
				mark = ""
				sig := rrs[i].(*dns.RRSIG)
				if err := verify(w, sig, set); err != nil {
					mark = fmt.Sprintf("(%v)", err)
				}
			}
			name := strings.TrimSuffix(h.Name, "."+apex)
			if h.Rrtype == dns.TypeNSEC3 {
				name = "#"
			}
			words = append(words, name+" "+dns.Type(h.Rrtype).String()+mark)
		}
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s: %s; %s", dns.RcodeToString[a.Rcode], section(a.Answer), section(a.Ns))
}

// answers has the expected shapes of answers from the zones of mixedSpecs.
var answers = []struct {
	apex, name string
	typ        uint16
	want       string
}{
	{"example.", "www", dns.TypeA, "NOERROR: www A; "},
	{"example.", "WwW", dns.TypeA, "NOERROR: WwW A; "},
	{"example.", "zero", dns.TypeA, "NOERROR: zero A; "},
	{"example.", `odd\ name\.x`, dns.TypeA, `NOERROR: odd\ name\.x A; `},
	{"example.", "alias", dns.TypeA, "NOERROR: alias CNAME, WWW A; "},
	{"example.", "alias", dns.TypeCNAME, "NOERROR: alias CNAME; "},
	{"example.", "across", dns.TypeA, "NOERROR: across CNAME, WWW.nsec3.test. A; "},
	{"example.", "across", dns.TypeMX, "NOERROR: across CNAME; nsec3.test. SOA, # NSEC3"},
	{"example.", "nowhere", dns.TypeA, "NXDOMAIN: nowhere CNAME; example. SOA, private NSEC, example. NSEC"},
	{"example.", "x.wild", dns.TypeA, "NOERROR: x.wild A; exact.wild NSEC"},
	{"example.", "x.y.wild", dns.TypeA, "NOERROR: x.y.wild A; exact.wild NSEC"},
	{"example.", "exact.wild", dns.TypeA, "NOERROR: ; example. SOA, exact.wild NSEC"},
	{"example.", "x.wild", dns.TypeMX, "NOERROR: ; example. SOA, exact.wild NSEC, *.wild NSEC"},
	{"example.", "x.cnames", dns.TypeA, "NOERROR: x.cnames CNAME, WWW A; *.cnames NSEC"},
	{"example.", "x.cnames", dns.TypeMX, "NOERROR: x.cnames CNAME; *.cnames NSEC, example. SOA, www NSEC"},
	{"example.", "www", dns.TypeMX, "NOERROR: ; example. SOA, www NSEC"},
	{"example.", "b.ent", dns.TypeA, "NOERROR: ; example. SOA, dn NSEC"},
	{"example.", "no", dns.TypeA, "NXDOMAIN: ; example. SOA, mail NSEC, example. NSEC"},
	{"example.", "x.dn", dns.TypeA, "NXDOMAIN: dn DNAME, x.dn CNAME!; nsec3.test. SOA, # NSEC3, # NSEC3, # NSEC3"},
	{"example.", "www.dn", dns.TypeA, "NOERROR: dn DNAME, www.dn CNAME!, WWW.nsec3.test. A; "},
	{"example.", "www.dn", dns.TypeCNAME, "NOERROR: dn DNAME, www.dn CNAME!; "},
	{"example.", "dn", dns.TypeDNAME, "NOERROR: dn DNAME; "},
	{"example.", "lame", dns.TypeDS, "NOERROR: ; example. SOA, lame NSEC"},
	{"example.", "www.lame", dns.TypeA, "SERVFAIL: ; "},
	{"example.", "csk", dns.TypeDS, "NOERROR: csk DS; "},
	{"example.", "csk", dns.TypeDNSKEY, "NOERROR: csk DNSKEY; "},
	{"example.", "unsigned", dns.TypeDS, "NOERROR: ; example. SOA, unsigned NSEC"},
	{"example.", "www.unsigned", dns.TypeA, "NOERROR: www.unsigned A!; "},
	{"example.", "no.unsigned", dns.TypeA, "NXDOMAIN: ; unsigned SOA!"},
	{"example.", "www", dns.TypeNSEC, "NOERROR: www NSEC; "},
	{"example.", "www", dns.TypeANY, "NOERROR: www A, www TXT, www AAAA, www NSEC; "},
	{"example.", "www", dns.TypeRRSIG, "NOERROR: www RRSIG!; "},
	{"nsec3.test.", "no", dns.TypeA, "NXDOMAIN: ; nsec3.test. SOA, # NSEC3, # NSEC3, # NSEC3"},
	{"nsec3.test.", "b.ent", dns.TypeA, "NOERROR: ; nsec3.test. SOA, # NSEC3"},
	{"nsec3.test.", "x.wild", dns.TypeA, "NOERROR: x.wild A; # NSEC3"},
	{"nsec3.test.", "x.wild", dns.TypeMX, "NOERROR: ; nsec3.test. SOA, # NSEC3, # NSEC3, # NSEC3"},
	{"nsec3.test.", "unsigned", dns.TypeDS, "NOERROR: ; nsec3.test. SOA, # NSEC3"},
	{"test.", "unsigned", dns.TypeDS, "NOERROR: ; test. SOA, # NSEC3, # NSEC3"},
	{"test.", "out", dns.TypeA, "NOERROR: ; test. SOA, # NSEC3, # NSEC3"},
	{"compact.example.", "no", dns.TypeA, "NOERROR: ; compact.example. SOA, no NSEC"},
	{"compact.example.", "b.ent", dns.TypeA, "NOERROR: ; compact.example. SOA, b.ent NSEC"},
	{"compact.example.", "www", dns.TypeMX, "NOERROR: ; compact.example. SOA, www NSEC"},
	{"compact.example.", "x.wild", dns.TypeA, "NOERROR: x.wild A; "},
	{"compact.example.", "x.wild", dns.TypeMX, "NOERROR: ; compact.example. SOA, x.wild NSEC"},
	{"compact.example.", "www", dns.TypeNSEC, "NOERROR: www NSEC; "},
}

func TestAnswers(t *testing.T) {
	w := newWorld(t, mixedSpecs()...)
	for _, tc := range answers {
		a := ask(w, tc.name+"."+tc.apex, tc.typ)
		if got := shape(w, a, tc.apex); got != tc.want {
			t.Errorf("%s %s %s:\n got %q\nwant %q", tc.name, tc.apex, dns.Type(tc.typ), got, tc.want)
		}
	}
}
