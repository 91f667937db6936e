package dnssec

import (
	"bytes"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// loweredRDATA has a record of each type whose names are converted to lower case (RFC
// 4034, section 6.2), except those of TestLowerNamesOfRareTypes.
var loweredRDATA = []string{
	"example. 300 NS Ns.Example.", "w.example. 300 MD Md.Example.", "w.example. 300 MF Mf.Example.",
	"w.example. 300 CNAME C.Example.", "example. 300 SOA Ns.Example. Host.Example. 1 2 3 4 5",
	"w.example. 300 MB Mb.Example.", "w.example. 300 MG Mg.Example.", "w.example. 300 MR Mr.Example.",
	"w.example. 300 PTR Ptr.Example.", "w.example. 300 MINFO R.Example. E.Example.",
	"w.example. 300 MX 10 Mail.Example.", "w.example. 300 RP Mbox.Example. Txt.Example.",
	"w.example. 300 AFSDB 1 Afs.Example.", "w.example. 300 RT 10 Rt.Example.",
	"w.example. 300 PX 10 Map.Example. X400.Example.", "w.example. 300 KX 10 Kx.Example.",
	`w.example. 300 NAPTR 1 2 "U" "E2U+Sip" "!^.*$!sip:Info@Other.Com!" Re.Example.`,
	`w.example. 300 NAPTR 1 2 "" "" "" Re.Example.`,
	"w.example. 300 SRV 1 2 443 Srv.Example.", "w.example. 300 DNAME D.Example.",
}

// unchangedRDATA has records of types whose RDATA is signed unchanged.
var unchangedRDATA = []string{
	"w.example. 300 A 192.0.2.1", "w.example. 300 AAAA 2001:DB8::1",
	`w.example. 300 TXT "Some Text" "AND More"`, `w.example. 300 HINFO "CPU" "Os"`, `w.example. 300 SPF "V=spf1 -All"`,
	`w.example. 300 CAA 0 issue "Ca.Example"`, `w.example. 300 URI 10 1 "https://Example.Com/Path"`,
	"w.example. 300 SVCB 1 Svc.Example. alpn=H2,h3 port=8443 ipv4hint=192.0.2.1", "w.example. 300 HTTPS 0 Svc.Example.",
	"w.example. 300 NSEC Next.Example. A MX RRSIG NSEC TYPE1234", "w.example. 300 LP 10 L64.Example.",
	"w.example. 300 TALINK Prev.Example. Next.Example.", "w.example. 300 NSAP-PTR Ptr.Example.",
	"w.example. 300 SSHFP 4 2 AABBCC", "w.example. 300 TLSA 3 1 1 AABBCC", "w.example. 300 SMIMEA 3 1 1 AABBCC",
	"w.example. 300 OPENPGPKEY mDMEWjxRMBY=", "w.example. 300 DS 1 13 2 AABBCC", "w.example. 300 CDS 0 0 0 00",
	"w.example. 300 CDNSKEY 257 3 13 AAAA", "w.example. 300 CSYNC 1 3 A NS", "w.example. 300 NSEC3PARAM 1 0 0 -",
	"w.example. 300 CERT 1 2 3 AAAA", "w.example. 300 DHCID AAAA", "w.example. 300 LOC 52 22 23.000 N 4 53 32.000 E -2.00m 1m 10000m 10m",
	"w.example. 300 IPSECKEY 10 3 2 Gw.Example. AAAA", "w.example. 300 AMTRELAY 10 0 3 Relay.Example.",
	"w.example. 300 HIP 2 200100107B1A74DF365639CC39F1D578 AwEA Rvs.Example.", "w.example. 300 EUI48 00-00-5e-00-53-2a",
	"w.example. 300 EUI64 00-00-5e-ef-10-00-00-2a", "w.example. 300 NID 10 0014:4fff:ff20:ee64", "w.example. 300 L32 10 192.0.2.1",
	"w.example. 300 APL 1:192.0.2.0/24 !2:2001:db8::/32", "w.example. 300 NINFO Zs", "w.example. 300 X25 311061700956",
	`w.example. 300 ISDN "150862028003217" "004"`, "w.example. 300 ZONEMD 1 1 1 " + strings.Repeat("AB", 48),
	`w.example. 300 TYPE65280 \# 5 0141424300`, `w.example. 300 TYPE65281 \# 0`, "w.example. 300 RKEY 0 0 1 AAAA",
	`w.example. 300 TXT "` + strings.Repeat(`\000`, 255) + `"`, `a\.b.w.example. 300 MX 1 \000\255\\\..Example.`,
}

// TestCanonicalRDATA verifies records with upper case letters that miekg/dns signed.
func TestCanonicalRDATA(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	for _, line := range append(append([]string(nil), loweredRDATA...), unchangedRDATA...) {
		t.Run(line[:min(len(line), 50)], func(t *testing.T) {
			set := z.set(t, []string{line})
			if _, f := verifierAt(now).Authenticate(set, z.keys); f != nil {
				t.Error(f)
			}
		})
	}
}

// TestCanonicalCase changes the case of letters after signing. The signature has to
// stay valid only where RFC 4034, section 6.2, and RFC 6840, section 5.1, say so.
func TestCanonicalCase(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	for _, tt := range []struct {
		lines []string
		want  bool
	}{{lines: loweredRDATA, want: true}, {lines: []string{
		"w.example. 300 NSEC next.example. A", "w.example. 300 LP 10 l64.example.", "w.example. 300 TALINK prev.example. next.example.",
		"w.example. 300 SVCB 1 svc.example.", `w.example. 300 TXT "text"`, `w.example. 300 HINFO "cpu" "os"`, "w.example. 300 IPSECKEY 10 3 2 gw.example. AAAA",
	}}} {
		for _, line := range tt.lines {
			set := z.set(t, []string{line})
			set.Name = strings.ToLower(set.Name)
			other := upperNames(t, set.RRs[0])
			set.RRs = []dns.RR{other}
			if _, f := verifierAt(now).Authenticate(set, z.keys); (f == nil) != tt.want {
				t.Errorf("%s as %s: %v, want authentic: %v", line, other, f, tt.want)
			}
		}
	}
}

// upperNames changes the case of some letters in the last field of the record.
func upperNames(t *testing.T, rr dns.RR) dns.RR {
	t.Helper()
	text := rr.String()
	i := strings.LastIndex(text, "\t")
	changed := strings.NewReplacer("example", "eXaMpLe", "Example", "eXAMPLE", "text", "Text", "cpu", "Cpu").Replace(text[i:])
	if changed == text[i:] {
		t.Fatalf("%s has nothing to change", text)
	}
	return records(t, text[:i]+changed)[0]
}

// TestOptionalRDATA: the subaddress of an ISDN record is optional (RFC 1183, section 3.2), and
// miekg/dns packs an empty one. What was on the wire is signed.
func TestOptionalRDATA(t *testing.T) {
	z := newTestZone(t, "example.", dns.ED25519)
	m := &dns.Msg{Answer: z.signed(t, []dns.RR{&dns.RFC3597{Hdr: dns.RR_Header{Name: "w.example.", Rrtype: dns.TypeISDN, Class: dns.ClassINET, Ttl: 300}, Rdata: "03616263"}})}
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Unpack(wire); err != nil {
		t.Fatal(err)
	}
	if _, f := verifierAt(now).Authenticate(GroupRRsets(m.Answer)[0], z.keys); f != nil {
		t.Errorf("%v: %v", m.Answer, f)
	}
}

// TestLowerNamesOfRareTypes checks types that miekg/dns does not convert when it
// signs, and RDATA that is truncated.
func TestLowerNamesOfRareTypes(t *testing.T) {
	fixed := strings.Repeat("\xff", 18)
	for _, tt := range []struct {
		name       string
		rrtype     uint16
		wire, want string
	}{
		{name: "NXT", rrtype: dns.TypeNXT, wire: "\x01A\x02BC\x00\x40A", want: "\x01a\x02bc\x00\x40A"},
		{name: "RRSIG", rrtype: dns.TypeRRSIG, wire: fixed + "\x02AB\x00ABC", want: fixed + "\x02ab\x00ABC"},
		{name: "SIG", rrtype: dns.TypeSIG, wire: fixed + "\x02AB\x00ABC", want: fixed + "\x02ab\x00ABC"},
		{name: "A6", rrtype: typeA6, wire: "\x40AAAAAAAA\x02BC\x00", want: "\x40AAAAAAAA\x02bc\x00"},
		{name: "A6, odd prefix", rrtype: typeA6, wire: "\x7fA\x01B\x00", want: "\x7fA\x01b\x00"},
		{name: "A6, whole prefix", rrtype: typeA6, wire: "\x80\x01B\x00", want: "\x80\x01b\x00"},
		{name: "A6 without name", rrtype: typeA6, wire: "\x00AAAAAAAAAAAAAAAA", want: "\x00AAAAAAAAAAAAAAAA"},
		{name: "A6, senseless prefix", rrtype: typeA6, wire: "\x81\x01B\x00", want: "\x81\x01B\x00"},
		{name: "empty A6", rrtype: typeA6, wire: "", want: ""},
		{name: "NSEC", rrtype: dns.TypeNSEC, wire: "\x01A\x00AB", want: "\x01A\x00AB"},
		{name: "SOA cut short", rrtype: dns.TypeSOA, wire: "\x01A", want: "\x01a"},
		{name: "NAPTR cut short", rrtype: dns.TypeNAPTR, wire: "\x00\x00\x00\x00\x09A", want: "\x00\x00\x00\x00\x09A"},
		{name: "empty MX", rrtype: dns.TypeMX, wire: "", want: ""},
	} {
		rdata := []byte(tt.wire)
		if lowerRDATANames(tt.rrtype, rdata); !bytes.Equal(rdata, []byte(tt.want)) {
			t.Errorf("%s: got %q, want %q", tt.name, rdata, tt.want)
		}
	}
}
