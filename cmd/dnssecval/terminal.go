package main

import (
	"os"
	"strings"
	"unicode"

	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// isTerminal tells whether a person is likely to read what is written to the file.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// paint colors words, or leaves them as they are.
type paint bool

func (p paint) in(color, words string) string {
	if !p || words == "" {
		return words
	}
	return "\x1b[" + color + "m" + words + "\x1b[0m"
}

func (p paint) bold(words string) string { return p.in("1", words) }
func (p paint) dim(words string) string  { return p.in("2", words) }

// as paints words as of a status.
func (p paint) as(status dnssec.Status, words string) string {
	switch status {
	case dnssec.Secure:
		return p.in("32", words)
	case dnssec.Bogus:
		return p.in("1;31", words)
	default:
		return p.in("33", words)
	}
}

// printable replaces what could be a command to a terminal: the words are a stranger's.
func printable(words string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, words)
}
