package rollover

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// staleAfter is the age after which a temporary file is taken to be left behind by a
// writer that was killed.
const staleAfter = time.Hour

// Read reads a state file. It returns an error and no zones if any part is invalid: a
// *SyntaxError, fs.ErrNotExist if there is no file, or another error of the file
// system.
func Read(path string) ([]*Zone, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // opening a named pipe would block
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	return Parse(path, text)
}

// Write replaces a state file. The replacement is atomic: a reader sees the old or
// the new content even after a crash, and the last of several writers wins. Symbolic
// links are followed, and the mode of an existing file is kept. Nothing is written if
// the zones can't be read back.
func Write(path string, zones []*Zone, written time.Time) error {
	text, err := Format(zones, written)
	if err != nil {
		return err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file", path)
		}
		mode = info.Mode().Perm()
	}
	temporary, err := writeTemporary(path, text, mode)
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		os.Remove(temporary)
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// writeTemporary writes and syncs a temporary file in the directory of path. It
// returns the name of the file.
func writeTemporary(path string, text []byte, mode fs.FileMode) (name string, err error) {
	directory, base := filepath.Split(path)
	if directory == "" {
		directory = "."
	}
	f, err := os.CreateTemp(directory, temporaryName(base))
	if err != nil {
		return "", err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	removeStale(f, directory, base)
	if _, err := f.Write(text); err != nil {
		return "", err
	}
	if err := f.Chmod(mode); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}

// temporaryName returns the pattern for os.CreateTemp.
func temporaryName(base string) string { return "." + strings.ReplaceAll(base, "*", "_") + ".*.tmp" }

// removeStale removes temporary files that killed writers left behind. Their age is
// measured against f, so by the clock of the file system.
func removeStale(f *os.File, directory, base string) {
	info, err := f.Stat()
	if err != nil {
		return
	}
	entries, err := os.ReadDir(directory)
	if err != nil {
		return
	}
	for _, entry := range entries {
		prefix, suffix, _ := strings.Cut(temporaryName(base), "*")
		if !strings.HasPrefix(entry.Name(), prefix) || !strings.HasSuffix(entry.Name(), suffix) {
			continue
		}
		old, err := entry.Info()
		if err == nil && old.Mode().IsRegular() && info.ModTime().Sub(old.ModTime()) > staleAfter {
			os.Remove(filepath.Join(directory, entry.Name()))
		}
	}
}

// syncDirectory makes the rename durable. It ignores EINVAL and ErrUnsupported, which
// some file systems return for directories.
func syncDirectory(directory string) error {
	d, err := os.Open(directory)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
