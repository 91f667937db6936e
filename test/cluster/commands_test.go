package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/test/cluster/node"
)

// sh returns a command for the shell, in the copy of the repository.
func (c *cluster) sh(ctx context.Context, line string) *exec.Cmd {
	cmd := c.node.Command(ctx, "sh", "-ec", line)
	cmd.Dir = c.copy
	return cmd
}

// run runs a command line and returns what it prints.
func (c *cluster) run(t *testing.T, line string) string {
	t.Helper()
	out, err := c.try(t, line)
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return out
}

// try runs a command line, for three minutes at most.
func (c *cluster) try(t *testing.T, line string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := c.sh(ctx, line)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// apply gives objects to the cluster.
func (c *cluster) apply(t *testing.T, manifest string) {
	t.Helper()
	cmd := c.sh(t.Context(), "kubectl apply -f -")
	cmd.Stdin = strings.NewReader(manifest)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kubectl apply: %v\n%s\n%s", err, out, manifest)
	}
}

// await waits until a condition is met, and returns how long that took.
func (c *cluster) await(t *testing.T, what string, limit time.Duration, met func(context.Context) error) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	begin := time.Now()
	for {
		err := met(ctx)
		if err == nil {
			return time.Since(begin)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s, after %s: %v", what, limit, err)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// tell prints what an administrator would look at.
func (c *cluster) tell(t *testing.T) {
	t.Helper()
	for _, line := range []string{"kubectl get pods -A -o wide", "kubectl get events -A --sort-by=.lastTimestamp | tail -40",
		"kubectl -n kube-system logs -l k8s-app=kube-dns --tail=20 --prefix"} {
		out, err := c.try(t, line)
		t.Logf("$ %s\n%s%v", line, out, err)
	}
}

// copyRepository copies what the page uses, and makes the changes that it asks for: the
// upstream, the address of the Service, the anchors. The reverse zones of the node's cache
// are those of this cluster's addresses.
func (c *cluster) copyRepository(t *testing.T) {
	t.Helper()
	c.copy = filepath.Join(directory, "repository")
	for _, dir := range []string{"deploy/kubernetes", "docs"} {
		if err := os.CopyFS(filepath.Join(c.copy, dir), os.DirFS(filepath.Join(repository, dir))); err != nil {
			t.Fatal(err)
		}
	}
	kubernetes := filepath.Join(c.copy, "deploy/kubernetes")
	for name, change := range map[string][2]string{
		"base/Corefile":                             {"9.9.9.9 149.112.112.112", node.Upstream},
		"overlays/forwarder/Corefile":               {"9.9.9.9 149.112.112.112", node.Upstream},
		"overlays/nodelocal/Corefile":               {"9.9.9.9 149.112.112.112", node.Upstream},
		"overlays/kube-system/kustomization.yaml":   {"clusterIP: 10.96.0.10", "clusterIP: " + node.ClusterDNS},
		"overlays/nodelocal/Corefile the addresses": {"10.0.0.0/8:53", "198.18.0.0/15:53"},
	} {
		path := filepath.Join(kubernetes, strings.Fields(name)[0])
		replace(t, path, change[0], change[1])
	}
	if err := os.WriteFile(filepath.Join(kubernetes, "anchors/anchors"), []byte(c.world.anchors(".")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replace changes a file. What is replaced has to be there once.
func replace(t *testing.T, path, old, text string) {
	t.Helper()
	before := string(read(t, path))
	if strings.Count(before, old) != 1 {
		t.Fatalf("%s has %q %d times", path, old, strings.Count(before, old))
	}
	if err := os.WriteFile(path, []byte(strings.Replace(before, old, text, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// pods returns the names and addresses of the Pods with a label that are ready.
func (c *cluster) pods(t *testing.T, namespace, label string) map[string]string {
	t.Helper()
	out := c.run(t, fmt.Sprintf(`kubectl -n %s get pods -l %s --field-selector=status.phase=Running -o jsonpath='{range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.name}={.status.podIP} {.metadata.deletionTimestamp}{"\n"}{end}'`, namespace, label))
	pods := map[string]string{}
	for line := range strings.Lines(out) {
		// A Pod that is being deleted has a third word.
		if fields := strings.Fields(line); len(fields) == 1 {
			name, address, _ := strings.Cut(fields[0], "=")
			pods[name] = address
		}
	}
	return pods
}
