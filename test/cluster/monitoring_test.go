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

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

// prometheus is where Prometheus listens, in the sandbox.
const prometheus = "127.0.0.1:9090"

// scrape is what the operator makes of the ServiceMonitor: the Services with the labels, in
// the namespaces, and of them the endpoints of one port.
const scrape = `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%s/rules.yaml]
scrape_configs:
- job_name: coredns
  kubernetes_sd_configs: [{role: endpointslice, kubeconfig_file: %s, namespaces: {names: [%s]}}]
  relabel_configs:
  - {action: keep, source_labels: [__meta_kubernetes_service_label_app_kubernetes_io_part_of], regex: %s}
  - {action: keep, source_labels: [__meta_kubernetes_endpointslice_port_name], regex: %s}
  - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
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
	for _, expression := range []string{`coredns_dnssec_validations_total{status="secure"} > 0`, `coredns_build_info{revision=~"dnssecval.*"}`} {
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

// startPrometheus starts a Prometheus that scrapes as the ServiceMonitor in the cluster says,
// with the rules as the page says for those who have no operator.
func (c *cluster) startPrometheus(t *testing.T) {
	t.Helper()
	var monitor monitoringv1.ServiceMonitor
	if err := yaml.UnmarshalStrict([]byte(c.run(t, "kubectl -n monitoring get servicemonitor coredns-dnssec -o yaml")), &monitor); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rules := c.walk(t, "yq .spec deploy/kubernetes/monitoring/prometheusrule.yaml")
	config := fmt.Sprintf(scrape, dir, c.node.Kubeconfig(), strings.Join(monitor.Spec.NamespaceSelector.MatchNames, ", "),
		monitor.Spec.Selector.MatchLabels["app.kubernetes.io/part-of"], monitor.Spec.Endpoints[0].Port)
	for name, text := range map[string]string{"rules.yaml": rules, "prometheus.yaml": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := c.node.Command(context.Background(), "prometheus", "--config.file="+dir+"/prometheus.yaml", "--storage.tsdb.path="+dir+"/data", "--web.listen-address="+prometheus)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
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
