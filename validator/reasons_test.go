package validator_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/validator"
)

// TestReasons: the package has a constant for each reason of the engine, in the same order.
func TestReasons(t *testing.T) {
	public := constants(t, "reason.go")
	if internal := constants(t, "../internal/dnssec/reason.go"); !slices.Equal(public, internal) {
		t.Errorf("the constants are\n%s\nwant\n%s", public, internal)
	}
	if got := len(validator.Reasons()); got != len(public)-1 { // without ReasonNone
		t.Errorf("%d reasons, want %d", got, len(public)-1)
	}
}

// constants returns the exported constants of a file.
func constants(t *testing.T, path string) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, spec := range g.Specs {
			value := spec.(*ast.ValueSpec)
			for i, name := range value.Names {
				if !name.IsExported() {
					continue
				}
				names = append(names, name.Name)
				if i >= len(value.Values) {
					continue
				}
				if s, ok := value.Values[i].(*ast.SelectorExpr); ok && !strings.EqualFold(s.Sel.Name, name.Name) {
					t.Errorf("%s is %s", name.Name, s.Sel.Name)
				}
			}
		}
	}
	return names
}
