package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/test/cluster/node"
	"github.com/miekg/dns"
)

// nodeLocalPod has the node's cache as its resolver, as the page says.
const nodeLocalPod = `apiVersion: v1
kind: Pod
metadata: {name: local, namespace: default}
spec:
  terminationGracePeriodSeconds: 1
  dnsPolicy: None
  dnsConfig:
    nameservers: [` + node.NodeLocal + `]
    searches: [default.svc.cluster.local, svc.cluster.local, cluster.local]
    options: [{name: ndots, value: "5"}]
  containers:
  - {name: tools, image: "` + toolsImage + `", imagePullPolicy: IfNotPresent}
`

// testNodeLocal follows the page for the cache on each node.
func (c *cluster) testNodeLocal(t *testing.T) {
	switch needed, err := node.AddNodeLocal(); {
	case err != nil:
		t.Fatal(err)
	case needed:
		c.note("  this kernel has no dummy devices: 169.254.20.10 was added to a veth, and the init container found it")
	}
	c.walk(t, "kubectl apply -k deploy/kubernetes/overlays/nodelocal")
	c.walk(t, "kubectl -n kube-system rollout status daemonset/node-local-dns")
	c.awaitAnswers(t, node.NodeLocal, time.Minute, validated)
	c.serverSide(t, "overlays/nodelocal")
	c.run(t, "kubectl -n kube-system rollout status daemonset/node-local-dns")

	service := c.run(t, "kubectl -n names get service web -o jsonpath={.spec.clusterIP}")
	reverse, err := dns.ReverseAddr(service)
	if err != nil {
		t.Fatal(err)
	}
	c.answers(t, node.NodeLocal, []answer{
		{"web.names.svc.cluster.local", dns.TypeA, "NOERROR " + service},
		{"none.names.svc.cluster.local", dns.TypeA, "NXDOMAIN"},
		{reverse, dns.TypePTR, "NOERROR web.names.svc.cluster.local."},
	})
	c.apply(t, nodeLocalPod)
	c.run(t, "kubectl wait --for=condition=Ready pod/local --timeout=60s")
	for name, want := range map[string]string{"www.signed.example": "192.0.2.80", "www.tampered.example": "Try again", "web.names": service} {
		out, _ := c.try(t, "kubectl exec local -- lookup "+name)
		if !strings.HasPrefix(out, want) {
			t.Errorf("%s from a Pod: %s, want %s", name, out, want)
		}
	}
	c.run(t, "kubectl delete pod local --grace-period=1")
	c.walk(t, "kubectl delete -k deploy/kubernetes/overlays/nodelocal")
	c.walk(t, "ip link del dnssec0")
}
