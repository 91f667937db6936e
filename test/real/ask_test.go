package real

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

const clientTimeout = 10 * time.Second // of a client; the plugin uses less

// message builds a query for "NAME TYPE". flags has any of the words do, edns,
// ad and cd.
func message(t *testing.T, question, flags string) *dns.Msg {
	t.Helper()
	name, qtype, _ := strings.Cut(question, " ")
	number, ok := dns.StringToType[qtype]
	if !ok {
		t.Fatalf("%q is not NAME TYPE", question)
	}
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), number)
	words := strings.Fields(flags)
	m.AuthenticatedData = slices.Contains(words, "ad")
	m.CheckingDisabled = slices.Contains(words, "cd")
	if do := slices.Contains(words, "do"); do || slices.Contains(words, "edns") {
		m.SetEdns0(1232, do)
	}
	return m
}

// ask sends a query over UDP, or over TCP if flags contains tcp, and returns
// the answer as formatted by describe.
func (p *process) ask(t *testing.T, question, flags string) string {
	t.Helper()
	network := "udp"
	if slices.Contains(strings.Fields(flags), "tcp") {
		network = "tcp"
	}
	return describe(exchange(t, network, p.addr, nil, message(t, question, flags)))
}

func exchange(t *testing.T, network, addr string, conf *tls.Config, m *dns.Msg) *dns.Msg {
	t.Helper()
	c := dns.Client{Net: network, Timeout: clientTimeout, TLSConfig: conf, UDPSize: 4096}
	answer, _, err := c.Exchange(m, addr)
	if err != nil {
		t.Errorf("%s over %s: %v", m.Question[0].String(), network, err)
		return nil
	}
	return answer
}

// describe formats an answer in one line: rcode, tc, ad, the data of the answer
// section with RRSIG at most once, "denial" for NSEC or NSEC3 in the authority
// section, opt, and the Extended DNS Errors with the first word of their text.
func describe(m *dns.Msg) string {
	if m == nil {
		return "no answer"
	}
	words := []string{dns.RcodeToString[m.Rcode]}
	for _, flag := range []struct {
		set  bool
		word string
	}{{m.Truncated, "tc"}, {m.AuthenticatedData, "ad"}} {
		if flag.set {
			words = append(words, flag.word)
		}
	}
	data, signatures := []string{}, false
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == dns.TypeRRSIG {
			signatures = true
			continue
		}
		rdata := strings.TrimPrefix(rr.String(), rr.Header().String())
		if len(rdata) > 100 {
			rdata = fmt.Sprintf("(%d)", len(rdata))
		}
		data = append(data, dns.TypeToString[rr.Header().Rrtype]+"="+rdata)
	}
	slices.Sort(data)
	words = append(words, data...)
	if signatures {
		words = append(words, "RRSIG")
	}
	if slices.ContainsFunc(m.Ns, isDenial) {
		words = append(words, "denial")
	}
	return strings.Join(append(words, describeOPT(m)...), " ")
}

func isDenial(rr dns.RR) bool {
	return rr.Header().Rrtype == dns.TypeNSEC || rr.Header().Rrtype == dns.TypeNSEC3
}

func describeOPT(m *dns.Msg) (words []string) {
	if m.IsEdns0() == nil {
		return nil
	}
	words = append(words, "opt")
	for _, ede := range testzone.ExtendedErrors(m) {
		token, _, _ := strings.Cut(ede.ExtraText, ":")
		words = append(words, fmt.Sprintf("ede=%d/%s", ede.InfoCode, token))
	}
	return words
}

// asked is a row of a table: a query and the answer as formatted by describe.
type asked struct{ question, flags, want string }

// answers sends the queries in turn and compares the answers.
func (p *process) answers(t *testing.T, rows []asked) {
	t.Helper()
	for _, row := range rows {
		if got := p.ask(t, row.question, row.flags); got != row.want {
			t.Errorf("%s [%s]: %s\n  want %s", row.question, row.flags, got, row.want)
		}
	}
}

// recovers repeats a question until the answer is as wanted.
func (p *process) recovers(t *testing.T, question, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(8 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if got = p.ask(t, question, "do"); got == want {
			return
		}
	}
	t.Errorf("%s: %s for long, want %s", question, got, want)
}
