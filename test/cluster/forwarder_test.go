package cluster

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// reloading is how long a changed Corefile may take: the kubelet, and CoreDNS's reload.
const reloading = 3 * time.Minute

// testForwarder follows the page: the forwarder is applied, the cluster's CoreDNS forwards to
// it, the page's test is run, and all is rolled back.
func (c *cluster) testForwarder(t *testing.T) {
	if out, err := c.try(t, c.command(t, "dig @UPSTREAM . NS +dnssec")); err != nil || !strings.Contains(out, "RRSIG") {
		t.Errorf("the upstream has no RRSIG: %v\n%s", err, out)
	}
	c.walk(t, "kubectl apply -f deploy/kubernetes/overlays/forwarder/namespace.yaml")
	// The status is 1 if there are differences.
	if out, _ := c.try(t, c.command(t, "kubectl diff -k deploy/kubernetes/overlays/forwarder")); !strings.Contains(out, "kind: Deployment") {
		t.Errorf("kubectl diff prints\n%s", out)
	}
	c.walk(t, "kubectl apply -k deploy/kubernetes/overlays/forwarder")
	c.walk(t, "kubectl -n dnssec-forwarder rollout status deployment/coredns")
	address := c.walk(t, "kubectl -n dnssec-forwarder get service coredns -o jsonpath={.spec.clusterIP}")
	if _, err := netip.ParseAddr(address); err != nil {
		t.Fatal(err)
	}
	c.awaitAnswers(t, address, time.Minute, validated)
	c.serverSide(t, "overlays/forwarder")

	c.edit(t, "kubectl -n kube-system edit configmap coredns", "s|forward . /etc/resolv.conf|forward . "+address+"|")
	took := c.awaitAll(t, reloading, []answer{validated[0], validated[3], validated[4]})
	c.note("%-36s %4.0f s", "  the cluster's CoreDNS forwards to it", took.Seconds())
	out := c.inPod(t, "dig +dnssec www.signed.example; dig www.tampered.example")
	if !strings.Contains(out, " ad") || !strings.Contains(out, "SERVFAIL") {
		t.Errorf("from a Pod:\n%s", out)
	}

	c.run(t, "kubectl -n kube-system get configmap coredns -o yaml | sed 's|forward . "+address+"|forward . /etc/resolv.conf|' | kubectl apply -f -")
	c.awaitAll(t, reloading, unvalidated)
	c.walk(t, "kubectl delete -k deploy/kubernetes/overlays/forwarder")
}

// serverSide applies an overlay server-side, which has to be possible without force where the
// objects are new, and waits until it is ready.
func (c *cluster) serverSide(t *testing.T, overlay string) {
	t.Helper()
	c.run(t, "kubectl apply --server-side --force-conflicts -k deploy/kubernetes/"+overlay)
	if out := c.run(t, "kubectl diff --server-side --force-conflicts -k deploy/kubernetes/"+overlay); out != "" {
		t.Errorf("%s: after it was applied, there are differences:\n%s", overlay, out)
	}
}
