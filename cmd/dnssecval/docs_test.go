package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

const commandPage = "../../docs/command.md"

// fenced returns the fenced blocks of a page that are in a language.
func fenced(text, language string) (blocks []string) {
	fence := regexp.MustCompile(`(?ms)^~~~ (\w+)\n(.*?)^~~~$`)
	for _, found := range fence.FindAllStringSubmatch(text, -1) {
		if found[1] == language {
			blocks = append(blocks, found[2])
		}
	}
	return blocks
}

// documented serves the world of the examples.
func documented(t *testing.T) *served {
	t.Helper()
	w, err := testzone.New(then,
		testzone.Spec{Name: ".", Algorithm: dns.RSASHA256},
		testzone.Spec{Name: "org.", Algorithm: alg},
		testzone.Spec{Name: "example.org.", Algorithm: alg, Records: append([]string{"@ MX 10 www"}, host...)},
		testzone.Spec{Name: "broken.example.org.", Algorithm: alg, Records: host})
	if err != nil {
		t.Fatal(err)
	}
	s := serveWorld(t, w)
	s.breakZone(t, "broken.example.org.", testzone.Expired("www.broken.example.org.", dns.TypeA))
	return s
}

var codes = map[string]int{"secure": exitSecure, "bogus": exitBogus, "insecure": exitInsecure, "indeterminate": exitIndeterminate}

// TestExamples: each line of the page and of the README that runs the command ends with the
// status in its comment.
func TestExamples(t *testing.T) {
	pages := read(t, commandPage) + read(t, "../../README.md")
	s := documented(t)
	t.Chdir(t.TempDir())
	ran := 0
	for line := range strings.Lines(strings.Join(fenced(pages, "sh"), "")) {
		line, comment, _ := strings.Cut(strings.TrimSpace(line), "#")
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "dnssecval" {
			continue
		}
		if end := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "|") }); end > 0 {
			words = words[:end]
		}
		words = slices.DeleteFunc(words[1:], func(w string) bool { return strings.HasPrefix(w, "@") })
		if !slices.Contains(words, "--from") {
			words = s.judge(words...)
		}
		code, ok := codes[strings.Trim(strings.Fields(comment + " ?")[0], ",;")]
		if got := run(t, words...); !ok || got.code != code || got.err != "" {
			t.Errorf("%s: %+v, want%s", line, got, comment)
		}
		ran++
	}
	if ran < 10 {
		t.Errorf("%d examples were found", ran)
	}
	for _, file := range []string{"chain.svg", "broken.jsonl"} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}

// TestDocumentedOutput: the report in the page is the one that is printed, except for keys and
// times.
func TestDocumentedOutput(t *testing.T) {
	s := documented(t)
	blocks := fenced(read(t, commandPage), "txt")
	at := slices.IndexFunc(blocks, func(b string) bool { return strings.HasPrefix(b, "www.broken.example.org. A, asked") })
	if at < 0 {
		t.Fatal("the page has no report")
	}
	got := run(t, s.judge("check", "www.broken.example.org")...)
	if common(got.out) != common(blocks[at]) {
		t.Errorf("the page has\n%s\nprinted is\n%s", blocks[at], got.out)
	}
}

var varying = []struct {
	found *regexp.Regexp
	put   string
}{
	{regexp.MustCompile(`\d+(\.\d+)+:\d+`), "SERVER"},
	{encoded, "BASE64"},
	{regexp.MustCompile(`[A-Za-z0-9+/]+…`), "BASE64"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\b\d{14}\b`), "TIME"},
	{regexp.MustCompile(`((?:DNSKEY|DS|anchor|key|TIME TIME|\(tag) +)\d+\b`), "${1}TAG"},
}

// common returns a report without what differs between worlds.
func common(report string) string {
	for _, v := range varying {
		report = v.found.ReplaceAllString(report, v.put)
	}
	return strings.Join(strings.Fields(report), " ")
}

// TestUsage: the page has the output of --help.
func TestUsage(t *testing.T) {
	blocks := fenced(read(t, commandPage), "usage")
	if len(blocks) != 1 || blocks[0] != usage {
		t.Errorf("%s does not have the usage:\n%s", filepath.Base(commandPage), usage)
	}
	if lines := strings.Count(usage, "\n"); lines > 35 {
		t.Errorf("the usage has %d lines", lines)
	}
	for line := range strings.Lines(usage) {
		if len(line) > 80 {
			t.Errorf("a line is too long: %s", line)
		}
	}
}
