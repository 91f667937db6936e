package image

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

var at = time.Unix(1_800_000_000, 0).UTC()

// archive returns the image of a program, as it is published.
func archive(t *testing.T, at time.Time) []byte {
	t.Helper()
	made, err := CoreDNS([]byte("a program"), "v9.8.7", Platform{OS: "linux", Architecture: "arm64"}, at)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Archive(made, "dnssecval/coredns", "v9.8.7", at)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// files returns the files of a tar file. Directories are not among them.
func files(t *testing.T, text []byte) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(text)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(at) || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%s: time %s, user %d %q", h.Name, h.ModTime, h.Uid, h.Uname)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if found[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestArchiveIsReproducible(t *testing.T) {
	if first := archive(t, at); !bytes.Equal(first, archive(t, at)) {
		t.Error("two archives of the same program differ")
	} else if bytes.Equal(first, archive(t, at.Add(time.Second))) {
		t.Error("the time is not in the archive")
	}
}

// TestArchive checks that the layout is complete: an index with the name of the image, and
// blobs that are named by their digests.
func TestArchive(t *testing.T) {
	found := files(t, archive(t, at))
	var index v1.IndexManifest
	if err := json.Unmarshal(found["index.json"], &index); err != nil || len(index.Manifests) != 1 {
		t.Fatalf("%v\n%s", err, found["index.json"])
	}
	if name := index.Manifests[0].Annotations["io.containerd.image.name"]; !strings.HasSuffix(name, "/dnssecval/coredns:v9.8.7") || strings.HasPrefix(name, "index.") {
		t.Errorf("the name is %q", name)
	}
	for name, text := range found {
		if digest, ok := strings.CutPrefix(name, "blobs/sha256/"); ok {
			if got, _, err := v1.SHA256(bytes.NewReader(text)); err != nil || got.Hex != digest {
				t.Errorf("%s has the digest %v (%v)", name, got, err)
			}
		}
	}
	if _, ok := found["oci-layout"]; !ok {
		t.Errorf("there is no oci-layout in %q", slices.Sorted(maps.Keys(found)))
	}
}

// TestDockerfile checks that the image is what the Dockerfile describes.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, last, found := strings.Cut(string(text), "\nFROM scratch\n")
	if !found {
		t.Fatal("the Dockerfile has no stage from scratch")
	}
	word := func(instruction string) string {
		m := regexp.MustCompile(`(?m)^` + instruction + ` (.*)$`).FindStringSubmatch(last)
		if m == nil {
			t.Fatalf("the Dockerfile has no %s", instruction)
		}
		return m[1]
	}
	made, err := CoreDNS([]byte("a program"), "v9.8.7", Platform{OS: "linux", Architecture: "amd64"}, at)
	if err != nil {
		t.Fatal(err)
	}
	file, err := made.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	entrypoint, err := json.Marshal(file.Config.Entrypoint)
	if err != nil {
		t.Fatal(err)
	}
	if file.Config.User != word("USER") || file.Config.WorkingDir != word("WORKDIR") || string(entrypoint) != word("ENTRYPOINT") {
		t.Errorf("the configuration is %+v", file.Config)
	}
	ports := map[string]struct{}{}
	for port := range strings.FieldsSeq(word("EXPOSE")) {
		if !strings.Contains(port, "/") {
			port += "/tcp"
		}
		ports[port] = struct{}{}
	}
	if !maps.Equal(ports, file.Config.ExposedPorts) {
		t.Errorf("the ports are %v, want %v", file.Config.ExposedPorts, ports)
	}
	layers, err := made.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatal(err, layers)
	}
	layer, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer layer.Close()
	tarred, err := io.ReadAll(layer)
	if err != nil {
		t.Fatal(err)
	}
	contents := files(t, tarred)
	for _, m := range regexp.MustCompile(`(?m)^COPY .* /(\S+)$`).FindAllStringSubmatch(last, -1) {
		if len(contents[m[1]]) == 0 {
			t.Errorf("there is no %s", m[1])
		}
	}
	checkAuthorities(t, contents["etc/ssl/certs/ca-certificates.crt"])
}

func checkAuthorities(t *testing.T, text []byte) {
	t.Helper()
	n := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			t.Error(err)
		}
		n++
	}
	if n < 80 {
		t.Errorf("there are %d certificates", n)
	}
}
