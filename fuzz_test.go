package dnssecval

import (
	"os"
	"strings"
	"testing"

	"github.com/coredns/caddy"
)

// FuzzCorefile: what stands in the block of the directive.
func FuzzCorefile(f *testing.F) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		f.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "dnssec {")[1:] {
		block, _, _ = strings.Cut(block, "}")
		f.Add(block)
	}
	f.Add("validate\nvalidate")
	f.Add("serve\nsignature-skew 24h 1h")
	f.Add("validate\noverride-date 20261101000000\nauto-trust-anchor x")
	f.Add("validate\n} extra {")
	f.Fuzz(func(t *testing.T, block string) {
		conf, err := parse(caddy.NewTestController("dns", "dnssec . {\n"+block+"\n}"), "dnssec")
		switch {
		case err != nil:
		case !conf.validate && !conf.serve:
			t.Errorf("%q does nothing, and is no error", block)
		case conf.capacity < 1 || conf.policy.Skew.Min < 0 || conf.policy.Skew.Max < conf.policy.Skew.Min:
			t.Errorf("%q is read as %+v", block, conf)
		}
	})
}
