package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const units = "../systemd"

// systemd returns a program of systemd.
func systemd(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("there is no %s", name)
	}
	return path
}

// TestService has systemd read the unit, and judge how much a service with it may do.
func TestService(t *testing.T) {
	analyze := systemd(t, "systemd-analyze")
	unit := filepath.Join(t.TempDir(), "coredns-dnssec.service")
	text, err := os.ReadFile(filepath.Join(units, "coredns-dnssec.service"))
	if err != nil {
		t.Fatal(err)
	}
	// The program has to be there.
	program := filepath.Join(filepath.Dir(unit), "coredns")
	changed := strings.Replace(string(text), "ExecStart=/usr/local/bin/coredns ", "ExecStart="+program+" ", 1)
	if changed == string(text) {
		t.Fatal("the unit does not start /usr/local/bin/coredns")
	}
	for path, text := range map[string]string{unit: changed, program: "#!/bin/sh\n"} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(unit, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput(); err != nil || strings.Contains(string(out), "coredns-dnssec") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out, err := exec.Command(analyze, "security", "--offline=true", "--no-pager", unit).CombinedOutput()
	m := regexp.MustCompile(`Overall exposure level for coredns-dnssec.service: (\d+\.\d+)`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("systemd-analyze security: %v\n%s", err, out)
	}
	t.Logf("%s", m[0])
	if exposure, err := strconv.ParseFloat(string(m[1]), 64); err != nil || exposure > 2.0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestSysusers has systemd make the user of the unit, in a directory.
func TestSysusers(t *testing.T) {
	sysusers := systemd(t, "systemd-sysusers")
	line, err := filepath.Abs(filepath.Join(units, "coredns-dnssec.conf"))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	copyInto(t, line, filepath.Join(root, "etc", "sysusers.d", "coredns-dnssec.conf"), 0o644)
	out, err := exec.Command(sysusers, "--root="+root).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	passwd, err := os.ReadFile(filepath.Join(root, "etc", "passwd"))
	if err != nil || !regexp.MustCompile(`(?m)^coredns-dnssec:x:\d+:\d+:CoreDNS with DNSSEC validation:/var/lib/coredns-dnssec:/usr/sbin/nologin$`).Match(passwd) {
		t.Errorf("%v\n%s", err, passwd)
	}
}

// TestHost runs the Corefile of a host: its port, its upstream and its state are replaced, and
// the demo's anchors are added.
func TestHost(t *testing.T) {
	d := startDemo(t)
	text, err := os.ReadFile(filepath.Join(units, "Corefile"))
	if err != nil {
		t.Fatal(err)
	}
	dir, listen := t.TempDir(), freeAddr(t)
	state := filepath.Join(dir, "root")
	corefile := string(text)
	for old, replacement := range map[string]string{
		".:53": "." + listen[strings.LastIndex(listen, ":"):], "127.0.0.1:9153": freeAddr(t), "9.9.9.9 149.112.112.112": d.upstream,
		"auto-trust-anchor /var/lib/coredns-dnssec/root": "auto-trust-anchor " + state + "\n        trust-anchor " + d.anchors,
	} {
		if strings.Count(corefile, old) != 1 {
			t.Fatalf("the Corefile has %q %d times", old, strings.Count(corefile, old))
		}
		corefile = strings.Replace(corefile, old, replacement, 1)
	}
	if err := os.WriteFile(filepath.Join(dir, "Corefile"), []byte(corefile), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary(t), "-conf", filepath.Join(dir, "Corefile"))
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	await(t, "an answer", func() bool {
		_, err := dns.Exchange(new(dns.Msg).SetQuestion(".", dns.TypeNS), listen)
		return err == nil
	})
	if a := ask(t, listen, "www.signed.example."); a.Rcode != dns.RcodeSuccess || !a.AuthenticatedData {
		t.Errorf("a signed name: %v", a)
	}
	if a := ask(t, listen, "www.tampered.example."); a.Rcode != dns.RcodeServerFailure {
		t.Errorf("a forged name: %v", a)
	}
	await(t, "the state of the trust anchors", func() bool {
		_, err := os.Stat(state)
		return err == nil
	})
}

// await waits until a condition is met, for 20 s at most.
func await(t *testing.T, what string, met func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !met() {
		if time.Now().After(deadline) {
			t.Fatalf("there is not %s", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
