package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/demo"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestRun: a secure, an insecure and a bogus name, asked over each transport.
func TestRun(t *testing.T) {
	world, err := demo.NewWorld(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "anchors")
	if err := os.WriteFile(file, []byte(strings.Join(world.Anchors("."), "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, server := range []struct {
		transport string
		resolver  resolver
	}{
		{transport: "UDP and TCP", resolver: serve(t, world)},
		{transport: "TLS", resolver: serveTLS(t, world)},
	} {
		for _, test := range []struct {
			name, file string
			want       []string // lines, or their beginnings
		}{
			{name: "www.signed.example", file: file, want: []string{"www.signed.example.\t3600\tIN\tA\t192.0.2.80", "NOERROR, AD true, secure"}},
			{name: "www.unsigned.example", file: file, want: []string{"www.unsigned.example.\t3600\tIN\tA\t192.0.2.80", "NOERROR, AD false, insecure", "delegation_insecure: "}},
			{name: "www.expired.example", file: file, want: []string{"SERVFAIL, AD false, bogus", "signature_expired: RRSIG "}},
			{name: "www.signed.example", want: []string{"SERVFAIL, AD false, bogus", "dnskey_no_anchor_match: "}},
		} {
			var out strings.Builder
			if err := run(&out, server.resolver, test.file, test.name, dns.TypeA); err != nil {
				t.Errorf("%s over %s: %v", test.name, server.transport, err)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			for i, want := range test.want {
				if len(lines) != len(test.want) || !strings.HasPrefix(lines[i], want) {
					t.Errorf("%s over %s:\n%s\nwant\n%s", test.name, server.transport, &out, strings.Join(test.want, "\n"))
					break
				}
			}
		}
	}
}

// TestRunErrors: no server, and no such file.
func TestRunErrors(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	var out strings.Builder
	if err := run(&out, resolver{addr: listener.Addr().String()}, "", "www.signed.example", dns.TypeA); err == nil {
		t.Errorf("nobody listens: %s", &out)
	}
	if err := run(&out, resolver{}, filepath.Join(t.TempDir(), "missing"), "www.signed.example", dns.TypeA); err == nil {
		t.Error("no file: no error")
	}
}

// serve serves a world over UDP and TCP.
func serve(t *testing.T, world *testzone.World) resolver {
	t.Helper()
	server, err := world.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return resolver{addr: server.Addr()}
}

// serveTLS serves a world over TLS, with a certificate that only this resolver trusts.
func serveTLS(t *testing.T, world *testzone.World) resolver {
	t.Helper()
	certificate, pool := selfSigned(t)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	server := &dns.Server{Listener: listener, NotifyStartedFunc: func() { close(started) },
		Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) { _, _ = world.ServeDNS(context.Background(), w, r) })}
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return resolver{addr: listener.Addr().String(), tls: &tls.Config{RootCAs: pool}}
}

// selfSigned makes a certificate for 127.0.0.1.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
