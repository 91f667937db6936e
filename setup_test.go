package dnssecval

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
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

const (
	ksk2017Key = ". 172800 IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU="
	ksk2017    = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
	ksk2024    = ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"
)

// TestRootAnchors: whom a file replaces, and which successor it gets.
func TestRootAnchors(t *testing.T) {
	private := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ED25519})
	for _, tc := range []struct {
		what  string
		lines []string
		tags  int // of the root
		warns bool
	}{
		{"KSK-2017 alone", []string{ksk2017}, 2, true},
		{"KSK-2017 alone, as a key", []string{ksk2017Key}, 2, true},
		{"KSK-2017 alone, in lower case", []string{strings.ToLower(ksk2017)}, 2, true},
		{"both", []string{ksk2017, ksk2024}, 2, false},
		{"KSK-2024 alone", []string{ksk2024}, 1, false},
		{"private root", private.Anchors("."), 1, false},
		{"private root as a key", private.AnchorKeys("."), 1, false},
		{"another zone", private.Anchors("example."), 2, false},
	} {
		v, warnings := parseBlock(t, "trust-anchor "+anchorFile(t, tc.lines...))
		if got := len(v.anchors.Load().positive["."]); got != tc.tags || len(warnings) > 0 != tc.warns {
			t.Errorf("%s: %d anchors of the root, warnings %q", tc.what, got, warnings)
		}
		if tc.warns && !strings.Contains(warnings[0], `"`+ksk2024+`"`) {
			t.Errorf("%s: the warning has not the line to add: %q", tc.what, warnings)
		}
	}
	v, _ := parseBlock(t, "trust-anchor "+anchorFile(t, private.Anchors(".")...)+" "+anchorFile(t, private.Anchors("example.")...))
	if len(v.anchors.Load().positive["."]) != 1 || len(v.anchors.Load().positive["example."]) != 1 {
		t.Errorf("two files: %v", v.anchors.Load().positive)
	}
}

// TestAnchorFiles: forms that are good.
func TestAnchorFiles(t *testing.T) {
	for _, tc := range []struct{ what, text string }{
		{"TTL and class", strings.Replace(ksk2017, " IN", " 172800 IN", 1)},
		{"class and TTL", strings.Replace(ksk2017, " IN", " IN 172800", 1)},
		{"no class", strings.Replace(ksk2017, " IN", "", 1)},
		{"no line end", strings.TrimSpace(ksk2017)},
		{"CRLF", "; comment\r\n" + ksk2017 + "\r\n\r\n"},
		{"BOM", "\ufeff" + ksk2017},
		{"indentation", "\t  " + ksk2017},
		{"comments", "# one\n;two\n\n" + ksk2017 + " ; three\n   # four"},
		{"# behind", ksk2017 + " # the root"},
		{"parentheses", ". IN DS 20326 8 2 ( E06D44B80B8F1D39A95C0B0D7C65D084\n ; half\n 58E880409BBC683457104237C7F8EC8D )\n"},
		{"parentheses at once", ". IN DS (20326 8 2\nE06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D)"},
		{"digest in parts", strings.Replace(ksk2017, "1D39", "1D39 ", 1)},
		{"tabs", strings.ReplaceAll(ksk2017, " ", "\t")},
		{"DNSKEY", ksk2017Key},
		{"DNSKEY with # in no word", ksk2017Key + "\n#"},
	} {
		path := filepath.Join(t.TempDir(), "anchors")
		if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		v, _ := parseBlock(t, "trust-anchor "+path)
		if root := v.anchors.Load().positive["."]; len(root) != 2 || root[0].ds.KeyTag != 20326 || !strings.EqualFold(root[0].ds.Digest, ksk2017[len(ksk2017)-64:]) {
			t.Errorf("%s: %v", tc.what, root)
		}
	}
}

// TestBadAnchorFiles: file and line are named, and what to write.
func TestBadAnchorFiles(t *testing.T) {
	const form = ": not a DS or DNSKEY record in zone-file form, such as "
	const digest = "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
	for _, tc := range []struct{ what, text, want string }{
		{"empty", "", ": no trust anchor in it; it needs DS or DNSKEY records"},
		{"comments alone", "# nothing\n; here\n", ": no trust anchor in it; it needs DS or DNSKEY records"},
		{"text", ksk2017 + "\nhello world\n", ":2" + form},
		{"one word", "\n\nnonsense", ":3" + form},
		{"another type", ksk2017 + "\n\nexample.org. A 192.0.2.1", ":3: a trust anchor is a DS or a DNSKEY, not A"},
		{"no digest", ". IN DS 20326 8 2", ":1: the digest is not of 64 hexadecimal digits, as digest type 2 has"},
		{"short digest", ". IN DS 20326 8 2 E06D44B8", ":1: the digest is not of 64 hexadecimal digits, as digest type 2 has"},
		{"no hexadecimal", ". IN DS 20326 8 2 " + strings.Replace(digest, "E0", "XY", 1), ":1: the digest is not of 64 hexadecimal digits, as digest type 2 has"},
		{"digest of another type", ". IN DS 20326 8 4 " + digest, ":1: the digest is not of 96 hexadecimal digits, as digest type 4 has"},
		{"tag too large", ". IN DS 70000 8 2 " + digest, ":1" + form},
		{"algorithm unsupported", "; x\n. IN DS 20326 12 2 " + digest, ":2: algorithm 12 is not relied on: use one of 8, 10, 13, 14, 15, 16"},
		{"algorithm of SHA-1", ". IN DS 20326 5 2 " + digest, ":1: algorithm RSASHA1 is relied on with allow-sha1 only (RFC 9905)"},
		{"digest type unsupported", ". IN DS 20326 8 3 " + digest, ":1: digest type 3 is not relied on: use 2 (SHA-256)"},
		{"key revoked", strings.Replace(ksk2017Key, " 257 ", " 385 ", 1), ":1: the DNSKEY is revoked"},
		{"no zone key", strings.Replace(ksk2017Key, " 257 ", " 1 ", 1), ":1: the DNSKEY is not a zone key"},
		{"protocol", strings.Replace(ksk2017Key, " 3 8 ", " 4 8 ", 1), ":1: the DNSKEY's protocol is not 3"},
		{"key cut off", ksk2017Key[:len(". 172800 IN DNSKEY 257 3 8 ")+32], ":1: the DNSKEY's public key can't be used"},
		{"key that is no base64", ". IN DNSKEY 257 3 8 !!!!", ":1: the public key is not base64"},
		{"key of another algorithm", strings.Replace(ksk2017Key, " 3 8 ", " 3 13 ", 1), ":1: the DNSKEY's public key can't be used"},
		{"parenthesis open", "; x\n. IN DS 20326 8 2 ( " + digest + "\n", ":2: a parenthesis is not closed"},
		{"no ASCII", "b\u00fccher. IN DS 20326 8 2 " + digest, ":1: names have to be written in ASCII"},
		{"parenthesis that closes nothing", ". IN DS 20326 8 2 " + digest + " )", ":1: a parenthesis is closed that is not open"},
		{"$INCLUDE", "$INCLUDE /etc/passwd", ":1" + form},
		{"$ORIGIN", "$ORIGIN example.org.\n" + ksk2017, ":1" + form},
		{"XML without keys", "<?xml version=\"1.0\"?>\n<TrustAnchor/>", ": no KeyDigest in it is valid now"},
		{"XML of something else", "<html><body>404 not found</body></html>", ": no KeyDigest in it is valid now"},
		{"XML cut off", rootAnchorsXML[:len(rootAnchorsXML)-40], ":18: KeyDigest can't be read: XML syntax error"},
		{"XML with a bad zone", strings.Replace(rootAnchorsXML, "<Zone>.<", "<Zone>a..b<", 1), `:3: the zone is "a..b", which is none`},
		{"XML with a bad time", strings.Replace(rootAnchorsXML, "2017-02-02T", "2017-22-02T", 1), `:11: validFrom is "2017-22-02T00:00:00+00:00", not a time`},
		{"XML with a bad digest", strings.Replace(rootAnchorsXML, "E06D44B8", "XYZ", 1), ":11: the digest is not of 64 hexadecimal digits"},
		{"XML with a bad number", strings.Replace(rootAnchorsXML, "<KeyTag>20326", "<KeyTag>x", 1), ":11: KeyDigest can't be read"},
		{"zero octets", "\x00\x01\x02", ":1" + form},
	} {
		path := anchorFile(t, tc.text)
		_, _, err := configure("dnssecval {\nvalidate\ntrust-anchor "+path+"\n}", "dnssecval")
		if err == nil || !strings.HasPrefix(err.Error(), path+tc.want) {
			t.Errorf("%s: %v, want %s%s", tc.what, err, filepath.Base(path), tc.want)
		}
	}
}
