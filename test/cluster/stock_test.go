package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/test/cluster/node"
)

// kubeadmConfig gives the cluster the addresses of the node.
const kubeadmConfig = `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.37.2
networking: {serviceSubnet: 198.18.2.0/24, podSubnet: 198.18.1.0/24, dnsDomain: cluster.local}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: %s, bindPort: 6443}
`

// toolsPod has dig and musl's resolver, and the resolv.conf of each Pod.
const toolsPod = `apiVersion: v1
kind: Pod
metadata: {name: tools, namespace: default}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: tools, image: "` + toolsImage + `", imagePullPolicy: IfNotPresent}
`

// testStock has kubeadm install the cluster's own CoreDNS, which is what administrators have
// before they open the page.
func (c *cluster) testStock(t *testing.T) {
	config := filepath.Join(directory, "kubeadm.yaml")
	if err := os.WriteFile(config, []byte(fmt.Sprintf(kubeadmConfig, node.Address)), 0o644); err != nil {
		t.Fatal(err)
	}
	c.run(t, "kubeadm init phase addon coredns --kubeconfig $KUBECONFIG --config "+config)
	c.run(t, "kubectl -n kube-system rollout status deployment/coredns --timeout=90s")
	if got := c.run(t, "kubectl -n kube-system get service kube-dns -o jsonpath={.spec.clusterIP}"); got != node.ClusterDNS {
		t.Fatalf("kube-dns has the address %s", got)
	}
	c.awaitAnswers(t, node.ClusterDNS, time.Minute, unvalidated)
	c.apply(t, toolsPod)
	c.run(t, "kubectl wait --for=condition=Ready pod/tools --timeout=60s")
}

// inPod runs a command in the Pod with the tools, whatever its status, and returns what it prints.
func (c *cluster) inPod(t *testing.T, command string) string {
	t.Helper()
	return strings.TrimSpace(c.run(t, "kubectl exec tools -- sh -c '"+command+"; true'"))
}

// edit does what an administrator does in the editor of `kubectl edit`: the command comes from
// the page, the change is a command of sed.
func (c *cluster) edit(t *testing.T, command, change string) {
	t.Helper()
	editor := filepath.Join(directory, "editor")
	text := "#!/bin/sh\ncp \"$1\" " + directory + "/edited\nsed -i '" + change + "' \"$1\"\n! cmp -s \"$1\" " + directory + "/edited\n"
	if err := os.WriteFile(editor, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	c.run(t, "KUBE_EDITOR="+editor+" "+c.command(t, command))
}
