// Command nodelocal is a small resolver for a node: CoreDNS as a library with a
// few plugins, and dnssec in front of forward.
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

// directives lists the plugins in the order in which they see a query. dnssec
// comes after cache, so that only validated answers are cached.
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
