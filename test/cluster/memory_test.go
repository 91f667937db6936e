package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"k8s.io/apimachinery/pkg/api/resource"
)

// questions is how many questions one Pod gets, each for another name.
const questions = 50_000

// testMemory asks one Pod for many names that are signed, and looks at what the kubelet
// measures.
func (c *cluster) testMemory(t *testing.T) {
	var pod, address string
	for pod, address = range c.pods(t, "kube-system", kubeDNS) {
		break
	}
	var next, failed atomic.Int64
	var clients sync.WaitGroup
	for range 16 {
		clients.Go(func() {
			for n := next.Add(1); n <= questions; n = next.Add(1) {
				name, want := fmt.Sprintf("n%d.wild.signed.example", n), "NOERROR ad 192.0.2.81"
				if n%2 == 0 {
					name, want = fmt.Sprintf("n%d.hashed.test", n), "NXDOMAIN ad"
				}
				if a, err := ask(t.Context(), address, name, dns.TypeA); err != nil || describe(a) != want {
					failed.Add(1)
				}
			}
		})
	}
	clients.Wait()
	if n := failed.Load(); n > questions/1000 {
		t.Errorf("%d of %d answers are wrong or missing", n, questions)
	}
	var used int64
	c.await(t, "the kubelet measures", time.Minute, func(context.Context) error {
		if used = c.workingSet(t, pod); used == 0 {
			return errors.New("it has not yet")
		}
		return nil
	})
	limit := resource.MustParse(c.run(t, "kubectl -n kube-system get pod "+pod+" -o jsonpath={.spec.containers[0].resources.limits.memory}"))
	c.note("  %s: %d MiB of %d MiB after %d questions, %d of them failed", pod, used>>20, limit.Value()>>20, questions, failed.Load())
	if used > limit.Value() {
		t.Errorf("%d bytes, and the limit is %s", used, limit.String())
	}
	if restarts := c.run(t, "kubectl -n kube-system get pod "+pod+" -o jsonpath={.status.containerStatuses[0].restartCount}"); restarts != "0" {
		t.Errorf("it was restarted %s times", restarts)
	}
}

// workingSet returns the memory of a Pod that the kubelet would evict it for, or 0 if it has
// not measured it yet.
func (c *cluster) workingSet(t *testing.T, pod string) int64 {
	t.Helper()
	var stats struct {
		Pods []struct {
			PodRef struct{ Name string }
			Memory struct{ WorkingSetBytes int64 }
		}
	}
	if err := json.Unmarshal([]byte(c.run(t, "kubectl get --raw '/api/v1/nodes/node/proxy/stats/summary'")), &stats); err != nil {
		t.Fatal(err)
	}
	for _, p := range stats.Pods {
		if p.PodRef.Name == pod {
			return p.Memory.WorkingSetBytes
		}
	}
	return 0
}
