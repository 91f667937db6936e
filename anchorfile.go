package dnssecval

import (
	"fmt"
	"strings"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// readAnchorFile reads the DS and DNSKEY records of a file in zone-file lines. TTL
// and class may be left out, # and ; begin comments, parentheses join lines. An
// error names file and line, and what to write instead.
func readAnchorFile(path string, p dnssec.Policy, now time.Time) ([]anchor, error) {
	content, err := readSource(path)
	if err != nil {
		return nil, fmt.Errorf("trust-anchor file can't be read: %w", err)
	}
	return parseAnchors(path, strings.TrimPrefix(string(content), "\ufeff"), p, now)
}

func parseAnchors(path, text string, p dnssec.Policy, now time.Time) ([]anchor, error) {
	if isXML(text) {
		return readAnchorXML(path, text, p, now)
	}
	var anchors []anchor
	for _, e := range anchorEntries(text) {
		place := fmt.Sprintf("%s:%d", path, e.line)
		switch {
		case e.open > 0:
			return nil, fmt.Errorf("%s: a parenthesis is not closed", place)
		case e.open < 0:
			return nil, fmt.Errorf("%s: a parenthesis is closed that is not open", place)
		}
		if !isASCII(e.text) {
			return nil, fmt.Errorf("%s: %w", place, errNotASCII)
		}
		rr, err := dns.NewRR(e.text)
		if err != nil || rr == nil {
			return nil, fmt.Errorf("%s: not a DS or DNSKEY record in zone-file form, such as %q", place, builtin[0])
		}
		ds, err := dnssec.TrustAnchor(rr, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
		anchors = append(anchors, anchor{ds: ds, place: place})
	}
	if len(anchors) == 0 {
		return nil, fmt.Errorf("%s: no trust anchor in it; it needs DS or DNSKEY records in zone-file form, such as %q", path, builtin[0])
	}
	return anchors, nil
}

// anchorEntry is a record with the line that it begins at.
type anchorEntry struct {
	text string
	line int
	open int // parentheses that are not closed
}

func anchorEntries(text string) []anchorEntry {
	var entries []anchorEntry
	var entry anchorEntry
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(withoutComment(line))
		if line == "" {
			continue
		}
		if entry.text == "" {
			entry = anchorEntry{line: i + 1}
		}
		entry.open += strings.Count(line, "(") - strings.Count(line, ")")
		entry.text += strings.NewReplacer("(", " ", ")", " ").Replace(line) + " "
		if entry.open <= 0 {
			entries, entry = append(entries, entry), anchorEntry{}
		}
	}
	if entry.text != "" {
		entries = append(entries, entry)
	}
	return entries
}

// withoutComment cuts a line at ; or at a # that begins a word.
func withoutComment(line string) string {
	for i, c := range line {
		if c == ';' || c == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}
