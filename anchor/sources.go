package anchor

import (
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Sources is where the anchors of a Set come from.
type Sources struct {
	Files         []string            // of trust anchors; directories and globs stand for the files in them
	NegativeFiles []string            // of negative trust anchors, likewise
	Negative      map[string]Negative // negative trust anchors besides those of the files, by canonical zone name
	Rules         Rules

	NoBuiltinNegative bool // the set has no built-in negative trust anchors
}

// Load reads all sources. Warnings are about anchors that are left out, as Parse has them,
// and those of NewSet. If a source is bad it returns an error that names the file, the line
// and what to write instead, and no set.
func (s Sources) Load() (set *Set, warnings []string, err error) {
	anchors, leftOut, err := ReadFiles(s.Files, s.Rules)
	if err != nil {
		return nil, nil, err
	}
	set, warnings = NewSet(anchors)
	warnings = slices.Concat(leftOut, warnings)
	set.noBuiltinNegative = s.NoBuiltinNegative
	maps.Copy(set.negative, s.Negative)
	paths, err := expand(s.NegativeFiles)
	if err != nil {
		return nil, nil, err
	}
	for _, path := range paths {
		if err := readNegativeFile(path, set.negative); err != nil {
			return nil, nil, err
		}
	}
	return set, warnings, nil
}

// ReadFiles reads trust anchors from files, directories and globs, as Parse does. Whether a
// zone has another anchor is decided over all files.
func ReadFiles(names []string, rules Rules) (anchors []Anchor, warnings []string, err error) {
	paths, err := expand(names)
	if err != nil {
		return nil, nil, err
	}
	all := new(reading)
	for _, path := range paths {
		content, err := readFile(path)
		if err != nil {
			return nil, nil, fmt.Errorf("trust-anchor file can't be read: %w", err)
		}
		read, err := parse(path, string(content), rules)
		if err != nil {
			return nil, nil, err
		}
		all.join(read)
	}
	return all.finished()
}

// readNegativeFile reads a file of negative trust anchors.
func readNegativeFile(path string, negative map[string]Negative) error {
	content, err := readFile(path)
	if err != nil {
		return fmt.Errorf("negative-trust-anchor-file can't be read: %w", err)
	}
	return parseNegativeLines(path, string(content), negative)
}

// expand replaces a directory by the files in it, except those whose names begin with
// a dot (a mounted ConfigMap has some), and a glob by the files that match.
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

// filesOf returns the files in a directory, or the path itself if it is none.
func filesOf(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, nil // reading the file will return the error
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

// Contains reports whether a file is, or would be, among the files of trust anchors.
func (s Sources) Contains(file string) bool {
	file = filepath.Clean(file)
	return slices.ContainsFunc(s.Files, func(name string) bool {
		name = filepath.Clean(name)
		matched, _ := filepath.Match(name, file)
		return matched || name == file || name == filepath.Dir(file) && !strings.HasPrefix(filepath.Base(file), ".")
	})
}

// Fingerprint returns a digest of the content of all files. It changes when the content
// does, however a file was replaced: a ConfigMap swaps a symbolic link.
func (s Sources) Fingerprint() [sha256.Size]byte {
	h := sha256.New()
	paths, _ := expand(slices.Concat(s.Files, s.NegativeFiles))
	for _, path := range paths {
		content, err := readFile(path)
		fmt.Fprintf(h, "%s %d %v\n", path, len(content), err)
		h.Write(content)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// maxFileSize is far more than any file of anchors needs.
const maxFileSize = 1 << 20

// readFile reads a regular file: a device or pipe could block, or never end.
func readFile(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err == nil && len(content) > maxFileSize {
		return nil, fmt.Errorf("%s has more than %d octets", path, maxFileSize)
	}
	return content, err
}
