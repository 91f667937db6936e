package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
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
