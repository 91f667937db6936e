package validator

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// withoutSignatureOf leaves the signatures of some RRsets out of responses to other
// questions than for these.
func withoutSignatureOf(sets ...testzone.Question) func(q, a *dns.Msg) *dns.Msg {
	return func(q, a *dns.Msg) *dns.Msg {
		asked := testzone.Question{Name: dnsname.Canonical(q.Question[0].Name), Type: q.Question[0].Qtype}
		left := func(rr dns.RR) bool {
			_, ok := rr.(*dns.RRSIG)
			of := testzone.Question{Name: dnsname.Canonical(rr.Header().Name), Type: covered(rr)}
			return ok && of != asked && slices.Contains(sets, of)
		}
		a.Answer, a.Ns = slices.DeleteFunc(a.Answer, left), slices.DeleteFunc(a.Ns, left)
		return a
	}
}

// withoutDenialSignatures leaves the signatures of all NSEC and NSEC3 records out of
// responses to questions for addresses and mail exchangers.
func withoutDenialSignatures(q, a *dns.Msg) *dns.Msg {
	if t := q.Question[0].Qtype; t == dns.TypeA || t == dns.TypeMX {
		a.Ns = slices.DeleteFunc(a.Ns, func(rr dns.RR) bool {
			return rr.Header().Rrtype == dns.TypeRRSIG && (covered(rr) == dns.TypeNSEC || covered(rr) == dns.TypeNSEC3)
		})
	}
	return a
}

func unsignedWorld(t *testing.T) *testzone.World {
	t.Helper()
	records := func(zone string) []string {
		return []string{
			"www A 192.0.2.1", "both A 192.0.2.1", "both TXT both", "one CNAME two", "two CNAME three." + zone, "three CNAME www." + zone, "below DNAME target." + zone,
			"www.target A 192.0.2.1", "*.wild A 192.0.2.1", "*.alias CNAME www." + zone, "nowhere CNAME no." + zone,
		}
	}
	return newWorld(t,
		testzone.Spec{Name: "nsec.", Algorithm: p256, Records: records("nsec.")},
		testzone.Spec{Name: "nsec3.", Algorithm: p256, Denial: testzone.NSEC3, Records: records("nsec3.")},
	)
}

// TestAskedByType: an upstream
// "leaves the signature of an alias or a denial out of answers to other questions".
// An RRset without its signature is asked for by its own type before the
// response is refused (RFC 4035, section 4.7, wants more than one try before data are
// called bogus; section 5.3.1 has each RRset judged by its own signature, whichever
// response brought it).
func TestAskedByType(t *testing.T) {
	w := unsignedWorld(t)
	at := func(name string, rtype uint16) testzone.Question { return testzone.Question{Name: name, Type: rtype} }
	type row struct {
		what    string
		upset   func(q, a *dns.Msg) *dns.Msg
		name    string
		qtype   uint16
		rcode   int
		records int
		asked   []testzone.Question // once each
	}
	var rows []row
	for _, zone := range []string{"nsec.", "nsec3."} {
		rows = append(rows, []row{
			{what: "the first link", name: "one." + zone, records: 4, asked: []testzone.Question{at("one."+zone, dns.TypeCNAME)}},
			{what: "a link in the middle", name: "one." + zone, records: 4, asked: []testzone.Question{at("two."+zone, dns.TypeCNAME)}},
			{what: "three links", name: "one." + zone, records: 4, asked: []testzone.Question{at("one."+zone, dns.TypeCNAME), at("two."+zone, dns.TypeCNAME), at("three."+zone, dns.TypeCNAME)}},
			{what: "a DNAME", name: "www.below." + zone, records: 3, asked: []testzone.Question{at("below."+zone, dns.TypeDNAME)}},
			{what: "a link of a wildcard", name: "x.alias." + zone, records: 2, asked: []testzone.Question{at("x.alias."+zone, dns.TypeCNAME)}},
			{what: "a link to a name that does not exist", name: "nowhere." + zone, rcode: dns.RcodeNameError, records: 1, asked: []testzone.Question{at("nowhere."+zone, dns.TypeCNAME)}},
			{what: "a link to a type that does not exist", name: "three." + zone, qtype: dns.TypeMX, records: 1, asked: []testzone.Question{at("three."+zone, dns.TypeCNAME)}},
		}...)
	}
	rows = append(rows, []row{
		{what: "the NSEC of NODATA", upset: withoutDenialSignatures, name: "www.nsec.", qtype: dns.TypeMX, asked: []testzone.Question{at("www.nsec.", dns.TypeNSEC)}},
		{what: "the NSEC of a name error", upset: withoutDenialSignatures, name: "no.nsec.", rcode: dns.RcodeNameError}, // the chain denies the name already
		{what: "the SOA of a name error", name: "no.nsec.", rcode: dns.RcodeNameError, asked: []testzone.Question{at("nsec.", dns.TypeSOA)}},
		{what: "the SOA of NODATA", name: "www.nsec3.", qtype: dns.TypeMX, asked: []testzone.Question{at("nsec3.", dns.TypeSOA)}},
		{what: "one of the RRsets of ANY", name: "both.nsec.", qtype: dns.TypeANY, records: 6, asked: []testzone.Question{at("both.nsec.", dns.TypeTXT)}},
		{what: "the NSEC of a wildcard", upset: withoutDenialSignatures, name: "x.wild.nsec.", records: 1},
		{what: "the NSEC3 of NODATA", upset: withoutDenialSignatures, name: "www.nsec3.", qtype: dns.TypeMX},
		{what: "the NSEC3 of a name error", upset: withoutDenialSignatures, name: "no.nsec3.", rcode: dns.RcodeNameError},
		{what: "the NSEC3 of a wildcard", upset: withoutDenialSignatures, name: "x.wild.nsec3.", records: 1},
	}...)
	for _, tc := range rows {
		if tc.qtype == 0 {
			tc.qtype = dns.TypeA
		}
		if tc.upset == nil {
			tc.upset = withoutSignatureOf(tc.asked...)
		}
		w.Intercept(tc.upset)
		w.ResetQuestions()
		v := newTestValidator(t, w)
		m := ask(t, v, tc.name, tc.qtype, bits{ad: true})
		if m.Rcode != tc.rcode || !m.AuthenticatedData || len(m.Answer) != tc.records {
			t.Errorf("%s: want %s, %d records: %v\n%s", tc.what, dns.RcodeToString[tc.rcode], tc.records, judged(t, v, tc.name, tc.qtype), m)
		}
		for _, q := range tc.asked {
			if n := asked(w, q.Name, q.Type); n != 1 {
				t.Errorf("%s: %v was asked %d times", tc.what, q, n)
			}
		}
		if n := asked(w, tc.name, tc.qtype); n != 1 {
			t.Errorf("%s: the question was asked %d times", tc.what, n)
		}
	}
}

// TestAskedByTypeForged: what comes in response to the question for an RRset is judged like
// anything else, and is asked for once.
func TestAskedByTypeForged(t *testing.T) {
	w := unsignedWorld(t)
	link := testzone.Question{Name: "two.nsec.", Type: dns.TypeCNAME}
	elsewhere := func(a *dns.Msg) *dns.Msg {
		for _, rr := range a.Answer {
			if cname, ok := rr.(*dns.CNAME); ok && cname.Hdr.Name == link.Name {
				cname.Target = "evil.nsec3."
			}
		}
		return a
	}
	leave := withoutSignatureOf(link)
	for _, tc := range []struct {
		what  string
		upset func(q, a *dns.Msg) *dns.Msg
		want  dnssec.Reason
		asked int // for the link
	}{
		{what: "no signature either", upset: func(q, a *dns.Msg) *dns.Msg { return leave(newQuestion(".", dns.TypeA, withDO), a) }, want: dnssec.SignatureMissing, asked: 1},
		{what: "another target that is signed wrongly", upset: func(q, a *dns.Msg) *dns.Msg { return leave(q, elsewhere(a)) }, want: dnssec.SignatureInvalid, asked: 1},
		{what: "another target at first", upset: func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Qtype == dns.TypeA && q.Question[0].Name == "one.nsec." {
				a = elsewhere(a)
			}
			return leave(q, a)
		}, asked: 1},
		{what: "an address behind it", upset: func(q, a *dns.Msg) *dns.Msg {
			for _, rr := range a.Answer {
				if address, ok := rr.(*dns.A); ok {
					address.A[3]++
				}
			}
			return leave(q, a)
		}, want: dnssec.SignatureInvalid, asked: 1},
		{what: "the link of another name", upset: func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Name == link.Name && q.Question[0].Qtype == link.Type {
				return w.Answer(newQuestion("one.nsec.", dns.TypeCNAME, withDO))
			}
			return leave(q, a)
		}, want: dnssec.SignatureMissing, asked: 1},
		{what: "refused", upset: func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Name == link.Name && q.Question[0].Qtype == link.Type {
				return refused(a)
			}
			return leave(q, a)
		}, want: dnssec.SignatureMissing, asked: 1},
		{what: "not answered", upset: func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Name == link.Name && q.Question[0].Qtype == link.Type {
				return nil
			}
			return leave(q, a)
		}, want: dnssec.SignatureMissing, asked: 1},
	} {
		w.Intercept(tc.upset)
		w.ResetQuestions()
		r := judged(t, newTestValidator(t, w), "one.nsec.", dns.TypeA)
		if r.Reason != tc.want {
			t.Errorf("%s: %s", tc.what, r)
		}
		if n := asked(w, link.Name, link.Type); n != tc.asked {
			t.Errorf("%s: the link was asked for %d times", tc.what, n)
		}
		if n := askedInAll(w); n > 16 {
			t.Errorf("%s: %d questions: %v", tc.what, n, w.Questions())
		}
	}
}

// TestAskedByTypeBounded: an answer that has many RRsets without signatures takes no more
// questions than any other.
func TestAskedByTypeBounded(t *testing.T) {
	var records []string
	for i := range 100 {
		records = append(records, fmt.Sprintf("www TYPE%d \\# 1 00", 65000+i))
	}
	w := newWorld(t, testzone.Spec{Name: "many.", Algorithm: p256, Records: records})
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype == dns.TypeANY {
			return unsigned(a)
		}
		return a
	})
	m := ask(t, newTestValidator(t, w), "www.many.", dns.TypeANY, withDO)
	if n := askedInAll(w); n > 3+maxQuestions {
		t.Errorf("%d questions\n%v", n, m.MsgHdr)
	}
}

// TestSignedAtZoneCut: a response to a question for NSEC may have those of both sides of a zone
// cut (RFC 4035, section 2.3), in either order, and one of them without signature.
func TestSignedAtZoneCut(t *testing.T) {
	const cut = "cut.example."
	rr := func(signer string, types ...uint16) (*dns.NSEC, *dns.RRSIG) {
		return &dns.NSEC{Hdr: header(cut, dns.TypeNSEC), NextDomain: "a." + signer, TypeBitMap: types},
			&dns.RRSIG{Hdr: header(cut, dns.TypeRRSIG), TypeCovered: dns.TypeNSEC, SignerName: signer, Labels: 2}
	}
	above, sigAbove := rr("example.", dns.TypeNS, dns.TypeRRSIG, dns.TypeNSEC)
	below, sigBelow := rr(cut, dns.TypeNS, dns.TypeSOA, dns.TypeRRSIG, dns.TypeNSEC)
	other := &dns.A{Hdr: header(cut, typeA)}
	for _, tt := range []struct {
		name    string
		section []dns.RR
		want    []string // signers
	}{
		{name: "the parent's", section: []dns.RR{above, sigAbove}, want: []string{"example."}},
		{name: "both", section: []dns.RR{above, sigAbove, below, sigBelow}, want: []string{"example.", cut}},
		{name: "both, the child's first", section: []dns.RR{below, sigBelow, above, sigAbove}, want: []string{cut, "example."}},
		{name: "the first without signature", section: []dns.RR{above, below, sigBelow}, want: []string{cut}},
		{name: "none signed", section: []dns.RR{above, below}},
		{name: "another type", section: []dns.RR{other}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, set := range signedAt(tt.section, question{cut, dns.TypeNSEC}) {
				got = append(got, set.Signers()...)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestReplacedAtZoneCut: of the NSEC RRsets of both sides of a zone cut (RFC 4035, section
// 2.3) a signed one takes the place of its own side only.
func TestReplacedAtZoneCut(t *testing.T) {
	nsec := func(next string, types ...uint16) *dns.NSEC {
		return &dns.NSEC{Hdr: header("cut.example.", dns.TypeNSEC), NextDomain: next, TypeBitMap: types}
	}
	above := nsec("z.example.", dns.TypeNS, dns.TypeRRSIG, dns.TypeNSEC)
	below := nsec("www.cut.example.", dns.TypeNS, dns.TypeSOA, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeDNSKEY)
	signed := func(rr *dns.NSEC, signer string) dnssec.RRset {
		sig := &dns.RRSIG{Hdr: header("cut.example.", dns.TypeRRSIG), TypeCovered: dns.TypeNSEC, SignerName: signer}
		return dnssec.RRset{Name: "cut.example.", Type: dns.TypeNSEC, RRs: []dns.RR{rr}, Sigs: []*dns.RRSIG{sig}}
	}
	parent, child := signed(above, "example."), signed(below, "cut.example.")
	for _, tt := range []struct {
		name    string
		section []dns.RR
		signed  []dnssec.RRset
		want    []dns.RR // nil: nothing is replaced
	}{
		{name: "the parent's by the child's", section: []dns.RR{above}, signed: []dnssec.RRset{child}},
		{name: "the child's by the parent's", section: []dns.RR{below}, signed: []dnssec.RRset{parent}},
		{name: "the child's beside the parent's", section: []dns.RR{above, below}, signed: []dnssec.RRset{child}, want: []dns.RR{above, below, child.Sigs[0]}},
		{name: "the parent's beside the child's", section: []dns.RR{below, above}, signed: []dnssec.RRset{parent}, want: []dns.RR{below, above, parent.Sigs[0]}},
		{name: "both", section: []dns.RR{below, above}, signed: []dnssec.RRset{parent, child}, want: []dns.RR{below, child.Sigs[0], above, parent.Sigs[0]}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, found := replacedBy(tt.section, tt.signed)
			want := tt.want
			if want == nil {
				want = tt.section
			}
			if found != (tt.want != nil) || !slices.EqualFunc(got, want, func(a, b dns.RR) bool { return a.String() == b.String() }) {
				t.Errorf("found %t: %v\nwant %v", found, got, want)
			}
		})
	}
}
