// Command coredns is CoreDNS with all of its own plugins, in which the
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
	// CoreDNS shows this with -version and in coredns_build_info, next to its
	// own version, which stays what it is.
	if coremain.GitCommit == "" {
		coremain.GitCommit = "dnssecval-" + moduleVersion()
	}
	release := reserve()
	coremain.Run()
	release()
}

// moduleVersion is the version this module was built as: a tag, a
// pseudo-version with the commit, or "(devel)".
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
