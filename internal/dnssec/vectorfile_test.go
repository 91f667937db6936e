package dnssec

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const vectorDir = "../../testdata/vectors"

// vector is one test case of a file in vectorDir. The README there describes the
// format.
type vector struct {
	name              string
	time              time.Time
	policy            Policy
	qname             string
	qtype             uint16
	proof, shows      string
	status, reason    string
	anchor, keys      []dns.RR
	chain             []dns.RR
	answer, authority []dns.RR
}

// readVectors reads all files. The lines before the first case of a file apply to all
// its cases.
func readVectors(t *testing.T) []vector {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(vectorDir, "*.txt"))
	must(t, err)
	if len(files) == 0 {
		t.Fatal("no vectors were found")
	}
	var all []vector
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		blocks := strings.Split("\n"+string(text), "\n=== ")
		shared, err := parseVector(vector{}, blocks[0])
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, block := range blocks[1:] {
			name, rest, _ := strings.Cut(block, "\n")
			v, err := parseVector(shared, rest)
			if err != nil {
				t.Fatalf("%s: %s: %v", file, name, err)
			}
			v.name = strings.TrimSuffix(filepath.Base(file), ".txt") + "/" + name
			all = append(all, v)
		}
	}
	return all
}

func parseVector(v vector, text string) (vector, error) {
	var section *[]dns.RR
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		var err error
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section, err = v.section(line)
		case section != nil:
			var rr dns.RR
			rr, err = parseRecord(line)
			*section = append(*section, rr)
		default:
			err = v.setField(line)
		}
		if err != nil {
			return v, fmt.Errorf("%.60s: %w", line, err)
		}
	}
	return v, nil
}

// parseRecord parses a zone file line. It sorts the type bit map, which the RFCs
// print in another order.
func parseRecord(line string) (dns.RR, error) {
	rr, err := dns.NewRR(line)
	switch rr := rr.(type) {
	case *dns.NSEC:
		slices.Sort(rr.TypeBitMap)
	case *dns.NSEC3:
		slices.Sort(rr.TypeBitMap)
	}
	return rr, err
}

// section returns where to append the records of a section. A section of a case
// replaces that of the file.
func (v *vector) section(heading string) (*[]dns.RR, error) {
	switch heading {
	case "[anchor]":
		v.anchor = nil
		return &v.anchor, nil
	case "[chain]":
		v.chain = nil
		return &v.chain, nil
	case "[keys]":
		v.keys = nil
		return &v.keys, nil
	case "[answer]":
		return &v.answer, nil
	case "[authority]":
		return &v.authority, nil
	}
	return nil, fmt.Errorf("no such section")
}

func (v *vector) setField(line string) (err error) {
	field, value, _ := strings.Cut(line, ":")
	value, _, _ = strings.Cut(value, " #")
	value = strings.TrimSpace(value)
	switch field {
	case "time":
		v.time, err = time.Parse("20060102150405", value)
	case "policy":
		v.policy.AllowSHA1 = value == "allow-sha1"
	case "question":
		name, qtype, _ := strings.Cut(value, " ")
		v.qname, v.qtype = dns.CanonicalName(name), dns.StringToType[qtype]
	case "proof":
		v.proof = value
	case "shows":
		v.shows = value
	case "status":
		v.status = value
	case "reason":
		v.reason = value
	default:
		return fmt.Errorf("no such field")
	}
	return err
}
