package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/miekg/dns"
)

// arguments are the arguments of the program.
type arguments struct {
	command   string
	name      string
	qtype     uint16
	server    string // with its port
	anchors   []string
	negative  []string
	at        time.Time
	allowSHA1 bool
	tcp       bool
	from      string // the file of a capture to validate
	output
}

// output is what the program writes, and where. By default check writes text.
type output struct {
	json  bool
	dot   bool
	quiet bool
	svg   string // the file for a drawing
	file  string // the file for a capture
}

// parse reads the arguments, which may come in any order.
func parse(args []string, resolvConf string) (*arguments, error) {
	a := &arguments{command: args[0], qtype: dns.TypeA}
	if a.command != "check" && a.command != "capture" {
		return nil, errUsage{fmt.Errorf("%q is neither check nor capture", a.command)}
	}
	words, err := a.options(args[1:])
	if err == nil {
		err = a.place(words)
	}
	if err == nil {
		err = a.consistent(words)
	}
	if err != nil {
		return nil, errUsage{err}
	}
	if a.server == "" && a.from == "" {
		if a.server, err = firstServer(resolvConf); err != nil {
			return nil, errInput{err}
		}
	}
	return a, nil
}

// options reads the options and returns the other words.
func (a *arguments) options(args []string) (words []string, err error) {
	set := flag.NewFlagSet("dnssecval", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Func("trust-anchor", "", list(&a.anchors))
	set.Func("negative-trust-anchor", "", list(&a.negative))
	set.Func("at", "", func(s string) (err error) {
		a.at, err = parseTime(s)
		return err
	})
	set.BoolVar(&a.allowSHA1, "allow-sha1", false, "")
	set.BoolVar(&a.tcp, "tcp", false, "")
	set.BoolVar(&a.json, "json", false, "")
	set.BoolVar(&a.dot, "dot", false, "")
	set.BoolVar(&a.quiet, "quiet", false, "")
	set.StringVar(&a.svg, "svg", "", "")
	set.StringVar(&a.from, "from", "", "")
	set.StringVar(&a.file, "o", "", "")
	for rest := args; ; rest = rest[1:] {
		if err := set.Parse(rest); err != nil {
			return nil, errors.New(flagWords.Replace(err.Error()))
		}
		if rest = set.Args(); len(rest) == 0 {
			return words, nil
		}
		words = append(words, rest[0])
	}
}

// flagWords turns the messages of package flag into the form in which options are written here.
var flagWords = strings.NewReplacer("flag provided but not defined: -", "unknown option --", "flag needs an argument: -",
	"an argument is missing for --", "for flag -", "for --", "\" for -", "\" for --")

func list(to *[]string) func(string) error {
	return func(s string) error {
		*to = append(*to, s)
		return nil
	}
}

// place finds the name, the type and the server among the words.
func (a *arguments) place(words []string) error {
	names := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return strings.HasPrefix(w, "@") })
	for _, w := range words {
		if server, ok := strings.CutPrefix(w, "@"); ok {
			if a.server != "" {
				return fmt.Errorf("@%s is a second server", server)
			}
			addr, err := parseServer(server)
			if err != nil {
				return err
			}
			a.server = addr
		}
	}
	if len(names) > 2 {
		return fmt.Errorf("%q is one word too many: NAME and TYPE are there", names[2])
	}
	if len(names) == 2 {
		if _, ok := parseType(names[1]); !ok {
			slices.Reverse(names)
		}
		qtype, ok := parseType(names[1])
		if !ok {
			return fmt.Errorf("unknown type %q, it is one such as A, AAAA, MX or TYPE65", names[0])
		}
		a.qtype = qtype
	}
	if len(names) == 0 {
		return nil
	}
	name, err := parseName(names[0])
	a.name = name
	return err
}

// consistent returns an error if arguments are missing or exclude each other.
func (a *arguments) consistent(words []string) error {
	switch {
	case a.from != "" && a.command != "check":
		return errors.New("--from is for check")
	case a.from != "" && len(words) > 0:
		return fmt.Errorf("%q does not go with --from: the file says what was asked, and whom", words[0])
	case a.from == "" && a.name == "":
		return errors.New("a NAME is missing")
	case a.command == "capture" && a.file == "":
		return errors.New("capture needs -o FILE")
	case a.command == "check" && a.file != "":
		return errors.New("-o is for capture")
	case a.command == "capture" && (a.json || a.dot || a.svg != ""):
		return errors.New("--json, --dot and --svg are for check: use them with --from")
	case a.json && a.dot:
		return errors.New("--json does not go with --dot")
	}
	return nil
}

// parseName returns a name in canonical form, escaped as names from the wire are.
func parseName(s string) (string, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "", fmt.Errorf("%q is not of ASCII letters, write it as xn--…", s)
	}
	wire := make([]byte, 256)
	if _, err := dns.PackDomainName(dns.Fqdn(s), wire, 0, nil, false); err != nil || s == "" {
		return "", fmt.Errorf("%q is not a domain name", s)
	}
	name, _, err := dns.UnpackDomainName(wire, 0)
	return dns.CanonicalName(name), err
}

func parseType(s string) (uint16, bool) {
	s = strings.ToUpper(s)
	if qtype, ok := dns.StringToType[s]; ok {
		return qtype, qtype != dns.TypeNone && qtype != dns.TypeAXFR && qtype != dns.TypeIXFR && qtype != dns.TypeOPT
	}
	number, ok := strings.CutPrefix(s, "TYPE")
	qtype, err := strconv.ParseUint(number, 10, 16)
	return uint16(qtype), ok && err == nil
}

var timeForms = []string{time.RFC3339, "20060102150405", time.DateTime, time.DateOnly}

func parseTime(s string) (time.Time, error) {
	for _, form := range timeForms {
		if at, err := time.Parse(form, s); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errors.New("not a time such as 2026-12-31T12:00:00Z, 20261231120000 or 2026-12-31")
}

// parseServer returns the address of a server with its port, which is 53 by default.
func parseServer(s string) (string, error) {
	if _, err := netip.ParseAddr(s); err == nil {
		return net.JoinHostPort(s, "53"), nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = s, "53"
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil || host == "" || strings.ContainsAny(host, " /#[]") {
		return "", fmt.Errorf("@%s is not a server such as @9.9.9.9, @127.0.0.1:5300 or @[::1]:53", s)
	}
	return net.JoinHostPort(host, port), nil
}

// firstServer returns the first resolver of a resolv.conf.
func firstServer(resolvConf string) (string, error) {
	conf, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil {
		return "", fmt.Errorf("no resolver is known, name one as @SERVER: %w", err)
	}
	if len(conf.Servers) == 0 {
		return "", fmt.Errorf("%s has no nameserver, name one as @SERVER", resolvConf)
	}
	return net.JoinHostPort(conf.Servers[0], conf.Port), nil
}
