package house

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/dnssecval/dnssecval"

// rule is what a package may depend on: which packages of this module, and which others
// it may not, by prefix.
type rule struct {
	name    string   // the directory of the package
	ours    []string // the packages of this module that it may import
	never   []string // packages that it may not import
	without []string // packages that nothing it depends on may import either
}

// The words of rules.
var (
	coredns    = []string{"github.com/coredns/"}
	prometheus = []string{"github.com/prometheus/"}
	logAndFile = []string{"log", "os", "io/fs"}
	network    = []string{"net", "net/http", "crypto/tls"}
)

// rules is the table of docs/architecture.md. The top level, the servers made of it and
// the test tools may import everything.
var rules = []rule{
	{name: "internal/dnsname", without: slices.Concat(coredns, prometheus)},
	{name: "internal/dnssec", ours: []string{"internal/dnsname"}, never: slices.Concat(logAndFile, network), without: slices.Concat(coredns, prometheus)},
	{name: "internal/rollover", ours: []string{"internal/dnssec", "internal/dnsname"}, never: network, without: slices.Concat(coredns, prometheus)},
	{name: "anchor", ours: []string{"internal/dnssec", "internal/dnsname"}, never: network, without: slices.Concat(coredns, prometheus)},
	{name: "validator", ours: []string{"anchor", "internal/dnssec", "internal/dnsname"}, never: slices.Concat(logAndFile, network), without: slices.Concat(coredns, prometheus)},
	{name: "internal/placement", ours: []string{"internal/dnsname"}, never: prometheus},
	{name: "internal/statuspage", ours: []string{"internal/dnssec"}, without: slices.Concat(coredns, prometheus)},
	{name: "internal/coredns/cache", never: slices.Concat(logAndFile, network), without: slices.Concat(coredns, prometheus)},
	{name: "cmd/dnssecval", ours: []string{"validator", "anchor"}, without: slices.Concat(coredns, prometheus)},
	{name: "examples/stub", ours: []string{"validator", "anchor"}, without: slices.Concat(coredns, prometheus)},
}

// forTests are packages that only tests and test tools may use.
var forTests = []string{module + "/internal/kubelet", module + "/internal/testzone", module + "/internal/worlds"}

// listed is what `go list -json` says of a package.
type listed struct{ Imports, Deps []string }

// violations returns the packages that the rule forbids.
func (r rule) violations(p listed) (found []string) {
	for _, path := range p.Imports {
		own, ours := strings.CutPrefix(path, module)
		if own = strings.TrimPrefix(own, "/"); ours && !slices.Contains(r.ours, own) || matches(path, r.never) {
			found = append(found, path)
		}
	}
	for _, path := range p.Deps {
		if matches(path, r.without) || path == module || slices.Contains(forTests, path) {
			found = append(found, path)
		}
	}
	return found
}

// matches decides whether a package is one of those named; a name that ends in a slash is
// a prefix.
func matches(path string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return path == name || strings.HasSuffix(name, "/") && strings.HasPrefix(path, name)
	})
}

// TestImports checks that each package depends on nothing that its rule forbids.
func TestImports(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			out, err := exec.Command("go", "list", "-json=Imports,Deps", root+"/"+r.name).Output()
			if err != nil {
				t.Fatal(err)
			}
			var p listed
			if err := json.Unmarshal(out, &p); err != nil || len(p.Imports) == 0 {
				t.Fatal(err, p.Imports)
			}
			for _, path := range r.violations(p) {
				t.Errorf("it depends on %s", path)
			}
		})
	}
}

// TestViolations checks that a rule finds what it forbids.
func TestViolations(t *testing.T) {
	r := rule{name: "x", ours: []string{"anchor"}, never: logAndFile, without: coredns}
	for _, tc := range []struct {
		name string
		p    listed
		want []string
	}{
		{name: "allowed", p: listed{Imports: []string{"io", "os/exec", module + "/anchor"}, Deps: []string{"os", "github.com/miekg/dns"}}},
		{name: "package of this module", p: listed{Imports: []string{module + "/validator"}}, want: []string{module + "/validator"}},
		{name: "the plugin", p: listed{Imports: []string{module}}, want: []string{module}},
		{name: "log", p: listed{Imports: []string{"log"}}, want: []string{"log"}},
		{name: "CoreDNS by way of another", p: listed{Deps: []string{"github.com/coredns/caddy"}}, want: []string{"github.com/coredns/caddy"}},
		{name: "test zones by way of another", p: listed{Deps: []string{module + "/internal/testzone"}}, want: []string{module + "/internal/testzone"}},
		{name: "small worlds by way of another", p: listed{Deps: []string{module + "/internal/worlds"}}, want: []string{module + "/internal/worlds"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := r.violations(tc.p); !slices.Equal(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}
