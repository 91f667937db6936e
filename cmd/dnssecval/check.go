package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// patience is how long all questions may take together.
const patience = 30 * time.Second

// check judges a name, or what was captured of one, and prints the report.
func (c command) check(ctx context.Context, a *arguments) (dnssec.Status, error) {
	in, server, err := a.inquiry()
	if err != nil {
		return 0, err
	}
	in.Next = a.over(in.Next)
	report, err := c.inquire(ctx, in, server)
	if err != nil {
		return 0, err
	}
	return report.Status, c.print(a, newSummary(report, server))
}

// capture judges a name and stores what was asked and answered.
func (c command) capture(ctx context.Context, a *arguments) (dnssec.Status, error) {
	in, server, err := a.inquiry()
	if err != nil {
		return 0, err
	}
	kept := &recorder{next: in.Next}
	in.Next = a.over(kept)
	if in.At.IsZero() {
		in.At = time.Now().UTC().Truncate(time.Second)
	}
	report, err := c.inquire(ctx, in, server)
	if err != nil {
		return 0, err
	}
	stored := &capture{exchanges: kept.all(), header: header{Name: a.name, Type: dns.Type(a.qtype).String(), Server: server, Time: in.At,
		Negative: a.negative, AllowSHA1: a.allowSHA1, TCP: a.tcp}}
	for _, ds := range report.Anchors {
		stored.Anchors = append(stored.Anchors, ds.String())
	}
	if err := stored.writeFile(a.file); err != nil {
		return 0, errInput{err}
	}
	fmt.Fprintf(c.out, "%s %s is %s; %d answers are in %s\n", a.name, dns.Type(a.qtype), verdictOf(report), len(stored.exchanges), a.file)
	return report.Status, nil
}

func verdictOf(report *dnssecval.Report) string {
	if report.Reason == dnssec.ReasonNone {
		return report.Status.String()
	}
	return report.Status.String() + ": " + report.Reason.String()
}

// inquire asks and judges, and says what is waited for.
func (c command) inquire(ctx context.Context, in dnssecval.Inquiry, server string) (*dnssecval.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if c.interactive {
		shown := &progress{Handler: in.Next, out: c.err, start: time.Now()}
		in.Next = shown
		defer shown.end()
	}
	report, err := dnssecval.Inquire(ctx, in)
	switch {
	case errors.Is(err, dnssecval.ErrNoAnswer):
		return nil, fmt.Errorf("%s, asked for %s %s: %w", server, in.Name, dns.Type(in.Type), err)
	case err != nil:
		return nil, errInput{err}
	}
	if rcode := report.Message.Rcode; report.Reason == dnssec.ReasonNone && report.Status != dnssec.Secure {
		return nil, fmt.Errorf("%s answers %s for %s %s, and there is nothing to judge%s", server, dns.RcodeToString[rcode], in.Name, dns.Type(in.Type), saidWhy(report.Message))
	}
	return report, nil
}

// saidWhy returns the Extended DNS Error of a message. The text is a stranger's.
func saidWhy(m *dns.Msg) string {
	opt := m.IsEdns0()
	if opt == nil {
		return ""
	}
	for _, o := range opt.Option {
		if ede, ok := o.(*dns.EDNS0_EDE); ok {
			return fmt.Sprintf("; it says %q (EDE %d, %s)", ede.ExtraText, ede.InfoCode, dns.ExtendedErrorCodeToString[ede.InfoCode])
		}
	}
	return ""
}

// over has a handler ask over the transport that was chosen.
func (a *arguments) over(next plugin.Handler) plugin.Handler {
	if a.tcp {
		return overTCP{next}
	}
	return next
}

// inquiry is what is to be asked, and whom: a server or a file.
func (a *arguments) inquiry() (in dnssecval.Inquiry, server string, err error) {
	in = dnssecval.Inquiry{Name: a.name, Type: a.qtype, Negative: a.negative, AllowSHA1: a.allowSHA1, At: a.at, Next: &resolver{a.server}}
	server = a.server
	if a.from != "" {
		stored, err := readCaptureFile(a.from)
		if err != nil {
			return in, "", errInput{err}
		}
		if in, err = stored.inquiry(in); err != nil {
			return in, "", errInput{fmt.Errorf("%s:1: %w", a.from, err)}
		}
		server, a.tcp = stored.Server+" (captured)", a.tcp || stored.TCP
	}
	if len(a.anchors) > 0 {
		at := in.At
		if at.IsZero() {
			at = time.Now()
		}
		if in.Anchors, err = dnssecval.TrustAnchors(a.anchors, in.AllowSHA1, at); err != nil {
			return in, "", errInput{err}
		}
	}
	return in, server, nil
}

// inquiry is what was captured; what was typed goes before it.
func (c *capture) inquiry(typed dnssecval.Inquiry) (in dnssecval.Inquiry, err error) {
	in = typed
	in.Name, in.Next = c.Name, newReplayer(c)
	in.Type, _ = parseType(c.Type)
	in.Negative = append(in.Negative, c.Negative...)
	in.AllowSHA1 = in.AllowSHA1 || c.AllowSHA1
	if in.At.IsZero() {
		in.At = c.Time
	}
	in.Anchors, err = c.anchors()
	return in, err
}
