package image

import (
	"bytes"
	"encoding/pem"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// CoreDNS returns the image that the Dockerfile describes, with a program that was built
// already. The certificates of authorities are those of a Go module, and not this machine's.
func CoreDNS(program []byte, version string, platform Platform, at time.Time) (v1.Image, error) {
	files := []File{
		{Name: "coredns", Mode: 0o755, Text: program},
		{Name: "etc/ssl/certs/ca-certificates.crt", Mode: 0o644, Text: authorities()},
	}
	config := v1.Config{
		User:         "65532:65532",
		WorkingDir:   "/",
		Entrypoint:   []string{"/coredns"},
		ExposedPorts: map[string]struct{}{"53/tcp": {}, "53/udp": {}, "8080/tcp": {}, "8181/tcp": {}, "9153/tcp": {}},
		Labels: map[string]string{
			"org.opencontainers.image.title":    "CoreDNS with DNSSEC validation",
			"org.opencontainers.image.version":  version,
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	return Build(files, config, platform, at)
}

// authorities returns the certificates that Mozilla trusts without further conditions, as PEM.
func authorities() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return b.Bytes()
}
