package validator

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// attack is the questions and responses of an attacker who owns a zone or can change its
// responses. The questions differ, so that no answer is known.
type attack struct {
	name  string
	zones []testzone.Spec
	build func(t testing.TB, w *testzone.World, zone string)
	ask   func(i int) (string, uint16)
	forge func(q, a *dns.Msg) *dns.Msg

	warm bool // the chain is known when it begins
	want outcome
	cost operations // exact for signatures and hashes, the most for blocks and questions
}

// operations is what a response costs.
type operations struct {
	good, bad, hashes, blocks, questions int

	cost int // of the signatures, which is not in the table
}

func (o operations) String() string {
	return fmt.Sprintf("%d good and %d bad signatures, %d hashes of %d blocks, %d questions", o.good, o.bad, o.hashes, o.blocks, o.questions)
}

// attacked is a validator under attack.
type attacked struct {
	attack
	w *testzone.World
	v *Validator
}

func (a attack) start(t testing.TB) *attacked {
	t.Helper()
	w := newWorld(t, append(a.zones, calm())...)
	if a.build != nil {
		a.build(t, w, a.zones[0].Name)
	}
	w.Intercept(func(q, m *dns.Msg) *dns.Msg {
		if a.forge == nil || dns.IsSubDomain("calm.", q.Question[0].Name) {
			return m
		}
		return a.forge(q, m)
	})
	return &attacked{attack: a, w: w, v: newTestValidator(t, w)}
}

// calmNames is how many names other clients ask for.
const calmNames = 500

// calm is the zone that other clients ask for.
func calm() testzone.Spec {
	spec := testzone.Spec{Name: "calm.", Algorithm: p256}
	for i := range calmNames {
		spec.Records = append(spec.Records, fmt.Sprintf("h%d A 192.0.2.1", i))
	}
	return spec
}

// judge judges the response to one question of the attack, and returns what it cost.
func (a *attacked) judge(t testing.TB, i int) (*Result, operations) {
	t.Helper()
	name, qtype := a.ask(i)
	a.w.ResetQuestions()
	q := a.v.newQuery(t.Context(), newQuestion(name, qtype, withDO))
	result := new(Result)
	if msg, err := a.v.exchange(q.ctx, q.upstreamRequest(name, usual), usual, Manner{}); err == nil {
		result = q.judgeAndRetry(&msg)
	}
	spent := q.verifier.Budget.Spent()
	return result, operations{good: spent.Signatures - spent.Failed, bad: spent.Failed, hashes: spent.Hashes, blocks: spent.Blocks, questions: askedInAll(a.w), cost: spent.Cost}
}

// TestAttacks counts what each attack costs: it is within the limits, and as the table says.
func TestAttacks(t *testing.T) {
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			s := a.start(t)
			if a.warm {
				s.judge(t, 0)
			}
			result, cost := s.judge(t, 1)
			t.Logf("%v; %v", result, cost)
			got := outcome{rcode: servfail, reason: result.Reason, ad: result.Status == dnssec.Secure}
			if result.Status != dnssec.Bogus {
				got.rcode = result.rcode
			}
			if got != a.want {
				t.Errorf("%+v %v, want %+v %v", got, result.Finding, a.want, a.want.reason)
			}
			if cost.good != a.cost.good || cost.bad != a.cost.bad || cost.hashes != a.cost.hashes || cost.blocks > a.cost.blocks || cost.questions > a.cost.questions {
				t.Errorf("%v, want %v", cost, a.cost)
			}
			if cost.cost > dnssec.MaxSignatureCost || cost.bad > dnssec.MaxFailed || cost.hashes > dnssec.MaxHashes || cost.blocks > dnssec.MaxHashBlocks {
				t.Errorf("%v are beyond the limits", cost)
			}
		})
	}
}

// failsFor is the outcome of an attack whose answer is refused.
func failsFor(r dnssec.Reason) outcome { return outcome{rcode: servfail, reason: r} }

// names is how many names a zone of an attack has.
const names = 8

// host asks for one name of the zone after the other.
func host(zone string, qtype uint16) func(int) (string, uint16) {
	return func(i int) (string, uint16) { return fmt.Sprintf("n%d.%s", i%names, zone), qtype }
}

// hosts is a zone with the same records at each of its names.
func hosts(zone string, algorithm uint8, data ...string) []testzone.Spec {
	spec := testzone.Spec{Name: zone, Algorithm: algorithm}
	for i := range names {
		for _, d := range data {
			spec.Records = append(spec.Records, fmt.Sprintf("n%d %s", i, d))
		}
	}
	return []testzone.Spec{spec}
}

const address = "A 192.0.2.1"

// types returns data of n unknown types.
func types(n int) (data []string) {
	for i := range n {
		data = append(data, fmt.Sprintf("TYPE%d \\# 1 00", 65000+i))
	}
	return data
}

func attacks() []attack {
	return slices.Concat([]attack{none()}, keyAttacks(), recordAttacks(), denialAttacks(), chainAttacks())
}

// none is no attack, to compare with: a second client with the questions of the first.
func none() attack {
	return attack{
		name: "none", zones: hosts("none.", p256), ask: func(i int) (string, uint16) { return calmQuestion(i + calmNames/2) }, warm: true,
		want: outcome{ad: true}, cost: operations{good: 1, questions: 1},
	}
}

// keyAttacks are those of CVE-2023-50387: keys of one tag and forged signatures.
func keyAttacks() []attack {
	hard, mean := hosts("trap.", p384, address), hosts("trap.", rsa, address)
	ask := host("trap.", dns.TypeA)
	return []attack{
		{
			name: "28 keys P-384 of one tag, 32 signatures", zones: hard, build: colliding(28, p384), forge: forgedBy(p384, 32), ask: ask, warm: true,
			want: failsFor(dnssec.LimitExceeded), cost: operations{bad: 2, questions: 2},
		},
		{
			name: "28 keys RSA 4096 of one tag, exponent of 64 bits", zones: mean, build: colliding(28, rsa), forge: forgedBy(rsa, 32), ask: ask, warm: true,
			want: failsFor(dnssec.LimitExceeded), cost: operations{bad: 2, questions: 2},
		},
		{
			name: "the same for each of 24 RRsets", zones: hosts("trap.", p384, types(24)...), build: colliding(28, p384), forge: forgedBy(p384, 4), ask: host("trap.", dns.TypeANY), warm: true,
			want: failsFor(dnssec.LimitExceeded), cost: operations{bad: 2, questions: 2},
		},
		{
			name: "one signature that nobody made", zones: hard, build: colliding(1, p384), forge: forgedBy(p384, 1), ask: ask, warm: true,
			want: failsFor(dnssec.SignatureInvalid), cost: operations{good: 1, bad: 1, questions: 4}, // the zone cut is denied
		},
		{
			name: "another one each time it is asked again", zones: hard, build: colliding(1, p384), forge: forgedAnew(p384), ask: ask, warm: true,
			want: failsFor(dnssec.SignatureInvalid), cost: operations{good: 1, bad: 3, questions: 4},
		},
		{
			name: "40 keys", zones: hard, build: colliding(40, p384), ask: ask,
			want: failsFor(dnssec.DNSKEYLimitExceeded), cost: operations{good: 2, questions: 12},
		},
		{
			name: "60 keys RSA 4096", zones: hard, build: colliding(60, rsa), ask: ask,
			want: failsFor(dnssec.DNSKEYLimitExceeded), cost: operations{good: 2, questions: 12},
		},
		{
			name: "28 keys and 8 DS of one tag", zones: hard, build: collidingDS(8), ask: ask,
			want: failsFor(dnssec.DNSKEYLimitExceeded), cost: operations{good: 2, questions: 12},
		},
		{
			name: "28 keys and 200 DS of one tag", zones: hard, build: collidingDS(200), ask: ask,
			want: failsFor(dnssec.DNSKEYLimitExceeded), cost: operations{good: 2, questions: 12},
		},
		{
			name: "4 keys and 4 DS of one tag, 7 signatures of each step", zones: hard, build: trapped, forge: forgedThroughout(7), ask: ask,
			want: failsFor(dnssec.LimitExceeded), cost: operations{good: 3, bad: 2, questions: 5},
		},
	}
}

// recordAttacks have many records where an honest answer has few.
func recordAttacks() []attack {
	var giant []string
	for i := range 60 {
		giant = append(giant, fmt.Sprintf(`TXT "%d" "%s" "%[2]s" "%[2]s"`, i, strings.Repeat("x", 250)))
	}
	any := host("many.", dns.TypeANY)
	return []attack{
		{
			name: "ANY with 300 RRsets, rightly signed", zones: hosts("many.", p384, types(300)...), ask: any, warm: true,
			want: outcome{ad: true}, cost: operations{good: maxRRsets, questions: 2},
		},
		{
			name: "ANY with 24 RRsets, wrongly signed", zones: hosts("many.", p384, types(24)...), forge: wronglySigned(false), ask: any, warm: true,
			want: failsFor(dnssec.SignatureInvalid), cost: operations{bad: 1, questions: 5},
		},
		{
			name: "ANY with 24 RRsets, wrongly and rightly signed", zones: hosts("many.", p384, types(24)...), forge: wronglySigned(true), ask: any, warm: true,
			want: failsFor(dnssec.LimitExceeded), cost: operations{good: 3, bad: 4, questions: 2},
		},
		{
			name: "48 KB in one RRset, 32 signatures", zones: hosts("many.", p384, giant...), build: colliding(28, p384), forge: forgedBy(p384, 32), ask: host("many.", dns.TypeTXT), warm: true,
			want: failsFor(dnssec.LimitExceeded), cost: operations{bad: 2, questions: 2},
		},
		{
			name: "signatures over signatures", zones: hosts("many.", p384, address), forge: overSignatures, ask: host("many.", dns.TypeRRSIG), warm: true,
			want: outcome{reason: dnssec.TypeNotSigned}, cost: operations{questions: 8},
		},
	}
}
