package dnssec

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/dnssecval/dnssecval"

// allowed lists what each package may import besides the standard library.
var allowed = map[string][]string{
	"internal/dnsname":  {"github.com/miekg/dns"},
	"internal/dnssec":   {"github.com/miekg/dns", "github.com/cloudflare/circl/sign/ed448", module + "/internal/dnsname"},
	"internal/rollover": {"github.com/miekg/dns", module + "/internal/dnsname", module + "/internal/dnssec"},
	"internal/testzone": {"github.com/miekg/dns", "github.com/cloudflare/circl/sign/ed448"},

	"cmd/dnssecval": {"github.com/miekg/dns", module + "/anchor", module + "/validator"},
	"examples/stub": {"github.com/miekg/dns", module + "/anchor", module + "/validator"},

	"internal/demo":         {"github.com/miekg/dns", module + "/internal/testzone"},
	"internal/differential": {"github.com/miekg/dns", module + "/internal/testzone"},
	"internal/peers":        {"github.com/miekg/dns"},
}

// pure lists the packages that may not do I/O, and impure the standard packages that
// they may not import. Indirect imports are not checked: miekg/dns imports net.
var (
	pure   = []string{"internal/dnsname", "internal/dnssec"}
	impure = []string{"os", "net", "io", "log", "syscall", "math/rand", "context", "plugin", "runtime"}
)

// TestImports checks the imports of all files that are not tests.
func TestImports(t *testing.T) {
	seen := make(map[string]bool)
	const root = "../.."
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && file != root && (name == "testdata" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(rel)
		seen[pkg] = true
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if !mayImport(pkg, imported) {
				t.Errorf("%s imports %s", path.Join(pkg, name), imported)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range allowed {
		if !seen[pkg] {
			t.Errorf("%s was not read", pkg)
		}
	}
}

func mayImport(pkg, imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(first, ".") {
		return !slices.Contains(pure, pkg) || !slices.ContainsFunc(impure, func(dir string) bool {
			return imported == dir || strings.HasPrefix(imported, dir+"/")
		})
	}
	if list, ok := allowed[pkg]; ok {
		for _, a := range list {
			if imported == a {
				return true
			}
		}
		return false
	}
	program := strings.HasPrefix(pkg, "cmd/") || strings.HasPrefix(pkg, "examples/")
	switch {
	case strings.HasPrefix(imported, module+"/cmd"):
		return false
	case imported == module+"/internal/testzone":
		return program
	default:
		return true
	}
}
