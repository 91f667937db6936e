package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// expectation is a question and the answer to expect.
type expectation struct {
	name, typ string
	rcode     string
	ad        bool
	ede       string // first word of the text of the Extended DNS Error; empty for none
	why       string
}

// dig returns the dig command for the question.
func (p expectation) dig(addr netip.AddrPort) string {
	return fmt.Sprintf("dig @%s -p %d +dnssec %s %s", addr.Addr(), addr.Port(), p.name, p.typ)
}

// flag returns the AD flag for the table.
func (p expectation) flag() string {
	if p.ad {
		return "ad"
	}
	return "-"
}

// orDash returns s, or a dash if s is empty.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// printTable prints the dig commands and the answers to expect.
func printTable(out io.Writer, o options, upstream string, expectations []expectation) {
	fmt.Fprintf(out, "CoreDNS validates on %s, upstream is %s.\n", o.listen, upstream)
	if o.metrics != "" {
		fmt.Fprintf(out, "Metrics: curl -s http://%s/metrics | grep dnssec\n", o.metrics)
	}
	fmt.Fprintln(out)
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "ask\tstatus\tflag\tEDE\tbecause")
	for _, p := range expectations {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", p.dig(o.listen), p.rcode, p.flag(), orDash(p.ede), p.why)
	}
	t.Flush()
	fmt.Fprintln(out, "\nWith +cd nothing is judged. Ctrl-C ends it.")
}

// check asks each question and prints the answers. It asks twice, because
// CoreDNS answers the second time from its cache. It returns an error if an
// answer is not as expected.
func check(ctx context.Context, out io.Writer, addr string, expectations []expectation) error {
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	broken := 0
	for _, p := range expectations {
		got, verdict := verify(ctx, addr, p)
		if verdict == matched {
			got, verdict = verify(ctx, addr, p)
		}
		if verdict != matched {
			broken++
		}
		fmt.Fprintf(t, "%s %s\t%s\t%s\t%s\t%s\n", p.name, p.typ, orDash(got.rcode), got.flag(), orDash(got.ede), verdict)
	}
	t.Flush()
	if broken > 0 {
		return fmt.Errorf("%d of %d answers are not as expected", broken, len(expectations))
	}
	return nil
}

const matched = "ok"

// verify asks the question and returns the answer, with matched or what is
// wrong.
func verify(ctx context.Context, addr string, p expectation) (got expectation, verdict string) {
	got, err := ask(ctx, addr, p)
	switch {
	case err != nil:
		verdict = err.Error()
	case !p.matches(got):
		verdict = fmt.Sprintf("want %s %s %s", p.rcode, p.flag(), orDash(p.ede))
	default:
		verdict = matched
	}
	return got, verdict
}

// matches compares an answer. CoreDNS's cache drops the Extended DNS Error of
// an answer other than SERVFAIL.
func (p expectation) matches(got expectation) bool {
	ede := got.ede == p.ede || got.ede == "" && p.rcode != "SERVFAIL"
	return got.rcode == p.rcode && got.ad == p.ad && ede
}

// ask asks like dig +dnssec, and over TCP if the answer is truncated.
func ask(ctx context.Context, addr string, p expectation) (expectation, error) {
	q := new(dns.Msg).SetQuestion(p.name, dns.StringToType[p.typ]).SetEdns0(1232, true)
	q.AuthenticatedData = true
	var a *dns.Msg
	for _, network := range []string{"udp", "tcp"} {
		var err error
		client := dns.Client{Net: network, Timeout: 8 * time.Second}
		if a, _, err = client.ExchangeContext(ctx, q, addr); err != nil {
			return expectation{}, err
		}
		if !a.Truncated {
			break
		}
	}
	return expectation{rcode: dns.RcodeToString[a.Rcode], ad: a.AuthenticatedData, ede: edeToken(a)}, nil
}

// edeToken returns the first word of the text of the Extended DNS Error.
func edeToken(a *dns.Msg) string {
	if ede := testzone.ExtendedError(a); ede != nil {
		token, _, _ := strings.Cut(ede.ExtraText, ":")
		return token
	}
	return ""
}
