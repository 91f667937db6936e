package dnssec

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the reason table into the page")

const (
	page       = "../../docs/troubleshooting.md"
	tableBegin = "<!-- The reason table: `go generate ./internal/dnssec` writes it. -->\n"
	tableEnd   = "<!-- The end of the reason table. -->\n"
)

// TestReasonTable compares the table in the documentation with the reasons.
func TestReasonTable(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), tableBegin)
	table, after, ends := strings.Cut(rest, tableEnd)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", page)
	}
	want := reasonPage()
	if *update {
		if err := os.WriteFile(page, []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want {
		t.Errorf("%s differs from the reasons; `go generate ./internal/dnssec` writes it anew:\n%s", page, want)
	}
}

// reasonPage returns a table of the bogus reasons and one of the others.
func reasonPage() string {
	var b strings.Builder
	for _, part := range []struct {
		heading string
		refused bool
	}{{"Refused, with SERVFAIL:", true}, {"Passed on without AD:", false}} {
		fmt.Fprintf(&b, "\n%s\n\n| token | EDE | meaning | what to do |\n|---|---|---|---|\n", part.heading)
		for _, r := range Reasons() {
			if (r.Status() == Bogus) != part.refused {
				continue
			}
			ede := ""
			if code, ok := r.EDE(); ok {
				ede = fmt.Sprint(code)
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r, ede, r.Text(), r.Remedy())
		}
	}
	return b.String() + "\n"
}
