package testzone

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// askPeer returns the rcode and AD.
func askPeer(t *testing.T, addr, name string, typ uint16) string {
	t.Helper()
	client := dns.Client{Net: "tcp", Timeout: 20 * time.Second}
	a, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, typ).SetEdns0(1232, true), addr)
	if err != nil {
		return err.Error()
	}
	if a.AuthenticatedData {
		return dns.RcodeToString[a.Rcode] + " AD"
	}
	return dns.RcodeToString[a.Rcode]
}

// startPeer runs a peer with its configuration in a file and returns when it
// listens on addr.
func startPeer(t *testing.T, addr, config string, command ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(command[0], append(command[1:], file)...)
	cmd.Dir = filepath.Dir(file)
	log, err := os.Create(filepath.Join(cmd.Dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("%s", text)
		}
	})
	for range 100 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return addr
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s does not listen", command[0])
	return ""
}

// freeAddr returns a loopback address that nobody listened on just now.
func freeAddr(t *testing.T) (addr, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return l.Addr().String(), port
}

func startUnbound(t *testing.T, w *World, upstream string) string {
	addr, port := freeAddr(t)
	config := fmt.Sprintf(`server:
 interface: 127.0.0.1
 port: %s
 username: ""
 chroot: ""
 pidfile: ""
 use-syslog: no
 verbosity: 0
 val-log-level: 2
 do-not-query-localhost: no
 module-config: "validator iterator"
 trust-anchor: "%s"
 local-zone: "test." nodefault
 aggressive-nsec: no
 harden-short-bufsize: no
remote-control:
 control-enable: no
forward-zone:
 name: "."
 forward-addr: %s
`, port, strings.ReplaceAll(w.Anchors(".")[0], "\t", " "), strings.Replace(upstream, ":", "@", 1))
	return startPeer(t, addr, config, "unbound", "-d", "-c")
}

func startNamed(t *testing.T, w *World, upstream string) string {
	addr, port := freeAddr(t)
	host, upstreamPort, _ := strings.Cut(upstream, ":")
	rr, err := dns.NewRR(w.AnchorKeys(".")[0])
	if err != nil {
		t.Fatal(err)
	}
	key := rr.(*dns.DNSKEY)
	config := fmt.Sprintf(`options {
 directory "."; pid-file none; session-keyfile none; managed-keys-directory ".";
 listen-on port %s { 127.0.0.1; }; listen-on-v6 { none; };
 recursion yes; allow-query { any; }; forward only; forwarders { %s port %s; };
 dnssec-validation yes; empty-zones-enable no; synth-from-dnssec no; qname-minimization off;
};
trust-anchors { "." static-key %d 3 %d "%s"; };
controls { };
`, port, host, upstreamPort, key.Flags, key.Algorithm, key.PublicKey)
	return startPeer(t, addr, config, "named", "-g", "-c")
}
