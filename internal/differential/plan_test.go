package differential

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestGenerate checks that a seed always gives the same plans, that seeds
// differ, and that plans of every kind can be built.
func TestGenerate(t *testing.T) {
	var plans []*Plan
	for number := range uint64(40) {
		p := Generate(7, number, 20, "")
		if again := Generate(7, number, 20, ""); again.String() != p.String() || !slices.Equal(again.Questions, p.Questions) {
			t.Errorf("world %d is not reproducible", number)
		}
		if other := Generate(8, number, 20, ""); strings.ReplaceAll(other.String(), other.Top, p.Top) == p.String() {
			t.Errorf("world %d is the same for another seed", number)
		}
		if len(p.Questions) != 20 {
			t.Errorf("world %d has %d questions", number, len(p.Questions))
		}
		plans = append(plans, p)
	}
	b := newBatch(t, plans...)
	left, answers := 0, make(map[int]int)
	for _, p := range plans {
		if p.Defect.Kind != "" {
			left++
		}
		for _, q := range p.Questions {
			answers[answer(b, p, q).Rcode]++
		}
	}
	if left < 25 {
		t.Errorf("only %d of 40 worlds have a defect", left)
	}
	if answers[dns.RcodeSuccess] < 300 || answers[dns.RcodeNameError] < 50 || answers[dns.RcodeServerFailure] > 20 {
		t.Errorf("response codes: %v", answers)
	}
}

// TestKinds checks that each kind of defect can be applied to some world.
func TestKinds(t *testing.T) {
	for _, kind := range Kinds() {
		found := false
		for number := uint64(0); number < 40 && !found; number++ {
			p := Generate(1, number, 1, kind)
			newBatch(t, p)
			found = p.Defect.Kind == kind
		}
		if !found {
			t.Errorf("%s: it applies to no world", kind)
		}
	}
}

func newBatch(t *testing.T, plans ...*Plan) *Batch {
	t.Helper()
	b, err := NewBatch(time.Now(), plans)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// answer returns the answer of the upstream, including edits.
func answer(b *Batch, p *Plan, q Question) *dns.Msg {
	m := new(dns.Msg).SetQuestion(p.absolute(q.Name), q.Type).SetEdns0(1232, true)
	return b.edit(m, b.World.Answer(m))
}

// smallPlan returns a small fixed plan.
func smallPlan() *Plan {
	signed := func(name string, records ...string) Zone {
		return Zone{Name: name, Algorithm: dns.ECDSAP256SHA256, DS: []uint8{dns.SHA256}, Phase: steady, Records: records}
	}
	return &Plan{Top: "top", Zones: []Zone{
		signed("", "alias CNAME www.a.TOP.", "*.wild A 192.0.2.6"),
		signed("a", "www A 192.0.2.1", "dn DNAME c.in.TOP."),
		{Name: "b", Records: []string{"www A 192.0.2.2"}},
		signed("c.in", "www A 192.0.2.3"),
	}}
}

// TestEdits checks the answer after each edit.
func TestEdits(t *testing.T) {
	p := smallPlan()
	b := newBatch(t, p)
	for _, tt := range []struct {
		kind, zone, name string
		qtype            uint16
		want             func(m *dns.Msg) bool
	}{
		{"answer emptied", "a", "www.a", dns.TypeA, func(m *dns.Msg) bool { return len(m.Answer) == 0 }},
		{"NXDOMAIN said", "a", "www.a", dns.TypeA, func(m *dns.Msg) bool { return m.Rcode == dns.RcodeNameError && len(m.Answer) == 2 }},
		{"SERVFAIL said", "a", "www.a", dns.TypeA, func(m *dns.Msg) bool { return m.Rcode == dns.RcodeServerFailure && len(m.Answer) == 0 }},
		{"SOA dropped", "a", "no.a", dns.TypeA, func(m *dns.Msg) bool { return count(m.Ns, dns.TypeSOA) == 0 && count(m.Ns, dns.TypeNSEC) > 0 }},
		{"signatures of the authority dropped", "a", "no.a", dns.TypeA, func(m *dns.Msg) bool {
			return m.Ns != nil && !slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeRRSIG })
		}},
		{"many denials added", "a", "www.a", dns.TypeA, func(m *dns.Msg) bool { return count(m.Ns, dns.TypeNSEC) > 4 }},
		{"records twice", "a", "www.a", dns.TypeA, func(m *dns.Msg) bool { return len(m.Answer) == 4 }},
		{"target left out", "", "alias", dns.TypeA, func(m *dns.Msg) bool { return len(m.Answer) == 2 && m.Answer[0].Header().Rrtype == dns.TypeCNAME }},
		{"DNAME left out", "a", "www.dn.a", dns.TypeA, func(m *dns.Msg) bool {
			return count(m.Answer, dns.TypeDNAME) == 0 && count(m.Answer, dns.TypeCNAME) == 1
		}},
		{"synthesized CNAME left out", "a", "www.dn.a", dns.TypeA, func(m *dns.Msg) bool {
			return count(m.Answer, dns.TypeDNAME) == 2 && count(m.Answer, dns.TypeCNAME) == 0 && count(m.Answer, dns.TypeA) == 2
		}},
		{"synthesized CNAME changed", "a", "www.dn.a", dns.TypeA, func(m *dns.Msg) bool { return strings.Contains(m.String(), "CNAME\tmulti.a.top.") }},
		{"owner names in capitals", "a", "www.a", dns.TypeA, func(m *dns.Msg) bool { return m.Answer[0].Header().Name == "WWW.A.TOP." }},
		{"NXDOMAIN of another name", "a", "www.a", dns.TypeA, func(m *dns.Msg) bool { return m.Rcode == dns.RcodeNameError && len(m.Ns) > 0 }},
		{"expansion of a wildcard", "", "www", dns.TypeA, func(m *dns.Msg) bool { return m.Answer[0].Header().Name == "www.top." && len(m.Ns) > 0 }},
		{"NODATA by the NSEC of a delegation", "a", "www.a", dns.TypeA, func(m *dns.Msg) bool {
			return len(m.Answer) == 0 && m.Ns[0].Header().Name == "top." && m.Ns[2].Header().Name == "a.top."
		}},
		{"DNSKEY unavailable", "a", "a", dns.TypeDNSKEY, func(m *dns.Msg) bool { return m.Rcode == dns.RcodeServerFailure }},
		{"DS denied without proof", "a", "a", dns.TypeDS, func(m *dns.Msg) bool { return len(m.Answer)+len(m.Ns) == 0 }},
	} {
		p.Defect = Defect{Kind: tt.kind, Zone: tt.zone, Name: tt.name, Type: tt.qtype}
		if m := answer(b, p, Question{Name: tt.name, Type: tt.qtype}); !tt.want(m) {
			t.Errorf("%s: %v", tt.kind, m)
		}
		if m := answer(b, p, Question{Name: "www.b", Type: dns.TypeA}); m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 {
			t.Errorf("%s changed another answer: %v", tt.kind, m)
		}
	}
}

// TestEditsAnywhere checks that edits also work in unsigned zones.
func TestEditsAnywhere(t *testing.T) {
	p := smallPlan()
	b := newBatch(t, p)
	for kind := range edits {
		for _, zone := range []string{"", "a", "b"} {
			for _, q := range []Question{{Name: join("www", zone), Type: dns.TypeA}, {Name: join("no", zone), Type: dns.TypeA}, {Name: zone, Type: dns.TypeDNSKEY}} {
				p.Defect = Defect{Kind: kind, Zone: zone, Name: q.Name, Type: q.Type}
				if m := answer(b, p, q); m == nil {
					t.Errorf("%s: no answer to %s", kind, q)
				}
			}
		}
	}
}

// count returns the number of records of a type and of their signatures.
func count(section []dns.RR, typ uint16) (n int) {
	for _, rr := range section {
		if covers(rr) == typ {
			n++
		}
	}
	return n
}

func TestTraits(t *testing.T) {
	p := smallPlan()
	p.Zones[3].Denial, p.Zones[3].Iterations = testzone.NSEC3, 151
	p.Defect = Defect{Kind: "answer emptied", Zone: "a", Name: "www.a", Type: dns.TypeA}
	b := newBatch(t, p)
	for _, tt := range []struct {
		name        string
		qtype       uint16
		want        string
		undisturbed bool
	}{
		{"www.a", dns.TypeA, "NSEC, steady", true},
		{"www.a", dns.TypeMX, "NSEC, steady", false},
		{"alias", dns.TypeA, "NSEC, steady", false},
		{"www.b", dns.TypeA, "NSEC, steady, unsigned", true},
		{"b", dns.TypeDS, "NSEC, steady, unsigned", true},
		{"www.dn.a", dns.TypeA, "NSEC, NSEC3, cut below an empty non-terminal, over 150 iterations, steady", true},
	} {
		q := Question{Name: tt.name, Type: tt.qtype}
		if got := b.Traits(p, q); got != tt.want {
			t.Errorf("%s: %s, want %s", q, got, tt.want)
		}
		if got := b.Undisturbed(p, q); got != tt.undisturbed {
			t.Errorf("%s: undisturbed: %v", q, got)
		}
	}
}

// TestSmaller checks that each smaller plan is smaller in one way, and that
// their merger is smaller in every way.
func TestSmaller(t *testing.T) {
	p := smallPlan()
	p.Zones[1].Phase, p.Zones[1].Algorithm = "KSK standby", dns.ED25519
	p.Defect = Defect{Kind: "expired", Zone: "a", Name: "www.a", Type: dns.TypeA}
	before := p.String()
	list := Smaller(p, Question{Name: "www.a", Type: dns.TypeA})
	if p.String() != before {
		t.Error("the plan itself was changed")
	}
	for i, s := range list {
		if s.String() == before {
			t.Errorf("plan %d is not smaller", i)
		}
		s.Top = "other"
	}
	if want := 1 + 2 + 2 + 6; len(list) != want { // defect, zones, special properties, records
		t.Errorf("%d plans, want %d", len(list), want)
	}
	merged := Merge(p, list)
	if len(merged.Zones) != 2 || merged.Defect.Kind != "" || len(merged.Zones[1].Records) != 0 || merged.Zones[1].Phase != steady || merged.Zones[1].Algorithm != dns.ECDSAP256SHA256 {
		t.Errorf("merged:\n%s", merged)
	}
}
