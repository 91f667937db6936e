package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// replaced is the directory of the package in CoreDNS's module.
	replaced = "plugin/pkg/cache/"
	// original is the SHA-256 of the one source file of the package that the replacement was
	// written for. TestOriginal fails if CoreDNS has another.
	original = "7c6cf498fecacc85df49f34e25a4c722a27bb088a6a9913694b92d22d24fa11d"
)

// A release is a version of CoreDNS's module with the replacement in it.
type release struct {
	version string
	source  []byte // of the replacement
	from    downloaded
}

// downloaded is what `go mod download -json` says of CoreDNS.
type downloaded struct{ Version, Zip, GoMod string }

// newRelease downloads CoreDNS if necessary. It returns unchanged if the package is not the
// one that the replacement was written for.
func newRelease(root string) (*release, error) {
	r := new(release)
	if err := goJSON(root, &r.from, "mod", "download", "-json", coredns); err != nil {
		return nil, err
	}
	archive, err := zip.OpenReader(r.from.Zip)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	if err := r.checkOriginal(&archive.Reader); err != nil {
		return nil, err
	}
	if r.source, err = os.ReadFile(filepath.Join(root, filepath.FromSlash(replacement))); err != nil {
		return nil, err
	}
	r.version, err = nextVersion(r.from.Version, r.source)
	return r, err
}

// prefix returns what the names of all files of a module's archive begin with.
func prefix(version string) string { return coredns + "@" + version + "/" }

// checkOriginal returns unchanged unless the package has the one file that is known. Tests
// do not count.
func (r *release) checkOriginal(archive *zip.Reader) error {
	found := false
	for _, f := range archive.File {
		name, ok := strings.CutPrefix(f.Name, prefix(r.from.Version)+replaced)
		if !ok || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "/") {
			continue
		}
		if name != "cache.go" {
			return unchanged(fmt.Sprintf("%s has %s%s, which is not known here", r.from.Version, replaced, name))
		}
		text, err := contents(f)
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != original {
			return unchanged(fmt.Sprintf("%s has another %s%s than the one that %s was written for", r.from.Version, replaced, name, replacement))
		}
		found = true
	}
	if !found {
		return unchanged(fmt.Sprintf("%s has no %scache.go", r.from.Version, replaced))
	}
	return nil
}

func contents(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// nextVersion returns a version that comes directly after version and before the release that
// follows, so that a scanner finds the vulnerabilities of version in the binary. The digest
// is in it because a version in the module cache never changes.
func nextVersion(version string, source []byte) (string, error) {
	sum := sha256.Sum256(source)
	suffix := ".counted.h" + hex.EncodeToString(sum[:6])
	if strings.Contains(version, "-") {
		return version + suffix, nil
	}
	dot := strings.LastIndex(version, ".")
	patch, err := strconv.Atoi(version[dot+1:])
	if err != nil {
		return "", fmt.Errorf("the version of CoreDNS, %q, is not vX.Y.Z", version)
	}
	return version[:dot+1] + strconv.Itoa(patch+1) + "-0" + suffix, nil
}

// replace enters the release in modfile, and in the module cache. The go command takes it from
// a directory that is laid out as a module proxy, which is removed afterwards.
func (r *release) replace(root, modfile string) error {
	proxy, err := os.MkdirTemp("", "dnssecval-modfile-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(proxy)
	if err := r.publish(filepath.Join(proxy, filepath.FromSlash(coredns), "@v")); err != nil {
		return err
	}
	if modfile, err = filepath.Abs(modfile); err != nil {
		return err
	}
	if _, err := goCommand(root, nil, "mod", "edit", "-replace="+coredns+"="+coredns+"@"+r.version, modfile); err != nil {
		return err
	}
	var user struct{ GOPROXY, GONOSUMDB string }
	if err := goJSON(root, &user, "env", "-json", "GOPROXY", "GONOSUMDB"); err != nil {
		return err
	}
	from := url.URL{Scheme: "file", Path: filepath.ToSlash(proxy)}
	_, err = goCommand(root, []string{
		"GOPROXY=" + strings.TrimSuffix(from.String()+","+user.GOPROXY, ","),
		"GONOPROXY=none", // or GOPRIVATE could make it ask the repository
		"GONOSUMDB=" + coredns + "," + user.GONOSUMDB,
	}, "mod", "download", "-modfile="+modfile, coredns)
	return err
}

// publish writes the files of a module proxy for the release.
func (r *release) publish(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	gomod, err := os.ReadFile(r.from.GoMod)
	if err != nil {
		return err
	}
	info, err := json.Marshal(struct{ Version string }{r.version})
	if err != nil {
		return err
	}
	archive, err := r.archive()
	if err != nil {
		return err
	}
	for extension, text := range map[string][]byte{".mod": gomod, ".info": info, ".zip": archive} {
		if err := os.WriteFile(filepath.Join(dir, r.version+extension), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// archive returns CoreDNS's module with the replacement, and with the new version in the names.
func (r *release) archive() ([]byte, error) {
	from, err := zip.OpenReader(r.from.Zip)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	var out bytes.Buffer
	to := zip.NewWriter(&out)
	for _, f := range from.File {
		if err := r.copyFile(to, f); err != nil {
			return nil, err
		}
	}
	err = to.Close()
	return out.Bytes(), err
}

func (r *release) copyFile(to *zip.Writer, f *zip.File) error {
	name := strings.TrimPrefix(f.Name, prefix(r.from.Version))
	header := f.FileHeader
	header.Name = prefix(r.version) + name
	if name == replaced+"cache.go" {
		w, err := to.Create(header.Name)
		if err != nil {
			return err
		}
		_, err = w.Write(r.source)
		return err
	}
	w, err := to.CreateRaw(&header)
	if err != nil {
		return err
	}
	text, err := f.OpenRaw()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, text)
	return err
}
