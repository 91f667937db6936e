package fault

import (
	"go/parser"
	"go/token"
	"testing"
)

// TestOverlay checks that each fault can still be seeded: its text is in the source once,
// and what comes out is Go.
func TestOverlay(t *testing.T) {
	names := make(map[string]bool)
	for _, f := range All() {
		t.Run(f.Name, func(t *testing.T) {
			if names[f.Name] {
				t.Error("there are two of this name")
			}
			names[f.Name] = true
			replaced, err := f.Overlay("../../..", t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if len(replaced) == 0 || f.Rule == "" {
				t.Errorf("it changes %d files, by rule %q", len(replaced), f.Rule)
			}
			for _, path := range replaced {
				if _, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.AllErrors); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestOverlayFails checks that a fault whose text is gone is an error.
func TestOverlayFails(t *testing.T) {
	for _, tt := range []struct{ name, old string }{
		{name: "text that is not there", old: "no such text"},
		{name: "text that is there twice", old: "dnsname"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := Fault{Name: tt.name, Changes: []Change{{File: nsec, Old: tt.old, New: "x"}}}
			if replaced, err := f.Overlay("../../..", t.TempDir()); err == nil {
				t.Errorf("it replaces %v", replaced)
			}
		})
	}
}
