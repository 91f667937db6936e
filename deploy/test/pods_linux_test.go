package deploy

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
)

// Addresses and paths in a cluster.
const (
	apiAddr     = "10.96.0.1"
	kubeDNSAddr = "10.96.0.10"
	nodeLocal   = "169.254.20.10"
	account     = "/var/run/secrets/kubernetes.io/serviceaccount"
)

// insideEnv is set if the test runs in its own namespaces.
const insideEnv = "DNSSECVAL_DEPLOY_INSIDE"

// TestPods runs the Pods as rendered: with the unchanged Corefiles and their
// ports, paths and addresses, the user, the capabilities, the sysctls, a
// read-only root file system, and ConfigMaps with the kubelet's symbolic links.
// It runs in network and mount namespaces with a fake cluster, and each Pod has
// its own network.
func TestPods(t *testing.T) {
	coredns := binary(t)
	if os.Getenv(insideEnv) == "" {
		reexecute(t)
		return
	}
	w := newCluster(t)
	for _, overlay := range withPods {
		t.Run(path.Base(overlay), func(t *testing.T) { w.testOverlay(t, overlay, coredns) })
	}
	t.Run("port needs sysctl", func(t *testing.T) { w.testSysctl(t, coredns) })
	t.Run("alert reasons", func(t *testing.T) { w.testReasons(t, coredns) })
}

// reexecute runs the test again in its own namespaces, and unless it is root,
// in a user namespace.
func reexecute(t *testing.T) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "demo")
	buildDemo(t, program)
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestPods$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), insideEnv+"=1", demoEnv+"="+program)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	switch err := cmd.Start(); {
	case errors.Is(err, fs.ErrPermission):
		t.Skipf("no namespaces here: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	err := cmd.Wait()
	t.Logf("in namespaces:\n%s", out.String())
	switch {
	case err != nil:
		t.Error(err)
	case strings.Contains(out.String(), "--- SKIP: TestPods ("):
		t.Skip("it can't be shown here")
	}
}

// cluster has the fake servers of a cluster.
type cluster struct {
	world string      // address of the signed world
	strip atomic.Bool // whether the upstream removes DNSSEC records
	keys  []byte      // anchors file of the world
	ca    []byte      // CA certificate of the API server
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	switch err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); {
	case errors.Is(err, fs.ErrPermission):
		t.Skip("these namespaces are of no use: ", err)
	case err != nil:
		t.Fatal(err)
	}
	runTool(t, "ip", "link", "set", "lo", "up")
	for _, addr := range []string{apiAddr, kubeDNSAddr, "9.9.9.9", "149.112.112.112"} {
		runTool(t, "ip", "addr", "add", addr+"/32", "dev", "lo")
	}
	d := startDemo(t)
	keys, err := os.ReadFile(d.anchors)
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{world: d.upstream, keys: keys}
	for _, addr := range []string{"9.9.9.9", "149.112.112.112"} {
		serveDNS(t, addr, c.upstream)
	}
	c.serveAPI(t)
	return c
}

func runTool(t *testing.T, tool string, args ...string) {
	t.Helper()
	if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", tool, strings.Join(args, " "), err, out)
	}
}

// serveDNS listens on port 53 until the test ends.
func serveDNS(t *testing.T, addr string, handler dns.HandlerFunc) {
	t.Helper()
	for _, network := range []string{"udp", "tcp"} {
		started := make(chan struct{})
		server := &dns.Server{Net: network, Addr: addr + ":53", Handler: handler, NotifyStartedFunc: sync.OnceFunc(func() { close(started) })}
		failed := make(chan error, 1)
		go func() { failed <- server.ListenAndServe() }()
		select {
		case <-started:
		case err := <-failed:
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Shutdown() })
	}
}

// upstream forwards queries to the signed world.
func (c *cluster) upstream(rw dns.ResponseWriter, r *dns.Msg) {
	client := dns.Client{Net: rw.LocalAddr().Network(), Timeout: 2 * time.Second}
	q := r.Copy()
	if c.strip.Load() {
		q.Extra = nil // no DO
	}
	a, _, err := client.Exchange(q, c.world)
	if err != nil {
		a = new(dns.Msg).SetRcode(r, dns.RcodeServerFailure)
	}
	if c.strip.Load() {
		for _, section := range []*[]dns.RR{&a.Answer, &a.Ns} {
			*section = slices.DeleteFunc(*section, func(rr dns.RR) bool {
				_, signature := rr.(*dns.RRSIG)
				_, denial := rr.(*dns.NSEC)
				_, denial3 := rr.(*dns.NSEC3)
				return signature || denial || denial3
			})
		}
	}
	_ = rw.WriteMsg(a)
}

// kubeDNS answers like the cluster's DNS. It refuses queries over UDP, since
// the node's cache is configured to use TCP.
func kubeDNS(rw dns.ResponseWriter, r *dns.Msg) {
	a := new(dns.Msg).SetReply(r)
	if rw.LocalAddr().Network() == "udp" {
		a.Rcode = dns.RcodeRefused
	} else if rr, err := dns.NewRR(r.Question[0].Name + " 5 IN A " + apiAddr); err == nil && r.Question[0].Qtype == dns.TypeA {
		a.Answer = []dns.RR{rr}
	}
	_ = rw.WriteMsg(a)
}

// serveAPI serves a fake API server with only the Service kubernetes.
func (c *cluster) serveAPI(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP(apiAddr)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	listener, err := net.Listen("tcp", apiAddr+":443")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(answerAPI))
	server.Listener = listener
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
}

// answerAPI answers lists, and watches without events.
func answerAPI(w http.ResponseWriter, r *http.Request) {
	kinds := map[string][2]string{"namespaces": {"v1", "NamespaceList"}, "services": {"v1", "ServiceList"}, "endpointslices": {"discovery.k8s.io/v1", "EndpointSliceList"}}
	kind, ok := kinds[path.Base(r.URL.Path)]
	switch query := r.URL.Query(); {
	case !ok || r.Header.Get("Authorization") != "Bearer a-token":
		http.Error(w, "not for you", http.StatusForbidden)
	case query.Get("sendInitialEvents") != "":
		http.Error(w, "list, please", http.StatusUnprocessableEntity)
	case query.Get("watch") != "":
		<-r.Context().Done()
	default:
		meta := func(name, namespace string) map[string]any {
			return map[string]any{"name": name, "namespace": namespace, "uid": name, "resourceVersion": "1"}
		}
		items := map[string][]any{
			"namespaces": {map[string]any{"metadata": meta("default", "")}},
			"services": {map[string]any{"metadata": meta("kubernetes", "default"), "spec": map[string]any{"type": "ClusterIP", "clusterIP": apiAddr,
				"clusterIPs": []string{apiAddr}, "ports": []any{map[string]any{"name": "https", "port": 443, "protocol": "TCP"}}}}},
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": kind[0], "kind": kind[1], "metadata": map[string]any{"resourceVersion": "1"}, "items": items[path.Base(r.URL.Path)]})
	}
}

func (c *cluster) testOverlay(t *testing.T, overlay, coredns string) {
	all := render(t, overlay)
	template, _ := pods(t, all)
	p := c.start(t, all, coredns, nil)
	addr := p.addr
	if template.Spec.HostNetwork {
		serveDNS(t, kubeDNSAddr, kubeDNS)
		addr = nodeLocal
		runTool(t, "ip", "route", "replace", nodeLocal, "via", p.addr)
	}
	p.await(t)
	if a := ask(t, addr+":53", "www.signed.example."); a.Rcode != dns.RcodeSuccess || !a.AuthenticatedData {
		t.Errorf("a signed name: %v", a)
	}
	if a := ask(t, addr+":53", "www.unsigned.example."); a.Rcode != dns.RcodeSuccess || a.AuthenticatedData {
		t.Errorf("a name that is not signed: %v", a)
	}
	if a := ask(t, addr+":53", "www.tampered.example."); a.Rcode != dns.RcodeServerFailure || len(a.Answer) > 0 {
		t.Errorf("a forged name: %v", a)
	}
	p.awaitLog(t, "bogus: www.tampered.example. A")
	if path.Base(overlay) != "forwarder" {
		a := ask(t, addr+":53", "kubernetes.default.svc.cluster.local.")
		if len(a.Answer) != 1 || !strings.HasSuffix(a.Answer[0].String(), apiAddr) || a.AuthenticatedData {
			t.Errorf("a name of the cluster: %v", a)
		}
	}
	port := one[*corev1.Service](t, all).Spec.Ports
	if _, text := get(t, fmt.Sprintf("http://%s:%d/metrics", p.addr, port[len(port)-1].Port)); !strings.Contains(text, `coredns_dnssec_failures_total{reason="signature_invalid"`) {
		t.Error("the Service's last port has no metrics of failures")
	}
}

// testSysctl checks that the sysctl is needed: an added capability is not
// effective for a process that is not root.
func (c *cluster) testSysctl(t *testing.T, coredns string) {
	if os.Getenv(insideEnv) == "" || !isRoot(t) {
		t.Skip("there are no other users than root in this user namespace")
	}
	all := render(t, "overlays/forwarder")
	p := c.start(t, all, coredns, func(pod *corev1.PodTemplateSpec, _ *string) { pod.Spec.SecurityContext.Sysctls = nil })
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		t.Fatal("CoreDNS starts without the sysctl: is it still needed?")
	}
	p.awaitLog(t, "bind: permission denied")
}

// testReasons checks that the alerts count the reasons that occur when the
// upstream removes DNSSEC records, and when the clock is wrong.
func (c *cluster) testReasons(t *testing.T, coredns string) {
	cases := map[string]struct {
		strip  bool
		change func(*corev1.PodTemplateSpec, *string)
	}{
		"DNSSECAllSignaturesMissing": {strip: true},
		"DNSSECClockOrExpiry": {change: func(_ *corev1.PodTemplateSpec, corefile *string) {
			*corefile = strings.Replace(*corefile, "validate\n", "validate\n        override-date 20400101000000\n", 1)
		}},
		"DNSSECTrustAnchorMismatch": {change: func(_ *corev1.PodTemplateSpec, corefile *string) {
			*corefile = regexp.MustCompile(`trust-anchor .*`).ReplaceAllString(*corefile, "")
		}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			c.strip.Store(test.strip)
			defer c.strip.Store(false)
			p := c.start(t, render(t, "overlays/forwarder"), coredns, test.change)
			p.await(t)
			for _, name := range []string{"www.signed.example.", "www.hashed.test.", "www.unsigned.example.", "www.unsigned.test.", "www.rsa.example."} {
				ask(t, p.addr+":53", name)
			}
			_, text := get(t, "http://"+p.addr+":9153/metrics")
			watched := reasonsOf(t, name)
			matching, others := 0.0, 0.0
			for _, m := range regexp.MustCompile(`(?m)^coredns_dnssec_failures_total\{reason="(\w+)".*\} (\d+)$`).FindAllStringSubmatch(text, -1) {
				n, err := strconv.ParseFloat(m[2], 64)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%s: %s", m[1], m[2])
				if slices.Contains(watched, m[1]) {
					matching += n
				} else {
					others += n
				}
			}
			if matching < 4 || others > matching {
				t.Errorf("%s looks for %v: %v failures, and there are %v others", name, watched, matching, others)
			}
		})
	}
}

// reasonsOf returns the reasons that an alert counts.
func reasonsOf(t *testing.T, name string) []string {
	t.Helper()
	for _, alert := range alerts(t) {
		if m := regexp.MustCompile(`reason=~?"([^"]*)"`).FindStringSubmatch(alert.Expr.String()); alert.Alert == name && m != nil {
			return strings.Split(m[1], "|")
		}
	}
	t.Fatalf("there is no alert %s with reasons", name)
	panic("not reached")
}

// isRoot reports whether root is the real root, not that of a user namespace.
func isRoot(t *testing.T) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ") == "0 0 4294967295"
}

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
