package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/test/cluster/node"
	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// kubeDNS is the label of the Pods of the cluster's DNS.
const kubeDNS = "k8s-app=kube-dns"

// testKubeSystem follows the page: the running Deployment becomes ours. Its Pods run as the
// manifests say.
func (c *cluster) testKubeSystem(t *testing.T) {
	c.walk(t, "kubectl -n kube-system get configmap/coredns deployment/coredns service/kube-dns -o yaml > before.yaml")
	if got := c.walk(t, "kubectl -n kube-system get service kube-dns -o jsonpath={.spec.clusterIP}"); got != node.ClusterDNS {
		t.Fatalf("kube-dns has the address %s", got)
	}
	c.walk(t, "kubectl apply --server-side --force-conflicts -k deploy/kubernetes/overlays/kube-system")
	begin := time.Now()
	c.walk(t, "kubectl -n kube-system rollout status deployment/coredns")
	c.note("%-36s %4.0f s", "  rolled out", time.Since(begin).Seconds())
	c.awaitAnswers(t, node.ClusterDNS, time.Minute, validated)
	c.serverSide(t, "overlays/kube-system")
	c.run(t, "kubectl -n kube-system rollout status deployment/coredns")

	pods := c.pods(t, "kube-system", kubeDNS)
	if len(pods) != 2 {
		t.Fatalf("there are the Pods %v", pods)
	}
	for name, address := range pods {
		c.answers(t, address, validated)
		user := c.run(t, "for p in /proc/[0-9]*; do [ \"$(readlink $p/exe)\" = /coredns ] && grep ^Uid: $p/status || true; done")
		if !strings.Contains(user, "65532") {
			t.Errorf("%s: the users are %s", name, user)
		}
	}
	c.walk(t, "kubectl run dnssec-test --image=YOUR/IMAGE-WITH-DIG --restart=Never -- sleep 3600")
	c.walk(t, "kubectl wait --for=condition=Ready pod/dnssec-test")
	if out := c.walk(t, "kubectl exec dnssec-test -- dig +dnssec internetsociety.org"); !strings.Contains(out, " ad;") {
		t.Errorf("the page's first query prints\n%s", out)
	}
	if out := c.walk(t, "kubectl exec dnssec-test -- dig dnssec-failed.org"); !strings.Contains(out, "SERVFAIL") {
		t.Errorf("the page's second query prints\n%s", out)
	}
	c.walk(t, "kubectl delete pod dnssec-test")
	if log := c.walk(t, "kubectl -n kube-system logs -l app.kubernetes.io/part-of=dnssecval | grep bogus"); !strings.Contains(log, "bogus: www.tampered.example.") {
		t.Errorf("the log has\n%s", log)
	}
}

// services are two Pods and a Service of each kind for them.
const services = `apiVersion: v1
kind: Namespace
metadata: {name: names}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: names, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: web, image: "busybox:1.37", imagePullPolicy: IfNotPresent, command: [httpd, -f, -p, "8080"]}
---
apiVersion: v1
kind: Pod
metadata: {name: first, namespace: names, labels: {app: headless}}
spec:
  hostname: first
  subdomain: headless
  terminationGracePeriodSeconds: 1
  containers:
  - {name: web, image: "busybox:1.37", imagePullPolicy: IfNotPresent, command: [httpd, -f, -p, "8080"]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: names}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: headless, namespace: names}
spec: {clusterIP: None, selector: {app: headless}, ports: [{name: http, port: 8080}]}
`

const external = `---
apiVersion: v1
kind: Service
metadata: {name: %s, namespace: names}
spec: {type: ExternalName, externalName: %s}
`

// testNames asks for names of the cluster, which are never validated, and for those outside to
// which Services of the type ExternalName lead.
func (c *cluster) testNames(t *testing.T) {
	manifest := services
	for name, outside := range map[string]string{"secure": "www.signed.example", "unsigned": "www.unsigned.example", "bogus": "www.tampered.example"} {
		manifest += fmt.Sprintf(external, name, outside)
	}
	c.apply(t, manifest)
	c.run(t, "kubectl -n names wait --for=condition=Ready pod/web pod/first --timeout=60s")
	service := c.run(t, "kubectl -n names get service web -o jsonpath={.spec.clusterIP}")
	pod := c.run(t, "kubectl -n names get pod first -o jsonpath={.status.podIP}")
	reverse := func(address string) string {
		name, err := dns.ReverseAddr(address)
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	const zone = ".names.svc.cluster.local"
	c.awaitAnswers(t, node.ClusterDNS, time.Minute, []answer{
		{"web" + zone, dns.TypeA, "NOERROR " + service},
		{"web" + zone, dns.TypeAAAA, "NOERROR"},
		{"none" + zone, dns.TypeA, "NXDOMAIN"},
		{"headless" + zone, dns.TypeA, "NOERROR " + pod},
		{"first.headless" + zone, dns.TypeA, "NOERROR " + pod},
		{"_http._tcp.headless" + zone, dns.TypeSRV, "NOERROR 0 100 8080 first.headless" + zone + "."},
		{"_http._tcp.web" + zone, dns.TypeSRV, "NOERROR 0 100 80 web" + zone + "."},
		{reverse(service), dns.TypePTR, "NOERROR web" + zone + "."},
		{reverse(pod), dns.TypePTR, "NOERROR first.headless" + zone + "."},
		{"kubernetes.default.svc.cluster.local", dns.TypeA, "NOERROR 198.18.2.1"},
		{"secure" + zone, dns.TypeA, "NOERROR 192.0.2.80"},
		{"unsigned" + zone, dns.TypeA, "NOERROR 192.0.2.80"},
	})
	// The CNAME is the cluster's; what must not come is the forged address.
	a, err := ask(t.Context(), node.ClusterDNS, "bogus"+zone, dns.TypeA)
	if err != nil {
		t.Fatal(err)
	}
	for _, rr := range a.Answer {
		if rr.Header().Rrtype == dns.TypeA {
			t.Errorf("of a Service that leads to a bogus name: %s", rr)
		}
	}
	c.note("  an ExternalName for a bogus name: %s", describe(a))
}

// searchingPod has a search domain more than other Pods.
const searchingPod = `apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: default}
spec:
  terminationGracePeriodSeconds: 1
  dnsConfig: {searches: [%s]}
  containers:
  - {name: tools, image: "` + toolsImage + `", imagePullPolicy: IfNotPresent}
`

// testSuffixes looks external names up as an Alpine container does, with the search path of a
// Pod: it is the cluster's and the node's, and one SERVFAIL would end the search.
func (c *cluster) testSuffixes(t *testing.T) {
	if conf := c.inPod(t, "cat /etc/resolv.conf"); !strings.Contains(conf, privateZone) || !strings.Contains(conf, "ndots:5") {
		t.Fatalf("the Pod has\n%s", conf)
	}
	for pod, zone := range map[string]string{"split": splitZone, "cover": coverZone} {
		c.apply(t, fmt.Sprintf(searchingPod, pod, zone))
	}
	c.run(t, "kubectl wait --for=condition=Ready pod/split pod/cover --timeout=60s")
	service := c.run(t, "kubectl -n names get service web -o jsonpath={.spec.clusterIP}")
	external := map[string]string{
		"www.signed.example": "192.0.2.80", "www.unsigned.example": "192.0.2.80", "alias.signed.example": "192.0.2.80",
		"nobody.signed.example": "Name does not resolve", "www.tampered.example": "Try again", "web.names": service,
	}
	c.lookups(t, "tools", external)
	c.lookups(t, "split", external)
	// The page says what to do about this one.
	if got := c.lookup(t, "cover", "www.unsigned.example"); !strings.HasPrefix(got, "Try again") {
		t.Errorf("a Pod that searches in %s, without a line for it: %s; is the page still right?", coverZone, got)
	}
	c.changeCorefile(t, func(corefile string) string {
		corefile = strings.Replace(corefile, "        log-failures\n", "        log-failures\n        negative-trust-anchor "+coverZone+"\n", 1)
		for _, zone := range []string{privateZone, splitZone} {
			corefile = strings.Replace(corefile, "    forward . ", "    forward "+zone+" "+node.Upstream+"\n    forward . ", 1)
		}
		return corefile
	})
	external["db"] = "192.0.2.53" // of the node's search domain
	c.lookups(t, "tools", external)
	for pod, zone := range map[string]string{"split": splitZone, "cover": coverZone} {
		external["db."+zone] = "192.0.2.53"
		c.lookups(t, pod, external)
	}
}

// lookup returns what a container with musl prints.
func (c *cluster) lookup(t *testing.T, pod, name string) string {
	t.Helper()
	return strings.TrimSpace(c.run(t, "kubectl exec "+pod+" -- sh -c 'lookup "+name+"; true'"))
}

// lookups compares what a container with musl finds.
func (c *cluster) lookups(t *testing.T, pod string, wants map[string]string) {
	t.Helper()
	for name, want := range wants {
		if got := c.lookup(t, pod, name); !strings.HasPrefix(got, want) {
			t.Errorf("%s in the Pod %s: %s, want %s", name, pod, got, want)
		}
	}
}

// changeCorefile changes the Corefile of kube-system and waits until all Pods have it.
func (c *cluster) changeCorefile(t *testing.T, change func(string) string) time.Duration {
	t.Helper()
	maps := c.client.CoreV1().ConfigMaps("kube-system")
	config, err := maps.Get(t.Context(), "coredns", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	before := config.Data["Corefile"]
	if config.Data["Corefile"] = change(before); config.Data["Corefile"] == before {
		t.Fatal("the change changes nothing")
	}
	if _, err := maps.Update(t.Context(), config, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	return c.awaitReload(t, config)
}

// testRollback follows the page back to the CoreDNS that was there before.
func (c *cluster) testRollback(t *testing.T) {
	c.walk(t, "kubectl -n kube-system get configmap coredns -o yaml > with-dnssec.yaml")
	var before struct{ Items []corev1.ConfigMap }
	if err := yaml.Unmarshal(read(t, filepath.Join(c.copy, "before.yaml")), &before); err != nil {
		t.Fatal(err)
	}
	var now map[string]any
	if err := yaml.Unmarshal(read(t, filepath.Join(c.copy, "with-dnssec.yaml")), &now); err != nil {
		t.Fatal(err)
	}
	now["data"] = before.Items[0].Data
	edited, err := yaml.Marshal(now)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(directory, "edited.yaml"), edited, 0o644); err != nil {
		t.Fatal(err)
	}
	editor := filepath.Join(directory, "editor")
	if err := os.WriteFile(editor, []byte("#!/bin/sh\ncp "+directory+"/edited.yaml \"$1\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.run(t, "KUBE_EDITOR="+editor+" "+c.command(t, "kubectl -n kube-system edit configmap coredns"))
	c.walk(t, "kubectl -n kube-system rollout undo deployment/coredns")
	c.walk(t, "kubectl -n kube-system rollout status deployment/coredns")
	c.walk(t, "kubectl -n kube-system delete poddisruptionbudget/coredns configmap/coredns-trust-anchors")
	c.awaitAnswers(t, node.ClusterDNS, time.Minute, unvalidated)
}
