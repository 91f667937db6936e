package anchor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

const (
	rootDigest = "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"

	badForm = ": not a DS or DNSKEY record in zone-file form, such as "
)

// TestParse: the forms in which KSK-2017 may be written.
func TestParse(t *testing.T) {
	for _, test := range []struct{ name, text string }{
		{name: "TTL and class", text: strings.Replace(ksk2017, " IN", " 172800 IN", 1)},
		{name: "class and TTL", text: strings.Replace(ksk2017, " IN", " IN 172800", 1)},
		{name: "no class", text: strings.Replace(ksk2017, " IN", "", 1)},
		{name: "no line end", text: strings.TrimSpace(ksk2017)},
		{name: "CRLF", text: "; comment\r\n" + ksk2017 + "\r\n\r\n"},
		{name: "BOM", text: "\ufeff" + ksk2017},
		{name: "indentation", text: "\t  " + ksk2017},
		{name: "comments", text: "# one\n;two\n\n" + ksk2017 + " ; three\n   # four"},
		{name: "# behind", text: ksk2017 + " # the root"},
		{name: "parentheses", text: ". IN DS 20326 8 2 ( E06D44B80B8F1D39A95C0B0D7C65D084\n ; half\n 58E880409BBC683457104237C7F8EC8D )\n"},
		{name: "parentheses at once", text: ". IN DS (20326 8 2\nE06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D)"},
		{name: "digest in parts", text: strings.Replace(ksk2017, "1D39", "1D39 ", 1)},
		{name: "tabs", text: strings.ReplaceAll(ksk2017, " ", "\t")},
		{name: "DNSKEY", text: ksk2017Key},
		{name: "DNSKEY with # in no word", text: ksk2017Key + "\n#"},
	} {
		t.Run(test.name, func(t *testing.T) {
			anchors, warnings, err := Parse("file", test.text, Rules{At: made})
			if err != nil || len(warnings) > 0 || len(anchors) != 1 {
				t.Fatalf("%v, %v", anchors, err)
			}
			if ds := anchors[0].DS; ds.Hdr.Name != "." || ds.KeyTag != 20326 || !strings.EqualFold(ds.Digest, rootDigest) {
				t.Errorf("%s", ds)
			}
		})
	}
}

// TestParseSource: an anchor has the line at which its record begins.
func TestParseSource(t *testing.T) {
	anchors := parsed(t, "; root", ksk2017, "", "example. IN DS 12345 13 2 (", strings.Repeat("AB", 32)+" )", line("test."))
	for i, want := range []string{"test:2", "test:4", "test:6"} {
		if got := anchors[i].Source; got != want {
			t.Errorf("%s is at %s, want %s", anchors[i].DS, got, want)
		}
	}
}

// TestParseErrors: an error has the source, the line, and what to write instead.
func TestParseErrors(t *testing.T) {
	checkErrors(t, []badText{
		{name: "empty", text: "", want: ": no trust anchor in it; it needs DS or DNSKEY records"},
		{name: "comments alone", text: "# nothing\n; here\n", want: ": no trust anchor in it; it needs DS or DNSKEY records"},
		{name: "text", text: ksk2017 + "\nhello world\n", want: ":2" + badForm},
		{name: "one word", text: "\n\nnonsense", want: ":3" + badForm},
		{name: "another type", text: ksk2017 + "\n\nexample.org. A 192.0.2.1", want: ":3: a trust anchor is a DS or a DNSKEY, not A"},
		{name: "no digest", text: ". IN DS 20326 8 2", want: ":1: the digest is not of 64 hexadecimal digits, as digest type 2 has"},
		{name: "short digest", text: ". IN DS 20326 8 2 E06D44B8", want: ":1: the digest is not of 64 hexadecimal digits, as digest type 2 has"},
		{name: "no hexadecimal", text: ". IN DS 20326 8 2 " + strings.Replace(rootDigest, "E0", "XY", 1), want: ":1: the digest is not of 64 hexadecimal digits, as digest type 2 has"},
		{name: "digest of another type", text: ". IN DS 20326 8 4 " + rootDigest, want: ":1: the digest is not of 96 hexadecimal digits, as digest type 4 has"},
		{name: "tag too large", text: ". IN DS 70000 8 2 " + rootDigest, want: ":1" + badForm},
		{name: "algorithm unsupported", text: "; x\n. IN DS 20326 12 2 " + rootDigest, want: ":2: algorithm 12 is not relied on: use one of 8, 10, 13, 14, 15, 16"},
		{name: "algorithm of SHA-1", text: ". IN DS 20326 5 2 " + rootDigest, want: ":1: algorithm RSASHA1 is relied on with allow-sha1 only (RFC 9905)"},
		{name: "digest type unsupported", text: ". IN DS 20326 8 3 " + rootDigest, want: ":1: digest type 3 is not relied on: use 2 (SHA-256)"},
		{name: "key revoked", text: strings.Replace(ksk2017Key, " 257 ", " 385 ", 1), want: ":1: the DNSKEY is revoked"},
		{name: "no zone key", text: strings.Replace(ksk2017Key, " 257 ", " 1 ", 1), want: ":1: the DNSKEY is not a zone key"},
		{name: "protocol", text: strings.Replace(ksk2017Key, " 3 8 ", " 4 8 ", 1), want: ":1: the DNSKEY's protocol is not 3"},
		{name: "key cut off", text: ksk2017Key[:len(". 172800 IN DNSKEY 257 3 8 ")+32], want: ":1: the DNSKEY's public key can't be used"},
		{name: "key that is no base64", text: ". IN DNSKEY 257 3 8 !!!!", want: ":1: the public key is not base64"},
		{name: "key of another algorithm", text: strings.Replace(ksk2017Key, " 3 8 ", " 3 13 ", 1), want: ":1: the DNSKEY's public key can't be used"},
		{name: "parenthesis open", text: "; x\n. IN DS 20326 8 2 ( " + rootDigest + "\n", want: ":2: a parenthesis is not closed"},
		{name: "no ASCII", text: "b\u00fccher. IN DS 20326 8 2 " + rootDigest, want: ":1: names have to be written in ASCII"},
		{name: "parenthesis that closes nothing", text: ". IN DS 20326 8 2 " + rootDigest + " )", want: ":1: a parenthesis is closed that is not open"},
		{name: "$INCLUDE", text: "$INCLUDE /etc/passwd", want: ":1" + badForm},
		{name: "$ORIGIN", text: "$ORIGIN example.org.\n" + ksk2017, want: ":1" + badForm},
		{name: "zero octets", text: "\x00\x01\x02", want: ":1" + badForm},
	})
}

// badText is a text that is not one of trust anchors, and the beginning of the error about it.
type badText struct{ name, text, want string }

func checkErrors(t *testing.T, tests []badText) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			anchors, warnings, err := Parse("file", test.text, Rules{At: made})
			if err == nil || !strings.HasPrefix(err.Error(), "file"+test.want) {
				t.Errorf("%v, want file%s", err, test.want)
			}
			if anchors != nil || warnings != nil {
				t.Errorf("%v, %q beside the error", anchors, warnings)
			}
		})
	}
}

// TestParseInclude: $INCLUDE is not followed, although the file has a good trust anchor.
func TestParseInclude(t *testing.T) {
	file := filepath.Join(t.TempDir(), "included")
	if err := os.WriteFile(file, []byte(ksk2017+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if rr, err := dns.NewRR("$INCLUDE " + file); err != nil || rr == nil {
		t.Fatalf("dns.NewRR does not follow it either: %v, %v", rr, err)
	}
	checkErrors(t, []badText{
		{name: "alone", text: "$INCLUDE " + file, want: ":1" + badForm},
		{name: "with an origin", text: "$INCLUDE " + file + " example.", want: ":1" + badForm},
		{name: "behind a record", text: ksk2017 + "\n\t$INCLUDE " + file, want: ":2" + badForm},
		{name: "in lower case", text: "$include " + file, want: ":1" + badForm},
		{name: "in parentheses", text: "( $INCLUDE\n" + file + " )", want: ":1" + badForm},
		{name: "in an entry", text: ". IN DS 20326 8 2 (\n$INCLUDE " + file + "\n)", want: ":1: the digest is not"},
		{name: "$GENERATE", text: "$GENERATE 1-2 $.example. DS 1 8 2 " + rootDigest, want: ":1" + badForm},
	})
}
