package main

import (
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bill is a bill of materials: CycloneDX 1.6, as JSON.
type bill struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
	// Properties has the h1 digest of the module, as in go.sum, or says that it was changed.
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// modules lists the modules that the programs of all platforms are made of, as the programs
// themselves tell.
func (r release) modules() error {
	found := map[string]component{}
	for _, p := range platforms {
		for _, program := range programs {
			info, err := buildinfo.ReadFile(r.program(p, program.name))
			if err != nil {
				return err
			}
			for _, m := range info.Deps {
				c := module(m.Path, m.Version, m.Sum)
				if m.Replace != nil { // docs/performance.md says by what
					c.Properties = append(c.Properties, property{Name: "changed", Value: m.Replace.Version})
				}
				found[m.Path] = c
			}
			found["std"] = module("std", strings.TrimPrefix(info.GoVersion, "go"), "")
		}
	}
	b := bill{Format: "CycloneDX", Spec: "1.6", Version: 1, Metadata: metadata{
		Timestamp: r.at.Format(time.RFC3339),
		Component: component{Type: "application", Name: "dnssecval", Version: r.version, PURL: "pkg:golang/github.com/dnssecval/dnssecval@" + r.version},
	}}
	for _, c := range found {
		b.Components = append(b.Components, c)
	}
	slices.SortFunc(b.Components, func(x, y component) int { return cmp.Compare(x.Name, y.Name) })
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(r.file(fmt.Sprintf("dnssecval_%s_modules.cdx.json", r.version)), append(text, '\n'), 0o644)
}

func module(path, version, sum string) component {
	c := component{Type: "library", Name: path, Version: version, PURL: "pkg:golang/" + path + "@" + version}
	if sum != "" {
		c.Properties = []property{{Name: "go:sum", Value: sum}}
	}
	return c
}

// sums writes the SHA-256 sums of all files, for `sha256sum -c`.
func (r release) sums() error {
	paths, err := filepath.Glob(r.file("*"))
	if err != nil {
		return err
	}
	var list strings.Builder
	for _, path := range paths { // sorted
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(text), filepath.Base(path))
	}
	return os.WriteFile(r.file("SHA256SUMS"), []byte(list.String()), 0o644)
}
