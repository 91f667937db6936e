package validator

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// replayer makes responses of genuine RRsets of other responses, and breaks some: what an
// attacker can do who can't sign.
type replayer struct {
	mu       sync.Mutex
	rand     *rand.Rand
	genuine  [][]dns.RR // RRsets with their signatures
	names    []string
	dishonor int // responses that are changed, of ten
}

// replayWorld has all kinds of records that proofs are made of.
func replayWorld(t *testing.T, denial testzone.Denial) *testzone.World {
	t.Helper()
	records := []string{"www A 192.0.2.1", "www TXT x", "* A 192.0.2.2", "*.w A 192.0.2.3", "a.ent A 192.0.2.4", "alias CNAME www", "far CNAME www.plain.test.", "dn DNAME sub.test.", "*.c CNAME www"}
	return newWorld(t,
		testzone.Spec{Name: "test.", Algorithm: p256, Denial: denial, Records: records},
		testzone.Spec{Name: "sub.test.", Algorithm: p256, Denial: denial, Records: records},
		testzone.Spec{Name: "sub.sub.test.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}},
		testzone.Spec{Name: "plain.test.", Records: []string{"www A 192.0.2.1"}},
		testzone.Spec{Name: "s.w.test.", Algorithm: p256, Denial: denial, Records: []string{"www A 192.0.2.1"}},
	)
}

var replayLabels = []string{"", "www.", "nx.", "w.", "x.w.", "ent.", "a.ent.", "alias.", "far.", "www.dn.", "x.c.", "sub.", "plain.", "www.plain.", "s.w.", "www.s.w.", "nx.s.w.", "x.y."}

func newReplayer(w *testzone.World, seed uint64) *replayer {
	r := &replayer{rand: rand.New(rand.NewPCG(seed, 1))}
	for _, zone := range []string{"test.", "sub.test.", "sub.sub.test."} {
		for _, label := range replayLabels {
			r.names = append(r.names, label+zone)
		}
	}
	for _, name := range r.names {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeMX, dns.TypeDS, dns.TypeANY, dns.TypeSOA, dns.TypeNSEC} {
			a := w.Answer(newQuestion(name, qtype, withDO))
			for _, section := range [][]dns.RR{a.Answer, a.Ns} {
				for _, set := range dnssec.GroupRRsets(section) {
					rrs := slices.Clone(set.RRs)
					for _, sig := range set.Sigs {
						rrs = append(rrs, sig)
					}
					r.genuine = append(r.genuine, rrs)
				}
			}
		}
	}
	return r
}

func (r *replayer) any() []dns.RR {
	rrs := slices.Clone(r.genuine[r.rand.IntN(len(r.genuine))])
	for i := range rrs {
		rrs[i] = dns.Copy(rrs[i])
	}
	return rrs
}

// next chooses a question, and how many of ten responses are changed.
func (r *replayer) next(qtypes ...uint16) (string, uint16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dishonor = 3 + r.rand.IntN(7)
	return r.names[r.rand.IntN(len(r.names))], qtypes[r.rand.IntN(len(qtypes))]
}

// tamper changes a response in one way.
func (r *replayer) tamper(a *dns.Msg) {
	switch r.rand.IntN(9) {
	case 0:
		a.Ns = append(a.Ns, r.any()...)
	case 1:
		a.Answer = append(a.Answer, r.any()...)
	case 2:
		a.Ns = nil
	case 3:
		a.Answer = nil
	case 4:
		a.Rcode = []int{dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeYXDomain, servfail}[r.rand.IntN(4)]
	case 5: // as if expanded
		name := a.Question[0].Name
		for _, rr := range r.any() {
			rr.Header().Name = name
			a.Answer = append(a.Answer, rr)
		}
	case 6: // signatures away
		unsigned := func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeRRSIG && r.rand.IntN(2) == 0 }
		a.Answer, a.Ns = slices.DeleteFunc(a.Answer, unsigned), slices.DeleteFunc(a.Ns, unsigned)
	case 7:
		rr, _ := dns.NewRR(a.Question[0].Name + " 60 IN A 203.0.113.66")
		a.Answer = append(a.Answer, rr)
	case 8:
		for range 3 {
			a.Ns = append(a.Ns, r.any()...)
		}
	}
}

func (r *replayer) intercept(_, a *dns.Msg) *dns.Msg {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rand.IntN(10) < r.dishonor {
		for range 1 + r.rand.IntN(4) {
			r.tamper(a)
		}
	}
	return a
}

// data returns the records of a section without signatures as text, sorted.
func data(section []dns.RR) []string {
	var lines []string
	for _, rr := range section {
		if rr.Header().Rrtype != dns.TypeRRSIG {
			rr = dns.Copy(rr)
			rr.Header().Ttl, rr.Header().Name = 0, dns.CanonicalName(rr.Header().Name)
			lines = append(lines, rr.String())
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// Whatever genuine records are put together: a Secure answer is the honest one, and the
// answer for a name of a signed zone is Secure or refused.
func TestAttackReplayOfGenuineRecords(t *testing.T) {
	rounds := 150
	if n, err := strconv.Atoi(os.Getenv("ATTACK_ROUNDS")); err == nil {
		rounds = n
	}
	for _, denial := range []testzone.Denial{testzone.NSEC, testzone.NSEC3, testzone.NSEC3OptOut} {
		w := replayWorld(t, denial)
		r := newReplayer(w, 7)
		honest := newTestValidator(t, w)
		var secure, refused, other int
		for round := range rounds {
			v := newTestValidator(t, w)
			for range 20 {
				name, qtype := r.next(dns.TypeA, dns.TypeMX, dns.TypeDS, dns.TypeANY, dns.TypeCNAME, dns.TypeNS)
				w.Intercept(nil)
				truth := judged(t, honest, name, qtype)
				genuine := w.Answer(newQuestion(name, qtype, withDO))
				w.Intercept(r.intercept)
				m := ask(t, v, name, qtype, withDO)
				w.Intercept(nil)
				v.cache.forgetFailure(question{name, qtype})
				what := strings.Join([]string{denial.String(), "round", strconv.Itoa(round), name, dns.Type(qtype).String()}, " ")
				switch {
				case !provable(m.Rcode):
					refused++
				case m.AuthenticatedData:
					secure++
					if got, want := data(m.Answer), data(genuine.Answer); qtype != dns.TypeANY && !slices.Equal(got, want) {
						t.Errorf("%s: secure, but not the honest answer:\n%v\n%v", what, got, want)
					}
					if m.Rcode != genuine.Rcode {
						t.Errorf("%s: secure %s, but the honest answer is %s", what, dns.RcodeToString[m.Rcode], dns.RcodeToString[genuine.Rcode])
					}
				default:
					other++
					if truth.Status == dnssec.Secure {
						t.Errorf("%s: passed without AD: %v\n%v", what, m, truth.Finding)
					}
				}
			}
		}
		t.Logf("%v: %d secure, %d refused, %d passed", denial, secure, refused, other)
	}
}
