package cluster

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/test/cluster/node"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// forCluster replaces what the guides say about the world outside.
var forCluster = strings.NewReplacer("8.8.8.8 8.8.4.4", node.Upstream, "10.0.0.53", node.Upstream)

// guides returns the Corefiles of the guides that forward everything, by title.
func guides(t *testing.T) map[string]string {
	t.Helper()
	corefiles := map[string]string{}
	text := string(read(t, filepath.Join(repository, "testdata/guide/guide.txt")))
	for _, m := range regexp.MustCompile(`(?ms)^== ([^\n]+)\n(.*?)(?:\z|(?:\n== ))`).FindAllStringSubmatch(strings.ReplaceAll(text, "\n== ", "\n\n== \n== "), -1) {
		corefiles[m[1]] = m[2]
	}
	text = string(read(t, filepath.Join(repository, "docs/guide.md")))
	for i, m := range regexp.MustCompile(`(?ms)^~~~ corefile\n(.*?)^~~~`).FindAllStringSubmatch(text, -1) {
		corefiles[fmt.Sprintf("docs/guide.md, Corefile %d", i+1)] = m[1]
	}
	for title, corefile := range corefiles {
		if !strings.HasPrefix(corefile, ".:53 {") || !strings.Contains(corefile, "validate") {
			delete(corefiles, title)
			continue
		}
		corefile = forCluster.Replace(corefile)
		if !strings.Contains(corefile, "trust-anchor") {
			corefile = strings.Replace(corefile, "validate\n", "validate\n        trust-anchor /etc/coredns/anchors/anchors\n", 1)
		}
		corefiles[title] = corefile
	}
	return corefiles
}

// testGuide runs each Corefile of the guides as a ConfigMap, in a Pod like those of the
// Deployment, and the guide's test from a Pod.
func (c *cluster) testGuide(t *testing.T) {
	deployment, err := c.client.AppsV1().Deployments("kube-system").Get(t.Context(), "coredns", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	corefiles := guides(t)
	if len(corefiles) < 7 {
		t.Fatalf("the guides have %d Corefiles", len(corefiles))
	}
	names := map[string]string{}
	for title, corefile := range corefiles {
		names[title] = fmt.Sprintf("guide-%d", len(names))
		c.startPod(t, names[title], corefile, deployment.Spec.Template.Spec)
	}
	for title, name := range names {
		t.Run(title, func(t *testing.T) {
			c.run(t, "kubectl -n kube-system wait --for=jsonpath='{.status.phase}'=Running pod/"+name+" --timeout=60s")
			want := validated
			if strings.Contains(corefiles[title], "\n        insecure\n") {
				want = []answer{validated[0], validated[1], unvalidated[1]}
			}
			c.awaitAnswers(t, c.run(t, "kubectl -n kube-system get pod "+name+" -o jsonpath={.status.podIP}"), time.Minute, want)
		})
	}
	c.run(t, "kubectl -n kube-system delete pod,configmap -l of=guide --wait=false")
	c.testFromPod(t)
}

// startPod starts a Pod with a Corefile of its own.
func (c *cluster) startPod(t *testing.T, name, corefile string, spec corev1.PodSpec) {
	t.Helper()
	meta := metav1.ObjectMeta{Name: name, Labels: map[string]string{"of": "guide"}}
	core := c.client.CoreV1()
	if _, err := core.ConfigMaps("kube-system").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"Corefile": corefile}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	spec.Volumes[0].ConfigMap.Name = name
	if _, err := core.Pods("kube-system").Create(t.Context(), &corev1.Pod{ObjectMeta: meta, Spec: *spec.DeepCopy()}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// testFromPod is the guide's test, with names of the world instead of public ones.
func (c *cluster) testFromPod(t *testing.T) {
	t.Helper()
	c.run(t, "kubectl run dnssec-test --image=busybox:1.37 --restart=Never -- sleep 3600")
	c.run(t, "kubectl wait --for=condition=Ready pod/dnssec-test --timeout=60s")
	if out, err := c.try(t, "kubectl exec dnssec-test -- nslookup www.signed.example"); err != nil || !strings.Contains(out, "192.0.2.80") {
		t.Errorf("a signed name: %v\n%s", err, out)
	}
	if out, err := c.try(t, "kubectl exec dnssec-test -- nslookup www.unsigned.example"); err != nil || !strings.Contains(out, "192.0.2.80") {
		t.Errorf("a name that is not signed: %v\n%s", err, out)
	}
	if out, err := c.try(t, "kubectl exec dnssec-test -- nslookup www.tampered.example"); err == nil || !strings.Contains(out, "SERVFAIL") {
		t.Errorf("a broken name: %v\n%s", err, out)
	}
	if out := c.run(t, "kubectl logs -n kube-system -l k8s-app=kube-dns | grep -i dnssec"); !strings.Contains(out, "www.tampered.example") {
		t.Errorf("the log:\n%s", out)
	}
	c.run(t, "kubectl delete pod dnssec-test --grace-period=1")
}
