package main

import (
	"encoding/json"
	"io"
	"os"
)

// print writes the report in the forms that the arguments ask for.
func (c command) print(a *arguments, s *summary) error {
	if a.svg == "-" {
		_, err := io.WriteString(c.out, newGraph(s).svg())
		return err
	}
	if a.svg != "" {
		if err := os.WriteFile(a.svg, []byte(newGraph(s).svg()), 0o644); err != nil {
			return err
		}
	}
	switch {
	case a.dot:
		_, err := io.WriteString(c.out, newGraph(s).dot())
		return err
	case a.json:
		out := json.NewEncoder(c.out)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(newDocument(s))
	default:
		text{paint: paint(c.color), out: c.out, s: s}.write()
		return nil
	}
}
