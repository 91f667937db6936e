package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/demo"
	"github.com/miekg/dns"
)

// fakeEnv makes the test binary act as CoreDNS: see TestMain.
const fakeEnv = "DNSSECVAL_DEMO_FAKE"

func TestMain(m *testing.M) {
	switch os.Getenv(fakeEnv) {
	case "":
		os.Exit(m.Run())
	case "dies":
		os.Exit(3)
	case "forwards":
		fmt.Fprintln(os.Stderr, fakeForwarder(os.Args[2]))
		os.Exit(1)
	}
}

// fakeForwarder forwards as the Corefile says, but does not validate.
func fakeForwarder(corefile string) error {
	text, err := os.ReadFile(corefile)
	if err != nil {
		return err
	}
	var port, upstream string
	for line := range strings.Lines(string(text)) {
		if p, ok := strings.CutPrefix(line, ".:"); ok {
			port = strings.TrimSuffix(p, " {\n")
		}
		if u, ok := strings.CutPrefix(strings.TrimSpace(line), "forward . "); ok {
			upstream = u
		}
	}
	return dns.ListenAndServe("127.0.0.1:"+port, "udp", dns.HandlerFunc(func(rw dns.ResponseWriter, r *dns.Msg) {
		if a, err := dns.Exchange(r, upstream); err == nil {
			_ = rw.WriteMsg(a)
		}
	}))
}

// testOptions returns options that start this binary as CoreDNS in the given
// role.
func testOptions(t *testing.T, fake string) options {
	t.Helper()
	t.Setenv(fakeEnv, fake)
	t.Setenv("TMPDIR", t.TempDir())
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return options{coredns: binary, listen: freeAddr(t)}
}

// freeAddr returns an address that is currently free.
func freeAddr(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String())
}

// checkTidy fails the test if run left files behind.
func checkTidy(t *testing.T) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestCheck checks all expected answers with the CoreDNS binary that
// DNSSECVAL_DEMO_COREDNS names.
func TestCheck(t *testing.T) {
	o := options{coredns: os.Getenv("DNSSECVAL_DEMO_COREDNS"), listen: freeAddr(t), metrics: freeAddr(t).String(), check: true}
	if o.coredns == "" {
		t.Skip("DNSSECVAL_DEMO_COREDNS is not set")
	}
	t.Setenv("TMPDIR", t.TempDir())
	if err := run(t.Context(), o, t.Output()); err != nil {
		t.Error(err)
	}
	checkTidy(t)
}

// TestCheckFindsMismatches checks a forwarder that does not validate. It gives
// the expected answers only for insecure names.
func TestCheckFindsMismatches(t *testing.T) {
	o := testOptions(t, "forwards")
	o.check = true
	matched := 0
	for _, p := range worldExpectations {
		if !p.ad && p.rcode != "SERVFAIL" {
			matched++
		}
	}
	err := run(t.Context(), o, io.Discard)
	want := fmt.Sprintf("%d of %d answers are not as expected", len(worldExpectations)-matched, len(worldExpectations))
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	checkTidy(t)
}

func TestTableThenInterrupt(t *testing.T) {
	o := testOptions(t, "forwards")
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error)
	go func() {
		err := run(ctx, o, w)
		w.Close()
		ended <- err
	}()
	var table strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(table.String(), "Ctrl-C") {
		n, err := r.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		table.Write(buf[:n])
	}
	for _, p := range worldExpectations {
		if line := p.dig(o.listen); !strings.Contains(table.String(), line) {
			t.Errorf("not in the table: %s", line)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := dns.Exchange(new(dns.Msg).SetQuestion(".", dns.TypeNS), o.listen.String()); err == nil {
		t.Error("CoreDNS still answers")
	}
	checkTidy(t)
}

func TestChildDies(t *testing.T) {
	o := testOptions(t, "dies")
	if err := run(t.Context(), o, io.Discard); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
	checkTidy(t)
	o.coredns = filepath.Join(t.TempDir(), "no-such-binary")
	if err := run(t.Context(), o, io.Discard); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "-coredns") {
		t.Errorf("got %v", err)
	}
	checkTidy(t)
}

func TestPortTaken(t *testing.T) {
	o := testOptions(t, "forwards")
	l, err := net.Listen("tcp", o.listen.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), o, io.Discard); err == nil || !strings.Contains(err.Error(), "with -listen") {
		t.Errorf("TCP: got %v", err)
	}
	l.Close()
	p, err := net.ListenPacket("udp", o.listen.String())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := run(t.Context(), o, io.Discard); err == nil || !strings.Contains(err.Error(), "with -listen") {
		t.Errorf("UDP: got %v", err)
	}
}

func TestFlags(t *testing.T) {
	o, err := parseFlags([]string{"-listen", "127.0.0.1:5353", "-upstream", "9.9.9.9", "-check"})
	if err != nil || o.listen.Port() != 5353 || o.upstream != "9.9.9.9:53" || !o.check {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range [][]string{{"-listen", "1053"}, {"-listen", "127.0.0.1:0"}, {"-upstream", "dns.example"}, {"more"}} {
		if _, err := parseFlags(args); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

// TestWorld checks the rcodes of the World's own answers to questions that are
// not expected to fail.
func TestWorld(t *testing.T) {
	w, err := demo.NewWorld(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range worldExpectations {
		q := new(dns.Msg).SetQuestion(p.name, dns.StringToType[p.typ]).SetEdns0(1232, true)
		a := w.Answer(q)
		if p.rcode != "SERVFAIL" && dns.RcodeToString[a.Rcode] != p.rcode {
			t.Errorf("%s %s: %s, want %s", p.name, p.typ, dns.RcodeToString[a.Rcode], p.rcode)
		}
	}
}
