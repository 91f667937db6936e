package anchor

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ahead is a trust anchor of an algorithm that has no number yet.
const ahead = ". IN DS 11111 18 2 " + rootDigest

// keyAhead is the same as a DNSKEY, whose public key may be of any form.
const keyAhead = ". IN DNSKEY 257 3 18 AwEAAQ=="

const leftOutEnd = " The zone is validated from its other trust anchors, and fails once it is signed by this key alone"

// TestUnsupported: a trust anchor that is not relied on is left out with a warning that has
// the source, the line, the reason and the consequence, if its zone has another one. If not it
// is an error.
func TestUnsupported(t *testing.T) {
	sha1 := strings.Replace(ksk2017, " 8 2 ", " 7 2 ", 1)
	for _, test := range []struct {
		name     string
		lines    []string
		rules    Rules
		tags     []uint16
		warnings []string // beginnings
		err      string   // beginning
	}{
		{name: "beside both keys", lines: []string{ksk2017, ksk2024, ahead}, tags: []uint16{20326, 38696},
			warnings: []string{"file:3: the trust anchor of . with tag 11111 is left out: algorithm 18 is not relied on"}},
		{name: "before them", lines: []string{ahead, "; comment", ksk2024}, tags: []uint16{38696}, warnings: []string{"file:1: the trust anchor of . with tag 11111 is left out"}},
		{name: "DNSKEY", lines: []string{ksk2024, keyAhead}, tags: []uint16{38696}, warnings: []string{"file:2: the trust anchor of . with tag 1813 is left out: algorithm 18"}},
		{name: "digest type", lines: []string{ksk2024, strings.Replace(ksk2024, " 8 2 ", " 8 6 ", 1)}, tags: []uint16{38696},
			warnings: []string{"file:2: the trust anchor of . with tag 38696 is left out: digest type 6 is not relied on"}},
		{name: "SHA-1", lines: []string{ksk2024, sha1}, tags: []uint16{38696},
			warnings: []string{"file:2: the trust anchor of . with tag 20326 is left out: algorithm RSASHA1-NSEC3-SHA1 is relied on with allow-sha1 only"}},
		{name: "SHA-1 that is allowed", lines: []string{ksk2024, sha1}, rules: Rules{AllowSHA1: true}, tags: []uint16{38696, 20326}},
		{name: "two", lines: []string{ahead, ksk2024, keyAhead}, tags: []uint16{38696}, warnings: []string{"file:1: ", "file:3: "}},
		{name: "alone", lines: []string{ahead}, err: "file:1: algorithm 18 is not relied on: use one of 8, 10, 13, 14, 15, 16, and there is no other trust anchor of ."},
		{name: "SHA-1 alone", lines: []string{sha1}, err: "file:1: algorithm RSASHA1-NSEC3-SHA1 is relied on with allow-sha1 only (RFC 9905), and there is no other trust anchor of ."},
		{name: "beside one of another zone", lines: []string{line("example."), ahead}, err: "file:2: algorithm 18"},
		{name: "alone in its zone", lines: []string{ksk2024, strings.Replace(ahead, ". IN", "Example. IN", 1)}, err: "file:2: algorithm 18 is not relied on: use one of 8, 10, 13, 14, 15, 16, and there is no other trust anchor of example."},
		{name: "and malformed: digest", lines: []string{ksk2024, ahead[:len(ahead)-1]}, err: "file:2: the digest is not of 64 hexadecimal digits"},
		{name: "and malformed: no digest", lines: []string{ksk2024, ". IN DS 11111 18 9"}, err: "file:2: the digest is not hexadecimal"},
		{name: "and malformed: digest of an unknown type", lines: []string{ksk2024, ". IN DS 11111 18 9 XY"}, err: "file:2: the digest is not hexadecimal"},
		{name: "and malformed: revoked", lines: []string{ksk2024, strings.Replace(keyAhead, "257", "385", 1)}, err: "file:2: the DNSKEY is revoked"},
		{name: "and malformed: no zone key", lines: []string{ksk2024, strings.Replace(keyAhead, "257", "1", 1)}, err: "file:2: the DNSKEY is not a zone key"},
		{name: "and malformed: algorithm", lines: []string{ksk2024, strings.Replace(ahead, " 18 ", " 300 ", 1)}, err: "file:2" + badForm},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.rules.At = made
			anchors, warnings, err := Parse("file", strings.Join(test.lines, "\n"), test.rules)
			if test.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.err) || anchors != nil || warnings != nil {
					t.Errorf("%v, %q, %v, want %s", anchors, warnings, err, test.err)
				}
				return
			}
			if err != nil || !slices.Equal(tags(anchors), test.tags) || len(warnings) != len(test.warnings) {
				t.Fatalf("%v, %q, %v", tags(anchors), warnings, err)
			}
			for i, want := range test.warnings {
				if !strings.HasPrefix(warnings[i], want) || !strings.HasSuffix(warnings[i], leftOutEnd) {
					t.Errorf("%q, want %q…%q", warnings[i], want, leftOutEnd)
				}
			}
		})
	}
}

// TestUnsupportedXML: on the day when IANA lists a key of a new algorithm, and at any time
// before it is valid.
func TestUnsupportedXML(t *testing.T) {
	text := strings.Replace(rootAnchorsXML, "</TrustAnchor>", `<KeyDigest id="new" validFrom="2026-10-20T00:00:00+00:00">
<KeyTag>11111</KeyTag><Algorithm>18</Algorithm><DigestType>2</DigestType>
<Digest>`+rootDigest+`</Digest></KeyDigest>
</TrustAnchor>`, 1)
	anchors, warnings, err := Parse("root-anchors.xml", text, Rules{At: made})
	if err != nil || !slices.Equal(tags(anchors), []uint16{20326, 38696}) || len(warnings) != 1 || !strings.HasPrefix(warnings[0], "root-anchors.xml:24: the trust anchor of . with tag 11111 is left out: algorithm 18") {
		t.Errorf("%v, %q, %v", tags(anchors), warnings, err)
	}
	anchors, warnings, err = Parse("root-anchors.xml", text, Rules{At: made.AddDate(0, -1, 0)})
	if err != nil || len(anchors) != 2 || len(warnings) > 0 {
		t.Errorf("before it is valid: %v, %q, %v", tags(anchors), warnings, err)
	}
	alone := text[:strings.Index(text, "<KeyDigest")] + text[strings.Index(text, `<KeyDigest id="new"`):]
	if _, _, err = Parse("root-anchors.xml", alone, Rules{At: made}); err == nil || !strings.Contains(err.Error(), "no other trust anchor of .") {
		t.Errorf("alone: %v", err)
	}
	if _, _, err = Parse("root-anchors.xml", strings.Replace(text, "<Algorithm>18", "<Algorithm>300", 1), Rules{At: made}); err == nil {
		t.Error("an algorithm that does not fit into its field is accepted")
	}
}

// TestUnsupportedFiles: the other trust anchor may be in another file, before or behind.
func TestUnsupportedFiles(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "ahead")
	write(t, good, ksk2017+"\n"+ksk2024)
	write(t, bad, ahead)
	for _, files := range [][]string{{good, bad}, {bad, good}, {dir}} {
		set, warnings, err := Sources{Files: files}.Load()
		if err != nil || len(set.Anchors(".")) != 2 || len(warnings) != 1 || !strings.HasPrefix(warnings[0], bad+":1: ") {
			t.Errorf("%q: %s, %q, %v", files, set, warnings, err)
		}
	}
	if set, _, err := (Sources{Files: []string{bad}}).Load(); err == nil || set != nil {
		t.Errorf("alone: %s", set)
	}
	write(t, good, ksk2017)
	if _, warnings, err := (Sources{Files: []string{dir}}).Load(); err != nil || len(warnings) != 2 {
		t.Errorf("beside the warning of a missing successor: %q, %v", warnings, err)
	}
}

// TestNewUnsupported: a program can tell these errors from others.
func TestNewUnsupported(t *testing.T) {
	for text, want := range map[string]bool{ahead: true, keyAhead: true, strings.Replace(ksk2017, " 8 2 ", " 5 2 ", 1): true,
		strings.Replace(ksk2017Key, " 257 ", " 385 ", 1): false, "example. A 192.0.2.1": false} {
		rr, err := parseRecord(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(rr, "test", Rules{}); err == nil || errors.As(err, new(UnsupportedError)) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}
