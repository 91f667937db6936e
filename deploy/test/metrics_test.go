package deploy

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
)

// binaryEnv is the environment variable with the path of a CoreDNS with the
// plugin.
const binaryEnv = "DNSSECVAL_COREDNS"

func binary(t *testing.T) string {
	t.Helper()
	name := os.Getenv(binaryEnv)
	if name == "" {
		t.Skip(binaryEnv + " does not name a CoreDNS")
	}
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// onlyServed lists the metrics of blocks with the option serve, which the
// binary under test does not have.
var onlyServed = []string{"coredns_dnssec_zone_signature_expiration_timestamp_seconds"}

var (
	metricName = regexp.MustCompile(`\bcoredns_dnssec_\w+`)
	ofRecord   = regexp.MustCompile(`[\w:]+:coredns_dnssec_[\w:]+`)
)

// dashboard is the part of a Grafana dashboard that the tests use.
type dashboard struct {
	Title  string `json:"title"`
	UID    string `json:"uid"`
	Panels []struct {
		ID          int    `json:"id"`
		Title       string `json:"title"`
		Description string `json:"description"`
		Datasource  struct {
			UID string `json:"uid"`
		} `json:"datasource"`
		GridPos struct {
			X, Y, W, H int
		} `json:"gridPos"`
		Targets []struct {
			Expr  string `json:"expr"`
			RefID string `json:"refId"`
		} `json:"targets"`
	} `json:"panels"`
	Templating struct {
		List []struct {
			Name       string `json:"name"`
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	config := one[*corev1.ConfigMap](t, render(t, "monitoring"))
	var d dashboard
	if err := json.Unmarshal([]byte(config.Data["dnssecval.json"]), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// expressions returns all expressions of the rules and the dashboard by place.
// Grafana's variables are replaced by values.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, group := range rules(t).Groups {
		for _, rule := range group.Rules {
			all["rule "+rule.Alert+rule.Record] = rule.Expr.String()
		}
	}
	values := strings.NewReplacer("$__rate_interval", "5m", "$namespace", ".*", "$job", ".*")
	for _, panel := range readDashboard(t).Panels {
		for _, target := range panel.Targets {
			all["panel "+panel.Title+" "+target.RefID] = values.Replace(target.Expr)
		}
	}
	return all
}

// used returns the plugin's metrics in the expressions, with a place for each.
func used(t *testing.T) map[string]string {
	t.Helper()
	names := map[string]string{}
	for place, expr := range expressions(t) {
		for _, name := range metricName.FindAllString(ofRecord.ReplaceAllString(expr, ""), -1) {
			names[name] = place
		}
	}
	return names
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// family removes the suffixes of a histogram from a name.
func family(name string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return name
}

func TestMetricsAreDocumented(t *testing.T) {
	listed := map[string]bool{}
	text := readme(t)
	for _, name := range metricName.FindAllString(text, -1) {
		listed[name] = true
	}
	names := used(t)
	for name, place := range names {
		if !listed[family(name)] {
			t.Errorf("%s: README.md has no %s", place, name)
		}
	}
	// Metrics in the README that are not used here are only logged.
	for name := range listed {
		if _, ok := names[name]; !ok && !strings.HasSuffix(name, "_misses_total") && !strings.HasSuffix(name, "_duration_seconds") && !strings.HasSuffix(name, "_") {
			t.Logf("%s is neither in the rules nor in the dashboard", name)
		}
	}
}

// TestLabels compares the labels in the expressions with the README's.
func TestLabels(t *testing.T) {
	known := map[string]bool{"namespace": true, "job": true, "pod": true, "le": true}
	for _, m := range regexp.MustCompile(`coredns_dnssec_\w+\{([^}]*)\}`).FindAllStringSubmatch(readme(t), -1) {
		for label := range strings.SplitSeq(m[1], ",") {
			known[strings.TrimSpace(label)] = true
		}
	}
	grouping := regexp.MustCompile(`(?:by|on|ignoring) ?\(([^)]*)\)`)
	matcher := regexp.MustCompile(`[{,](\w+)[=!]~?"`)
	for place, expr := range expressions(t) {
		labels := []string{}
		for _, m := range grouping.FindAllStringSubmatch(expr, -1) {
			labels = append(labels, strings.Split(m[1], ",")...)
		}
		for _, m := range matcher.FindAllStringSubmatch(expr, -1) {
			labels = append(labels, m[1])
		}
		for _, label := range labels {
			if label = strings.TrimSpace(label); !known[label] {
				t.Errorf("%s: no metric has the label %q", place, label)
			}
		}
	}
}

func TestDashboard(t *testing.T) {
	d := readDashboard(t)
	if d.Title == "" || d.UID == "" || len(d.Panels) == 0 {
		t.Fatalf("dashboard %q has %d panels", d.Title, len(d.Panels))
	}
	ids := map[int]bool{}
	type cell struct{ x, y int }
	taken := map[cell]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || p.Description == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("panel %d %q: duplicate, or without title, description, data source or target", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[cell{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%q overlaps %q or is outside of the grid", p.Title, other)
				}
				taken[cell{x, y}] = p.Title
			}
		}
	}
	variables := map[string]bool{"__rate_interval": true}
	for _, v := range d.Templating.List {
		variables[v.Name] = true
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			for _, m := range regexp.MustCompile(`\$(\w+)`).FindAllStringSubmatch(target.Expr, -1) {
				if !variables[m[1]] {
					t.Errorf("%q: there is no variable %s", p.Title, m[1])
				}
			}
		}
	}
}

// TestDashboardExpressions checks the syntax with promtool.
func TestDashboardExpressions(t *testing.T) {
	var b strings.Builder
	b.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for place, expr := range expressions(t) {
		if strings.HasPrefix(place, "panel ") {
			fmt.Fprintf(&b, "  - {record: 'panel', expr: '%s', labels: {panel: '%s'}}\n", expr, place)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := promtool(t, dir, "check", "rules", "--lint=none", "rules.yaml"); err != nil {
		t.Errorf("promtool check rules: %v\n%s", err, out)
	}
}

// demo is a running cmd/demo: a signed world, and CoreDNS in front of it.
type demo struct {
	listen, metrics string
	upstream        string // address of the world
	anchors         string // file with its trust anchors
}

func startDemo(t *testing.T) demo {
	t.Helper()
	coredns := binary(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "demo")
	if prebuilt := os.Getenv(demoEnv); prebuilt != "" {
		program = prebuilt
	} else {
		buildDemo(t, program)
	}
	d := demo{listen: freeAddr(t), metrics: freeAddr(t)}
	cmd := exec.Command(program, "-coredns", coredns, "-listen", d.listen, "-metrics", d.metrics)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n') // "CoreDNS validates on …, upstream is ….", once it does
	if err != nil {
		t.Fatalf("demo: %v", err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	_, upstream, ok := strings.Cut(strings.TrimSpace(line), "upstream is ")
	files, _ := filepath.Glob(filepath.Join(dir, "dnssecval-demo-*", "anchors"))
	if !ok || len(files) != 1 {
		t.Fatalf("demo: %q, anchors: %v", line, files)
	}
	d.upstream, d.anchors = strings.TrimSuffix(upstream, "."), files[0]
	return d
}

// demoEnv is the environment variable with the path of a built demo.
const demoEnv = "DNSSECVAL_DEPLOY_DEMO"

func buildDemo(t *testing.T, program string) {
	t.Helper()
	build := exec.Command("go", "build", "-o", program, "./cmd/demo")
	build.Dir = repository
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cmd/demo: %v\n%s", err, out)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ask returns the answer to a query over UDP with DO.
func ask(t *testing.T, addr, name string) *dns.Msg {
	t.Helper()
	q := new(dns.Msg).SetQuestion(name, dns.TypeA).SetEdns0(1232, true)
	client := dns.Client{Timeout: 8 * time.Second}
	a, _, err := client.Exchange(q, addr)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return a
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	r, err := client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

// TestMetricsAreExported asks CoreDNS for a few names and checks that it
// exports every metric that the rules and the dashboard use.
func TestMetricsAreExported(t *testing.T) {
	d := startDemo(t)
	for range 2 {
		for _, name := range []string{"www.signed.example.", "nobody.signed.example.", "www.hashed.test.", "www.unsigned.example.", "www.tampered.example.", "www.expired.example."} {
			ask(t, d.listen, name)
		}
	}
	_, text := get(t, "http://"+d.metrics+"/metrics")
	exported := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^(coredns_dnssec_\w+)(?:\{([^}]*)\})? `).FindAllStringSubmatch(text, -1) {
		exported[m[1]] = true
		if !strings.Contains(m[2], `server="`) {
			t.Errorf("%s has no server", m[0])
		}
	}
	if len(exported) == 0 {
		t.Fatalf("nothing is exported:\n%s", text)
	}
	for name, place := range used(t) {
		if exported[name] {
			continue
		}
		if slices.Contains(onlyServed, name) {
			t.Logf("%s: %s is not exported here: nothing is served", place, name)
			continue
		}
		t.Errorf("%s: %s is not exported", place, name)
	}
}
