package image

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// Archive returns the tar file of an OCI image layout with one image. containerd takes the
// whole name of the image from it, to which a manifest's short one is completed.
func Archive(image v1.Image, short, tag string, at time.Time) ([]byte, error) {
	whole, err := name.NewTag(short + ":" + tag)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "oci-layout-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	index, err := layout.Write(dir, empty.Index)
	if err != nil {
		return nil, err
	}
	annotations := map[string]string{"io.containerd.image.name": strings.TrimPrefix(whole.Name(), "index."), "org.opencontainers.image.ref.name": tag}
	if err := index.AppendImage(image, layout.WithAnnotations(annotations)); err != nil {
		return nil, err
	}
	var files []File
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		files = append(files, File{Name: filepath.ToSlash(relative), Mode: 0o644, Text: text})
		return err
	})
	if err != nil {
		return nil, err
	}
	return tarOf(files, at)
}

// Compressed returns the files as a tar file that gzip has compressed.
func Compressed(files []File, at time.Time) ([]byte, error) {
	text, err := tarOf(files, at)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}
