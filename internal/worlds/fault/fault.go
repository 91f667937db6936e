// Package fault has faults that are seeded into the validator to check internal/worlds:
// each is a change of the source that makes it forget one rule, as validators of the
// field did. They are applied to a copy, with the overlay of the go command.
package fault

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Fault is one rule that is forgotten.
type Fault struct {
	Name    string // what is forgotten
	Rule    string // where it is said
	Like    string // a validator that had this fault, if one is known
	Changes []Change
}

// Change replaces a piece of a file, which has to be there exactly once.
type Change struct{ File, Old, New string }

// Overlay writes the changed files to a directory. It returns which file each of them
// replaces. The root is that of the module.
func (f Fault) Overlay(root, dir string) (map[string]string, error) {
	replaced := make(map[string]string)
	texts := make(map[string]string)
	for _, c := range f.Changes {
		path := filepath.Join(root, c.File)
		text, ok := texts[path]
		if !ok {
			content, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			text = string(content)
		}
		if n := strings.Count(text, c.Old); n != 1 {
			return nil, fmt.Errorf("fault %q: %s has %q %d times, not once", f.Name, c.File, c.Old, n)
		}
		texts[path] = strings.Replace(text, c.Old, c.New, 1)
	}
	for path, text := range texts {
		changed := filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(path, root), string(filepath.Separator), "_"))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return nil, err
		}
		replaced[path] = changed
	}
	return replaced, nil
}
