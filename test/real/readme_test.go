package real

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const readme = "../../README.md"

// TestREADME starts every Corefile of the manual page, with the test's files,
// addresses and ports.
func TestREADME(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(readme)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no README.md yet")
	}
	if err != nil {
		t.Fatal(err)
	}
	corefiles := fenced(string(text), "corefile")
	if len(corefiles) == 0 {
		t.Fatal("README.md has no Corefile")
	}
	w := newWorld(t)
	for line, corefile := range corefiles {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			p := start(t, w, forTest(corefile), "API", apiServer(t), "HEALTH", freePort(t), "READY", freePort(t))
			if strings.Contains(corefile, "forward .") {
				p.answers(t, []asked{{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"}})
			}
		})
	}
}

var (
	port       = regexp.MustCompile(`:\d+$`)
	addresses  = regexp.MustCompile(`(?m)^(\s+forward\s+\S+)\s[^{\n]*`)
	directives = []struct {
		line        *regexp.Regexp
		replacement string
	}{
		{regexp.MustCompile(`(?m)^(\s+)prometheus.*$`), "${1}prometheus HTTP"},
		{regexp.MustCompile(`(?m)^(\s+)health\b[^{\n]*`), "${1}health 127.0.0.1:HEALTH "},
		{regexp.MustCompile(`(?m)^(\s+)status .*$`), "${1}status HTTP"},
		{regexp.MustCompile(`(?m)^(\s+)ready\b.*$`), "${1}ready 127.0.0.1:READY"},
		{regexp.MustCompile(`(?m)^(\s+kubernetes [^{\n]*\{)$`), "${1}\nendpoint API"},
		{regexp.MustCompile(`(?m)^\s+trust-anchor .*\n`), ""},
		{regexp.MustCompile(`(?m)^(\s+auto-trust-anchor) .*$`), "${1} DIR/state"},
		{regexp.MustCompile(`(?m)^(\s+validate)\s*$`), "${1}\ntrust-anchor ANCHORS"},
	}
)

// forTest adapts a Corefile of the manual page for a test: listen addresses,
// upstreams and files.
func forTest(corefile string) string {
	depth := 0
	var out strings.Builder
	for line := range strings.Lines(corefile) {
		keys, opens := strings.CutSuffix(strings.TrimSpace(line), "{")
		if depth == 0 && opens && !strings.HasPrefix(keys, "(") {
			for _, key := range strings.Fields(keys) {
				out.WriteString(port.ReplaceAllString(key, "") + ":PORT ")
			}
			line = "{\n    bind 127.0.0.1\n"
		}
		depth += strings.Count(line, "{") - strings.Count(line, "}")
		out.WriteString(line)
	}
	text := addresses.ReplaceAllString(out.String(), "${1} UPSTREAM ")
	for _, d := range directives {
		text = d.line.ReplaceAllString(text, d.replacement)
	}
	return text
}

func lineOf(text string, at int) string {
	return strconv.Itoa(1 + strings.Count(text[:at], "\n"))
}

// fenced returns the fenced blocks of a language, by their first line and
// position.
func fenced(text, language string) map[string]string {
	blocks := map[string]string{}
	fence := regexp.MustCompile("(?ms)^(```|~~~)[ \t]*(\\w+)[ \t]*\n(.*?)^(```|~~~)[ \t]*$")
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		if strings.EqualFold(text[at[4]:at[5]], language) {
			body := text[at[6]:at[7]]
			first, _, _ := strings.Cut(strings.TrimSpace(body), "\n")
			name := "line " + lineOf(text, at[6]) + " " + first
			blocks[name] = body
		}
	}
	return blocks
}

// faultRow matches a row of the README's tables of faults. Its first cell is
// not a token.
var faultRow = regexp.MustCompile(`(?m)^\| ([a-z][a-zA-Z ]+) \|(?: [^|]*\|){3}$`)

// TestFaultsOfREADME checks that a comment of a test quotes each row of the
// tables of faults.
func TestFaultsOfREADME(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	var comments strings.Builder
	for _, pattern := range []string{"*_test.go", "../../*_test.go", "../../validator/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(source)) {
				if strings.HasPrefix(line, "// ") {
					comments.WriteString(line)
				}
			}
		}
	}
	rows := faultRow.FindAllStringSubmatch(string(text), -1)
	if len(rows) < 15 {
		t.Errorf("%d rows", len(rows))
	}
	for _, row := range rows {
		if !strings.Contains(comments.String(), `"`+row[1]+`"`) {
			t.Errorf("no test is for %q", row[1])
		}
	}
}
