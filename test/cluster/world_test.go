package cluster

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/demo"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/dnssecval/dnssecval/test/cluster/node"
	"github.com/miekg/dns"
)

// Search domains. The upstream has zones of its own in these places, which are not signed.
const (
	privateZone = "corp.internal"              // below a top-level domain that does not exist
	unknownZone = "eu-1.compute.unsigned.test" // below a zone that is not signed
	splitZone   = "corp.signed.example"        // below a signed zone, which has no such name
	coverZone   = "p384.example"               // in place of a zone that is signed
)

// world is a signed tree behind the address of the upstream.
type world struct{ *testzone.World }

// newWorld serves the demo's zones. Like the resolver of a cloud, it also has names of its own.
func newWorld(t *testing.T) *world {
	t.Helper()
	w, err := demo.NewWorld(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	handler := dns.HandlerFunc(func(rw dns.ResponseWriter, r *dns.Msg) {
		if a := private(r); a != nil {
			_ = rw.WriteMsg(a)
			return
		}
		_, _ = w.ServeDNS(context.Background(), rw, r)
	})
	for _, network := range []string{"udp", "tcp"} {
		started := make(chan error, 1)
		server := &dns.Server{Net: network, Addr: node.Upstream + ":53", Handler: handler, UDPSize: dns.MaxMsgSize}
		server.NotifyStartedFunc = sync.OnceFunc(func() { started <- nil })
		go func() { started <- server.ListenAndServe() }()
		if err := <-started; err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	return &world{w}
}

// private returns an answer without signatures for names of the private zones, each of which
// has one name. Their DS records are the public parent's to deny.
func private(r *dns.Msg) *dns.Msg {
	name, qtype := dns.CanonicalName(r.Question[0].Name), r.Question[0].Qtype
	for _, zone := range []string{privateZone + ".", splitZone + ".", coverZone + "."} {
		if !dns.IsSubDomain(zone, name) || qtype == dns.TypeDS && name == zone {
			continue
		}
		a := new(dns.Msg).SetReply(r)
		a.Authoritative, a.RecursionAvailable = true, true
		soa, _ := dns.NewRR(zone + " 60 SOA ns." + zone + " admin." + zone + " 1 60 60 60 60")
		switch {
		case name == "db."+zone && qtype == dns.TypeA:
			rr, _ := dns.NewRR(name + " 60 A 192.0.2.53")
			a.Answer = []dns.RR{rr}
		case name == "db."+zone || name == zone:
			a.Ns = []dns.RR{soa}
		default:
			a.Rcode, a.Ns = dns.RcodeNameError, []dns.RR{soa}
		}
		return a
	}
	return nil
}

// anchors returns a file with the anchors of zones.
func (w *world) anchors(zones ...string) string {
	var lines []string
	for _, zone := range zones {
		lines = append(lines, w.Anchors(zone)...)
	}
	return strings.Join(lines, "\n") + "\n"
}

// ask asks a server as a validating stub would, with DO.
func ask(ctx context.Context, server, name string, qtype uint16) (*dns.Msg, error) {
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype).SetEdns0(1232, true)
	client := dns.Client{Timeout: 3 * time.Second}
	a, _, err := client.ExchangeContext(ctx, q, server+":53")
	return a, err
}

// describe returns an answer as one line: the RCODE, ad, and the data of the records of the
// type that was asked for.
func describe(a *dns.Msg) string {
	words := []string{dns.RcodeToString[a.Rcode]}
	if a.AuthenticatedData {
		words = append(words, "ad")
	}
	for _, rr := range a.Answer {
		if rr.Header().Rrtype == a.Question[0].Qtype {
			words = append(words, strings.TrimPrefix(rr.String(), rr.Header().String()))
		}
	}
	return strings.Join(words, " ")
}

// answer is a question and the answer to expect.
type answer struct {
	name  string
	qtype uint16
	want  string
}

// validated are answers of a server that validates, and unvalidated of one that does not.
var (
	validated = []answer{
		{"www.signed.example", dns.TypeA, "NOERROR ad 192.0.2.80"},
		{"nobody.signed.example", dns.TypeA, "NXDOMAIN ad"},
		{"www.hashed.test", dns.TypeAAAA, "NOERROR ad 2001:db8::80"},
		{"www.unsigned.example", dns.TypeA, "NOERROR 192.0.2.80"},
		{"www.tampered.example", dns.TypeA, "SERVFAIL"},
		{"www.expired.example", dns.TypeA, "SERVFAIL"},
	}
	unvalidated = []answer{
		{"www.unsigned.example", dns.TypeA, "NOERROR 192.0.2.80"},
		{"www.expired.example", dns.TypeA, "NOERROR 192.0.2.80"},
	}
)

// differs returns an error for the first answer that is not the one expected.
func differs(ctx context.Context, server string, answers []answer) error {
	for _, want := range answers {
		a, err := ask(ctx, server, want.name, want.qtype)
		if err != nil {
			return fmt.Errorf("%s: %w", want.name, err)
		}
		if got := describe(a); got != want.want {
			return fmt.Errorf("%s %s: %s, want %s", want.name, dns.TypeToString[want.qtype], got, want.want)
		}
	}
	return nil
}

// answers checks answers once.
func (c *cluster) answers(t *testing.T, server string, answers []answer) {
	t.Helper()
	for _, want := range answers {
		if err := differs(t.Context(), server, []answer{want}); err != nil {
			t.Error(err)
		}
	}
}

// awaitAnswers waits until the answers are those expected.
func (c *cluster) awaitAnswers(t *testing.T, server string, limit time.Duration, answers []answer) time.Duration {
	t.Helper()
	return c.await(t, "answers of "+server, limit, func(ctx context.Context) error { return differs(ctx, server, answers) })
}

// awaitAll waits until each Pod of the cluster's DNS gives the answers.
func (c *cluster) awaitAll(t *testing.T, limit time.Duration, answers []answer) time.Duration {
	t.Helper()
	begin := time.Now()
	for _, address := range c.pods(t, "kube-system", kubeDNS) {
		c.awaitAnswers(t, address, limit, answers)
	}
	return time.Since(begin)
}
