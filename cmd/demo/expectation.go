package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/miekg/dns"
)

// promise is a question and what the answer to it shows.
type promise struct {
	name, typ string
	rcode     string
	ad        bool
	ede       string // the word that the text of the Extended DNS Error begins with; empty for none
	why       string
}

// dig is the command that asks.
func (p promise) dig(addr netip.AddrPort) string {
	return fmt.Sprintf("dig @%s -p %d +dnssec %s %s", addr.Addr(), addr.Port(), p.name, p.typ)
}

// flag shows the AD flag.
func (p promise) flag() string {
	if p.ad {
		return "ad"
	}
	return "-"
}

// orDash shows that there is nothing.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// printTable prints the promises to somebody who has dig at hand.
func printTable(out io.Writer, o options, upstream string, promises []promise) {
	fmt.Fprintf(out, "CoreDNS validates on %s, upstream is %s.\n", o.listen, upstream)
	if o.metrics != "" {
		fmt.Fprintf(out, "Metrics: curl -s http://%s/metrics | grep dnssec\n", o.metrics)
	}
	fmt.Fprintln(out)
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "ask\tstatus\tflag\tEDE\tbecause")
	for _, p := range promises {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", p.dig(o.listen), p.rcode, p.flag(), orDash(p.ede), p.why)
	}
	t.Flush()
	fmt.Fprintln(out, "\nWith +cd nothing is judged. Ctrl-C ends it.")
}

// check asks for each promise, twice, since CoreDNS has the second answer
// from its cache, and prints what came. It fails if one is not kept.
func check(ctx context.Context, out io.Writer, addr string, promises []promise) error {
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	broken := 0
	for _, p := range promises {
		got, verdict := verify(ctx, addr, p)
		if verdict == kept {
			got, verdict = verify(ctx, addr, p)
		}
		if verdict != kept {
			broken++
		}
		fmt.Fprintf(t, "%s %s\t%s\t%s\t%s\t%s\n", p.name, p.typ, orDash(got.rcode), got.flag(), orDash(got.ede), verdict)
	}
	t.Flush()
	if broken > 0 {
		return fmt.Errorf("%d of %d promises are not kept", broken, len(promises))
	}
	return nil
}

const kept = "ok"

// verify asks and returns what came, and kept or what is wrong with it.
func verify(ctx context.Context, addr string, p promise) (got promise, verdict string) {
	got, err := ask(ctx, addr, p)
	switch {
	case err != nil:
		verdict = err.Error()
	case !p.keptBy(got):
		verdict = fmt.Sprintf("promised %s %s %s", p.rcode, p.flag(), orDash(p.ede))
	default:
		verdict = kept
	}
	return got, verdict
}

// keptBy compares. From the cache of CoreDNS an answer that is not SERVFAIL
// comes without its Extended DNS Error.
func (p promise) keptBy(got promise) bool {
	ede := got.ede == p.ede || got.ede == "" && p.rcode != "SERVFAIL"
	return got.rcode == p.rcode && got.ad == p.ad && ede
}

// ask asks as dig +dnssec does, over TCP if the answer is truncated.
func ask(ctx context.Context, addr string, p promise) (promise, error) {
	q := new(dns.Msg).SetQuestion(p.name, dns.StringToType[p.typ]).SetEdns0(1232, true)
	q.AuthenticatedData = true
	var a *dns.Msg
	for _, network := range []string{"udp", "tcp"} {
		var err error
		client := dns.Client{Net: network, Timeout: 8 * time.Second}
		if a, _, err = client.ExchangeContext(ctx, q, addr); err != nil {
			return promise{}, err
		}
		if !a.Truncated {
			break
		}
	}
	return promise{rcode: dns.RcodeToString[a.Rcode], ad: a.AuthenticatedData, ede: edeToken(a)}, nil
}

// edeToken returns the word that the text of the Extended DNS Error begins
// with.
func edeToken(a *dns.Msg) string {
	opt := a.IsEdns0()
	if opt == nil {
		return ""
	}
	for _, option := range opt.Option {
		if ede, ok := option.(*dns.EDNS0_EDE); ok {
			token, _, _ := strings.Cut(ede.ExtraText, ":")
			return token
		}
	}
	return ""
}
