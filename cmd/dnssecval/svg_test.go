package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
)

// checkXML fails for a text that is not well-formed.
func checkXML(t *testing.T, text string) (elements map[string]int) {
	t.Helper()
	elements = map[string]int{}
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return elements
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if start, ok := token.(xml.StartElement); ok {
			elements[start.Name.Local]++
		}
	}
}

// TestSVG: a drawing has its zones, keys and RRsets, and failures are marked.
func TestSVG(t *testing.T) {
	s := goldenWorld(t)
	for _, test := range []struct {
		question string
		has      []string
		failed   int // arrows
	}{
		{question: "www.signed.example", has: []string{">signed.example.<", ">trust anchor<", ">DS example.<", ">A www.signed.example.<", ">192.0.2.1<"}},
		{question: "nobody.signed.example", has: []string{">NXDOMAIN<", ">NSEC "}},
		{question: "www.unsigned.example", has: []string{">no DS unsigned.example.<", ">insecure: delegation_insecure<", "box open"}},
		{question: "www.expired.example", has: []string{">signature_expired<", "node failed"}, failed: 1},
		{question: "www.wrong-ds.example", has: []string{">dnskey_no_ds_match<", "box failed"}, failed: 1},
		{question: "www.no-key.example", has: []string{">not in the zone<", ">dnskey_missing<"}, failed: 1},
	} {
		t.Run(test.question, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "chain.svg")
			run(t, s.judge("check", test.question, "--svg", file)...)
			drawn := read(t, file)
			checkXML(t, drawn)
			for _, part := range test.has {
				if !strings.Contains(drawn, part) {
					t.Errorf("%q is not in\n%s", part, drawn)
				}
			}
			if got := strings.Count(drawn, `class="arrow failed"`) - 1; got != test.failed { // one is of the legend
				t.Errorf("%d arrows are marked as failed, want %d", got, test.failed)
			}
			if other := run(t, s.judge("check", test.question, "--svg", "-")...); other.out != drawn {
				t.Error("standard output gets another drawing")
			}
		})
	}
}

// TestHostileNames: names and records from the network stay text in all forms.
func TestHostileNames(t *testing.T) {
	zone := `<script>&\'\".<!--.example.`
	s := serve(t, testzone.Spec{Name: "example.", Algorithm: alg}, testzone.Spec{Name: zone, Algorithm: alg,
		Records: []string{`www TXT "]]></svg><b>\027[2J"`, `www A 192.0.2.1`, `*.w A 192.0.2.2`, `<i>\010 CNAME <b>\007`}})
	for _, question := range []string{"www." + zone + " TXT", `<u>\027` + "." + zone + " A", "\x1b[2J." + zone + " A", `<i>\010.` + zone + " A"} {
		name, qtype, _ := strings.Cut(question, " ")
		for _, form := range []string{"", "--json", "--dot", "--svg=-"} {
			got := run(t, s.judge("check", name, qtype, form)...)
			if form == "" {
				got = run(t, s.judge("check", name, qtype)...)
			}
			if got.code != exitSecure {
				t.Errorf("%q %s: %+v", name, form, got)
			}
			if strings.ContainsFunc(got.out, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }) {
				t.Errorf("%q %s has control characters: %q", name, form, got.out)
			}
			if form == "--svg=-" {
				if n := checkXML(t, got.out); n["script"]+n["b"]+n["i"]+n["u"] > 0 || n["svg"] != 1 {
					t.Errorf("%q has the elements %v", name, n)
				}
			}
			if form == "--dot" {
				checkQuotes(t, got.out)
			}
		}
	}
}

// checkQuotes fails if a line of DOT does not end the strings that it begins.
func checkQuotes(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		quoted, escaped := false, false
		for _, c := range line {
			switch {
			case escaped:
				escaped = false
			case c == '\\':
				escaped = true
			case c == '"':
				quoted = !quoted
			}
		}
		if quoted {
			t.Errorf("a string is not ended: %s", line)
		}
	}
}

// TestDOT: Graphviz reads the output, where it is installed.
func TestDOT(t *testing.T) {
	s := goldenWorld(t)
	for _, question := range []string{"www.signed.example", "www.unsigned.example", "www.expired.example", "www.wrong-ds.example", "nobody.signed.example"} {
		got := run(t, s.judge("check", question, "--dot")...)
		checkQuotes(t, got.out)
		for line := range strings.Lines(got.out) {
			if cluster := strings.HasPrefix(line, "\t\tlabel="); cluster && strings.Contains(line, `", `) {
				t.Errorf("attributes of a cluster are statements of their own: %s", line)
			}
		}
		dot, err := exec.LookPath("dot")
		if err != nil {
			continue
		}
		c := exec.Command(dot, "-Tsvg")
		c.Stdin = strings.NewReader(got.out)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
}
