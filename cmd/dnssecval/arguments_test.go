package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestArguments: words and options come in any order.
func TestArguments(t *testing.T) {
	a := func(edit func(*arguments)) *arguments {
		a := &arguments{command: "check", name: "example.", qtype: dns.TypeA, server: "192.0.2.53:53"}
		edit(a)
		return a
	}
	same := func(*arguments) {}
	for _, test := range []struct {
		line string
		want *arguments
	}{
		{line: "check example @192.0.2.53", want: a(same)},
		{line: "check @192.0.2.53 EXAMPLE.", want: a(same)},
		{line: "check example a @192.0.2.53:53", want: a(same)},
		{line: "check A example @192.0.2.53", want: a(same)},
		{line: "check mx mx @192.0.2.53", want: a(func(a *arguments) { a.name, a.qtype = "mx.", dns.TypeMX })},
		{line: "check mx @192.0.2.53", want: a(func(a *arguments) { a.name = "mx." })},
		{line: "check --json example TYPE65 -quiet @192.0.2.53", want: a(func(a *arguments) { a.json, a.quiet, a.qtype = true, true, dns.TypeHTTPS })},
		{line: "check @[2001:db8::1]:5300 example", want: a(func(a *arguments) { a.server = "[2001:db8::1]:5300" })},
		{line: "check @2001:db8::1 example", want: a(func(a *arguments) { a.server = "[2001:db8::1]:53" })},
		{line: "check example @dns.example --tcp --dot", want: a(func(a *arguments) { a.server, a.tcp, a.dot = "dns.example:53", true, true })},
		{line: "check --trust-anchor x example --trust-anchor=y @192.0.2.53 --allow-sha1", want: a(func(a *arguments) { a.anchors, a.allowSHA1 = []string{"x", "y"}, true })},
		{line: "check example --at 20261201120000 @192.0.2.53", want: a(func(a *arguments) { a.at = then })},
		{line: "check example --at 2026-12-01T13:00:00+01:00 @192.0.2.53", want: a(func(a *arguments) { a.at = then })},
		{line: "check example --at 2026-12-01 @192.0.2.53", want: a(func(a *arguments) { a.at = then.Truncate(24 * time.Hour) })},
		{line: "check --from x --svg y", want: &arguments{command: "check", qtype: dns.TypeA, from: "x", output: output{svg: "y"}}},
		{line: "capture example @192.0.2.53 -o x --negative-trust-anchor y", want: a(func(a *arguments) { a.command, a.file, a.negative = "capture", "x", []string{"y"} })},
	} {
		got, err := parse(strings.Fields(test.line), "/no/such/file")
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", test.line, err, got, test.want)
		}
	}
}

// TestArgumentErrors: the error names the wrong argument.
func TestArgumentErrors(t *testing.T) {
	for line, says := range map[string]string{
		"look example":                      `"look" is neither check nor capture`,
		"check":                             "a NAME is missing",
		"check example A b":                 `"b" is one word too many`,
		"check example FOO":                 `unknown type "FOO", it is one such as A, AAAA, MX or TYPE65`,
		"check example TYPE70000":           `unknown type "TYPE70000"`,
		"check example AXFR":                `unknown type "AXFR"`,
		"check a..b":                        `"a..b" is not a domain name`,
		"check ö.example":                   `"ö.example" is not of ASCII letters, write it as xn--…`,
		"check example @192.0.2.1 @x":       "@x is a second server",
		"check example @192.0.2.1:x":        "@192.0.2.1:x is not a server such as @9.9.9.9",
		"check example @":                   "@ is not a server",
		"check example --at noon":           `invalid value "noon" for --at: not a time such as 2026-12-31T12:00:00Z`,
		"check example --what":              "unknown option --what",
		"check example --svg":               "an argument is missing for --svg",
		"check example --from x":            `"example" does not go with --from`,
		"check example -o x":                "-o is for capture",
		"check example --json --dot":        "--json does not go with --dot",
		"capture example":                   "capture needs -o FILE",
		"capture --from x -o y":             "--from is for check",
		"capture example -o x --svg y":      "--json, --dot and --svg are for check",
		"check example --json=x @192.0.2.1": `invalid boolean value "x" for --json`,
	} {
		_, err := parse(strings.Fields(line), "/no/such/file")
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", line, err, says)
		}
	}
}
