package deploy

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// withPods lists the overlays that run CoreDNS.
var withPods = overlays[:3]

func eachPod(t *testing.T, check func(t *testing.T, all objects, pod corev1.PodTemplateSpec)) {
	t.Helper()
	for _, overlay := range withPods {
		t.Run(path.Base(overlay), func(t *testing.T) {
			all := render(t, overlay)
			pod, _ := pods(t, all)
			check(t, all, pod)
		})
	}
}

func selects(t *testing.T, selector *metav1.LabelSelector, set map[string]string) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return !s.Empty() && s.Matches(labels.Set(set))
}

func TestSelectors(t *testing.T) {
	monitor := one[*monitoringv1.ServiceMonitor](t, render(t, "monitoring"))
	eachPod(t, func(t *testing.T, all objects, pod corev1.PodTemplateSpec) {
		_, selector := pods(t, all)
		if !selects(t, selector, pod.Labels) {
			t.Errorf("%v does not select the Pods, %v", selector, pod.Labels)
		}
		for _, constraint := range pod.Spec.TopologySpreadConstraints {
			if !selects(t, constraint.LabelSelector, pod.Labels) {
				t.Errorf("spread over %s: %v does not select the Pods", constraint.TopologyKey, constraint.LabelSelector)
			}
		}
		for _, budget := range of[*policyv1.PodDisruptionBudget](all) {
			if !selects(t, budget.Spec.Selector, pod.Labels) {
				t.Errorf("the disruption budget's %v does not select the Pods", budget.Spec.Selector)
			}
		}
		service := one[*corev1.Service](t, all)
		if !selects(t, &metav1.LabelSelector{MatchLabels: service.Spec.Selector}, pod.Labels) {
			t.Errorf("the Service's %v does not select the Pods", service.Spec.Selector)
		}
		if !selects(t, &monitor.Spec.Selector, service.Labels) || !slices.Contains(monitor.Spec.NamespaceSelector.MatchNames, service.Namespace) {
			t.Error("the ServiceMonitor does not select the Service")
		}
		if !slices.ContainsFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == monitor.Spec.Endpoints[0].Port }) {
			t.Errorf("the Service has no port %s for the ServiceMonitor", monitor.Spec.Endpoints[0].Port)
		}
	})
}

// TestNamesApart checks that no Service of an overlay selects the Pods of
// another.
func TestNamesApart(t *testing.T) {
	for _, a := range withPods {
		service := one[*corev1.Service](t, render(t, a))
		for _, b := range withPods {
			pod, _ := pods(t, render(t, b))
			if a != b && selects(t, &metav1.LabelSelector{MatchLabels: service.Spec.Selector}, pod.Labels) {
				t.Errorf("the Service of %s selects the Pods of %s", a, b)
			}
		}
	}
}

func TestPorts(t *testing.T) {
	eachPod(t, func(t *testing.T, all objects, pod corev1.PodTemplateSpec) {
		container := pod.Spec.Containers[0]
		corefile := corefileOf(t, all)
		has := map[string]corev1.ContainerPort{}
		for _, port := range container.Ports {
			has[port.Name] = port
		}
		if has["dns"].ContainerPort != 53 || has["dns"].Protocol != corev1.ProtocolUDP || has["dns-tcp"].ContainerPort != 53 || has["dns-tcp"].Protocol != corev1.ProtocolTCP {
			t.Errorf("dns and dns-tcp are %v", has)
		}
		for _, zone := range corefile.zones {
			if !strings.HasSuffix(zone, ":53") {
				t.Errorf("the Corefile has %s, not on port 53", zone)
			}
		}
		if want := fmt.Sprintf(":%d", has["metrics"].ContainerPort); len(corefile.words["prometheus"]) == 0 || corefile.words["prometheus"][0] != want {
			t.Errorf("the port metrics is %s, in the Corefile %v", want, corefile.words["prometheus"])
		}
		for _, port := range one[*corev1.Service](t, all).Spec.Ports {
			target := has[port.TargetPort.StrVal]
			if target.ContainerPort != port.Port || target.Protocol != port.Protocol || port.Name != target.Name {
				t.Errorf("the Service's port %v leads to %v", port, target)
			}
		}
		checkProbe(t, container.LivenessProbe, corefile, "health", "/health", 8080)
		checkProbe(t, container.ReadinessProbe, corefile, "ready", "/ready", 8181)
	})
}

func checkProbe(t *testing.T, probe *corev1.Probe, c corefile, word, path string, port int32) {
	t.Helper()
	if probe == nil || probe.HTTPGet == nil {
		t.Errorf("there is no probe of %s", path)
		return
	}
	get := probe.HTTPGet
	if get.Path != path || get.Port.IntVal != port {
		t.Errorf("the probe asks %s on %s", get.Path, get.Port.String())
	}
	want := []string{"", fmt.Sprintf("%s:%d", get.Host, port)} // the default, or as configured
	if get.Host != "" {
		want = want[1:]
	}
	if len(c.words[word]) != 1 || !slices.Contains(want, c.words[word][0]) {
		t.Errorf("the Corefile has %s %v, the probe wants %v", word, c.words[word], want)
	}
}

// corefile is a parsed Corefile.
type corefile struct {
	text  string
	zones []string            // with ports
	words map[string][]string // first word of a line -> the rest, for all lines
}

func corefileOf(t *testing.T, all objects) corefile {
	t.Helper()
	pod, _ := pods(t, all)
	for _, volume := range pod.Spec.Volumes {
		if volume.Name == "config-volume" {
			return parseCorefile(named[*corev1.ConfigMap](t, all, volume.ConfigMap.Name).Data["Corefile"])
		}
	}
	t.Fatal("there is no Corefile")
	panic("not reached")
}

func parseCorefile(text string) corefile {
	c := corefile{text: text, words: map[string][]string{}}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "}" {
			continue
		}
		if words[len(words)-1] == "{" {
			words = words[:len(words)-1]
			if line[0] != ' ' {
				c.zones = append(c.zones, words...)
				continue
			}
		}
		c.words[words[0]] = append(c.words[words[0]], strings.Join(words[1:], " "))
	}
	return c
}

func TestMounts(t *testing.T) {
	eachPod(t, func(t *testing.T, all objects, pod corev1.PodTemplateSpec) {
		files := mounted(t, all, pod)
		args := pod.Spec.Containers[0].Args
		if len(args) != 2 || args[0] != "-conf" || files[args[1]] == "" {
			t.Errorf("%v: the mounted files are %v", args, files)
		}
		anchors := corefileOf(t, all).words["trust-anchor"]
		if len(anchors) != 1 {
			t.Fatalf("trust-anchor: %v", anchors)
		}
		text := files[anchors[0]]
		for _, key := range []string{
			". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
			". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
		} {
			if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(key) + `\b`).MatchString(text) {
				t.Errorf("%s has no %s", anchors[0], key)
			}
		}
	})
}

// mounted returns the files in the first container, with their content.
func mounted(t *testing.T, all objects, pod corev1.PodTemplateSpec) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, mount := range pod.Spec.Containers[0].VolumeMounts {
		if mount.SubPath != "" || mount.SubPathExpr != "" {
			t.Errorf("%s is a subPath, which never sees a change", mount.MountPath)
		}
		if !mount.ReadOnly {
			t.Errorf("%s can be written to", mount.MountPath)
		}
		at := slices.IndexFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		if at < 0 || pod.Spec.Volumes[at].ConfigMap == nil {
			t.Fatalf("%s is a volume that is not there, or no ConfigMap", mount.Name)
		}
		source := pod.Spec.Volumes[at].ConfigMap
		if source.Optional != nil && *source.Optional {
			t.Errorf("ConfigMap %s is optional", source.Name)
		}
		data := named[*corev1.ConfigMap](t, all, source.Name).Data
		for _, item := range source.Items {
			text, ok := data[item.Key]
			if !ok {
				t.Errorf("ConfigMap %s has no %s", source.Name, item.Key)
			}
			files[path.Join(mount.MountPath, item.Path)] = text
		}
	}
	return files
}

// TestCorefiles checks what all Corefiles need. TestPods starts them.
func TestCorefiles(t *testing.T) {
	eachPod(t, func(t *testing.T, all objects, pod corev1.PodTemplateSpec) {
		c := corefileOf(t, all)
		for _, word := range []string{"errors", "health", "ready", "prometheus", "forward", "dnssec", "validate", "log-failures", "cache", "loop", "reload"} {
			if len(c.words[word]) == 0 {
				t.Errorf("there is no %s", word)
			}
		}
		if len(c.words["insecure"]) > 0 {
			t.Error("the Corefile has insecure: forged answers pass")
		}
		_, api := c.words["kubernetes"]
		if account := pod.Spec.AutomountServiceAccountToken; api == (account != nil && !*account) {
			t.Error("only one of API server token and kubernetes plugin")
		}
		if (len(of[*rbacv1.ClusterRole](all)) > 0) != api {
			t.Error("only one of RBAC and kubernetes plugin")
		}
		if strings.Contains(c.text, "{$KUBE_DNS_SERVICE_HOST}") {
			links := pod.Spec.EnableServiceLinks
			if links == nil || !*links || one[*corev1.Service](t, all).Namespace != "kube-system" {
				t.Error("nothing sets KUBE_DNS_SERVICE_HOST")
			}
		} else if strings.Contains(c.text, "{$") {
			t.Error("the Corefile has a variable that nothing sets")
		}
	})
}

func TestAccess(t *testing.T) {
	all := render(t, "overlays/kube-system")
	role, binding := one[*rbacv1.ClusterRole](t, all), one[*rbacv1.ClusterRoleBinding](t, all)
	account := one[*corev1.ServiceAccount](t, all)
	pod, _ := pods(t, all)
	subject := rbacv1.Subject{Kind: "ServiceAccount", Name: account.Name, Namespace: account.Namespace}
	if binding.RoleRef.Name != role.Name || len(binding.Subjects) != 1 || binding.Subjects[0] != subject || pod.Spec.ServiceAccountName != account.Name {
		t.Errorf("role %s, bound: %v, account %s, Pods: %s", role.Name, binding, account.Name, pod.Spec.ServiceAccountName)
	}
	var may []string
	for _, rule := range role.Rules {
		for _, resource := range rule.Resources {
			may = append(may, fmt.Sprintf("%s/%s %s", rule.APIGroups, resource, rule.Verbs))
		}
	}
	want := []string{"[]/endpoints [list watch]", "[]/services [list watch]", "[]/pods [list watch]", "[]/namespaces [list watch]", "[discovery.k8s.io]/endpointslices [list watch]"}
	if !slices.Equal(may, want) {
		t.Errorf("the role allows %v", may)
	}
}

// TestReplacement checks what can't be changed in an existing cluster: the
// selector of the Deployment and the address of the Service.
func TestReplacement(t *testing.T) {
	all := render(t, "overlays/kube-system")
	deployment, service := one[*appsv1.Deployment](t, all), one[*corev1.Service](t, all)
	if deployment.Name != "coredns" || len(deployment.Spec.Selector.MatchLabels) != 1 || deployment.Spec.Selector.MatchLabels["k8s-app"] != "kube-dns" {
		t.Errorf("Deployment %s, %v", deployment.Name, deployment.Spec.Selector)
	}
	if service.Name != "kube-dns" || service.Spec.ClusterIP == "" || service.Labels["k8s-app"] != "kube-dns" {
		t.Errorf("Service %s has address %q and labels %v", service.Name, service.Spec.ClusterIP, service.Labels)
	}
	named[*corev1.ConfigMap](t, all, "coredns")
	named[*corev1.ConfigMap](t, all, "coredns-trust-anchors")
}

func TestSecurity(t *testing.T) {
	eachPod(t, func(t *testing.T, all objects, pod corev1.PodTemplateSpec) {
		spec := pod.Spec
		if spec.HostPID || spec.HostIPC || spec.DNSPolicy != corev1.DNSDefault || !strings.HasPrefix(spec.PriorityClassName, "system-") {
			t.Errorf("hostPID %t, hostIPC %t, dnsPolicy %s, priority %s", spec.HostPID, spec.HostIPC, spec.DNSPolicy, spec.PriorityClassName)
		}
		if s := spec.SecurityContext; s == nil || s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Error("no seccomp profile")
		}
		for _, container := range spec.Containers {
			checkContainer(t, container, "NET_BIND_SERVICE")
			if limit := container.Resources.Limits.Memory(); limit.String() != "170Mi" || !container.Resources.Limits.Cpu().IsZero() {
				t.Errorf("%s: limits %v", container.Name, container.Resources.Limits)
			}
		}
		for _, container := range spec.InitContainers {
			checkContainer(t, container, "NET_ADMIN")
		}
		if spec.HostNetwork {
			return // the node's port 53 can only be opened by root
		}
		if len(spec.InitContainers) > 0 {
			t.Error("an init container")
		}
		s := spec.SecurityContext
		if s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.RunAsUser == nil || *s.RunAsUser != 65532 {
			t.Error("runs as root")
		}
		if !slices.Equal(s.Sysctls, []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "53"}}) {
			t.Errorf("sysctls: %v", s.Sysctls)
		}
		if len(of[*policyv1.PodDisruptionBudget](all)) != 1 || *one[*appsv1.Deployment](t, all).Spec.Replicas < 2 || len(spec.TopologySpreadConstraints) == 0 {
			t.Error("all Pods can be on one node")
		}
	})
}

func checkContainer(t *testing.T, container corev1.Container, capability corev1.Capability) {
	t.Helper()
	s := container.SecurityContext
	if s == nil || s.Capabilities == nil || s.AllowPrivilegeEscalation == nil || s.ReadOnlyRootFilesystem == nil {
		t.Fatalf("%s: the security context is missing", container.Name)
	}
	if *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || (s.Privileged != nil && *s.Privileged) || s.RunAsUser != nil {
		t.Errorf("%s: %v", container.Name, s)
	}
	if !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || !slices.Equal(s.Capabilities.Add, []corev1.Capability{capability}) {
		t.Errorf("%s: capabilities %v", container.Name, s.Capabilities)
	}
	if container.Resources.Limits.Memory().IsZero() || container.Resources.Requests.Cpu().IsZero() || container.Resources.Requests.Memory().IsZero() {
		t.Errorf("%s: resources %v", container.Name, container.Resources)
	}
}
