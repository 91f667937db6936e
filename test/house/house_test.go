// Package house checks the structure of the code.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

const (
	root          = "../.."
	functionLines = 60
	fileLines     = 350
)

// TestLengths limits the lengths of files and functions, except generated code
// and tests.
func TestLengths(t *testing.T) {
	files := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		files++
		return checkLengths(t, path)
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("no files were found")
	}
}

func checkLengths(t *testing.T, path string) error {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if ast.IsGenerated(file) {
		return nil
	}
	if n := set.File(file.FileStart).LineCount(); n > fileLines {
		t.Errorf("%s has %d lines, more than %d", path, n, fileLines)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if f, ok := node.(*ast.FuncDecl); ok {
			first, last := set.Position(f.Pos()), set.Position(f.End())
			if n := last.Line - first.Line + 1; n > functionLines {
				t.Errorf("%s: %s has %d lines, more than %d", first, f.Name.Name, n, functionLines)
			}
		}
		return true
	})
	return nil
}
