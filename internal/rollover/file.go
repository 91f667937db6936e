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

// staleAfter is how much older than a new one a temporary file has to be to have been
// left behind by a writer that was killed.
const staleAfter = time.Hour

// Read reads a state file: all of it, or nothing. The error of a file that isn't
// there is fs.ErrNotExist, that of a broken one a *SyntaxError.
func Read(path string) ([]*Zone, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // a pipe would be waited for
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

// Write puts the zones into a state file. Who reads the file sees what was there
// before or all that is new, whenever the writer or the machine stops, and of several
// writers the last one's. A link is followed; a file that is there keeps its mode.
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

// writeTemporary puts the text on the disk under a name of its own beside the path.
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

func temporaryName(base string) string { return "." + strings.ReplaceAll(base, "*", "_") + ".*.tmp" }

// removeStale removes what killed writers left. The clock is that of the file system.
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

// syncDirectory makes the rename last. File systems that can't do it for a directory
// say EINVAL or ENOTSUP, and there is nothing better to be done.
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
