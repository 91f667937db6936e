// Package cluster tests the manifests, and docs/kubernetes.md command by command, in a real
// cluster of one node: see the package node. It needs root and Linux; `make cluster` installs
// the rest.
package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/test/cluster/node"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const repository = "../.."

// Names of the environment: directories and files that `make cluster` has prepared.
const (
	programsEnv = "DNSSECVAL_CLUSTER_PROGRAMS" // the programs of Kubernetes
	corednsEnv  = "DNSSECVAL_CLUSTER_COREDNS"  // CoreDNS as in the image
	stockEnv    = "DNSSECVAL_CLUSTER_STOCK"    // CoreDNS without this plugin
	crdsEnv     = "DNSSECVAL_CLUSTER_CRDS"     // the operator's CRDs
)

// directory is that of the sandbox.
var directory string

func TestMain(m *testing.M) {
	for _, name := range []string{programsEnv, corednsEnv, stockEnv, crdsEnv} {
		if os.Getenv(name) == "" {
			fmt.Fprintf(os.Stderr, "%s is not set; run `make cluster`\n", name)
			os.Exit(1)
		}
	}
	directory = node.Inside()
	os.Exit(m.Run())
}

func coredns(t *testing.T) string      { return absolute(t, corednsEnv) }
func stockCoreDNS(t *testing.T) string { return absolute(t, stockEnv) }

func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(os.Getenv(name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// cluster is the running cluster, the world that it forwards to, and a copy of the manifests
// in which the upstream, the anchors and the addresses are those of the cluster.
type cluster struct {
	node   *node.Node
	client *kubernetes.Clientset
	world  *world
	copy   string // of the parts of the repository that the page uses
	page   *page
	result []string // lines of the table at the end
}

// TestCluster runs the steps in order: each starts from what those before it have left.
func TestCluster(t *testing.T) {
	c := &cluster{page: readPage(t)}
	c.start(t)
	for _, step := range []struct {
		name string
		run  func(*cluster, *testing.T)
	}{
		{"a cluster with its own CoreDNS", (*cluster).testStock},
		{"a validating forwarder beside it", (*cluster).testForwarder},
		{"in place of it", (*cluster).testKubeSystem},
		{"names of the cluster", (*cluster).testNames},
		{"search suffixes", (*cluster).testSuffixes},
		{"anchors swapped", (*cluster).testAnchors},
		{"insecure on and off", (*cluster).testInsecure},
		{"rolling restart", (*cluster).testRestart},
		{"container killed", (*cluster).testKill},
		{"eviction", (*cluster).testEviction},
		{"memory", (*cluster).testMemory},
		{"monitoring", (*cluster).testMonitoring},
		{"the guide's ConfigMaps", (*cluster).testGuide},
		{"a cache on the node", (*cluster).testNodeLocal},
		{"rolled back", (*cluster).testRollback},
		{"every command of the page was run", (*cluster).testPage},
	} {
		ok := t.Run(step.name, func(t *testing.T) {
			begin := time.Now()
			defer func() {
				c.note("%-36s %4.0f s  %s", step.name, time.Since(begin).Seconds(), map[bool]string{false: "ok", true: "FAILED"}[t.Failed()])
			}()
			step.run(c, t)
		})
		if err := c.node.Died(); err != nil {
			t.Error(err)
			ok = false
		}
		if !ok {
			break
		}
	}
	t.Logf("\n%s", strings.Join(c.result, "\n"))
	if t.Failed() {
		c.tell(t)
	}
}

// note adds a line to the table.
func (c *cluster) note(format string, args ...any) {
	c.result = append(c.result, fmt.Sprintf(format, args...))
}

// start starts the world and the node, and waits until the node is ready.
func (c *cluster) start(t *testing.T) {
	t.Helper()
	begin := time.Now()
	programs, err := filepath.Abs(os.Getenv(programsEnv))
	if err != nil {
		t.Fatal(err)
	}
	// What a cloud gives its nodes as search domains, and Pods inherit.
	if c.node, err = node.Start(t.Context(), directory, programs, privateZone+" "+unknownZone); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			c.keepLogs(t)
		}
	})
	c.world = newWorld(t)
	config, err := clientcmd.BuildConfigFromFlags("", c.node.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst = 100, 100
	if c.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	c.copyRepository(t)
	c.importImages(t, strings.TrimSpace(c.run(t, "kubeadm config images list --kubernetes-version v1.37.2 2>/dev/null | grep coredns")))
	c.await(t, "the node", 60*time.Second, func(context.Context) error {
		return c.sh(t.Context(), "kubectl wait --for=condition=Ready node/node --timeout=1s").Run()
	})
	c.note("%-36s %4.0f s", "node ready, images imported", time.Since(begin).Seconds())
}

// keepLogs copies the logs of the node's programs to a place that outlives the sandbox.
func (c *cluster) keepLogs(t *testing.T) {
	t.Helper()
	to := os.Getenv("DNSSECVAL_CLUSTER_LOGS")
	if to == "" {
		return
	}
	if err := os.RemoveAll(to); err == nil {
		err = os.CopyFS(to, os.DirFS(c.node.Logs()))
		t.Logf("the logs of the node's programs are in %s (%v)", to, err)
	}
}
