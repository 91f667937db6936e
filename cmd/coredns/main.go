// Command coredns is CoreDNS with all of its own plugins, except that the
// directive dnssec validates instead of signing.
package main

//go:generate go run generate.go

import (
	"log"
	"runtime/debug"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
)

func main() {
	if err := dnsserver.SetDirectives(directives); err != nil {
		log.Fatal(err)
	}
	// CoreDNS shows this with -version and in coredns_build_info, besides its
	// own version.
	if coremain.GitCommit == "" {
		coremain.GitCommit = "dnssecval-" + moduleVersion()
	}
	tuneCollector()
	coremain.Run()
}

// moduleVersion returns the version of this module: a tag, a pseudo-version
// with the commit, or "(devel)".
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
