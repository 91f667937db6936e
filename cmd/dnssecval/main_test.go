package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestExitCodes: each status and each kind of error has its exit code.
func TestExitCodes(t *testing.T) {
	s := goldenWorld(t)
	s.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Name == "refused.example." {
			a.Rcode, a.Answer, a.Ns = dns.RcodeRefused, nil, nil
			a.IsEdns0().Option = append(a.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeProhibited, ExtraText: "go away\x1b[2J"})
		}
		return a
	})
	for _, test := range []struct {
		name string
		args []string
		code int
		err  string // part of standard error
	}{
		{name: "secure", args: s.judge("check", "www.signed.example"), code: 0},
		{name: "bogus", args: s.judge("check", "www.expired.example"), code: 1},
		{name: "insecure", args: s.judge("check", "www.unsigned.example"), code: 3},
		{name: "indeterminate", args: s.judge("check", "www.signed.example", "RRSIG"), code: 4},
		{name: "refused", args: s.judge("check", "refused.example"), code: 5, err: `answers REFUSED for refused.example. A, and there is nothing to judge; it says "go away\x1b[2J" (EDE 18, Prohibited)`},
		{name: "nobody listens", args: []string{"check", "example", "@" + closedPort(t)}, code: 5, err: "no answer: nothing listens there"},
		{name: "usage", args: []string{"check"}, code: 2, err: "a NAME is missing"},
		{name: "nothing", args: nil, code: 2, err: "usage: dnssecval check NAME"},
		{name: "no anchor file", args: append(s.judge("check", "example"), "--trust-anchor", "/no/such/file"), code: 2, err: "/no/such/file"},
		{name: "bad anchor file", args: append(s.judge("check", "example"), "--trust-anchor", "testdata/secure.text"), code: 2, err: "testdata/secure.text:1: not a DS or DNSKEY record"},
		{name: "bad negative trust anchor", args: append(s.judge("check", "example"), "--negative-trust-anchor", "10.0.0.0/8"), code: 2, err: "is a network"},
		{name: "no resolv.conf", args: []string{"check", "example"}, code: 2, err: "no resolver is known, name one as @SERVER"},
		{name: "no capture", args: []string{"check", "--from", "/no/such/file"}, code: 2, err: "/no/such/file"},
		{name: "capture into nowhere", args: s.judge("capture", "www.signed.example", "-o", "/no/such/folder/file"), code: 2, err: "/no/such/folder/file"},
		{name: "help", args: []string{"check", "--help"}, code: 0},
		{name: "version", args: []string{"--version"}, code: 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := run(t, test.args...)
			if got.code != test.code || !strings.Contains(got.err, test.err) || (test.err == "") != (got.err == "") {
				t.Errorf("%+v\nwant %d, %s", got, test.code, test.err)
			}
			quiet := run(t, append(slices.Clone(test.args), "--quiet")...)
			if test.code != exitUsage && test.name != "help" && test.name != "version" && (quiet.code != test.code || quiet.out+quiet.err != "") {
				t.Errorf("with --quiet: %+v", quiet)
			}
		})
	}
}

// closedPort returns an address where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	w := newWorld(t, nil)
	server, err := w.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	return server.Addr()
}

// TestResolvConf: the first server of resolv.conf is the default.
func TestResolvConf(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	write(t, conf, "nameserver 127.0.0.53\nnameserver 127.0.0.54")
	if got, err := firstServer(conf); got != "127.0.0.53:53" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	write(t, conf, "options edns0")
	if got, err := firstServer(conf); err == nil {
		t.Errorf("%s", got)
	}
}

// TestTruncated: after a truncated answer the question is asked over TCP.
func TestTruncated(t *testing.T) {
	long := `www TXT "` + strings.Repeat("x", 250) + `"` + strings.Repeat(` "`+strings.Repeat("x", 250)+`"`, 6)
	s := serve(t, testzone.Spec{Name: "example.", Algorithm: alg, Records: []string{long}})
	if got := run(t, s.judge("check", "www.example", "TXT")...); got.code != exitSecure {
		t.Errorf("%+v", got)
	}
}

// TestColors: a terminal gets colors, and a line with the question under way that is cleared at
// the end.
func TestColors(t *testing.T) {
	s := goldenWorld(t)
	s.SetDelay(300 * time.Millisecond)
	got := runAs(t, command{color: true, interactive: true}, s.judge("check", "www.expired.example")...)
	for _, colored := range []string{"\x1b[32msecure\x1b[0m", "\x1b[1;31mbogus: signature_expired\x1b[0m"} {
		if !strings.Contains(got.out, colored) {
			t.Errorf("%q is not in %q", colored, got.out)
		}
	}
	if !strings.Contains(got.err, "asking for ") || !strings.HasSuffix(got.err, clearLine) {
		t.Errorf("the progress is %q", got.err)
	}
	plain := runAs(t, command{}, s.judge("check", "www.expired.example")...)
	if strings.Contains(plain.out, "\x1b") || plain.err != "" {
		t.Errorf("%+v", plain)
	}
}

// TestMainPiped runs the program itself with its input and output in pipes.
func TestMainPiped(t *testing.T) {
	s := goldenWorld(t)
	file := filepath.Join(t.TempDir(), "capture")
	run(t, s.judge("capture", "www.expired.example", "-o", file)...)
	for _, args := range [][]string{s.judge("check", "www.expired.example"), {"check", "--from", "-"}} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, os.Args[0], args...)
		c.Env = append(os.Environ(), runEnv+"=yes")
		var out, errs bytes.Buffer
		c.Stdin, c.Stdout, c.Stderr = strings.NewReader(read(t, file)), &out, &errs
		_ = c.Run() // it exits with 1
		got := strings.Replace(s.normal(out.String(), goldenSpecs), " (captured)", "", 1)
		if c.ProcessState.ExitCode() != exitBogus || got != read(t, "testdata/expired.text") || errs.Len() > 0 {
			t.Errorf("%v\n%s\n%s", c.ProcessState, &out, &errs)
		}
	}
}
