package deploy

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// instruction is an instruction of a Dockerfile.
type instruction struct{ word, args string }

// stages returns the instructions of each stage of the Dockerfile, FROM first.
func stages(t *testing.T) [][]instruction {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "deploy/Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAll(text, nil)
	text = bytes.ReplaceAll(text, []byte("\\\n"), nil)
	var all [][]instruction
	for line := range strings.Lines(string(text)) {
		word, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "" {
			continue
		}
		if word == "FROM" {
			all = append(all, nil)
		}
		if len(all) == 0 {
			t.Fatalf("%s before FROM", word)
		}
		all[len(all)-1] = append(all[len(all)-1], instruction{word, strings.TrimSpace(args)})
	}
	return all
}

// args returns the arguments of all instructions of a kind.
func args(stage []instruction, word string) []string {
	var all []string
	for _, i := range stage {
		if i.word == word {
			all = append(all, i.args)
		}
	}
	return all
}

func TestDockerfile(t *testing.T) {
	all := stages(t)
	if len(all) != 2 {
		t.Fatalf("there are %d stages", len(all))
	}
	build, image := all[0], all[1]

	gomod, err := os.ReadFile(filepath.Join(repository, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(gomod)[1]
	if from := build[0].args; from != "--platform=$BUILDPLATFORM golang:"+string(version)+" AS build" {
		t.Errorf("the first stage is from %s, go.mod is for %s", from, version)
	}
	for _, arg := range []string{"TARGETOS", "TARGETARCH", "TARGETVARIANT", "VERSION=devel"} {
		if !slices.Contains(args(build, "ARG"), arg) {
			t.Errorf("the first stage has no ARG %s", arg)
		}
	}

	for word, want := range map[string][]string{
		"FROM": {"scratch"},
		"COPY": {"--from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt", "--from=build " + output(t, build) + " /coredns"},
		"USER": {"65532:65532"}, "WORKDIR": {"/"}, "ENTRYPOINT": {`["/coredns"]`}, "EXPOSE": {"53 53/udp 8080 8181 9153"},
		// scratch has nothing to run them with.
		"RUN": nil, "SHELL": nil, "HEALTHCHECK": nil, "CMD": nil, "ADD": nil, "ENV": nil, "VOLUME": nil,
	} {
		if got := args(image, word); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
	for _, i := range slices.Concat(build, image) {
		if strings.Contains(i.args, "setcap") {
			t.Error("a file with capabilities does not start where they are not allowed")
		}
	}
}

// goBuild returns the build command.
func goBuild(t *testing.T, stage []instruction) string {
	t.Helper()
	for _, run := range args(stage, "RUN") {
		if strings.Contains(run, "go build") {
			return run
		}
	}
	t.Fatal("there is no build command")
	panic("not reached")
}

// output returns the path of the built program.
func output(t *testing.T, stage []instruction) string {
	t.Helper()
	m := regexp.MustCompile(` -o (\S+) `).FindStringSubmatch(goBuild(t, stage))
	if m == nil {
		t.Fatal("the build has no -o")
	}
	return m[1]
}

// ignored parses deploy/Dockerfile.dockerignore.
func ignored(t *testing.T) *patternmatcher.PatternMatcher {
	t.Helper()
	file, err := os.Open(filepath.Join(repository, "deploy/Dockerfile.dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return matcher
}

// context returns the files in the build context.
func context(t *testing.T) []string {
	t.Helper()
	matcher := ignored(t)
	var files []string
	err := filepath.WalkDir(repository, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		relative, err := filepath.Rel(repository, name)
		if err != nil {
			return err
		}
		skip, err := matcher.MatchesOrParentMatches(filepath.ToSlash(relative))
		if !skip && err == nil {
			files = append(files, filepath.ToSlash(relative))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestDockerIgnore(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-json=Dir,GoFiles,EmbedFiles,Module", "./cmd/coredns", "./cmd/modfile", "./internal/coredns/cache")
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	needed := []string{"go.mod", "go.sum"}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var p struct {
			Dir                 string
			GoFiles, EmbedFiles []string
			Module              *struct{ Main bool }
		}
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		for _, file := range slices.Concat(p.GoFiles, p.EmbedFiles) {
			relative, err := filepath.Rel(root, filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			needed = append(needed, filepath.ToSlash(relative))
		}
	}
	files := context(t)
	for _, file := range needed {
		if !slices.Contains(files, file) {
			t.Errorf("the build needs %s, which is ignored", file)
		}
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "bin/") || strings.HasPrefix(file, "deploy/") {
			t.Errorf("%s is not ignored", file)
		}
	}
	for _, name := range []string{".git/config", "bin/coredns", "coredns", "README.md", "deploy/test/go.mod", "testdata/vectors/x"} {
		if skip, err := ignored(t).MatchesOrParentMatches(name); err != nil || !skip {
			t.Errorf("%s is not ignored (%v)", name, err)
		}
	}
}

// TestDockerBuild runs the Dockerfile's build command, for this machine, on the
// files in the build context.
func TestDockerBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("all of CoreDNS is compiled, which takes minutes")
	}
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "coredns")
	for _, file := range context(t) {
		copyInto(t, filepath.Join(repository, file), filepath.Join(dir, file), 0o644)
	}
	build := stages(t)[0]
	command := strings.Replace(goBuild(t, build), output(t, build), out, 1)
	cmd := exec.Command("sh", "-ec", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "VERSION=v9.8.7", "TARGETOS="+runtime.GOOS, "TARGETARCH="+runtime.GOARCH, "TARGETVARIANT=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, text)
	}
	text, err := exec.Command(out, "-version").CombinedOutput()
	if err != nil || !strings.Contains(string(text), "dnssecval-v9.8.7") {
		t.Errorf("-version: %v\n%s", err, text)
	}
	checkCounted(t, out)
	if runtime.GOOS != "linux" {
		return
	}
	program, err := elf.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("the binary is not static and cannot start in scratch")
		}
	}
}

// TestMadeBinary checks that the CoreDNS that `make build` builds is like the image's.
func TestMadeBinary(t *testing.T) { checkCounted(t, binary(t)) }

// checkCounted checks that the binary has internal/coredns/cache.
func checkCounted(t *testing.T, binary string) {
	t.Helper()
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(info.Deps, func(m *debug.Module) bool { return m.Path == "github.com/coredns/coredns" })
	if i < 0 || info.Deps[i].Replace == nil || !strings.Contains(info.Deps[i].Replace.Version, ".counted.") {
		t.Errorf("the binary has CoreDNS's own plugin/pkg/cache:\n%s", info)
	}
}

func copyInto(t *testing.T, from, to string, mode fs.FileMode) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, mode); err != nil {
		t.Fatal(err)
	}
}
