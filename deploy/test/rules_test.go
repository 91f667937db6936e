package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

// promtool runs promtool in dir.
func promtool(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("there is no promtool; test/scripts/install-integration.sh installs it")
	}
	cmd := exec.Command(tool, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// writeRules writes groups as a Prometheus rule file.
func writeRules(t *testing.T, dir string, spec monitoringv1.PrometheusRuleSpec) {
	t.Helper()
	text, err := yaml.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func rules(t *testing.T) monitoringv1.PrometheusRuleSpec {
	t.Helper()
	return one[*monitoringv1.PrometheusRule](t, render(t, "monitoring")).Spec
}

func alerts(t *testing.T) []monitoringv1.Rule {
	t.Helper()
	var all []monitoringv1.Rule
	for _, group := range rules(t).Groups {
		for _, rule := range group.Rules {
			if rule.Alert != "" {
				all = append(all, rule)
			}
		}
	}
	if len(all) == 0 {
		t.Fatal("there are no alerts")
	}
	return all
}

func TestCheckRules(t *testing.T) {
	dir := t.TempDir()
	writeRules(t, dir, rules(t))
	if out, err := promtool(t, dir, "check", "rules", "rules.yaml"); err != nil {
		t.Errorf("promtool check rules: %v\n%s", err, out)
	}
}

// alertTests is the part of testdata/alerts.yaml that is checked.
type alertTests struct {
	Tests []struct {
		Exprs []struct {
			Expr    string           `json:"expr"`
			Samples []map[string]any `json:"exp_samples"`
		} `json:"promql_expr_test"`
	} `json:"tests"`
}

// TestAlerts runs testdata/alerts.yaml, in which each alert has to fire and has
// to stay quiet.
func TestAlerts(t *testing.T) {
	text, err := os.ReadFile("testdata/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tests alertTests
	if err := yaml.Unmarshal(text, &tests); err != nil {
		t.Fatal(err)
	}
	fires, quiet := map[string]bool{}, map[string]bool{}
	name := regexp.MustCompile(`alertname="(\w+)"`)
	for _, test := range tests.Tests {
		for _, expr := range test.Exprs {
			if m := name.FindStringSubmatch(expr.Expr); m != nil {
				fires[m[1]] = fires[m[1]] || len(expr.Samples) > 0
				quiet[m[1]] = quiet[m[1]] || len(expr.Samples) == 0
			}
		}
	}
	for _, alert := range alerts(t) {
		if !fires[alert.Alert] || !quiet[alert.Alert] {
			t.Errorf("%s: tested to fire: %t, to stay quiet: %t", alert.Alert, fires[alert.Alert], quiet[alert.Alert])
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "alerts.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	writeRules(t, dir, rules(t))
	if out, err := promtool(t, dir, "test", "rules", "alerts.yaml"); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
}

// TestAlertTestsSee removes each alert in turn, and makes each fire
// permanently. The tests in testdata have to fail both times.
func TestAlertTestsSee(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	text, err := os.ReadFile("testdata/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "alerts.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, alert := range alerts(t) {
		for what, expr := range map[string]string{"never fires": "vector(1) < 0", "fires always": "vector(1)"} {
			changed := rules(t)
			for _, group := range changed.Groups {
				for i := range group.Rules {
					if group.Rules[i].Alert == alert.Alert {
						group.Rules[i].Expr.StrVal = expr
					}
				}
			}
			writeRules(t, dir, changed)
			if _, err := promtool(t, dir, "test", "rules", "alerts.yaml"); err == nil {
				t.Errorf("no test fails although %s %s", alert.Alert, what)
			}
		}
	}
}

func TestAlertsHelp(t *testing.T) {
	severities := []string{"critical", "warning", "info"}
	for _, alert := range alerts(t) {
		if !slices.Contains(severities, alert.Labels["severity"]) {
			t.Errorf("%s has severity %q", alert.Alert, alert.Labels["severity"])
		}
		for _, annotation := range []string{"summary", "description", "runbook"} {
			if strings.TrimSpace(alert.Annotations[annotation]) == "" {
				t.Errorf("%s has no %s", alert.Alert, annotation)
			}
		}
		if !strings.HasPrefix(alert.Annotations["runbook"], "1. ") {
			t.Errorf("%s: the runbook has no first step", alert.Alert)
		}
	}
}

// TestReasons compares the reasons in the rules with the README's table.
func TestReasons(t *testing.T) {
	known := readme(t)
	for _, group := range rules(t).Groups {
		for _, rule := range group.Rules {
			for _, m := range regexp.MustCompile(`reason[=!]~?"([^"]*)"`).FindAllStringSubmatch(rule.Expr.String(), -1) {
				for reason := range strings.SplitSeq(m[1], "|") {
					if !strings.Contains(known, "`"+reason+"`") {
						t.Errorf("%s: README.md has no reason %q", rule.Alert+rule.Record, reason)
					}
				}
			}
		}
	}
}
