package dnssecval

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
)

// configure reads a Corefile fragment to the end, as setup does.
func configure(text, directive string) (*Validator, []string, error) {
	conf, err := parse(caddy.NewTestController("dns", text), directive)
	if err != nil {
		return nil, nil, err
	}
	return conf.validator(directive)
}

// TestSetupErrors: what is wrong, where, and what to do instead.
func TestSetupErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for _, tc := range []struct{ block, want string }{
		{"", "dnssecval does nothing without the word validate or serve"},
		{"log-failures", "dnssecval does nothing without the word validate or serve"},
		{"validate\nvalidate", "validate is there twice"},
		{"validate\ncache_capacity 1\ncache_capacity 2", "cache_capacity is there twice"},
		{"validate yes", `validate: takes no argument, "yes" is one too many`},
		{"validate\nfrobnicate", `unknown word "frobnicate"; there are: aggressive-nsec, allow-sha1, auto-trust-anchor, cache_capacity, insecure, log-failures, negative-trust-anchor, negative-trust-anchor-file, override-date, serve, signature-skew, status, trust-anchor, trust-anchor-signal, validate`},
		{"validate\nkey file Kexample.org", "key: belongs to CoreDNS's on-line signer, which this plugin replaces under its name; a build with both has this one as dnssecval"},
		{"validate\nserve yes", `serve: takes no argument, "yes" is one too many`},
		{"validate\nauto-trust-anchor", "auto-trust-anchor: needs a file to keep its state in"},
		{"validate\ntrust-anchor", "trust-anchor: needs a file with DS or DNSKEY records"},
		{"validate\ntrust-anchor " + missing, "trust-anchor file can't be read: open " + missing + ": no such file or directory"},
		{"validate\ntrust-anchor " + filepath.Dir(missing), filepath.Dir(missing) + ": no file in this directory"},
		{"validate\ntrust-anchor " + missing + "*", missing + "*: no such file"},
		{"validate\nnegative-trust-anchor-file", "negative-trust-anchor-file: needs a file with lines of ZONE [until TIME]"},
		{"validate\nnegative-trust-anchor-file " + missing, "negative-trust-anchor-file can't be read: open " + missing + ": no such file or directory"},
		{"validate\nsignature-skew 1h", "signature-skew: needs two durations, such as 1h 24h"},
		{"validate\nsignature-skew 2h 1h", `signature-skew: "2h 1h" is not two durations, the lesser one first, such as 1h 24h`},
		{"validate\ntrust-anchor-signal daily", `trust-anchor-signal: takes no argument, "daily" is one too many`},
		{"validate\nnegative-trust-anchor", "negative-trust-anchor: needs a zone"},
		{"validate\nnegative-trust-anchor until 2026-12-31T12:00:00Z", "negative-trust-anchor: needs a zone"},
		{"validate\nnegative-trust-anchor example until", `negative-trust-anchor: "until" is not a zone`},
		{"validate\nnegative-trust-anchor example until tomorrow", `negative-trust-anchor: "tomorrow" is not a time such as 2026-12-31T12:00:00Z`},
		{"validate\nnegative-trust-anchor b\u00fccher.example", `negative-trust-anchor: names have to be written in ASCII, such as xn--bcher-kva.example`},
		{"validate\nnegative-trust-anchor a..b", `negative-trust-anchor: "a..b" is not a zone`},
		{"validate\naggressive-nsec", "aggressive-nsec: needs on or off"},
		{"validate\naggressive-nsec no", "aggressive-nsec: needs on or off"},
		{"validate\ncache_capacity", "cache_capacity: needs a number"},
		{"validate\ncache_capacity 0", `cache_capacity: "0" is not a number of at least 1`},
		{"validate\ncache_capacity many", `cache_capacity: "many" is not a number of at least 1`},
		{"validate\noverride-date", "override-date: needs a time as YYYYMMDDHHMMSS, in UTC"},
		{"validate\noverride-date 2026-12-31", `override-date: "2026-12-31" is not a time as YYYYMMDDHHMMSS`},
		{"validate\ninsecure all", `insecure: takes no argument, "all" is one too many`},
		{"validate\nstatus", "status: needs an address, such as 127.0.0.1:9253"},
		{"validate\nstatus :9253 :9254", "status: needs an address, such as 127.0.0.1:9253"},
		{"validate\nstatus 9253", `status: "9253" is not an address and a port: write 127.0.0.1:9253, or :9253, which is the same`},
		{"validate\nstatus 127.0.0.1", `status: "127.0.0.1" is not an address and a port: write 127.0.0.1:9253, or :9253, which is the same`},
		{"validate\nstatus example.org:9253", `status: "example.org:9253" is not an address and a port: write 127.0.0.1:9253, or :9253, which is the same`},
		{"validate\nstatus :0", `status: ":0" is not an address and a port: write 127.0.0.1:9253, or :9253, which is the same`},
		{"validate\nstatus :99999", `status: ":99999" is not an address and a port: write 127.0.0.1:9253, or :9253, which is the same`},
		{"validate\nallow-sha1 yes", `allow-sha1: takes no argument, "yes" is one too many`},
	} {
		_, _, err := configure("dnssecval {\n"+tc.block+"\n}", "dnssecval")
		if err == nil || !strings.HasSuffix(err.Error(), tc.want) {
			t.Errorf("%q: %v, want %s", tc.block, err, tc.want)
		}
	}
	_, _, err := configure("dnssec {\nvalidate\n}\ndnssec {\nvalidate\n}", "dnssec")
	if err == nil || !strings.HasSuffix(err.Error(), "dnssec can be used once in a server block") {
		t.Error(err)
	}
	if _, _, err := configure("dnssec", "dnssec"); err == nil || !strings.HasSuffix(err.Error(), "dnssec does nothing without the word validate or serve") {
		t.Error(err)
	}
}

func TestSetup(t *testing.T) {
	text := `dnssecval example.org 10.0.0.0/8 {
		log-failures
		insecure
		validate
		allow-sha1
		cache_capacity 7
		negative-trust-anchor Corp.Internal test
		negative-trust-anchor other until 2026-12-31T12:00:00+02:00
		override-date 20261123120000
	}`
	v, warnings, err := configure(text, "dnssecval")
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if strings.Join(v.zones, " ") != "example.org. 10.in-addr.arpa." || !v.report || v.failures == nil || !v.policy.AllowSHA1 {
		t.Errorf("%+v", v)
	}
	if !v.override.Equal(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)) || v.Name() != "dnssecval" {
		t.Errorf("%+v", v)
	}
	n := v.anchors.Load().negative
	if len(n) != 3 || !n["other."].until.Equal(time.Date(2026, 12, 31, 10, 0, 0, 0, time.UTC)) || !n["corp.internal."].until.IsZero() {
		t.Errorf("%v", n)
	}
	if root := v.anchors.Load().positive["."]; len(root) != 2 {
		t.Errorf("the anchors of the root are %v", root)
	}
}

// TestSetupWarnings: a file with KSK-2017 alone takes effect, with a warning that names the
// line to add.
func TestSetupWarnings(t *testing.T) {
	path := anchorFile(t, ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D")
	if _, warnings := parseBlock(t, "trust-anchor "+path); len(warnings) != 1 || !strings.Contains(warnings[0], `". IN DS 38696 `) {
		t.Errorf("the warnings are %q", warnings)
	}
}
