// Command stub asks a resolver and validates what it answers.
//
//	stub www.example.org
//	stub -tls -server 9.9.9.9:853 example.org MX
//	stub -server 127.0.0.1:5300 -trust-anchor anchors www.signed.example
package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

func main() {
	server := flag.String("server", "9.9.9.9:53", "`address` and port of the resolver")
	useTLS := flag.Bool("tls", false, "ask over TLS (RFC 7858)")
	file := flag.String("trust-anchor", "", "`file` with DS or DNSKEY records; the root's are built in")
	flag.Parse()
	qtype, ok := dns.StringToType[strings.ToUpper(cmp.Or(flag.Arg(1), "A"))]
	if flag.NArg() == 0 || !ok {
		log.Fatal("usage: stub [-server ADDRESS] [-tls] [-trust-anchor FILE] NAME [TYPE]")
	}
	r := resolver{addr: *server}
	if *useTLS {
		r.tls = new(tls.Config)
	}
	if err := run(os.Stdout, r, *file, flag.Arg(0), qtype); err != nil {
		log.Fatal(err)
	}
}

// resolver asks one server, over UDP and TCP, or over TLS.
type resolver struct {
	addr string
	tls  *tls.Config
}

// Exchange implements validator.Exchanger.
func (r resolver) Exchange(ctx context.Context, request *dns.Msg, how validator.Manner) (*dns.Msg, error) {
	client := dns.Client{TLSConfig: r.tls}
	switch {
	case r.tls != nil:
		client.Net = "tcp-tls"
	case how.TCP:
		client.Net = "tcp"
	}
	response, _, err := client.ExchangeContext(ctx, request, r.addr)
	return response, err
}

// run asks for a name and prints the answer, its status, and the reason if it is not secure.
func run(out io.Writer, r resolver, file, name string, qtype uint16) error {
	set := anchor.Root()
	if file != "" {
		anchors, warnings, err := anchor.ReadFiles([]string{file}, anchor.Rules{})
		if err != nil {
			return err
		}
		for _, warning := range warnings {
			log.Print(warning)
		}
		set, _ = anchor.NewSet(anchors)
	}
	v, err := validator.New(r, validator.Options{Anchors: set})
	if err != nil {
		return err
	}
	request := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	request.AuthenticatedData = true // asks for the AD bit (RFC 6840, section 5.7)
	answer, result := v.Resolve(context.Background(), request)
	for _, rr := range answer.Answer {
		fmt.Fprintln(out, rr)
	}
	fmt.Fprintf(out, "%s, AD %t, %s\n", dns.RcodeToString[answer.Rcode], answer.AuthenticatedData, result.Status)
	if result.Status != validator.Secure {
		fmt.Fprintln(out, result.Finding)
	}
	return result.Err
}
