package real

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dnssecval/dnssecval/internal/kubelet"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// nobody is the user ID of the Pod if the test runs as root.
const nobody = 65534

// pod is a process in the environment of a Pod: another user, the Corefile and
// the anchors mounted from ConfigMaps, and no writable directory.
type pod struct {
	*process
	root, config, anchors string
	update                func(files map[string]string) // of anchors
}

// newPod prepares a Pod with the guide's Corefile for trust anchors.
func newPod(t *testing.T, w *testzone.World, anchors string) *pod {
	t.Helper()
	p := &pod{process: withAnchors(t, w, anchors), root: t.TempDir()}
	p.config, p.anchors = filepath.Join(p.root, "config"), filepath.Join(p.root, "anchors")
	corefile, err := os.ReadFile(p.conf)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(corefile), p.placeholders.Replace("DIR/guide-anchors"), filepath.Join(p.anchors, "anchors"), 1)
	text = strings.Replace(text, "    reload\n", "    reload 2s 1s\n", 1)
	kubelet.Mount(t, p.config, map[string]string{"Corefile": text})
	p.update = kubelet.Mount(t, p.anchors, map[string]string{"anchors": anchors})
	return p
}

// run starts the process as the Pod's user, with an unwritable home and working
// directory.
func (p *pod) run(t *testing.T) {
	t.Helper()
	p.cmd = exec.Command(p.program(t), "-conf", filepath.Join(p.config, "Corefile"))
	home := filepath.Join(p.root, "home")
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = home, p.out, p.out
	p.cmd.Env = []string{"HOME=" + home, "TMPDIR=" + home, "PATH=" + home}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		p.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	p.reachable(t)
	for _, dir := range []string{home, p.config, p.anchors, p.root} {
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, dir := range []string{p.root, p.config, p.anchors, home} {
			_ = os.Chmod(dir, 0o755) // so that it can be removed
		}
	})
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // tests look at the state
	}()
	t.Cleanup(func() { p.stop(t) })
	if !p.out.await("CoreDNS-", startTime, p.ended) {
		t.Fatalf("CoreDNS did not start:\n%s", p.out)
	}
}

// program returns a copy of the binary that the Pod's user can execute.
func (p *pod) program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(p.root, "coredns")
	text, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// reachable makes the parent directories accessible to the user.
func (p *pod) reachable(t *testing.T) {
	t.Helper()
	for dir := p.root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o005 != 0o005 {
			if err := os.Chmod(dir, info.Mode().Perm()|0o055); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// files lists all files of the Pod with their modification times.
func (p *pod) files(t *testing.T) (list []string) {
	t.Helper()
	err := filepath.WalkDir(p.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			list = append(list, path+" "+info.ModTime().String())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// swap replaces the anchors in the mounted ConfigMap.
func (p *pod) swap(t *testing.T, anchors string) {
	t.Helper()
	if err := os.Chmod(p.anchors, 0o755); err != nil {
		t.Fatal(err)
	}
	p.update(map[string]string{"anchors": anchors})
	if err := os.Chmod(p.anchors, 0o555); err != nil {
		t.Fatal(err)
	}
}

// TestGuidePod checks that an unprivileged user without a writable directory is
// enough, and that nothing is written. Changed anchors are read when the
// Corefile is reloaded, and not before.
func TestGuidePod(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testzone.Spec{Name: "internal.", Algorithm: dns.ECDSAP256SHA256, DS: []uint8{}, Records: []string{"www A 10.0.0.1"}})
	root, both := strings.Join(w.Anchors("."), "\n")+"\n", strings.Join(append(w.Anchors("."), w.Anchors("internal.")...), "\n")+"\n"
	p := newPod(t, w, root)
	p.run(t)
	before := p.files(t)
	internal := func(flag string) asked {
		return asked{"www.internal. A", "do", "NOERROR" + flag + " A=10.0.0.1 RRSIG opt"}
	}
	p.answers(t, append(guideAnswers, internal("")))
	p.answers(t, guideCluster)
	if after := p.files(t); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Errorf("the files are\n%s\nbefore they were\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}

	p.swap(t, both)
	before = p.files(t)
	p.answers(t, []asked{internal("")}) // not read yet
	p.reload(t, reloaded)
	p.recovers(t, "www.internal. A", internal(" ad").want)
	p.answers(t, guideAnswers)

	p.swap(t, "no anchor\n")
	p.reload(t, notLoaded)
	p.logs(t, notLoaded, filepath.Join(p.anchors, "anchors")+":1")
	p.answers(t, append(guideAnswers, internal(" ad"))) // the old ones are kept
	if len(p.files(t)) != len(before)+2 {               // for the third version
		t.Errorf("the files are\n%s\nbefore they were\n%s", strings.Join(p.files(t), "\n"), strings.Join(before, "\n"))
	}
}
