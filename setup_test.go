package dnssecval

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"    // has the server listen on one address
	_ "github.com/coredns/coredns/plugin/file"    // serves a zone
	_ "github.com/coredns/coredns/plugin/forward" // asks an upstream
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestSetupErrors: an error says what is wrong, and what to write instead.
func TestSetupErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for _, tc := range []struct{ block, want string }{
		{block: "", want: "dnssecval does nothing without the word validate or serve"},
		{block: "log-failures", want: "dnssecval does nothing without the word validate or serve"},
		{block: "validate\nvalidate", want: "validate is there twice"},
		{block: "validate\ncache_capacity 1\ncache_capacity 2", want: "cache_capacity is there twice"},
		{block: "validate yes", want: `validate: takes no argument, "yes" is one too many`},
		{block: "validate\nfrobnicate", want: `unknown word "frobnicate"; there are: aggressive-nsec, allow-sha1, auto-trust-anchor, builtin-negative-trust-anchors, cache_capacity, insecure, log-failures, negative-trust-anchor, negative-trust-anchor-file, override-date, serve, signature-skew, status, trust-anchor, trust-anchor-signal, validate`},
		{block: "validate\nkey file Kexample.org", want: "key: belongs to CoreDNS's on-line signer, which this plugin replaces under its name; a build with both has this one as dnssecval"},
		{block: "validate\nserve yes", want: `serve: takes no argument, "yes" is one too many`},
		{block: "validate\nauto-trust-anchor", want: "auto-trust-anchor: needs a file to keep its state in"},
		{block: "validate\ntrust-anchor", want: "trust-anchor: needs a file with DS or DNSKEY records"},
		{block: "validate\ntrust-anchor " + missing, want: "trust-anchor file can't be read: open " + missing + ": no such file or directory"},
		{block: "validate\ntrust-anchor " + filepath.Dir(missing), want: filepath.Dir(missing) + ": no file in this directory"},
		{block: "validate\ntrust-anchor " + missing + "*", want: missing + "*: no such file"},
		{block: "validate\nnegative-trust-anchor-file", want: "negative-trust-anchor-file: needs a file with lines of ZONE [until TIME]"},
		{block: "validate\nnegative-trust-anchor-file " + missing, want: "negative-trust-anchor-file can't be read: open " + missing + ": no such file or directory"},
		{block: "validate\nsignature-skew 1h", want: "signature-skew: needs two durations, such as 1h 24h"},
		{block: "validate\nsignature-skew 2h 1h", want: `signature-skew: "2h 1h" is not two durations, the lesser one first, such as 1h 24h`},
		{block: "validate\ntrust-anchor-signal daily", want: `trust-anchor-signal: takes no argument, "daily" is one too many`},
		{block: "validate\nnegative-trust-anchor", want: "negative-trust-anchor: needs a zone"},
		{block: "validate\nnegative-trust-anchor until 2026-12-31T12:00:00Z", want: "negative-trust-anchor: needs a zone"},
		{block: "validate\nnegative-trust-anchor example until", want: `negative-trust-anchor: "until" is not a zone`},
		{block: "validate\nnegative-trust-anchor example until tomorrow", want: `negative-trust-anchor: "tomorrow" is not a time such as 2026-12-31T12:00:00Z`},
		{block: "validate\nnegative-trust-anchor b\u00fccher.example", want: `negative-trust-anchor: names have to be written in ASCII, such as xn--bcher-kva.example`},
		{block: "validate\nnegative-trust-anchor a..b", want: `negative-trust-anchor: "a..b" is not a zone`},
		{block: "validate\naggressive-nsec", want: "aggressive-nsec: needs on or off"},
		{block: "validate\naggressive-nsec no", want: "aggressive-nsec: needs on or off"},
		{block: "validate\ncache_capacity", want: "cache_capacity: needs a number"},
		{block: "validate\ncache_capacity 0", want: `cache_capacity: "0" is not a number of at least 1`},
		{block: "validate\ncache_capacity many", want: `cache_capacity: "many" is not a number of at least 1`},
		{block: "validate\noverride-date", want: "override-date: needs a time as YYYYMMDDHHMMSS, in UTC"},
		{block: "validate\noverride-date 2026-12-31", want: `override-date: "2026-12-31" is not a time as YYYYMMDDHHMMSS`},
		{block: "validate\ninsecure all", want: `insecure: takes no argument, "all" is one too many`},
		{block: "validate\nstatus", want: "status: needs an address, such as 127.0.0.1:9253"},
		{block: "validate\nstatus :9253 :9254", want: "status: needs an address, such as 127.0.0.1:9253"},
		{block: "validate\nstatus 9253", want: `status: "9253" is not an address and a port: write 127.0.0.1:9253, or :9253, which is the same`},
		{block: "validate\nstatus 127.0.0.1", want: `status: "127.0.0.1" is not an address and a port: write 127.0.0.1:9253, or :9253, which is the same`},
		{block: "validate\nstatus example.org:9253", want: `status: "example.org:9253" is not an address and a port: write 127.0.0.1:9253, or :9253, which is the same`},
		{block: "validate\nstatus :0", want: `status: ":0" is not an address and a port: write 127.0.0.1:9253, or :9253, which is the same`},
		{block: "validate\nstatus :99999", want: `status: ":99999" is not an address and a port: write 127.0.0.1:9253, or :9253, which is the same`},
		{block: "validate\nallow-sha1 yes", want: `allow-sha1: takes no argument, "yes" is one too many`},
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

// TestSetup: the words of a block are what its validator is made with.
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
	b, warnings, err := configure(text, "dnssecval")
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if strings.Join(b.words.zones, " ") != "example.org. 10.in-addr.arpa." || !b.words.reportOnly || b.failures == nil || !b.words.policy.AllowSHA1 {
		t.Errorf("%+v", b.words)
	}
	if !b.words.override.Equal(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)) || b.handler.Name() != "dnssecval" {
		t.Errorf("%+v", b.words)
	}
	set := b.handler.engine.Anchors()
	other, _ := set.Negative("other.")
	corp, there := set.Negative("corp.internal.")
	if zones := set.NegativeZones(); len(zones) != 3 || !other.Until.Equal(time.Date(2026, 12, 31, 10, 0, 0, 0, time.UTC)) || !there || !corp.Until.IsZero() {
		t.Errorf("%v", zones)
	}
	if root := set.Anchors("."); len(root) != 2 {
		t.Errorf("the anchors of the root are %v", root)
	}
	if options := b.words.options(set); options.Capacity != 7 || !options.ReportOnly || options.NoSynthesis || !options.Policy.AllowSHA1 || !options.At.Equal(b.words.override) {
		t.Errorf("%+v", options)
	}
}

// TestAttackConfig: what would have no effect, or one that nobody wants, is an error.
func TestAttackConfig(t *testing.T) {
	dir := t.TempDir()
	overwrite(t, filepath.Join(dir, "anchors"), rootDS...)
	for _, tc := range []struct{ name, lines string }{
		{name: "state file in a directory of anchors", lines: "auto-trust-anchor " + dir + "/state\ntrust-anchor " + dir},
		{name: "state file that a glob matches", lines: "auto-trust-anchor " + dir + "/state\ntrust-anchor " + dir + "/anchors " + dir + "/*"},
		{name: "rollovers at another time", lines: "auto-trust-anchor state\noverride-date 20200101000000"},
		{name: "network", lines: "negative-trust-anchor 10.0.0.0/8"},
	} {
		if _, _, err := configure("dnssecval . {\nvalidate\n"+tc.lines+"\n}", "dnssecval"); err == nil {
			t.Errorf("%s: no error", tc.name)
		}
	}
}

// rootDS are the trust anchors of the root as zone-file lines.
var rootDS = []string{
	". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
	". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
}

// TestAttackNotFiles: what is no regular file is an error, and does not block the start.
func TestAttackNotFiles(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := exec.Command("mkfifo", fifo).Run(); err != nil {
		t.Skip(err)
	}
	huge := filepath.Join(t.TempDir(), "huge")
	overwrite(t, huge)
	if err := os.Truncate(huge, 1<<40); err != nil {
		t.Skip(err)
	}
	for _, line := range []string{"trust-anchor " + fifo, "trust-anchor /dev/zero", "negative-trust-anchor-file " + fifo, "auto-trust-anchor " + fifo, "trust-anchor " + huge} {
		done := make(chan error, 1)
		go func() {
			_, _, err := configure("dnssecval {\nvalidate\n"+line+"\n}", "dnssecval")
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil {
				t.Errorf("%s: no error", line)
			}
		case <-time.After(3 * time.Second):
			t.Errorf("%s: waits", line)
		}
	}
}

func init() {
	dnsserver.Quiet = true
	dnsserver.Directives = []string{"bind", "dnssecval", "file", "forward"}
}

// startServer starts a server with a Corefile until the test ends, and returns its address.
// HERE in the Corefile stands for the address.
func startServer(t *testing.T, corefile string) (addr string, err error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	text := strings.ReplaceAll(corefile, "HERE {", ":"+port+" {\nbind 127.0.0.1")
	instance, err := caddy.Start(caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(text), ServerTypeName: "dns"})
	if err != nil {
		return "", err
	}
	t.Cleanup(func() {
		_ = instance.Stop()
		instance.ShutdownCallbacks()
	})
	return "127.0.0.1:" + port, nil
}

// TestStart: a server with a block that forwards and one that serves a zone judges both.
func TestStart(t *testing.T) {
	records := []string{"www A 192.0.2.1", "bad A 192.0.2.2"}
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: records}, testzone.Spec{Name: "served.", Algorithm: p256, Records: records})
	breakZone(t, w, "example.", testzone.ChangeRDATA("bad.example.", typeA))
	upstream, err := w.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer upstream.Close()
	zone := filepath.Join(t.TempDir(), "db")
	var lines []string
	for _, rr := range w.Zone("served.").Records() {
		line := rr.String()
		if h := rr.Header(); h.Name == "bad.served." && h.Rrtype == typeA {
			line = strings.Replace(line, "192.0.2.2", "192.0.2.3", 1)
		}
		lines = append(lines, line)
	}
	overwrite(t, zone, lines...)
	anchors := "trust-anchor " + anchorFile(t, w.Anchors(".")...)
	addr, err := startServer(t, ".HERE {\ndnssecval {\nvalidate\n"+anchors+"\n}\nforward . "+upstream.Addr()+"\n}\n"+
		"served.HERE {\ndnssecval {\nserve\n"+anchors+"\n}\nfile "+zone+"\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		bits bits
		want outcome
	}{
		{name: "www.example.", bits: wantDO, want: outcome{ad: true, ede: noCode}},
		{name: "www.example.", want: outcome{ede: noCode}},
		{name: "bad.example.", bits: wantDO, want: outcome{rcode: servfail, ede: ede6}},
		{name: "www.served.", bits: wantDO, want: outcome{ad: true, ede: noCode}},
		{name: "no.served.", bits: wantDO, want: outcome{rcode: dns.RcodeNameError, ad: true, ede: noCode}},
		{name: "bad.served.", bits: wantDO, want: outcome{rcode: servfail, ede: ede6}},
		{name: "bad.served.", bits: bits{edns: true, cd: true}, want: outcome{ede: noCode}},
	} {
		m, err := dns.Exchange(newQuestion(tc.name, typeA, tc.bits), addr)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		} else if got := (outcome{rcode: m.Rcode, ad: m.AuthenticatedData, ede: edeOf(m)}); got != tc.want {
			t.Errorf("%s: %+v, want %+v\n%s", tc.name, got, tc.want, m)
		}
	}
}

// TestStartErrors: a block in which nothing could be validated does not start.
func TestStartErrors(t *testing.T) {
	for _, tc := range []struct{ name, corefile, want string }{
		{name: "validate", corefile: ".HERE {\ndnssecval {\nvalidate\n}\n}\n", want: "has nothing that asks an upstream, so that there is nothing to validate: add forward"},
		{name: "serve", corefile: ".HERE {\ndnssecval {\nserve\n}\nforward . 192.0.2.1\n}\n", want: "has nothing that serves a zone, so that there is nothing for serve to judge: add file"},
	} {
		if _, err := startServer(t, tc.corefile); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.want)
		}
	}
}

// FuzzCorefile: any text in the block of the directive is an error, or does something.
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

// TestBuiltinNegativeWord: built-in negative trust anchors are on unless they are switched off.
// They are not counted, listed or rechecked as the operator's.
func TestBuiltinNegativeWord(t *testing.T) {
	for _, test := range []struct {
		word string
		on   bool
		err  string
	}{
		{on: true},
		{word: "builtin-negative-trust-anchors on", on: true},
		{word: "builtin-negative-trust-anchors off"},
		{word: "builtin-negative-trust-anchors", err: "builtin-negative-trust-anchors: needs on or off"},
		{word: "builtin-negative-trust-anchors no", err: "builtin-negative-trust-anchors: needs on or off"},
		{word: "builtin-negative-trust-anchors on\nbuiltin-negative-trust-anchors on", err: "builtin-negative-trust-anchors is there twice"},
		{word: "builtin-negative-anchors on", err: "aggressive-nsec, allow-sha1, auto-trust-anchor, builtin-negative-trust-anchors, cache_capacity,"},
	} {
		b, _, err := blockOf(t, test.word, "negative-trust-anchor corp.example")
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q: %v, want %s", test.word, err, test.err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, _, ok := b.trust.set().BuiltinNegative("a.test.", time.Now()); ok != test.on {
			t.Errorf("%q: %t", test.word, ok)
		}
		if count, listed, rechecked := b.trust.negativeInForce(), b.View(0).Negative, b.trust.disabledZones(); count != 1 || len(listed) != 1 || len(rechecked) != 1 {
			t.Errorf("%q: %d are counted, %v listed, %q rechecked", test.word, count, listed, rechecked)
		}
	}
}
