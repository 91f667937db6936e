package rollover

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// zonesWithEveryState returns two zones with every state and every kind of record.
func zonesWithEveryState(t testing.TB) []*Zone {
	t.Helper()
	at := func(days int) time.Time { return start.AddDate(0, 0, days) }
	root := &Zone{Name: ".", LastSuccess: at(-1), LastTry: at(0), Next: at(1), Retry: 2 * time.Hour}
	for s := AddPend; s < numStates; s++ {
		k := Key{DNSKEY: newTestKey(t, ".").rr, State: s, Since: at(-int(s)), Seen: at(-1)}
		switch s {
		case AddPend:
			k.Count, k.HoldDown = 3, AddHoldDown
		case Revoked, Removed:
			k.DNSKEY.Flags |= dns.REVOKE
		}
		root.Keys = append(root.Keys, k)
	}
	root.Keys = append(root.Keys, Key{DS: storedDS(newTestKey(t, ".").ds(), "."), State: Valid},
		Key{DS: storedDS(newTestKey(t, ".").rr.ToDS(dns.SHA384), "."), State: Missing, Since: at(-3)})
	deleted := &Zone{Name: "corp.example.", LastTry: at(0), Keys: []Key{
		{DNSKEY: newTestKey(t, "corp.example.").revoked().rr, State: Revoked, Since: at(0), Seen: at(0)},
	}}
	return []*Zone{root, deleted}
}

func TestStateFileRoundTrip(t *testing.T) {
	zones := zonesWithEveryState(t)
	path := filepath.Join(t.TempDir(), "state")
	must(t, Write(path, zones, start))
	got, err := Read(path)
	must(t, err)
	want, err := Format(zones, start)
	must(t, err)
	again, err := Format(got, start)
	must(t, err)
	if string(again) != string(want) {
		t.Errorf("read\n%s\nwritten\n%s", again, want)
	}
	for i, z := range zones {
		if len(got) != len(zones) || len(got[i].Keys) != len(z.Keys) || got[i].Deleted() != z.Deleted() {
			t.Fatalf("read %+v", got)
		}
		for j, k := range z.Keys {
			r := got[i].Keys[j]
			if r.State != k.State || !r.Since.Equal(k.Since) || !r.Seen.Equal(k.Seen) || r.Count != k.Count || r.HoldDown != k.HoldDown || r.Tag() != k.Tag() {
				t.Errorf("read %+v, written %+v", r, k)
			}
		}
	}
	for _, line := range []string{"do not edit it while the program runs", "written=2026-11-20T12:00:00Z", "name=corp.example.", "it is as if it had none"} {
		if !strings.Contains(string(want), line) {
			t.Errorf("%q is not in\n%s", line, want)
		}
	}
}

// validFile returns a state file. The breakages change one of its lines.
func validFile(t testing.TB) string {
	t.Helper()
	a, b, r := newTestKey(t, "example."), newTestKey(t, "example."), newTestKey(t, "example.").revoked()
	since := start.AddDate(0, -3, 0)
	text, err := Format([]*Zone{{Name: "example.", LastSuccess: start, LastTry: start, Next: start, Retry: time.Hour, Keys: []Key{
		{DNSKEY: a.rr, State: Valid, Since: since, Seen: start},
		{DNSKEY: b.rr, State: AddPend, Since: start, Seen: start, Count: 1, HoldDown: AddHoldDown},
		{DNSKEY: r.rr, State: Revoked, Since: since, Seen: start},
		{DS: storedDS(newTestKey(t, "example.").ds(), "example."), State: Valid},
	}}}, start)
	must(t, err)
	return string(text)
}

// Line numbers of validFile.
const (
	lineVersion = 4
	lineZone    = 6
	lineValid   = 7
	linePending = 8
	lineRevoked = 9
	lineDS      = 10
	lineEnd     = 12
)

// breakage is one change that makes a state file invalid.
type breakage struct {
	name     string
	line     int // the line to change, and the line of the error unless at is set
	old, new string
	want     string
	at       int
}

var breakages = []breakage{
	{name: "no version line", line: lineVersion, old: "*", want: "this is no state file of dnssecval", at: lineZone},
	{name: "Unbound's file", line: lineVersion, old: "*", new: ";;id: . 1", want: "this is no state file of dnssecval"},
	{name: "another version", line: lineVersion, old: "version=1", new: "version=2", want: `version "2" is not known`},
	{name: "two version lines", line: lineZone, old: "*", new: ";;dnssecval-trust-anchors version=1 written=never", want: "a second line"},
	{name: "zone without a name", line: lineZone, old: "name=example. ", want: "name= is missing"},
	{name: "zone name not canonical", line: lineZone, old: "name=example.", new: "name=Example.", want: "not the canonical name"},
	{name: "zone name with an empty label", line: lineZone, old: "name=example.", new: "name=a..example.", want: "not the canonical name"},
	{name: "field of nothing", line: lineZone, old: "retry=3600", new: "retry=", want: "is not name=value"},
	{name: "field that is not known", line: lineZone, old: "retry=3600", new: "retries=3600", want: "retries= does not belong here"},
	{name: "field twice", line: lineZone, old: "retry=3600", new: "retry=3600 retry=3600", want: "retry= is there twice"},
	{name: "retry too short", line: lineZone, old: "retry=3600", new: "retry=60", want: "is not from 3600 to 86400"},
	{name: "bad time", line: lineZone, old: "last-try=2026-11-20", new: "last-try=2026-11-31", want: "is not a time like"},
	{name: "time of another zone", line: lineZone, old: "last-try=2026-11-20T12:00:00Z", new: "last-try=2026-11-20T12:00:00+01:00", want: "is not a time like"},
	{name: "time before all", line: lineZone, old: "last-try=2026", new: "last-try=1926", want: "is not a time like"},
	{name: "record before the zone", line: lineZone, old: "*", want: "a record before the first line ;;zone", at: lineValid},
	{name: "zone twice", line: lineDS, old: "*", new: ";;zone name=example. last-success=never last-try=never next-query=never retry=0", want: "a second zone example."},
	{name: "zone without keys", line: lineVersion + 1, old: "*", new: ";;zone name=. last-success=never last-try=never next-query=never retry=0", want: "the zone . has no key that is trusted", at: lineZone},
	{name: "key of another zone", line: lineValid, old: "example. ", new: "example.org. ", want: "the record is of example.org., and stands below the zone example."},
	{name: "class", line: lineValid, old: " IN ", new: " CH ", want: "the class is CH"},
	{name: "type", line: lineValid, old: " DNSKEY ", new: " CDNSKEY ", want: "neither DNSKEY nor DS"},
	{name: "TTL", line: lineValid, old: "10800", new: "3h", want: "TTL: 3h is not a number from 0 to 4294967295"},
	{name: "flags", line: lineValid, old: "DNSKEY 257", new: "DNSKEY 65793", want: "65793 is not a number from 0 to 65535"},
	{name: "number with zeros", line: lineValid, old: "DNSKEY 257", new: "DNSKEY 0257", want: "0257 is not a number"},
	{name: "protocol", line: lineValid, old: "257 3 13", new: "257 4 13", want: "tag="},
	{name: "key in two words", line: lineValid, old: "== ;;", new: " == ;;", want: "the record has 9 words"},
	{name: "key not base64", line: lineValid, old: "== ;;", new: "=- ;;", want: "the public key is not base64"},
	{name: "key cut", line: lineValid, old: "== ;;", new: " ;;", want: "the public key is not base64"},
	{name: "key damaged", line: lineValid, old: "257 3 13 ", new: "257 3 13 AAAA", want: "one of them is damaged"},
	{name: "no state", line: lineValid, old: " ;;state", new: " ; state", want: "the record has no ;;state="},
	{name: "state unknown", line: lineValid, old: "state=valid", new: "state=trusted", want: "state=trusted is not addpend, valid"},
	{name: "state start", line: lineValid, old: "state=valid", new: "state=start", want: "state=start is not addpend, valid"},
	{name: "state in capitals", line: lineValid, old: "state=valid", new: "state=VALID", want: "state=VALID is not addpend, valid"},
	{name: "state revoked without the bit", line: lineValid, old: "state=valid", new: "state=revoked", want: "does not fit the REVOKE bit of flags 257"},
	{name: "revoked key made valid", line: lineRevoked, old: "state=revoked", new: "state=valid", want: "does not fit the REVOKE bit of flags 385"},
	{name: "pending key made valid", line: linePending, old: "state=addpend", new: "state=valid", want: "count= does not belong here"},
	{name: "valid key made pending", line: lineValid, old: "state=valid", new: "state=addpend", want: "count= is missing"},
	{name: "pending without hold-down", line: linePending, old: " hold-down=2592000", want: "hold-down= is missing"},
	{name: "hold-down too short", line: linePending, old: "hold-down=2592000", new: "hold-down=2591999", want: "is less than 30 days"},
	{name: "hold-down negative", line: linePending, old: "hold-down=2592000", new: "hold-down=-1", want: "hold-down=-1 is not a number"},
	{name: "pending since never", line: linePending, old: "since=2026-11-20T12:00:00Z", new: "since=never", want: "are for a DS only"},
	{name: "no tag", line: lineValid, old: " tag=", new: " tag", want: "is not name=value"},
	{name: "DS revoked", line: lineDS, old: "state=valid", new: "state=revoked", want: "needs a DNSKEY"},
	{name: "DS seen", line: lineDS, old: "seen=never", new: "seen=2026-11-20T12:00:00Z", want: "should be a DNSKEY"},
	{name: "DS missing since never", line: lineDS, old: "state=valid", new: "state=missing", want: "does not fit a DS"},
	{name: "DS with a short digest", line: lineDS, old: " ;;", new: "00 ;;", want: "the record can't be a trust anchor: the digest"},
	{name: "digest not hexadecimal", line: lineDS, old: " ;;", new: "x ;;", want: "the digest is not hexadecimal"},
	{name: "key twice", line: linePending, old: "@7", want: "is there twice"},
	{name: "line too long", line: linePending, old: " ;;", new: strings.Repeat(" ", maxLine) + ";;", want: "the line has more than 8192 octets"},
	{name: "comment too long", line: 2, old: "*", new: ";" + strings.Repeat("x", maxLine), want: "the line has more than 8192 octets"},
	{name: "octet zero", line: lineValid, old: " ;;", new: "\x00;;", want: "not printable ASCII"},
	{name: "carriage return", line: lineValid, old: "$", new: "\r", want: "not printable ASCII"},
	{name: "not ASCII", line: 1, old: "The", new: "Thé", want: "not printable ASCII"},
	{name: "unknown line", line: lineDS, old: "*", new: ";;keys 4", want: `unknown line ";;keys"`},
	{name: "directive", line: lineDS, old: "*", new: "$INCLUDE other", want: "the record has no ;;state="},
	{name: "more after the end", line: lineEnd, old: "$", new: "\n;;end", want: "there is more after ;;end", at: lineEnd + 1},
	{name: "no end", line: lineEnd, old: "*", want: "the file is cut off: it does not end with ;;end", at: lineEnd},
	{name: "end of another sort", line: lineEnd, old: "$", new: " of file", want: `unknown line ";;end"`},
}

// apply returns the text with one line changed. "*" is the whole line, "$" its end,
// and "@7" replaces it by line 7.
func (b breakage) apply(text string) string {
	lines := strings.Split(text, "\n")
	line := &lines[b.line-1]
	switch b.old {
	case "*":
		*line = b.new
	case "$":
		*line += b.new
	case "@7":
		*line = lines[6]
	default:
		*line = strings.Replace(*line, b.old, b.new, 1)
	}
	return strings.Join(lines, "\n")
}

// TestBrokenStateFiles checks the error and its line, and that no zones are returned.
func TestBrokenStateFiles(t *testing.T) {
	text := validFile(t)
	if _, err := Parse("state", []byte(text)); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, b := range breakages {
		t.Run(b.name, func(t *testing.T) {
			broken := b.apply(text)
			if broken == text {
				t.Fatal("nothing is broken")
			}
			zones, err := Parse("dir/state", []byte(broken))
			syntax := new(SyntaxError)
			if !errors.As(err, &syntax) || zones != nil {
				t.Fatalf("error %v, zones %v", err, zones)
			}
			at := b.line
			if b.at != 0 {
				at = b.at
			}
			if syntax.File != "dir/state" || syntax.Line != at || !strings.Contains(syntax.Text, b.want) {
				t.Errorf("error %v, want line %d: %s", err, at, b.want)
			}
			if strings.Contains(err.Error(), "  ") || len(err.Error()) > 300 {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestTruncatedStateFile truncates the file after each octet.
func TestTruncatedStateFile(t *testing.T) {
	text := validFile(t)
	for n := range len(text) - 1 {
		zones, err := Parse("state", []byte(text[:n]))
		if err == nil || zones != nil {
			t.Fatalf("%d octets: no error", n)
		}
	}
	for name, tt := range map[string]struct{ text, want string }{
		"empty":     {"", "state:1: the file has nothing in it"},
		"comments":  {header, "state:3: the file has nothing in it"},
		"no zone":   {";;dnssecval-trust-anchors version=1 written=never\n;;end\n", "state:2: the file has no zone"},
		"too large": {strings.Repeat(";\n", maxFile), "state:1: the file has more than 1048576 octets"},
	} {
		if _, err := Parse("state", []byte(tt.text)); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

// TestFlippedBits checks that no flipped bit makes another key trusted or shortens a
// hold-down.
func TestFlippedBits(t *testing.T) {
	text := []byte(validFile(t))
	zones, err := Parse("state", text)
	must(t, err)
	trusted := make(map[string]bool)
	for _, ds := range zones[0].Anchors() {
		trusted[ds.Digest] = true
	}
	for i := range text {
		for bit := range 8 {
			text[i] ^= 1 << bit
			zones, err := Parse("state", text)
			if err == nil {
				for _, k := range zones[0].Keys {
					if k.State == AddPend && k.HoldDown < AddHoldDown {
						t.Errorf("octet %d: hold-down %v", i, k.HoldDown)
					}
					// The digest of a DS has no checksum, but a changed one matches no key.
					if k.State.Trusted() && k.DNSKEY != nil && !trusted[k.anchor().Digest] {
						t.Errorf("octet %d: %+v is trusted", i, k.DNSKEY)
					}
				}
			}
			text[i] ^= 1 << bit
		}
	}
}

// FuzzParse checks that a parsed file formats and parses to the same zones.
func FuzzParse(f *testing.F) {
	text := validFile(f)
	f.Add([]byte(text))
	for _, b := range breakages {
		if broken := b.apply(text); len(broken) < 4096 {
			f.Add([]byte(broken))
		}
	}
	if all, err := Format(zonesWithEveryState(f), start); err == nil {
		f.Add(all)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		zones, err := Parse("state", text)
		if err != nil {
			if zones != nil {
				t.Fatal("half of a broken file is used")
			}
			return
		}
		written, err := Format(zones, start)
		must(t, err)
		zones, err = Parse("state", written)
		must(t, err)
		again, err := Format(zones, start)
		must(t, err)
		if string(again) != string(written) {
			t.Errorf("%s\nis read as\n%s", written, again)
		}
	})
}

// TestCorpus checks that the fuzz corpus is in the repository.
func TestCorpus(t *testing.T) {
	entries, err := os.ReadDir("testdata/fuzz/FuzzParse")
	must(t, err)
	if len(entries) < 5 {
		t.Errorf("%d files", len(entries))
	}
}
