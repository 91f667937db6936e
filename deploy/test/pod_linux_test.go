package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
)

// pod is a running CoreDNS.
type pod struct {
	spec  corev1.PodSpec
	addr  string
	log   string
	ended chan struct{}
}

// start runs CoreDNS like the kubelet runs the overlay's Pod. change modifies
// the template and the Corefile for some tests.
func (c *cluster) start(t *testing.T, all objects, coredns string, change func(*corev1.PodTemplateSpec, *string)) *pod {
	t.Helper()
	template, _ := pods(t, all)
	files := mounted(t, all, template)
	corefile := files["/etc/coredns/Corefile"]
	if change != nil {
		change(&template, &corefile)
	}
	files["/etc/coredns/Corefile"] = corefile
	files["/etc/coredns/anchors/anchors"] = string(c.keys)

	root := t.TempDir()
	for _, file := range append([]string{coredns}, libraries(coredns)...) {
		to := file
		if file == coredns {
			to = "/coredns" // as in the Dockerfile
		}
		copyInto(t, file, filepath.Join(root, to), 0o755)
	}
	for name, text := range files {
		writeProjected(t, filepath.Join(root, filepath.Dir(name)), filepath.Base(name), text)
	}
	if token := template.Spec.AutomountServiceAccountToken; token == nil || *token {
		writeProjected(t, filepath.Join(root, account), "token", "a-token")
		writeProjected(t, filepath.Join(root, account), "ca.crt", string(c.ca))
	}
	if err := os.Mkdir(filepath.Join(root, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	readOnly(t, root)

	p := &pod{spec: template.Spec, log: filepath.Join(t.TempDir(), "log"), ended: make(chan struct{})}
	p.run(t, root)
	return p
}

// run starts the process with the restrictions that runc applies.
func (p *pod) run(t *testing.T, root string) {
	t.Helper()
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{Path: "/coredns", Args: append([]string{"/coredns"}, p.spec.Containers[0].Args...), Dir: "/", Stdout: log, Stderr: log,
		Env:         []string{"KUBERNETES_SERVICE_HOST=" + apiAddr, "KUBERNETES_SERVICE_PORT=443", "KUBE_DNS_SERVICE_HOST=" + kubeDNSAddr},
		SysProcAttr: &syscall.SysProcAttr{Chroot: root}}
	if isRoot(t) {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(*p.spec.SecurityContext.RunAsUser), Gid: uint32(*p.spec.SecurityContext.RunAsGroup)}
	}
	started := make(chan error, 1)
	go func() {
		defer close(p.ended)
		defer log.Close()
		runtime.LockOSThread() // never unlocked, so that the thread ends with this goroutine
		err := p.network()
		if err == nil {
			err = dropCapabilities()
		}
		if err == nil {
			err = cmd.Start()
		}
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			text, _ := os.ReadFile(p.log)
			t.Logf("its log:\n%s", text)
		}
	})
}

// networks counts the Pods, to number their addresses.
var networks atomic.Int32

// network gives this thread and its children a network namespace, with the
// Pod's sysctls, the address that its init container adds, and a route to the
// fake servers.
func (p *pod) network() error {
	outside, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer outside.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	n := networks.Add(1)
	p.addr = fmt.Sprintf("10.244.%d.2", n)
	script := `set -e
nsenter --net=$OUTSIDE sh -ec "
	ip link add pod$N type veth peer name peer$N
	ip addr add 10.244.$N.1/24 dev pod$N
	ip link set pod$N up
	ip link set peer$N netns $$"
ip link set lo up
ip link set peer$N name eth0
ip addr add 10.244.$N.2/24 dev eth0
ip link set eth0 up
ip route add default via 10.244.$N.1
# Not every kernel that runs this has the type of device that nodes have.
if ip link add probe type dummy 2>/dev/null; then ip link del probe; else ip addr add ` + nodeLocal + `/32 dev lo; fi
`
	for _, sysctl := range p.spec.SecurityContext.Sysctls {
		script += "echo " + sysctl.Value + " > /proc/sys/" + strings.ReplaceAll(sysctl.Name, ".", "/") + "\n"
	}
	cmds := [][]string{{"sh", "-c", script}}
	for _, init := range p.spec.InitContainers {
		cmds = append(cmds, init.Command, init.Command) // twice, since the Pod may be restarted
	}
	for _, words := range cmds {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Env = append(os.Environ(), fmt.Sprintf("N=%d", n), fmt.Sprintf("OUTSIDE=/proc/%d/fd/%d", os.Getpid(), outside.Fd()))
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", words, err, out)
		}
	}
	return nil
}

// dropCapabilities drops all capabilities but NET_BIND_SERVICE, which the
// manifests add, for children of this thread, and prevents new ones.
func dropCapabilities() error {
	for capability := uintptr(0); capability <= unix.CAP_LAST_CAP; capability++ {
		if capability == unix.CAP_NET_BIND_SERVICE {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return err
		}
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}

// await waits for the probes of the manifest.
func (p *pod) await(t *testing.T) {
	t.Helper()
	container := p.spec.Containers[0]
	for _, probe := range []*corev1.Probe{container.ReadinessProbe, container.LivenessProbe} {
		host := p.addr
		if probe.HTTPGet.Host != "" {
			host = probe.HTTPGet.Host
		}
		url := fmt.Sprintf("http://%s:%d%s", host, probe.HTTPGet.Port.IntVal, probe.HTTPGet.Path)
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			code, body := get(t, url)
			if code == http.StatusOK {
				break
			}
			select {
			case <-p.ended:
				t.Fatal("CoreDNS has ended")
			default:
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d %s", url, code, body)
			}
		}
	}
	// CoreDNS reports that it is ready just before it listens.
	addr := p.addr
	if p.spec.HostNetwork {
		addr = nodeLocal
	}
	for range 50 {
		if _, err := dns.Exchange(new(dns.Msg).SetQuestion(".", dns.TypeSOA), addr+":53"); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("CoreDNS is ready but does not answer")
}

func (p *pod) awaitLog(t *testing.T, line string) {
	t.Helper()
	for range 50 {
		text, err := os.ReadFile(p.log)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(line)) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("the log has no %q", line)
}

// writeProjected writes a file into a volume like the kubelet: a symbolic link
// into ..data, which is a link to a directory with a timestamp as its name.
func writeProjected(t *testing.T, volume, name, text string) {
	t.Helper()
	const version = "..2026_11_23_00_00_00.1"
	if err := os.MkdirAll(filepath.Join(volume, version), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(volume, version, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"..data": version, name: "..data/" + name} {
		if err := os.Symlink(to, filepath.Join(volume, link)); err != nil && !errors.Is(err, fs.ErrExist) {
			t.Fatal(err)
		}
	}
}

// readOnly removes all write permissions, for root as well.
func readOnly(t *testing.T, root string) {
	t.Helper()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(root, root, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(root, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err := unix.Mount("", root, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("/proc", filepath.Join(root, "proc"), "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "x"), nil, 0o600); err == nil {
		t.Fatal("the root file system can be written to")
	}
}

// libraries returns the libraries of a dynamically linked binary. The image's
// binary has none.
func libraries(program string) []string {
	out, err := exec.Command("ldd", program).Output()
	if err != nil {
		return nil
	}
	return regexp.MustCompile(`/\S+`).FindAllString(string(out), -1)
}
