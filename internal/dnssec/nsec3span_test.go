package dnssec

import (
	"bytes"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestNSEC3Hash checks the hashes in RFC 5155, appendix A.
func TestNSEC3Hash(t *testing.T) {
	c := &nsec3Records{nsec3Parameters: nsec3Parameters{salt: []byte{0xaa, 0xbb, 0xcc, 0xdd}, iterations: 12}, budget: NewBudget(nil)}
	for name, want := range map[string]string{
		"example.": "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "a.example.": "35mthgpgcu1qg68fab165klnsnk3dpvl",
		"ai.example.": "gjeqe526plbf1g8mklp59enfd789njgi", "ns1.example.": "2t7b4g4vsa5smi47k61mv5bv1a22bojr",
		"ns2.example.": "q04jkcevqvmu85r014c7dkba38o0ji5r", "w.example.": "k8udemvp1j2f7eg6jebps17vp3n8i58h",
		"*.w.example.": "r53bq7cc2uvmubfu5ocmm6pers9tk9en", "x.w.example.": "b4um86eghhds6nea196smvmlo4ors995",
		"y.w.example.": "ji6neoaepv8b5o6k4ev33abha8ht9fgc", "x.y.w.example.": "2vptu5timamqttgl4luu9kg21e0aor3s",
		"xx.example.": "t644ebqk9bibcna874givr6joj62mlhv", "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.": "kohar7mbb8dc2ce8a9qvl8hon4k53uhi",
	} {
		h, f := c.hash(name)
		if f != nil {
			t.Fatal(f)
		}
		if got := strings.ToLower(base32hex.EncodeToString(h[:])); got != want {
			t.Errorf("the hash of %s is %s, want %s", name, got, want)
		}
	}
}

// TestNSEC3Covers checks hashes around both ends of a span, of the last span and of a
// single one.
func TestNSEC3Covers(t *testing.T) {
	h := func(b byte) nsec3Hash { return nsec3Hash(bytes.Repeat([]byte{b}, 20)) }
	tests := []struct {
		name        string
		owner, next byte
		covered     map[byte]bool
	}{
		{name: "between", owner: 10, next: 20, covered: map[byte]bool{0: false, 9: false, 10: false, 11: true, 19: true, 20: false, 21: false, 255: false}},
		{name: "last", owner: 200, next: 20, covered: map[byte]bool{0: true, 19: true, 20: false, 21: false, 199: false, 200: false, 201: true, 255: true}},
		{name: "only", owner: 100, next: 100, covered: map[byte]bool{0: true, 99: true, 100: false, 101: true, 255: true}},
		{name: "from the first hash", owner: 0, next: 255, covered: map[byte]bool{0: false, 1: true, 254: true, 255: false}},
		{name: "to the first hash", owner: 255, next: 0, covered: map[byte]bool{0: false, 1: false, 254: false, 255: false}},
	}
	for _, tt := range tests {
		r := nsec3Record{owner: h(tt.owner), next: h(tt.next)}
		for b, want := range tt.covered {
			if got := r.covers(h(b)); got != want {
				t.Errorf("%s: covers %d: %v", tt.name, b, got)
			}
		}
	}
}

// TestNSECSpans checks which record of a zone covers a name.
func TestNSECSpans(t *testing.T) {
	chain := nsecRecords{zone: "example.", records: []nsecRecord{
		{owner: "example.", next: "a.example."}, {owner: "a.example.", next: "b.c.example."},
		{owner: "b.c.example.", next: `\200.example.`}, {owner: `\200.example.`, next: "example."},
	}}
	for name, owner := range map[string]string{
		"*.example.": "example.", `\000.example.`: "example.", "x.a.example.": "a.example.", "b.example.": "a.example.", "c.example.": "a.example.",
		"a.c.example.": "a.example.", "a.b.c.example.": "b.c.example.", "c.c.example.": "b.c.example.", "z.example.": "b.c.example.",
		`\201.example.`: `\200.example.`, `a.\200.example.`: `\200.example.`,
	} {
		r, ok := chain.cover(name)
		if _, matched := chain.match(name); !ok || matched || r.owner != owner {
			t.Errorf("%s is covered by %q, want %q", name, r.owner, owner)
		}
	}
	for _, r := range chain.records {
		if _, ok := chain.match(r.owner); !ok {
			t.Errorf("%s is not matched", r.owner)
		}
		if c, ok := chain.cover(r.owner); ok {
			t.Errorf("%s is covered by %s", r.owner, c.owner)
		}
	}
	for _, name := range []string{"other.", ".", "notexample.", "zz.", `x\.example.`} {
		if r, ok := chain.cover(name); ok {
			t.Errorf("%s is covered by %s", name, r.owner)
		}
	}
	// A record whose next name sorts before its owner name covers nothing.
	backwards := nsecRecords{zone: "example.", records: []nsecRecord{{typeBitMap: typeBitMap{dns.TypeA}, owner: "m.example.", next: "c.example."}}}
	for _, name := range []string{"a.example.", "d.example.", "z.example."} {
		if _, ok := backwards.cover(name); ok {
			t.Errorf("%s is covered backwards", name)
		}
	}
}
