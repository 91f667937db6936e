package cluster

import (
	"context"
	"crypto/sha512"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coredns/caddy/caddyfile"
	"github.com/dnssecval/dnssecval/test/cluster/node"
	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// metrics returns what a Pod exports.
func metrics(ctx context.Context, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+":9153/metrics", nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

// awaitMetric waits until all Pods export a line that matches.
func (c *cluster) awaitMetric(t *testing.T, pattern string, limit time.Duration) time.Duration {
	t.Helper()
	line := regexp.MustCompile("(?m)" + pattern)
	pods := c.pods(t, "kube-system", kubeDNS)
	return c.await(t, "the metric "+pattern, limit, func(ctx context.Context) error {
		for name, address := range pods {
			text, err := metrics(ctx, address)
			if err != nil {
				return err
			}
			if !line.MatchString(text) {
				return fmt.Errorf("%s does not have it", name)
			}
		}
		return nil
	})
}

// awaitReload waits until all Pods run with a Corefile, which they tell by its digest.
func (c *cluster) awaitReload(t *testing.T, config *corev1.ConfigMap) time.Duration {
	t.Helper()
	blocks, err := caddyfile.Parse("/etc/coredns/Corefile", strings.NewReader(config.Data["Corefile"]), nil)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := json.Marshal(blocks)
	if err != nil {
		t.Fatal(err)
	}
	return c.awaitMetric(t, fmt.Sprintf(`^coredns_reload_version_info\{hash="sha512",value="%x"\} 1$`, sha512.Sum512(parsed)), reloading)
}

// setAnchors changes the ConfigMap with the anchors.
func (c *cluster) setAnchors(t *testing.T, text string) {
	t.Helper()
	maps := c.client.CoreV1().ConfigMaps("kube-system")
	config, err := maps.Get(t.Context(), "coredns-trust-anchors", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config.Data["anchors"] = text
	if _, err := maps.Update(t.Context(), config, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// testAnchors changes the trust anchors of running Pods: to more of them, to a file that is
// not correct, to the wrong key, and back.
func (c *cluster) testAnchors(t *testing.T) {
	right := c.world.anchors(".")
	c.setAnchors(t, c.world.anchors(".", "signed.example."))
	took := c.awaitMetric(t, `^coredns_dnssec_trust_anchors\{.*zone="signed.example."\} 1$`, time.Minute)
	c.note("%-36s %4.0f s", "  another anchor in force", took.Seconds())

	c.setAnchors(t, "no anchor\n")
	c.awaitLog(t, `(?m)anchors/anchors:1`)
	c.awaitAll(t, time.Second, validated)

	c.setAnchors(t, strings.Join(c.world.Anchors("example."), "\n")+"\n"+c.wrongRoot())
	bogus := []answer{{"nobody.hashed.test", dns.TypeMX, "SERVFAIL"}}
	c.awaitAll(t, time.Minute, bogus)
	c.setAnchors(t, right)
	c.awaitAll(t, 2*time.Minute, validated)
}

// wrongRoot is an anchor of the root that no key of it matches.
func (c *cluster) wrongRoot() string {
	return ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
}

// awaitLog waits until a Pod has logged a line that matches.
func (c *cluster) awaitLog(t *testing.T, pattern string) {
	t.Helper()
	line := regexp.MustCompile(pattern)
	c.await(t, "the log line "+pattern, time.Minute, func(context.Context) error {
		out, err := c.try(t, "kubectl -n kube-system logs --tail=200 -l "+kubeDNS)
		if err == nil && !line.MatchString(out) {
			err = fmt.Errorf("the log is\n%s", out)
		}
		return err
	})
}

// testInsecure switches report-only mode on and off, as the page says.
func (c *cluster) testInsecure(t *testing.T) {
	on := c.changeCorefile(t, func(s string) string { return strings.Replace(s, "        # insecure\n", "        insecure\n", 1) })
	// What the cache has is refused for some seconds more.
	passed := []answer{validated[0], {"www.expired.example", dns.TypeA, "NOERROR 192.0.2.80"}}
	c.awaitAll(t, time.Minute, passed)
	off := c.changeCorefile(t, func(s string) string { return strings.Replace(s, "        insecure\n", "        # insecure\n", 1) })
	c.awaitAll(t, time.Minute, validated)
	c.note("%-36s %4.0f s, off %.0f s", "  insecure on", on.Seconds(), off.Seconds())
}

// prober asks the Service each 20 ms, from a port of its own each time, and does not wait for
// one answer before it asks again.
type prober struct {
	asked      int
	late       []string    // why questions were not answered at the first try
	lost       []time.Time // when the questions were asked that were not answered at all
	mu         sync.Mutex
	stop, done chan struct{}
}

func probe() *prober {
	p := &prober{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		var questions sync.WaitGroup
		defer questions.Wait()
		for {
			select {
			case <-p.stop:
				return
			case <-tick.C:
			}
			p.asked++
			questions.Go(p.ask)
		}
	}()
	return p
}

// ask asks as a stub resolver does, which sends a question again that is not answered, or that
// no process takes. A reply is lost in the moment in which kube-proxy forgets the connections to
// an endpoint, and until then a port that is used again leads to a Pod that has ended. A wrong
// answer is never excused.
func (p *prober) ask() {
	at := time.Now()
	err := differs(context.Background(), node.ClusterDNS, validated[:1])
	if err == nil {
		return
	}
	p.mu.Lock()
	p.late = append(p.late, err.Error())
	p.mu.Unlock()
	if unanswered := net.Error(nil); errors.As(err, &unanswered) {
		if err = differs(context.Background(), node.ClusterDNS, validated[:1]); err == nil {
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = append(p.lost, at)
}

// end stops the prober and returns how many answers it did not get, and of how many.
func (p *prober) end(t *testing.T) (lost, asked int) {
	t.Helper()
	close(p.stop)
	<-p.done
	for _, why := range p.late {
		t.Logf("not at the first try: %s", why)
	}
	return len(p.lost), p.asked
}

// check fails if an answer was lost, or if more came at the second try than are under way when
// each of the two Pods ends.
func (p *prober) check(t *testing.T) {
	t.Helper()
	if len(p.lost) > 0 || len(p.late) > 4 {
		t.Errorf("of %d answers, %d were lost, and %d did not come at the first try", p.asked, len(p.lost), len(p.late))
	}
}

// testRestart replaces all Pods, and no answer may be lost.
func (c *cluster) testRestart(t *testing.T) {
	p := probe()
	begin := time.Now()
	c.run(t, "kubectl -n kube-system rollout restart deployment/coredns")
	c.run(t, "kubectl -n kube-system rollout status deployment/coredns")
	took := time.Since(begin)
	time.Sleep(6 * time.Second) // the old Pods end after health's lameduck of 5 s
	lost, asked := p.end(t)
	c.note("%-36s %4.0f s, %d of %d answers lost, %d at the second try", "  replaced", took.Seconds(), lost, asked, len(p.late)-lost)
	p.check(t)
}

// testKill kills the process of one container. The kubelet starts it again.
func (c *cluster) testKill(t *testing.T) {
	processes, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	p := probe()
	killed := false
	for _, link := range processes {
		if target, err := os.Readlink(link); err != nil || target != "/coredns" || killed {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(link, "/proc/%d/exe", &pid); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		killed = true
	}
	if !killed {
		t.Fatal("there is no process of CoreDNS")
	}
	took := c.await(t, "a container that was started again", time.Minute, func(context.Context) error {
		out, err := c.try(t, "kubectl -n kube-system get pods -l "+kubeDNS+" -o jsonpath='{range .items[*]}{.status.containerStatuses[0].restartCount}{.status.containerStatuses[0].ready}{\"\\n\"}{end}'")
		if err == nil && (!strings.Contains(out, "1true") || strings.Contains(out, "false")) {
			err = fmt.Errorf("the Pods are\n%s", out)
		}
		return err
	})
	ready := time.Now()
	c.awaitAnswers(t, node.ClusterDNS, 10*time.Second, validated)
	time.Sleep(3 * time.Second)
	lost, asked := p.end(t)
	c.note("%-36s %4.0f s, %d of %d answers lost", "  started again and ready", took.Seconds(), lost, asked)
	// kube-proxy may hear of it a moment later.
	for _, at := range p.lost {
		if at.After(ready.Add(time.Second)) {
			t.Errorf("a question was lost %s after the container was ready", at.Sub(ready))
		}
	}
}

// testEviction drains: one Pod is evicted, the second only when the first is replaced.
func (c *cluster) testEviction(t *testing.T) {
	var names []string
	for name := range c.pods(t, "kube-system", kubeDNS) {
		names = append(names, name)
	}
	if len(names) != 2 {
		t.Fatalf("there are the Pods %v", names)
	}
	evict := func(name string) error {
		return c.client.PolicyV1().Evictions("kube-system").Evict(t.Context(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "kube-system"}})
	}
	p := probe()
	if err := evict(names[0]); err != nil {
		t.Fatal(err)
	}
	if err := evict(names[1]); !apierrors.IsTooManyRequests(err) {
		t.Errorf("the second eviction at the same time: %v, want: too many requests", err)
	}
	c.await(t, "the second eviction", time.Minute, func(context.Context) error { return evict(names[1]) })
	c.run(t, "kubectl -n kube-system rollout status deployment/coredns")
	time.Sleep(6 * time.Second) // health's lameduck
	lost, asked := p.end(t)
	c.note("%-36s         %d of %d answers lost, %d at the second try", "  both Pods evicted in turn", lost, asked, len(p.late)-lost)
	p.check(t)
}
