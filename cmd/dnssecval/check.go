package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// timeout bounds the time for all questions together.
const timeout = 30 * time.Second

// check judges a name, or a capture of one, and prints the report.
func (c command) check(ctx context.Context, a *arguments) (validator.Status, error) {
	in, err := c.inquiry(a)
	if err != nil {
		return 0, err
	}
	report, err := c.explain(ctx, in)
	if err != nil {
		return 0, err
	}
	return report.Status, c.print(a, newSummary(report, in.server))
}

// capture judges a name and writes all questions and answers to a file.
func (c command) capture(ctx context.Context, a *arguments) (validator.Status, error) {
	in, err := c.inquiry(a)
	if err != nil {
		return 0, err
	}
	in.at = in.at.UTC().Truncate(time.Second)
	recorded := &recorder{next: in.exchanger}
	in.exchanger = recorded
	report, err := c.explain(ctx, in)
	if err != nil {
		return 0, err
	}
	stored := &capture{exchanges: recorded.all(), header: header{Name: a.name, Type: dns.Type(a.qtype).String(), Server: in.server, Time: in.at,
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

// verdictOf returns the status of a report, with the reason if there is one.
func verdictOf(report *validator.Report) string {
	if report.Reason == validator.ReasonNone {
		return report.Status.String()
	}
	return report.Status.String() + ": " + report.Reason.String()
}

// explain asks and judges. On a terminal it shows which question is under way.
func (c command) explain(ctx context.Context, in *inquiry) (*validator.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	exchanger := in.exchanger
	if c.interactive {
		shown := &progress{next: exchanger, out: c.err, start: time.Now()}
		defer shown.end()
		exchanger = shown
	}
	if in.tcp {
		exchanger = overTCP{exchanger}
	}
	policy := validator.DefaultPolicy
	policy.AllowSHA1 = in.allowSHA1
	v, err := validator.New(exchanger, validator.Options{Anchors: in.anchors, Policy: &policy, Clock: func() time.Time { return in.at }})
	if err != nil {
		return nil, err
	}
	report, err := v.Explain(ctx, in.name, in.qtype)
	if err != nil {
		return nil, fmt.Errorf("%s, asked for %s %s: %w", in.server, in.name, dns.Type(in.qtype), err)
	}
	if report.Reason == validator.ReasonNone && report.Status != validator.Secure {
		return nil, fmt.Errorf("%s answers %s for %s %s, and there is nothing to judge%s", in.server, dns.RcodeToString[report.Message.Rcode],
			in.name, dns.Type(in.qtype), serverError(report.Message))
	}
	return report, nil
}

// serverError returns the Extended DNS Error of a message in words, or an empty string. The
// server chose the text, so it is quoted.
func serverError(m *dns.Msg) string {
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
