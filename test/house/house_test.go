// Package house checks the structure of the code.
package house

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
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

// TestCoreIsPure checks that the packages that prove things depend neither on
// CoreDNS nor on metrics.
func TestCoreIsPure(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", root+"/internal/dnssec", root+"/internal/dnsname", root+"/internal/rollover").Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range bytes.Lines(out) {
		path := string(bytes.TrimSpace(path))
		for _, foreign := range []string{"github.com/coredns/", "github.com/prometheus/", "internal/testzone"} {
			if strings.Contains(path, foreign) {
				t.Errorf("the core depends on %s", path)
			}
		}
		if path == "github.com/dnssecval/dnssecval" {
			t.Error("the core depends on the plugin")
		}
	}
}

// TestImports keeps the packages beside the core free of what is not theirs.
func TestImports(t *testing.T) {
	const module = "github.com/dnssecval/dnssecval"
	for _, tc := range []struct {
		name    string
		ours    []string // the packages of this module that it may depend on
		foreign []string // prefixes of packages that it may not
	}{
		{name: "internal/placement", ours: []string{"internal/dnsname"}},
		{name: "internal/statuspage", ours: []string{"internal/dnssec", "internal/dnsname"}, foreign: []string{"github.com/coredns/", "github.com/prometheus/"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, err := exec.Command("go", "list", "-deps", root+"/"+tc.name).Output()
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range strings.Fields(string(out)) {
				own, ours := strings.CutPrefix(path, module)
				if own = strings.TrimPrefix(own, "/"); ours && own != tc.name && !slices.Contains(tc.ours, own) {
					t.Errorf("it depends on %s", path)
				}
				if slices.ContainsFunc(tc.foreign, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
					t.Errorf("it depends on %s", path)
				}
			}
		})
	}
}
