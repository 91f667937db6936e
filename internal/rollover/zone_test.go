package rollover

import (
	"testing"

	"github.com/miekg/dns"
)

// TestNew checks the initial trust anchors of a zone.
func TestNew(t *testing.T) {
	a, b := newTestKey(t, "example."), newTestKey(t, "example.")
	sha1, sha256, sha384 := a.rr.ToDS(dns.SHA1), a.rr.ToDS(dns.SHA256), a.rr.ToDS(dns.SHA384)
	for _, tt := range []struct {
		name    string
		zone    string
		anchors []*dns.DS
		want    []*dns.DS
	}{
		{"one", "example.", []*dns.DS{sha256}, []*dns.DS{sha256}},
		{"the zone in capitals", "EXAMPLE", []*dns.DS{sha256}, []*dns.DS{sha256}},
		{"twice", "example.", []*dns.DS{sha256, sha256}, []*dns.DS{sha256}},
		{"the strongest", "example.", []*dns.DS{sha1, sha384, sha256}, []*dns.DS{sha384}},
		{"SHA-1 alone", "example.", []*dns.DS{sha1}, []*dns.DS{sha1}},
		{"SHA-1 of another key", "example.", []*dns.DS{b.rr.ToDS(dns.SHA1), sha256}, []*dns.DS{sha256}},
		{"two keys", "example.", []*dns.DS{sha256, b.ds()}, []*dns.DS{sha256, b.ds()}},
		{"none", "example.", nil, nil},
		{"of another zone", ".", []*dns.DS{sha256}, nil},
		{"no name", "a..b.", []*dns.DS{sha256}, nil},
		{"a space in the name", `a\ b.`, []*dns.DS{sha256}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			z, err := New(tt.zone, tt.anchors)
			if (err != nil) != (tt.want == nil) {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			got := z.Anchors()
			if len(got) != len(tt.want) || len(z.States()) != len(got) || z.Deleted() {
				t.Fatalf("anchors %v", got)
			}
			for i := range got {
				if !sameDS(got[i], tt.want[i]) || z.States()[i].State != Valid || z.States()[i].KeyTag != tt.want[i].KeyTag {
					t.Errorf("anchor %v, want %v", got[i], tt.want[i])
				}
			}
		})
	}
}

// TestClone checks that an Update does not change a clone.
func TestClone(t *testing.T) {
	a := newTestKey(t, "example.")
	z, err := New("example.", []*dns.DS{a.ds()})
	must(t, err)
	c := z.Clone()
	_, f := z.Update(start, dnskeySet{keys: keys(a), signers: keys(a)}.set(t, "example.", start), strictPolicy)
	if f != nil || c.Keys[0].DNSKEY != nil || !c.LastTry.IsZero() || z.Keys[0].DNSKEY == nil {
		t.Errorf("%v, %+v", f, c)
	}
}
