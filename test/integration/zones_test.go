//go:build integration && linux

package integration

import (
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// zone is one zone of the world: how it is signed, and what is wrong with it.
type zone struct {
	name      string                   // fully qualified
	algorithm string                   // as named by dnssec-keygen; "" leaves the zone unsigned
	signzone  []string                 // options of dnssec-signzone; the default is NSEC
	second    string                   // a second algorithm
	bits      string                   // size of RSA keys; default 2048
	digest    string                   // digest of the DS as named by dnssec-dsfromkey; default SHA-256
	csk       bool                     // one key signs everything
	records   string                   // in addition to the content of every zone
	ds        func(set string) string  // edits the DS RRset that the parent publishes
	damage    func(file string) string // edits the signed zone file
	unserved  bool                     // delegated, but its server doesn't have it
	status    string                   // expected status of its SOA
}

// The status of a zone's SOA.
const (
	secure   = "secure"   // NOERROR with AD
	insecure = "insecure" // NOERROR without AD
	failing  = "failing"  // SERVFAIL
)

var (
	nsec3       = []string{"-3", "-", "-H", "0"}
	nsec3Salted = []string{"-3", "beef", "-H", "5"}
	optOut      = []string{"-3", "-", "-H", "0", "-A"}
)

// content has the records of every zone below the top-level domains.
const content = `
@         A      192.0.2.1
@         MX     10 mail
@         TXT    "apex"
mail      A      192.0.2.25
www       A      192.0.2.2
www       AAAA   2001:db8::2
MiXeD     A      192.0.2.3
a.b.ent   A      192.0.2.4
*.wild    A      192.0.2.5
*.wild    TXT    "wildcard"
exact.wild A     192.0.2.6
*.walias  CNAME  www
alias     CNAME  www
twice     CNAME  alias
dangling  CNAME  nothing
`

// crossings has aliases to zones of each status.
const crossings = `
to-nsec     CNAME  www.nsec13.example.
to-nsec3    CNAME  www.nsec3-13.example.
to-insecure CNAME  www.plain.example.
to-expired  CNAME  www.expired.example.
to-tampered CNAME  www.tampered.example.
to-name-error CNAME nothing.nsec3-15.example.
to-nodata   CNAME  b.ent.nsec3-8.example.
to-wildcard CNAME  a.wild.nsec8.example.
to-far      CNAME  to-insecure.nsec3-8.example.
d-nsec3     DNAME  nsec3-13.example.
d-insecure  DNAME  plain.example.
d-expired   DNAME  expired.example.
`

// world lists all zones. A zone's parent is the closest zone above it.
var world = []zone{
	{name: ".", algorithm: "RSASHA256", status: secure},
	{name: "example.", algorithm: "ECDSAP256SHA256", status: secure},
	{name: "thin.", algorithm: "RSASHA256", signzone: optOut, status: secure},
	{name: "bare.", status: insecure},

	{name: "nsec8.example.", algorithm: "RSASHA256", records: crossings, status: secure},
	{name: "nsec10.example.", algorithm: "RSASHA512", status: secure},
	{name: "nsec13.example.", algorithm: "ECDSAP256SHA256", records: crossings, status: secure},
	{name: "nsec14.example.", algorithm: "ECDSAP384SHA384", status: secure},
	{name: "nsec15.example.", algorithm: "ED25519", status: secure},
	{name: "nsec16.example.", algorithm: "ED448", status: secure},
	{name: "nsec3-8.example.", algorithm: "RSASHA256", signzone: nsec3, records: crossings, status: secure},
	{name: "nsec3-13.example.", algorithm: "ECDSAP256SHA256", signzone: nsec3Salted, status: secure},
	{name: "nsec3-15.example.", algorithm: "ED25519", signzone: nsec3, status: secure},
	{name: "optout.example.", algorithm: "ECDSAP256SHA256", signzone: optOut, records: crossings, status: secure},
	{name: "csk.example.", algorithm: "ECDSAP256SHA256", csk: true, status: secure},

	{name: "two.example.", algorithm: "RSASHA256", second: "ECDSAP256SHA256", status: secure},
	{name: "big.example.", algorithm: "RSASHA512", bits: "4096", signzone: nsec3, status: secure}, // needs TCP
	{name: "costly.example.", algorithm: "ECDSAP256SHA256", signzone: []string{"-3", "beef", "-H", "50"}, status: secure},
	{name: "sha1.example.", algorithm: "ECDSAP256SHA256", digest: "SHA-1", status: secure},
	{name: "sha384.example.", algorithm: "ECDSAP256SHA256", digest: "SHA-384", status: secure},
	{name: "standby.example.", algorithm: "ECDSAP256SHA256", ds: withExtraDS(otherKey), status: secure},

	{name: "plain.example.", records: crossings, status: insecure},
	{name: "island.example.", algorithm: "ECDSAP256SHA256", ds: noDS, status: insecure},
	{name: "newalg.example.", algorithm: "ECDSAP256SHA256", ds: unknownAlgorithm, status: insecure},
	{name: "newdigest.example.", algorithm: "ECDSAP256SHA256", ds: unknownDigest, status: insecure},

	{name: "expired.example.", algorithm: "ECDSAP256SHA256", signzone: valid(-30, -2), status: failing},
	{name: "early.example.", algorithm: "ED25519", signzone: append(valid(2, 30), nsec3...), status: failing},
	{name: "wrongds.example.", algorithm: "ECDSAP256SHA256", ds: wrongDigest, status: failing},
	{name: "downgrade.example.", algorithm: "ECDSAP256SHA256", digest: "SHA-1", ds: withExtraDS(wrongSHA256), status: failing},
	{name: "unsigned.example.", algorithm: "ECDSAP256SHA256", damage: dropTypes("RRSIG", "NSEC", "DNSKEY"), status: failing},
	{name: "nosigs.example.", algorithm: "ECDSAP256SHA256", damage: dropTypes("RRSIG"), status: failing},
	{name: "lame.example.", algorithm: "ECDSAP256SHA256", unserved: true, status: failing},
	{name: "tampered.example.", algorithm: "ECDSAP256SHA256", damage: replace("192.0.2.2", "192.0.2.66"), status: secure},
	{name: "tampered3.example.", algorithm: "RSASHA256", signzone: nsec3, damage: replace("192.0.2.2", "192.0.2.66"), status: secure},
	{name: "nodenial.example.", algorithm: "ECDSAP256SHA256", damage: dropDenial, status: secure},
	{name: "nodenial3.example.", algorithm: "ED25519", signzone: nsec3, damage: dropTypes("NSEC3"), status: secure},

	{name: "child.nsec13.example.", algorithm: "ED25519", signzone: nsec3, status: secure},
	{name: "bare.nsec13.example.", status: insecure},
	{name: "child.nsec3-13.example.", algorithm: "RSASHA256", status: secure},
	{name: "bare.nsec3-13.example.", status: insecure},
	{name: "child.optout.example.", algorithm: "ECDSAP256SHA256", status: secure},
	{name: "bare.optout.example.", status: insecure},
	{name: "child.plain.example.", algorithm: "ECDSAP256SHA256", status: insecure},
	{name: "signed.thin.", algorithm: "ECDSAP256SHA256", signzone: nsec3, status: secure},
	{name: "bare.thin.", status: insecure},
	{name: "www.bare.", status: insecure},
}

// valid returns options for a validity period, in days from now.
func valid(from, until int) []string {
	day := func(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format("20060102150405") }
	return []string{"-s", day(from), "-e", day(until), "-P"} // -P: don't verify the zone
}

func noDS(string) string { return "" }

func unknownAlgorithm(set string) string { return editDS(set, func(ds *dns.DS) { ds.Algorithm = 200 }) }

func unknownDigest(set string) string { return editDS(set, func(ds *dns.DS) { ds.DigestType = 200 }) }

func wrongDigest(set string) string {
	return editDS(set, func(ds *dns.DS) { ds.Digest = strings.Repeat("ab", len(ds.Digest)/2) })
}

// withExtraDS keeps the DS RRset and adds an edited copy to it.
func withExtraDS(edit func(*dns.DS)) func(string) string {
	return func(set string) string { return set + editDS(set, edit) }
}

// otherKey changes the DS RR to that of an unknown key.
func otherKey(ds *dns.DS) { ds.KeyTag++ }

// wrongSHA256 makes a wrong SHA-256 digest. Validators ignore SHA-1 then (RFC
// 4509, section 3).
func wrongSHA256(ds *dns.DS) { ds.DigestType, ds.Digest = dns.SHA256, strings.Repeat("ab", 32) }

func editDS(set string, edit func(*dns.DS)) string {
	var b strings.Builder
	for zp := dns.NewZoneParser(strings.NewReader(set), ".", ""); ; {
		rr, ok := zp.Next()
		if !ok {
			return b.String()
		}
		edit(rr.(*dns.DS))
		fmt.Fprintln(&b, rr)
	}
}

// dropTypes removes the records of the given types. RRSIG means all signatures;
// otherwise signatures are kept.
func dropTypes(types ...string) func(string) string {
	return editLines(func(line string) string {
		fields := strings.Fields(line)
		for _, t := range types {
			if len(fields) > 3 && fields[3] == t {
				return ""
			}
		}
		return line
	})
}

// dropDenial removes all NSEC records except that of the apex, without which
// named considers the zone unsigned.
func dropDenial(file string) string {
	return editLines(func(line string) string {
		if strings.Contains(line, "IN NSEC\t") && !strings.Contains(line, " SOA ") {
			return ""
		}
		return line
	})(file)
}

// replace changes the data of the records that end in old.
func replace(old, with string) func(string) string {
	return editLines(func(line string) string {
		if head, ok := strings.CutSuffix(line, "\t"+old); ok {
			return head + "\t" + with
		}
		return line
	})
}

func editLines(edit func(string) string) func(string) string {
	return func(file string) string {
		var b strings.Builder
		for line := range strings.Lines(file) {
			fmt.Fprintln(&b, edit(strings.TrimRight(line, "\n")))
		}
		return b.String()
	}
}

// deepest is the maximum depth of a zone.
const deepest = 3

// depth returns the number of labels, which selects the server of the zone.
func (z zone) depth() int { return dns.CountLabel(z.name) }

// delegations returns the zones whose parent is z.
func (z zone) delegations() []zone {
	var list []zone
	for _, c := range world {
		if c.name != "." && parentOf(c).name == z.name {
			list = append(list, c)
		}
	}
	return list
}

func parentOf(z zone) zone {
	parent := world[0]
	for _, p := range world {
		if p.name != z.name && dns.IsSubDomain(p.name, z.name) && p.depth() > parent.depth() {
			parent = p
		}
	}
	return parent
}

// source returns the zone file before signing.
func (z zone) source() string {
	var b strings.Builder
	fmt.Fprintf(&b, "$ORIGIN %s\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n", z.name)
	fmt.Fprintf(&b, "@ NS ns\nns A %s\n", nowhere)
	if z.depth() > 1 {
		b.WriteString(content)
	}
	b.WriteString(z.records)
	for _, c := range z.delegations() {
		fmt.Fprintf(&b, "%s NS ns.%[1]s\nns.%[1]s A %s\n", c.name, nowhere)
	}
	return b.String()
}
