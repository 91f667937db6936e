package real

import (
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// parentSide is a Corefile that forwards zones by name, and what clients get for questions
// for DS.
type parentSide struct {
	name, corefile string
	rows           []asked
}

// vpnRows are the answers where vpn.parent.test. is forwarded by name: the DS is denied by
// parent.test., all else is the zone's own.
var vpnRows = []asked{
	{"vpn.parent.test. DS", "do", "NOERROR ad denial opt"},
	{"VPN.Parent.test. DS", "ad", "NOERROR ad"},
	{"vpn.parent.test. DS", "do cd", "NOERROR denial opt"},
	{"vpn.parent.test. A", "do", "NOERROR A=10.0.0.1 opt"},
	{"sub.vpn.parent.test. DS", "do", "NOERROR opt"},
	{"signed.parent.test. DS", "do", "NOERROR ad DS=SIGNED RRSIG opt"},
}

var parentSides = []parentSide{
	{"forward by name", block(".", "forward vpn.parent.test PRIVATE\nforward . UPSTREAM"), vpnRows},
	{"forward by name, of a signed zone", block(".", "forward signed.parent.test PRIVATE\nforward . UPSTREAM"), []asked{
		{"signed.parent.test. DS", "do", "NOERROR ad DS=SIGNED RRSIG opt"},
		{"signed.parent.test. DS", "do cd", "NOERROR DS=SIGNED RRSIG opt"},
	}},
	{"a block of its own", block("vpn.parent.test", "forward . PRIVATE") + block(".", "forward . UPSTREAM"), vpnRows},
	{"a block of its own, beside one that does not validate", block("vpn.parent.test", "forward . PRIVATE") + ".:PORT {\nbind 127.0.0.1\nforward . UPSTREAM\n}", vpnRows[:5]},
	{"blocks of parent and child", block("vpn.parent.test", "forward . PRIVATE") + block("parent.test", "forward . UPSTREAM") + block(".", "forward . UPSTREAM"), vpnRows},
	{"no block for the parent", block("vpn.parent.test", "forward . PRIVATE"), []asked{
		{"vpn.parent.test. DS", "do", "NOERROR opt"},
		{"vpn.parent.test. A", "do", "NOERROR A=10.0.0.1 opt"},
	}},
	{"the parent's block answers without a stanza", block("vpn.parent.test", "forward . PRIVATE") + ".:PORT {\nbind 127.0.0.1\ntemplate IN DS {\nrcode NXDOMAIN\n}\n}", []asked{
		{"vpn.parent.test. DS", "do cd", "NOERROR opt"}, // the server sends it back to the child's block
	}},
	{"DS of the target of an alias", block(".", "forward other.test PRIVATE\nforward vpn.parent.test PRIVATE\nforward . UPSTREAM"), []asked{
		{"toparent.other.test. DS", "do", "NOERROR CNAME=vpn.parent.test. denial opt"},
		{"tosigned.other.test. DS", "do", "NOERROR CNAME=signed.parent.test. DS=SIGNED RRSIG opt"},
	}},
}

// TestParentSide: a client's question for the DS of a zone that is forwarded by name is asked
// where the parent zone is (RFC 4035, section 3.1.4.1). The child's servers would deny it.
func TestParentSide(t *testing.T) {
	t.Parallel()
	public := newWorld(t, testzone.Spec{Name: "parent.test.", Algorithm: dns.ECDSAP256SHA256}, testzone.Spec{Name: "vpn.parent.test."},
		testzone.Spec{Name: "signed.parent.test.", Algorithm: dns.ECDSAP256SHA256}, testzone.Spec{Name: "other.test."})
	own := childSide(t, public)
	ds := public.Anchors("signed.parent.test.")[0]
	ds = strings.Join(strings.Fields(ds)[4:], " ")
	for _, test := range parentSides {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := prepare(t, public, test.corefile, "PRIVATE", serve(t, own))
			p.start(t)
			rows := make([]asked, len(test.rows))
			for i, row := range test.rows {
				rows[i] = asked{row.question, row.flags, strings.ReplaceAll(row.want, "SIGNED", ds)}
			}
			p.answers(t, rows)
			p.answers(t, rows)
		})
	}
}

// childSide returns the zones of the operator's own server, which answers for the DS of a
// zone as the zone itself does: NODATA, with the SOA of the zone.
func childSide(t *testing.T, public *testzone.World) *testzone.World {
	t.Helper()
	w, err := testzone.New(time.Now(), testzone.Spec{Name: ".", Records: []string{"x A 10.0.0.2"}},
		testzone.Spec{Name: "vpn.parent.test.", Records: []string{"@ A 10.0.0.1", "sub A 10.0.0.3"}},
		testzone.Spec{Name: "other.test.", Records: []string{"toparent CNAME vpn.parent.test.", "tosigned CNAME signed.parent.test."}},
		testzone.Spec{Name: "signed.parent.test."})
	if err != nil {
		t.Fatal(err)
	}
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		name := dns.CanonicalName(q.Question[0].Name)
		if q.Question[0].Qtype != dns.TypeDS || w.Zone(name) == nil {
			return a
		}
		soa, _ := w.Zone(name).RRset(name, dns.TypeSOA)
		a.Rcode, a.Answer, a.Ns = dns.RcodeSuccess, nil, soa.RRs
		return a
	})
	return w
}
