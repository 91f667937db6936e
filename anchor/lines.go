package anchor

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Rules say which trust anchors are accepted.
type Rules struct {
	AllowSHA1 bool      // accept algorithms 5 and 7, which RFC 9905 retires
	At        time.Time // the time at which keys of root-anchors.xml have to be valid; zero: now
}

// policy returns the policy that says which algorithms are relied on.
func (r Rules) policy() dnssec.Policy { return dnssec.Policy{AllowSHA1: r.AllowSHA1} }

// now returns the time at which keys have to be valid.
func (r Rules) now() time.Time {
	if r.At.IsZero() {
		return time.Now()
	}
	return r.At
}

// Parse reads trust anchors: DS and DNSKEY records in zone-file form, or an XML document
// as IANA's root-anchors.xml (RFC 9718), of which the keys that are valid at rules.At
// are returned. TTL and class may be left out, # and ; begin comments, parentheses join
// lines. The source is what errors and warnings name before the line.
//
// An anchor of an algorithm or a digest type that is not relied on is left out with a
// warning if its zone has another one, and is an error if it has none.
func Parse(source, text string, rules Rules) (anchors []Anchor, warnings []string, err error) {
	read, err := parse(source, text, rules)
	if err != nil {
		return nil, nil, err
	}
	return read.finished()
}

// parse reads the trust anchors of one source.
func parse(source, text string, rules Rules) (*reading, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	if isXML(text) {
		return parseXML(source, text, rules)
	}
	read := new(reading)
	for _, e := range entriesOf(text) {
		place := fmt.Sprintf("%s:%d", source, e.line)
		rr, err := e.record()
		if err == nil {
			err = read.add(rr, place, rules)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
	}
	if read.empty() {
		return nil, fmt.Errorf("%s: no trust anchor in it; it needs DS or DNSKEY records in zone-file form, such as %q", source, rootLines[0])
	}
	return read, nil
}

// entry is a record with the line that it begins at.
type entry struct {
	text string
	line int
	open int // parentheses that are not closed
}

// entriesOf splits a text into records, without comments. Parentheses join lines.
func entriesOf(text string) []entry {
	var entries []entry
	var e entry
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(withoutComment(line))
		if line == "" {
			continue
		}
		if e.text == "" {
			e = entry{line: i + 1}
		}
		e.open += strings.Count(line, "(") - strings.Count(line, ")")
		e.text += strings.NewReplacer("(", " ", ")", " ").Replace(line) + " "
		if e.open <= 0 {
			entries, e = append(entries, e), entry{}
		}
	}
	if e.text != "" {
		entries = append(entries, e)
	}
	return entries
}

// record reads the record of an entry.
func (e entry) record() (dns.RR, error) {
	switch {
	case e.open > 0:
		return nil, errors.New("a parenthesis is not closed")
	case e.open < 0:
		return nil, errors.New("a parenthesis is closed that is not open")
	case !isASCII(e.text):
		return nil, errNotASCII
	}
	rr, err := parseRecord(e.text)
	if err != nil || rr == nil {
		return nil, fmt.Errorf("not a DS or DNSKEY record in zone-file form, such as %q", rootLines[0])
	}
	return rr, nil
}

// parseRecord reads a line of one record. Unlike dns.NewRR it does not follow $INCLUDE.
func parseRecord(line string) (dns.RR, error) {
	parser := dns.NewZoneParser(strings.NewReader(line+"\n"), ".", "")
	parser.SetDefaultTTL(3600)
	rr, _ := parser.Next()
	if _, another := parser.Next(); another {
		return nil, errors.New("$GENERATE makes several records")
	}
	return rr, parser.Err()
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

var errNotASCII = errors.New("names have to be written in ASCII, such as xn--bcher-kva.example")

// isASCII reports whether a text has ASCII characters only.
func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}
