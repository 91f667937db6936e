package dnssecval

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/dnssecval/dnssecval/internal/rollover"
	"github.com/miekg/dns"
)

const (
	rootKey   = ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"
	keyOfTime = ". IN DS 11111 18 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16" // of an algorithm without a number
	keyOfSHA1 = ". IN DS 22222 5 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"
)

// blockOf makes the block of some words, as setup does.
func blockOf(t *testing.T, words ...string) (*block, []string, error) {
	t.Helper()
	conf, err := parse(caddy.NewTestController("dns", "dnssecval {\nvalidate\n"+strings.Join(words, "\n")+"\n}"), "dnssecval")
	if err != nil {
		return nil, nil, err
	}
	return newBlock("dnssecval", conf)
}

func textFile(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestUnsupportedAnchorWords: a trust anchor that is not relied on is a warning at start if its
// zone has another one, and an error if it has none.
func TestUnsupportedAnchorWords(t *testing.T) {
	for _, test := range []struct {
		name     string
		lines    []string
		words    []string
		warnings []string // parts
		err      string   // part
	}{
		{name: "beside a good one", lines: []string{rootKey, keyOfTime}, warnings: []string{":2: the trust anchor of . with tag 11111 is left out: algorithm 18 is not relied on"}},
		{name: "SHA-1 beside a good one", lines: []string{keyOfSHA1, rootKey}, warnings: []string{":1: the trust anchor of . with tag 22222 is left out: algorithm RSASHA1 is relied on with allow-sha1 only"}},
		{name: "SHA-1 with allow-sha1", lines: []string{keyOfSHA1, rootKey}, words: []string{"allow-sha1"}},
		{name: "alone", lines: []string{keyOfTime}, err: ":1: algorithm 18 is not relied on: use one of 8, 10, 13, 14, 15, 16, and there is no other trust anchor of ."},
		{name: "malformed", lines: []string{rootKey, keyOfTime + "x"}, err: ":2: the digest is not"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, warnings, err := blockOf(t, append(test.words, "trust-anchor "+textFile(t, test.lines...))...)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("%v, want %s", err, test.err)
				}
				return
			}
			if err != nil || len(warnings) != len(test.warnings) {
				t.Fatalf("%q, %v", warnings, err)
			}
			for i, want := range test.warnings {
				if !strings.Contains(warnings[i], want) {
					t.Errorf("%q, want %q", warnings[i], want)
				}
			}
			if got := len(b.trust.set().Anchors(".")); got != len(test.lines)-len(test.warnings) {
				t.Errorf("%d trust anchors", got)
			}
		})
	}
}

// TestUnsupportedAnchorReload: with a file that has no other trust anchor by now the anchors
// stay as they are. A warning is logged once, however often the file is read.
func TestUnsupportedAnchorReload(t *testing.T) {
	path := textFile(t, rootKey)
	b, _, err := blockOf(t, "trust-anchor "+path)
	if err != nil {
		t.Fatal(err)
	}
	before := b.trust.set().String()
	write := func(lines ...string) {
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(keyOfTime)
	if b.trust.reload() || b.trust.set().String() != before {
		t.Errorf("without another one: %s", b.trust.set())
	}
	write("", rootKey, keyOfTime)
	if !b.trust.reload() || len(b.trust.set().Anchors(".")) != 1 || b.trust.set().String() == before {
		t.Errorf("with another one: %s", b.trust.set())
	}
	b.trust.reloadInTime()
	if b.trust.logged.first(path + ":3: the trust anchor of . with tag 11111 is left out: algorithm 18 is not relied on: use one of 8, 10, 13, 14, 15, 16. The zone is validated from its other trust anchors, and fails once it is signed by this key alone") {
		t.Error("the warning would be logged again")
	}
}

// stateOf writes a state file with keys of the root.
func stateOf(t *testing.T, lines ...string) string {
	t.Helper()
	z := &rollover.Zone{Name: "."}
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		z.Keys = append(z.Keys, rollover.Key{DS: rr.(*dns.DS), State: rollover.Valid})
	}
	text, err := rollover.Format([]*rollover.Zone{z}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return textFile(t, strings.TrimSuffix(string(text), "\n"))
}

// TestUnsupportedKeyInState: a state file may have keys of later versions.
func TestUnsupportedKeyInState(t *testing.T) {
	b, warnings, err := blockOf(t, "auto-trust-anchor "+stateOf(t, rootKey, keyOfTime))
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "the key of . with tag 11111 is left out: algorithm 18") {
		t.Fatalf("%q, %v", warnings, err)
	}
	if anchors := b.trust.set().Anchors("."); len(anchors) != 1 || anchors[0].DS.KeyTag != 38696 {
		t.Errorf("the trust anchors are %s", b.trust.set())
	}
	if _, _, err := blockOf(t, "auto-trust-anchor "+stateOf(t, keyOfTime)); err == nil || !strings.Contains(err.Error(), "no trusted key of . is of an algorithm and digest type that is relied on") {
		t.Errorf("alone: %v", err)
	}
	sha1 := stateOf(t, keyOfSHA1)
	if _, _, err := blockOf(t, "auto-trust-anchor "+sha1); err == nil {
		t.Error("SHA-1 alone is no error")
	}
	if _, _, err := blockOf(t, "allow-sha1", "auto-trust-anchor "+sha1); err != nil {
		t.Errorf("SHA-1 with allow-sha1: %v", err)
	}
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
