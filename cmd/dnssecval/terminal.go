package main

import (
	"os"
	"strings"
	"unicode"

	"github.com/dnssecval/dnssecval/validator"
)

// isTerminal reports whether a file is a character device, such as a terminal.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// paint colors words if it is true.
type paint bool

func (p paint) in(color, words string) string {
	if !p || words == "" {
		return words
	}
	return "\x1b[" + color + "m" + words + "\x1b[0m"
}

func (p paint) bold(words string) string { return p.in("1", words) }
func (p paint) dim(words string) string  { return p.in("2", words) }

// as colors words by a status.
func (p paint) as(status validator.Status, words string) string {
	switch status {
	case validator.Secure:
		return p.in("32", words)
	case validator.Bogus:
		return p.in("1;31", words)
	default:
		return p.in("33", words)
	}
}

// printable replaces control characters, which could be commands to the terminal. Names and
// records come from the network.
func printable(words string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, words)
}
