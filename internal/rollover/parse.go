package rollover

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Limits on a state file. Longer input is refused rather than truncated, because a
// truncated line could lose its hold-down.
const (
	maxFile  = 1 << 20 // octets
	maxLine  = 8192    // octets
	maxZones = 64
)

// SyntaxError is an invalid line of a state file.
type SyntaxError struct {
	File string
	Line int
	Text string
}

// Error returns "file:line: text".
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text) }

// Parse parses the text of a state file. If any part is invalid, it returns a
// *SyntaxError with the given file name, and no zones.
func Parse(file string, text []byte) ([]*Zone, error) {
	p := parser{names: make(map[string]bool)}
	if len(text) > maxFile {
		return nil, &SyntaxError{file, 1, fmt.Sprintf("the file has more than %d octets", maxFile)}
	}
	line := 0
	for raw := range bytes.Lines(text) {
		line++
		if err := p.line(raw); err != nil {
			return nil, &SyntaxError{file, line, err.Error()}
		}
	}
	if err := p.finish(); err != nil {
		return nil, &SyntaxError{file, max(line, 1), err.Error()}
	}
	return p.zones, nil
}

// parser is the state of Parse.
type parser struct {
	zones         []*Zone
	names         map[string]bool // names of zones
	version, done bool            // the version line and the end line were read
}

// line parses one line with its newline.
func (p *parser) line(raw []byte) error {
	text, whole := strings.CutSuffix(string(raw), "\n")
	if len(text) > maxLine {
		return fmt.Errorf("the line has more than %d octets", maxLine)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return (r < ' ' && r != '\t') || r > '~' }); i >= 0 {
		return fmt.Errorf("octet %d of the line is not printable ASCII", i+1)
	}
	text = strings.TrimSpace(text)
	if text == "" || (strings.HasPrefix(text, ";") && !strings.HasPrefix(text, ";;")) {
		return nil
	}
	if p.done {
		return fmt.Errorf("there is more after %s", endMark)
	}
	if !whole {
		return fmt.Errorf("the file is cut off: the last line has no end")
	}
	mark := strings.Fields(text)[0]
	if !p.version && mark != versionMark {
		return fmt.Errorf("this is no state file of dnssecval: it does not begin with %s", versionMark)
	}
	switch {
	case mark == versionMark:
		return p.versionLine(strings.TrimPrefix(text, mark))
	case mark == zoneMark:
		return p.zoneLine(strings.TrimPrefix(text, mark))
	case text == endMark:
		p.done = true
		return p.finishZone()
	case strings.HasPrefix(mark, ";;"):
		return fmt.Errorf("unknown line %q", mark)
	default:
		return p.keyLine(text)
	}
}

func (p *parser) versionLine(text string) error {
	if p.version {
		return fmt.Errorf("a second line %s", versionMark)
	}
	f, err := parseFields(text, "version", "written")
	if err != nil {
		return err
	}
	if f["version"] != version {
		return fmt.Errorf("version %q is not known: this program reads version %s", f["version"], version)
	}
	p.version = true
	_, err = f.time("written")
	return err
}

func (p *parser) zoneLine(text string) error {
	if err := p.finishZone(); err != nil {
		return err
	}
	f, err := parseFields(text, "name", "last-success", "last-try", "next-query", "retry")
	if err != nil {
		return err
	}
	z := &Zone{Name: f["name"]}
	if err := checkName(z.Name); err != nil {
		return err
	}
	if p.names[z.Name] {
		return fmt.Errorf("a second zone %s", z.Name)
	}
	if len(p.zones) == maxZones {
		return fmt.Errorf("more than %d zones", maxZones)
	}
	if z.LastSuccess, err = f.time("last-success"); err != nil {
		return err
	}
	if z.LastTry, err = f.time("last-try"); err != nil {
		return err
	}
	if z.Next, err = f.time("next-query"); err != nil {
		return err
	}
	if z.Retry, err = f.seconds("retry"); err != nil {
		return err
	}
	if z.Retry != 0 && (z.Retry < minInterval || z.Retry > maxRetry) {
		return fmt.Errorf("retry=%s is not from %s to %s", f["retry"], seconds(minInterval), seconds(maxRetry))
	}
	p.names[z.Name] = true
	p.zones = append(p.zones, z)
	return nil
}

func (p *parser) keyLine(text string) error {
	if len(p.zones) == 0 {
		return fmt.Errorf("a record before the first line %s", zoneMark)
	}
	z := p.zones[len(p.zones)-1]
	record, comment, ok := strings.Cut(text, ";;")
	if !ok {
		return fmt.Errorf("the record has no ;;state=")
	}
	k, err := parseRecord(z.Name, strings.Fields(record))
	if err != nil {
		return err
	}
	if err := k.parseState(comment); err != nil {
		return err
	}
	if err := checkTrustAnchor(k); err != nil {
		return fmt.Errorf("the record can't be a trust anchor: %w", err)
	}
	if slices.ContainsFunc(z.Keys, k.duplicates) {
		return fmt.Errorf("the key with tag %d is there twice", k.Tag())
	}
	if len(z.Keys) == maxKeys {
		return fmt.Errorf("more than %d keys of %s", maxKeys, z.Name)
	}
	z.Keys = append(z.Keys, *k)
	return nil
}

// duplicates reports whether both are the same key.
func (k *Key) duplicates(other Key) bool {
	switch {
	case other.DNSKEY != nil:
		return k.sameKeyAs(other.DNSKEY)
	case k.DNSKEY != nil:
		return other.sameKeyAs(k.DNSKEY)
	default:
		return sameDS(k.DS, other.DS)
	}
}

// finishZone checks that a zone has a key other than pending ones.
func (p *parser) finishZone() error {
	if len(p.zones) == 0 {
		return nil
	}
	z := p.zones[len(p.zones)-1]
	if !slices.ContainsFunc(z.Keys, func(k Key) bool { return k.State != AddPend }) {
		return fmt.Errorf("the zone %s has no key that is trusted or was revoked", z.Name)
	}
	return nil
}

// finish checks that the file is complete.
func (p *parser) finish() error {
	switch {
	case !p.version:
		return fmt.Errorf("the file has nothing in it: delete it to start from the configured anchors")
	case !p.done:
		return fmt.Errorf("the file is cut off: it does not end with %s", endMark)
	case len(p.zones) == 0:
		return fmt.Errorf("the file has no zone")
	}
	return nil
}
