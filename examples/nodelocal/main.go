// Command nodelocal is a small resolver for a node: CoreDNS as a library, with
// a handful of plugins, and dnssec in front of forward.
package main

import (
	"log"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/reload"

	_ "github.com/dnssecval/dnssecval/dnssec"
)

// directives is the order in which the plugins see a query. dnssec stands
// behind cache, so that what is cached is judged already.
var directives = []string{
	"reload",
	"bind",
	"prometheus",
	"errors",
	"log",
	"cache",
	"dnssec",
	"forward",
}

func main() {
	if err := dnsserver.SetDirectives(directives); err != nil {
		log.Fatal(err)
	}
	coremain.Run()
}
