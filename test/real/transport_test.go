package real

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestTransports checks that answers do not depend on the transport.
func TestTransports(t *testing.T) {
	t.Parallel()
	cert, key, roots := certificate(t)
	encrypted := "CERT KEY\nerrors\ndnssec {\nvalidate\ntrust-anchor ANCHORS\n}\nforward . UPSTREAM\n}\n"
	p := start(t, newWorld(t), ".:PORT {"+validating+"forward . UPSTREAM\n}\n"+
		"tls://.:PORT2 {\nbind 127.0.0.1\ntls "+encrypted+"https://.:HTTPS {\nbind 127.0.0.1\ntls "+encrypted,
		"CERT", cert, "KEY", key, "HTTPS", freePort(t))
	conf := &tls.Config{RootCAs: roots, ServerName: "localhost"}
	https := p.placeholders.Replace("https://127.0.0.1:HTTPS/dns-query")
	client := &http.Client{Timeout: clientTimeout, Transport: &http.Transport{TLSClientConfig: conf, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	transports := map[string]func(*dns.Msg) *dns.Msg{
		"udp": func(m *dns.Msg) *dns.Msg { return exchange(t, "udp", p.addr, nil, m) },
		"tcp": func(m *dns.Msg) *dns.Msg { return exchange(t, "tcp", p.addr, nil, m) },
		"tls": func(m *dns.Msg) *dns.Msg {
			return exchange(t, "tcp-tls", p.placeholders.Replace("127.0.0.1:PORT2"), conf, m)
		},
		"https": func(m *dns.Msg) *dns.Msg { return exchangeHTTPS(t, client, https, m) },
	}
	for name, transport := range transports {
		for _, row := range []asked{
			{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
			{"www.secure.test. A", "ad", "NOERROR ad A=192.0.2.1"},
			{"none.nsec3.test. A", "do", "NXDOMAIN ad denial opt"},
			{"www.unsigned.test. A", "do", "NOERROR A=192.0.2.1 opt"},
			{"www.expired.test. A", "edns", "SERVFAIL opt ede=7/signature_expired"},
			{"www.expired.test. A", "edns", "SERVFAIL opt ede=7/signature_expired"},
			{"www.tampered.test. A", "", "SERVFAIL"},
			{"big.secure.test. TXT", "do", "NOERROR ad TXT=(1264) RRSIG opt"},
		} {
			got := describe(transport(message(t, row.question, row.flags)))
			if name == "udp" && row.question == "big.secure.test. TXT" {
				row.want = "NOERROR tc" // the server decides how much of it remains
				got = got[:min(len(got), len(row.want))]
			}
			if got != row.want {
				t.Errorf("%s: %s [%s]: %s\n  want %s", name, row.question, row.flags, got, row.want)
			}
		}
	}
}

// exchangeHTTPS sends a DoH query (RFC 8484).
func exchangeHTTPS(t *testing.T, client *http.Client, url string, m *dns.Msg) *dns.Msg {
	t.Helper()
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Post(url, "application/dns-message", bytes.NewReader(wire))
	if err != nil {
		t.Error(err)
		return nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %s, %v", url, resp.Status, err)
		return nil
	}
	answer := new(dns.Msg)
	if err := answer.Unpack(body); err != nil {
		t.Error(err)
		return nil
	}
	return answer
}

// certificate writes a self-signed certificate for localhost and its key.
func certificate(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return cert, key, roots
}
