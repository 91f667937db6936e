package dnssecval

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// sources is where the anchors of a block come from.
type sources struct {
	files         []string // trust anchors: files, directories and globs
	negativeFiles []string
	negative      map[string]negativeAnchor // of the Corefile
	policy        dnssec.Policy
}

// load reads all of them. Nothing is taken from a set of files of which one is bad.
func (s sources) load(now time.Time) (set *anchorSet, warnings []string, err error) {
	set = newAnchorSet()
	maps.Copy(set.negative, s.negative)
	var read []anchor
	paths, err := expand(s.files)
	if err != nil {
		return nil, nil, err
	}
	for _, path := range paths {
		more, err := readAnchorFile(path, s.policy, now)
		if err != nil {
			return nil, nil, err
		}
		read = append(read, more...)
	}
	paths, err = expand(s.negativeFiles)
	if err != nil {
		return nil, nil, err
	}
	for _, path := range paths {
		if err := readNegativeFile(path, set.negative); err != nil {
			return nil, nil, err
		}
	}
	return set, set.trust(read), nil
}

// expand replaces a directory by the files in it, but for those whose names begin
// with a dot (a mounted ConfigMap has such), and a glob by what it matches.
func expand(names []string) (paths []string, err error) {
	for _, name := range names {
		matches := []string{name}
		if strings.ContainsAny(name, "*?[") {
			if matches, err = filepath.Glob(name); err != nil || len(matches) == 0 {
				return nil, fmt.Errorf("%s: no such file", name)
			}
		}
		for _, match := range matches {
			files, err := filesOf(match)
			if err != nil {
				return nil, err
			}
			paths = append(paths, files...)
		}
	}
	return paths, nil
}

func filesOf(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, nil // that it can't be read is told when it is
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		file := filepath.Join(path, e.Name())
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no file in this directory", path)
	}
	return files, nil
}

// has tells whether a file is, or would be, among the files of trust anchors.
func (s sources) has(file string) bool {
	file = filepath.Clean(file)
	return slices.ContainsFunc(s.files, func(name string) bool {
		name = filepath.Clean(name)
		matched, _ := filepath.Match(name, file)
		return matched || name == file || name == filepath.Dir(file) && !strings.HasPrefix(filepath.Base(file), ".")
	})
}

// fingerprint changes when the content of a source does, however it was replaced: a
// ConfigMap swaps a symbolic link.
func (s sources) fingerprint() [sha256.Size]byte {
	h := sha256.New()
	paths, _ := expand(slices.Concat(s.files, s.negativeFiles))
	for _, path := range paths {
		content, err := readSource(path)
		fmt.Fprintf(h, "%s %d %v\n", path, len(content), err)
		h.Write(content)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// maxSource is far more than any file of anchors has.
const maxSource = 1 << 20

// readSource reads a file. What is not one would be waited for, or have no end.
func readSource(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	if err == nil && len(content) > maxSource {
		return nil, fmt.Errorf("%s has more than %d octets", path, maxSource)
	}
	return content, err
}

// readNegativeFile reads lines of ZONE [until TIME], with comments as anchor files have.
func readNegativeFile(path string, negative map[string]negativeAnchor) error {
	text, err := readSource(path)
	if err != nil {
		return fmt.Errorf("negative-trust-anchor-file can't be read: %w", err)
	}
	return parseNegativeLines(path, strings.TrimPrefix(string(text), "\ufeff"), negative)
}

func parseNegativeLines(path, text string, negative map[string]negativeAnchor) error {
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(withoutComment(line))
		if len(words) == 0 {
			continue
		}
		zones, anchor, err := parseNegative(words)
		if err == nil && len(zones) != 1 {
			err = errors.New("one zone a line, and `until TIME` behind it if it ends")
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
		negative[zones[0]] = anchor
	}
	return nil
}

var errNotASCII = errors.New("names have to be written in ASCII, such as xn--bcher-kva.example")

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}

// parseNegative reads ZONE... [until TIME].
func parseNegative(words []string) (zones []string, anchor negativeAnchor, err error) {
	if n := len(words); n >= 2 && words[n-2] == "until" {
		until, err := time.Parse(time.RFC3339, words[n-1])
		if err != nil {
			return nil, anchor, fmt.Errorf("%q is not a time such as 2026-12-31T12:00:00Z", words[n-1])
		}
		anchor.until, words = until, words[:n-2]
	}
	if len(words) == 0 {
		return nil, anchor, errors.New("needs a zone")
	}
	for _, zone := range words {
		name := dnsname.Canonical(zone)
		if _, ok := dns.IsDomainName(name); !ok || !dns.IsFqdn(name) || zone == "until" {
			return nil, anchor, fmt.Errorf("%q is not a zone", zone)
		}
		if !isASCII(zone) {
			return nil, anchor, errNotASCII
		}
		if _, _, err := net.ParseCIDR(zone); err == nil {
			return nil, anchor, fmt.Errorf("%q is a network, not a zone such as 10.in-addr.arpa", zone)
		}
		zones = append(zones, name)
	}
	return zones, anchor, nil
}
