package differential

import (
	"testing"

	"github.com/miekg/dns"
)

// TestTouches checks that a defect touches a question if it changes the answer,
// the answer for the target of an alias, or the authentication chain.
func TestTouches(t *testing.T) {
	for _, tt := range []struct {
		name     string
		defect   Defect
		question Question
		want     bool
	}{
		{name: "the RRset itself", defect: Defect{Kind: "expired", Zone: "a", Name: "www.a", Type: dns.TypeA}, question: Question{Name: "www.a", Type: dns.TypeA}, want: true},
		{name: "another RRset", defect: Defect{Kind: "expired", Zone: "a", Name: "www.a", Type: dns.TypeA}, question: Question{Name: "a", Type: dns.TypeSOA}},
		{name: "the target of an alias", defect: Defect{Kind: "expired", Zone: "a", Name: "www.a", Type: dns.TypeA}, question: Question{Name: "alias", Type: dns.TypeA}, want: true},
		{name: "an alias that is asked for", defect: Defect{Kind: "expired", Zone: "a", Name: "www.a", Type: dns.TypeA}, question: Question{Name: "alias", Type: dns.TypeCNAME}},
		{name: "the keys", defect: Defect{Kind: "KSK revoked", Zone: "a"}, question: Question{Name: "www.a", Type: dns.TypeA}, want: true},
		{name: "the DS", defect: Defect{Kind: "DS digest wrong", Zone: "a"}, question: Question{Name: "no.a", Type: dns.TypeA}, want: true},
		{name: "the keys of another zone", defect: Defect{Kind: "KSK revoked", Zone: "c.in"}, question: Question{Name: "www.a", Type: dns.TypeA}},
		{name: "an edit", defect: Defect{Kind: "answer emptied", Zone: "a", Name: "www.a", Type: dns.TypeA}, question: Question{Name: "www.a", Type: dns.TypeA}, want: true},
		{name: "an edit of a chain", defect: Defect{Kind: "DS unavailable", Zone: "a"}, question: Question{Name: "www.a", Type: dns.TypeA}, want: true},
		{name: "an edit elsewhere", defect: Defect{Kind: "answer emptied", Zone: "b", Name: "www.b", Type: dns.TypeA}, question: Question{Name: "www.a", Type: dns.TypeA}},
		{name: "a name above that is denied", defect: Defect{Kind: "NXDOMAIN said", Zone: "a", Name: "a", Type: dns.TypeNS}, question: Question{Name: "www.a", Type: dns.TypeA}, want: true},
		{name: "a name beside that is denied", defect: Defect{Kind: "NXDOMAIN said", Zone: "a", Name: "a", Type: dns.TypeNS}, question: Question{Name: "www.c.in", Type: dns.TypeA}},
		{name: "none", question: Question{Name: "www.a", Type: dns.TypeA}},
	} {
		p := smallPlan()
		p.Defect, p.Questions = tt.defect, []Question{tt.question}
		if got := newBatch(t, p).Touches(p, tt.question); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
