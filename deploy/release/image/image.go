// Package image makes container images of static programs, without a Docker engine.
// The same files, configuration and time give the same bytes.
package image

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// File is a regular file of an image, or a symbolic link if Link is set.
type File struct {
	Name string // without a slash in front
	Mode int64
	Text []byte
	Link string
}

// Platform is what an image runs on.
type Platform struct{ OS, Architecture, Variant string }

// Build returns an image with one layer. All files belong to root and have the given time.
// The directories of the files are added.
func Build(files []File, config v1.Config, platform Platform, at time.Time) (v1.Image, error) {
	layer, err := layerOf(files, at)
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.Append(base, mutate.Addendum{Layer: layer, MediaType: types.OCILayer, History: v1.History{Created: v1.Time{Time: at}}})
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.Created = v1.Time{Time: at}
	file.OS, file.Architecture, file.Variant = platform.OS, platform.Architecture, platform.Variant
	file.Config = config
	return mutate.ConfigFile(image, file)
}

func layerOf(files []File, at time.Time) (v1.Layer, error) {
	text, err := tarOf(files, at)
	if err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil },
		tarball.WithMediaType(types.OCILayer))
}

// tarOf writes the files in the order of their names, each directory before what is in it.
func tarOf(files []File, at time.Time) ([]byte, error) {
	headers := map[string]*tar.Header{}
	texts := map[string][]byte{}
	for _, f := range files {
		for dir := path.Dir(f.Name); dir != "."; dir = path.Dir(dir) {
			headers[dir+"/"] = &tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: at, Format: tar.FormatUSTAR}
		}
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.Name, Mode: f.Mode, Size: int64(len(f.Text)), ModTime: at, Format: tar.FormatUSTAR}
		if f.Link != "" {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, f.Link, 0
		}
		headers[f.Name], texts[f.Name] = h, f.Text
	}
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range names {
		if err := w.WriteHeader(headers[name]); err != nil {
			return nil, err
		}
		if headers[name].Typeflag != tar.TypeReg {
			continue
		}
		if _, err := w.Write(texts[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
