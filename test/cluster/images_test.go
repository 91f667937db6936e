package cluster

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/deploy/release/image"
	"github.com/dnssecval/dnssecval/test/cluster/node"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// toolsImage has dig, a shell and musl's resolver; busybox is the image that the manifests name.
const toolsImage = "dnssecval/tools:test"

// importImages makes the images of the cluster and gives them to the node. Stock is the
// name of the image of the cluster's own CoreDNS.
func (c *cluster) importImages(t *testing.T, stock string) {
	t.Helper()
	platform := image.Platform{OS: "linux", Architecture: runtime.GOARCH}
	made, err := image.CoreDNS(read(t, coredns(t)), "test", platform, time.Now())
	c.importImage(t, made, err, "dnssecval/coredns:latest")
	// As root: CoreDNS's own image has a capability of the file instead, which this one has not.
	made, err = image.Build([]image.File{{Name: "coredns", Mode: 0o755, Text: read(t, stockCoreDNS(t))}}, v1.Config{Entrypoint: []string{"/coredns"}}, platform, time.Now())
	c.importImage(t, made, err, stock)
	made, err = image.Build([]image.File{{Name: "pause", Mode: 0o755, Text: build(t, "./pause")}}, v1.Config{Entrypoint: []string{"/pause"}, User: "65535:65535"}, platform, time.Now())
	c.importImage(t, made, err, node.Pause)
	made, err = image.Build(busybox(t), v1.Config{Cmd: []string{"sh"}}, platform, time.Now())
	c.importImage(t, made, err, "busybox:1.37")
	made, err = image.Build(tools(t), v1.Config{Cmd: []string{"sleep", "86400"}}, platform, time.Now())
	c.importImage(t, made, err, toolsImage)
}

func (c *cluster) importImage(t *testing.T, made v1.Image, err error, name string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	i := strings.LastIndex(name, ":")
	text, err := image.Archive(made, name[:i], name[i+1:], time.Now())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.node.Import(t.Context(), file); err != nil {
		t.Fatal(err)
	}
}

// build returns a static program of a package of this module.
func build(t *testing.T, pkg string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return read(t, out)
}

// busybox returns the files of an image with Debian's busybox.
func busybox(t *testing.T) []image.File {
	t.Helper()
	files := []image.File{{Name: "bin/busybox", Mode: 0o755, Text: read(t, "/bin/busybox")}}
	list, err := exec.Command("/bin/busybox", "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(list)) {
		if name != "busybox" {
			files = append(files, image.File{Name: "bin/" + name, Mode: 0o777, Link: "busybox"})
		}
	}
	return files
}

// tools returns the files of an image with busybox, Debian's dig with its libraries, and a
// program that is linked with musl.
func tools(t *testing.T) []image.File {
	t.Helper()
	dig, err := exec.LookPath("dig")
	if err != nil {
		t.Fatal(err)
	}
	libraries, err := exec.Command("ldd", dig).Output()
	if err != nil {
		t.Fatal(err)
	}
	files := append(busybox(t), image.File{Name: "usr/bin/dig", Mode: 0o755, Text: read(t, dig)})
	for _, path := range regexp.MustCompile(`/\S+`).FindAllString(string(libraries), -1) {
		files = append(files, image.File{Name: strings.TrimPrefix(path, "/"), Mode: 0o755, Text: read(t, path)})
	}
	lookup := filepath.Join(t.TempDir(), "lookup")
	if out, err := exec.Command("musl-gcc", "-static", "-o", lookup, "testdata/lookup.c").CombinedOutput(); err != nil {
		t.Fatalf("musl-gcc: %v: %s", err, out)
	}
	return append(files, image.File{Name: "bin/lookup", Mode: 0o755, Text: read(t, lookup)})
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
