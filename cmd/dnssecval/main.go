// Command dnssecval asks a resolver for a name and validates the answer as the plugin does.
// It prints what is proven, by which keys, and what to do about a failure.
//
//	dnssecval check www.example.org @9.9.9.9
//	dnssecval capture www.example.org -o report.jsonl
//	dnssecval check --from report.jsonl --svg chain.svg
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/dnssecval/dnssecval/validator"
)

// The exit codes. Scripts rely on them.
const (
	exitSecure        = 0
	exitBogus         = 1
	exitUsage         = 2
	exitInsecure      = 3
	exitIndeterminate = 4
	exitNotAsked      = 5
)

const usage = `usage: dnssecval check NAME [TYPE] [@SERVER[:PORT]] [OPTION...]
       dnssecval check --from FILE [OPTION...]
       dnssecval capture NAME [TYPE] [@SERVER[:PORT]] -o FILE [OPTION...]

check asks a resolver (the first of /etc/resolv.conf, if none is named) and
tells zone by zone what is proven. capture stores all answers in a file, which
check --from judges later, elsewhere, as of the time when they came.

  --trust-anchor FILE           DS or DNSKEY records, or root-anchors.xml
  --negative-trust-anchor ZONE  take the zone for unsigned
  --allow-sha1                  rely on RSASHA1 too
  --at TIME                     judge as of 2026-12-31T12:00:00Z
  --tcp                         ask over TCP only
  --json                        print the report as JSON
  --dot                         print the chain for Graphviz
  --svg FILE                    draw the chain
  --quiet                       print nothing
  -o FILE                       where capture writes to
  --version

  dnssecval check www.example.org
  dnssecval check example.org MX @9.9.9.9 --svg chain.svg
  dnssecval capture broken.example @192.0.2.53 -o broken.jsonl

exit code: 0 secure, 1 bogus, 2 wrong usage or files, 3 insecure,
4 indeterminate, 5 could not be asked
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := command{out: os.Stdout, err: os.Stderr, resolvConf: "/etc/resolv.conf",
		color: isTerminal(os.Stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", interactive: isTerminal(os.Stderr)}
	code := c.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// command is the program with its surroundings.
type command struct {
	out, err    io.Writer
	resolvConf  string
	color       bool // out is a terminal that shows colors
	interactive bool // err is a terminal
}

// errUsage is an error in the arguments, errInput one in a file that they name.
type (
	errUsage struct{ error }
	errInput struct{ error }
)

// run returns the exit code.
func (c command) run(ctx context.Context, args []string) int {
	switch {
	case len(args) == 0:
		fmt.Fprint(c.err, usage)
		return exitUsage
	case asksFor(args, "-h", "-help", "--help") || args[0] == "help":
		fmt.Fprint(c.out, usage)
		return exitSecure
	case asksFor(args, "-version", "--version"):
		fmt.Fprintln(c.out, "dnssecval", version())
		return exitSecure
	}
	a, err := parse(args, c.resolvConf)
	if err != nil {
		return c.failed(err)
	}
	if a.quiet {
		c.out, c.err = io.Discard, io.Discard
	}
	var status validator.Status
	if a.command == "capture" {
		status, err = c.capture(ctx, a)
	} else {
		status, err = c.check(ctx, a)
	}
	if err != nil {
		return c.failed(err)
	}
	return exitCode(status)
}

func asksFor(args []string, words ...string) bool {
	for _, arg := range args {
		for _, word := range words {
			if arg == word {
				return true
			}
		}
	}
	return false
}

// failed prints an error and returns its exit code.
func (c command) failed(err error) int {
	fmt.Fprintln(c.err, "dnssecval:", printable(err.Error()))
	switch {
	case errors.As(err, new(errUsage)):
		fmt.Fprintln(c.err, "dnssecval --help tells more")
		return exitUsage
	case errors.As(err, new(errInput)):
		return exitUsage
	default:
		return exitNotAsked
	}
}

func exitCode(status validator.Status) int {
	switch status {
	case validator.Secure:
		return exitSecure
	case validator.Bogus:
		return exitBogus
	case validator.Insecure:
		return exitInsecure
	default:
		return exitIndeterminate
	}
}

// released is the version of a release. The linker sets it.
var released string

// version returns the version of the release, or that of the module: a tag, a pseudo-version,
// or "(devel)".
func version() string {
	if released != "" {
		return released
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
