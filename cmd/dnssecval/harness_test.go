package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// runEnv makes the test binary run the command.
const runEnv = "DNSSECVAL_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(runEnv) != "" {
		main()
	}
	os.Exit(m.Run())
}

// then is the time at which the worlds of the tests are signed and judged.
var then = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

const alg = dns.ECDSAP256SHA256

var host = []string{"www A 192.0.2.1"}

// served is a world that is served on a loopback address.
type served struct {
	*testzone.World
	addr    string
	anchors string // the file with the trust anchors of the root
}

func serve(t testing.TB, specs ...testzone.Spec) *served {
	t.Helper()
	return serveWorld(t, newWorld(t, specs))
}

func serveWorld(t testing.TB, w *testzone.World) *served {
	t.Helper()
	server, err := w.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	s := &served{World: w, addr: server.Addr(), anchors: filepath.Join(t.TempDir(), "anchors")}
	write(t, s.anchors, strings.Join(w.Anchors("."), "\n"))
	return s
}

// newWorld makes worlds until in one no two keys have the same tag, and no tag looks like
// another number of a report.
func newWorld(t testing.TB, specs []testzone.Spec) *testzone.World {
	t.Helper()
	for range 300 {
		w, err := testzone.New(then, specs...)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := tagsOf(w, specs); ok {
			return w
		}
	}
	t.Fatal("no world has tags that differ")
	return nil
}

// tagsOf returns a name such as "KSK(example.)" for each key tag.
func tagsOf(w *testzone.World, specs []testzone.Spec) (names map[string]string, ok bool) {
	names, ok = map[string]string{}, true
	add := func(key *testzone.Key, name string) {
		tag := strconv.Itoa(int(key.DNSKEY.KeyTag()))
		ok = ok && len(tag) == 5 && names[tag] == ""
		names[tag] = name
	}
	for _, spec := range append(specs, testzone.Spec{Name: "."}) {
		if z := w.Zone(spec.Name); z.Signed() && names["done "+z.Name] == "" {
			names["done "+z.Name] = "yes"
			add(z.KSK, "KSK("+z.Name+")")
			if z.ZSK != z.KSK {
				add(z.ZSK, "ZSK("+z.Name+")")
			}
		}
	}
	return names, ok
}

// judge adds the arguments that judge the world at its time.
func (s *served) judge(args ...string) []string {
	return append(args, "@"+s.addr, "--trust-anchor", s.anchors, "--at", then.Format(time.RFC3339))
}

func (s *served) breakZone(t testing.TB, zone string, breakages ...testzone.Breakage) {
	t.Helper()
	if err := s.Break(zone, breakages...); err != nil {
		t.Fatal(err)
	}
}

// outcome is the exit code and the output of the command.
type outcome struct {
	code     int
	out, err string
}

func run(t testing.TB, args ...string) outcome {
	t.Helper()
	return runAs(t, command{resolvConf: filepath.Join(t.TempDir(), "none")}, args...)
}

func runAs(t testing.TB, c command, args ...string) outcome {
	t.Helper()
	var out, err bytes.Buffer
	c.out, c.err = &out, &err
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	code := c.run(ctx, args)
	return outcome{code, out.String(), err.String()}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var encoded = regexp.MustCompile(`[A-Za-z0-9+/]{40,}={0,2}`)

// normal replaces what differs between two worlds of the same specs: tags, keys, signatures
// and the address.
func (s *served) normal(text string, specs []testzone.Spec) string {
	text = encoded.ReplaceAllString(strings.ReplaceAll(text, s.addr, "SERVER"), "BASE64")
	names, _ := tagsOf(s.World, specs)
	for tag, name := range names {
		if !strings.HasPrefix(tag, "done ") {
			text = regexp.MustCompile(`([^0-9])`+tag+`\b`).ReplaceAllString(text, "${1}"+name)
		}
	}
	return text
}
