package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/validator"
)

// inquiry is a question, the server or capture that answers it, and what the answer is
// judged by.
type inquiry struct {
	name      string
	qtype     uint16
	server    string // as reports name it
	exchanger validator.Exchanger
	tcp       bool
	at        time.Time
	allowSHA1 bool
	anchors   *anchor.Set
	warnings  []string // about the anchors
}

// inquiry returns the question of the arguments, and prints what the user should know of the
// trust anchors.
func (c command) inquiry(a *arguments) (*inquiry, error) {
	in, err := a.inquiry()
	if err != nil {
		return nil, err
	}
	for _, warning := range in.warnings {
		fmt.Fprintln(c.err, "dnssecval: warning:", printable(warning))
	}
	return in, nil
}

// inquiry returns the question that was typed, or the captured one.
func (a *arguments) inquiry() (*inquiry, error) {
	if a.from != "" {
		stored, err := readCaptureFile(a.from)
		if err != nil {
			return nil, errInput{err}
		}
		return stored.inquiry(a)
	}
	in := &inquiry{name: a.name, qtype: a.qtype, server: a.server, exchanger: &resolver{a.server},
		tcp: a.tcp, at: cmp.Or(a.at, time.Now()), allowSHA1: a.allowSHA1}
	return in, in.trust(a.anchors, nil, a.negative)
}

// inquiry returns the question that was captured. Arguments override the header.
func (c *capture) inquiry(a *arguments) (*inquiry, error) {
	in := &inquiry{name: c.Name, server: c.Server + " (captured)", exchanger: newReplayer(c),
		tcp: a.tcp || c.TCP, at: cmp.Or(a.at, c.Time), allowSHA1: a.allowSHA1 || c.AllowSHA1}
	in.qtype, _ = parseType(c.Type)
	captured, warnings, err := c.anchors(a.from+":1", in.rules())
	if err != nil {
		return nil, errInput{err}
	}
	if len(a.anchors) == 0 {
		in.warnings = warnings
	}
	return in, in.trust(a.anchors, captured, slices.Concat(a.negative, c.Negative))
}

// rules says which trust anchors are accepted.
func (in *inquiry) rules() anchor.Rules { return anchor.Rules{AllowSHA1: in.allowSHA1, At: in.at} }

// trust sets the trust anchors: those in the files, or the given ones if there are no
// files. Without either the built-in ones are used. It adds the negative trust anchors.
func (in *inquiry) trust(files []string, given []anchor.Anchor, negative []string) error {
	if len(files) > 0 {
		read, warnings, err := anchor.ReadFiles(files, in.rules())
		if err != nil {
			return errInput{err}
		}
		given, in.warnings = read, warnings
	}
	set, warnings := anchor.NewSet(given)
	if in.anchors = set; len(files) > 0 {
		in.warnings = append(in.warnings, warnings...)
	}
	for _, word := range negative {
		zones, n, err := anchor.ParseNegative([]string{word})
		if err != nil {
			return errInput{fmt.Errorf("negative trust anchor: %w", err)}
		}
		in.anchors.Disable(n, zones...)
	}
	return nil
}
