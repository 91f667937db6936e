package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/dnssecval/dnssecval/deploy/release/image"
)

// platform is what the programs are built for. Level is the oldest processor, as a variable
// of Go's environment.
type platform struct {
	os, arch, level string
	image           bool // whether there is an image
}

// platforms are those of a release.
var platforms = []platform{
	{os: "linux", arch: "amd64", level: "GOAMD64=v1", image: true},
	{os: "linux", arch: "arm64", level: "GOARM64=v8.0", image: true},
	{os: "linux", arch: "arm", level: "GOARM=7"},
	{os: "linux", arch: "riscv64", level: "GORISCV64=rva20u64"},
	{os: "darwin", arch: "arm64", level: "GOARM64=v8.0"},
}

func (p platform) String() string { return p.os + "_" + p.arch }

// program is built for each platform.
type program struct {
	name, modfile string
	stamp, prefix string // the variable that has the version, and what stands before it
}

// programs are built with the module files that `make build` uses.
var programs = []program{
	{name: "coredns", modfile: "bin/coredns.mod", stamp: "github.com/coredns/coredns/coremain.GitCommit", prefix: "dnssecval-"},
	{name: "dnssecval", modfile: "go.mod", stamp: "main.released"},
}

// platform builds the programs, and packs them.
func (r release) platform(p platform) error {
	for _, program := range programs {
		path := r.program(p, program.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		cmd := exec.Command("go", "build", "-modfile="+program.modfile, "-trimpath", "-buildvcs=false",
			"-ldflags", fmt.Sprintf("-s -w -X %s=%s%s", program.stamp, program.prefix, r.version), "-o", path, "./cmd/"+program.name)
		cmd.Dir = repository
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOOS="+p.os, "GOARCH="+p.arch, p.level)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return err
		}
	}
	if err := r.pack(p); err != nil || !p.image {
		return err
	}
	return r.image(p)
}

// program returns the path of a built program.
func (r release) program(p platform, name string) string {
	return filepath.Join(r.programs, p.String(), name)
}

// pack writes the archive of a platform.
func (r release) pack(p platform) error {
	files := map[string]string{}
	for _, program := range programs {
		files[program.name] = r.program(p, program.name)
	}
	documents := []string{"LICENSE", "README.md", "docs/CHANGELOG.md"}
	if p.os == "linux" {
		documents = append(documents, units...)
	}
	for _, name := range documents {
		files[name] = filepath.Join(repository, name)
	}
	dir := fmt.Sprintf("dnssecval_%s_%s", r.version, p)
	var list []image.File
	for name, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		mode := int64(0o644)
		if slices.ContainsFunc(programs, func(p program) bool { return p.name == name }) {
			mode = 0o755
		}
		list = append(list, image.File{Name: dir + "/" + name, Mode: mode, Text: text})
	}
	text, err := image.Compressed(list, r.at)
	return errors.Join(err, os.WriteFile(r.file(dir+".tar.gz"), text, 0o644))
}

// units are for systemd.
var units = []string{"deploy/systemd/coredns-dnssec.service", "deploy/systemd/coredns-dnssec.conf", "deploy/systemd/Corefile"}

// image writes the image of a platform.
func (r release) image(p platform) error {
	program, err := os.ReadFile(r.program(p, "coredns"))
	if err != nil {
		return err
	}
	made, err := image.CoreDNS(program, r.version, image.Platform{OS: p.os, Architecture: p.arch}, r.at)
	if err != nil {
		return err
	}
	text, err := image.Archive(made, "dnssecval/coredns", r.version, r.at)
	return errors.Join(err, os.WriteFile(r.file(fmt.Sprintf("coredns-image_%s_%s.tar", r.version, p)), text, 0o644))
}
