package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/test/cluster/node"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// prometheus is where Prometheus listens, in the sandbox.
const prometheus = "127.0.0.1:9090"

// scrape has the targets in a file: Debian's Prometheus is built without the discovery of
// Kubernetes. The Service itself is a target, too.
const scrape = `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%[1]s/rules.yaml]
scrape_configs:
- {job_name: coredns, file_sd_configs: [{files: [%[1]s/targets.json]}]}
- {job_name: service, static_configs: [{targets: ["%[2]s:9153"]}]}
`

// testMonitoring applies ServiceMonitor and rules against the operator's CRDs, and has a
// Prometheus find the Pods as the ServiceMonitor says.
func (c *cluster) testMonitoring(t *testing.T) {
	c.run(t, "kubectl apply --server-side -f "+absolute(t, crdsEnv))
	c.run(t, "kubectl wait --for=condition=Established --timeout=30s crd/servicemonitors.monitoring.coreos.com crd/prometheusrules.monitoring.coreos.com")
	c.walk(t, "kubectl create namespace monitoring")
	c.walk(t, "kubectl apply -k deploy/kubernetes/monitoring")
	c.serverSide(t, "monitoring")
	for kind, change := range map[string]string{
		"servicemonitor/coredns-dnssec": `[{"op":"replace","path":"/spec/endpoints/0/interval","value":"often"}]`,
		"prometheusrule":                `[{"op":"remove","path":"/spec/groups/0/name"}]`,
	} {
		object := strings.TrimSpace(c.run(t, "kubectl -n monitoring get "+kind+" -o name"))
		if out, err := c.try(t, "kubectl -n monitoring patch "+object+" --dry-run=server --type=json -p '"+change+"'"); err == nil {
			t.Errorf("the CRD of %s accepts anything: %s", kind, out)
		}
	}
	c.startPrometheus(t)
	pods := c.pods(t, "kube-system", kubeDNS)
	c.await(t, "Prometheus has both Pods", time.Minute, func(ctx context.Context) error {
		return samples(ctx, `up{job="coredns"} == 1`, len(pods))
	})
	c.answers(t, firstOf(pods), validated)
	for _, expression := range []string{`up{job="service"} == 1`, `coredns_dnssec_validations_total{status="secure"} > 0`, `coredns_build_info{revision=~"dnssecval.*"}`} {
		c.await(t, expression, 20*time.Second, func(ctx context.Context) error { return samples(ctx, expression, 1) })
	}
	c.await(t, "the rules are evaluated", 20*time.Second, rulesHealthy)
}

func firstOf(pods map[string]string) (address string) {
	for _, address = range pods {
		break
	}
	return address
}

// target is an entry of a file of targets.
type target struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// targets does what the operator and Prometheus do with a ServiceMonitor: they select Services
// by namespace and label, and of their endpoints those at the port with the name.
func (c *cluster) targets(t *testing.T) (list []target) {
	t.Helper()
	var monitor monitoringv1.ServiceMonitor
	if err := yaml.UnmarshalStrict([]byte(c.run(t, "kubectl -n monitoring get servicemonitor coredns-dnssec -o yaml")), &monitor); err != nil {
		t.Fatal(err)
	}
	selector := metav1.FormatLabelSelector(&monitor.Spec.Selector)
	for _, namespace := range monitor.Spec.NamespaceSelector.MatchNames {
		services, err := c.client.CoreV1().Services(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			t.Fatal(err)
		}
		for _, service := range services.Items {
			slices, err := c.client.DiscoveryV1().EndpointSlices(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + service.Name})
			if err != nil {
				t.Fatal(err)
			}
			for _, slice := range slices.Items {
				list = append(list, endpoints(slice, monitor.Spec.Endpoints[0].Port)...)
			}
		}
	}
	return list
}

// endpoints returns the endpoints at a port.
func endpoints(slice discoveryv1.EndpointSlice, name string) (list []target) {
	for _, port := range slice.Ports {
		if port.Name == nil || *port.Name != name {
			continue
		}
		for _, endpoint := range slice.Endpoints {
			list = append(list, target{[]string{fmt.Sprintf("%s:%d", endpoint.Addresses[0], *port.Port)}, map[string]string{"namespace": slice.Namespace, "pod": endpoint.TargetRef.Name}})
		}
	}
	return list
}

// startPrometheus starts a Prometheus that scrapes what the ServiceMonitor selects, with the
// rules as the page says for those who have no operator.
func (c *cluster) startPrometheus(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	targets, err := json.Marshal(c.targets(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"rules.yaml":      c.walk(t, "yq .spec deploy/kubernetes/monitoring/prometheusrule.yaml"),
		"prometheus.yaml": fmt.Sprintf(scrape, dir, node.ClusterDNS),
		"targets.json":    string(targets),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Create(filepath.Join(c.node.Logs(), "prometheus.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := c.node.Command(context.Background(), "prometheus", "--config.file="+dir+"/prometheus.yaml", "--storage.tsdb.path="+dir+"/data", "--web.listen-address="+prometheus)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		log.Close()
	})
}

// fetch reads from Prometheus's API.
func fetch(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+prometheus+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(into)
}

// samples returns an error unless an expression has at least so many samples.
func samples(ctx context.Context, expression string, want int) error {
	var answer struct{ Data struct{ Result []any } }
	if err := fetch(ctx, "/api/v1/query?query="+url.QueryEscape(expression), &answer); err != nil {
		return err
	}
	if got := len(answer.Data.Result); got < want {
		return fmt.Errorf("%s has %d samples, want %d", expression, got, want)
	}
	return nil
}

// rulesHealthy returns an error unless all alerts were evaluated.
func rulesHealthy(ctx context.Context) error {
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	if err := fetch(ctx, "/api/v1/rules", &answer); err != nil {
		return err
	}
	if len(answer.Data.Groups) == 0 {
		return fmt.Errorf("there are no rules")
	}
	for _, group := range answer.Data.Groups {
		for _, rule := range group.Rules {
			if rule.Health != "ok" {
				return fmt.Errorf("%s: %s %s", rule.Name, rule.Health, rule.LastError)
			}
		}
	}
	return nil
}
