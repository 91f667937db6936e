// Package helm renders the CoreDNS project's Helm chart with the values of deploy/helm. The
// chart is not part of this repository: `make helm CHART=DIR` names its directory.
package helm

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

// chartEnv names the directory of the chart.
const chartEnv = "DNSSECVAL_COREDNS_CHART"

// render returns the objects of the chart with our values. Unknown and duplicate fields are
// errors.
func render(t *testing.T) []runtime.Object {
	t.Helper()
	chart, err := loader.Load(os.Getenv(chartEnv))
	if err != nil {
		t.Fatalf("%s has to name the chart's directory: %v", chartEnv, err)
	}
	values, err := chartutil.ReadValuesFile("../values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all, err := chartutil.ToRenderValues(chart, values, chartutil.ReleaseOptions{Name: "coredns", Namespace: "kube-system", IsInstall: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, rbacv1.AddToScheme, policyv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	strict := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	var objects []runtime.Object
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		for document := range strings.SplitSeq("\n"+files[name], "\n---\n") {
			if strings.TrimSpace(document) == "" {
				continue
			}
			object, _, err := strict.Decode([]byte(document), nil, nil)
			if err != nil {
				t.Errorf("%s: %v\n%s", name, err, document)
				continue
			}
			objects = append(objects, object)
		}
	}
	return objects
}

// one returns the only object of a type.
func one[T runtime.Object](t *testing.T, objects []runtime.Object) T {
	t.Helper()
	var found []T
	for _, object := range objects {
		if o, ok := object.(T); ok {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		t.Fatalf("there are %d of %T", len(found), *new(T))
	}
	return found[0]
}

// tokens returns the words of each directive of the Corefile's only block.
func tokens(t *testing.T, corefile string) map[string]string {
	t.Helper()
	blocks, err := caddyfile.Parse("Corefile", strings.NewReader(corefile), nil)
	if err != nil || len(blocks) != 1 {
		t.Fatalf("%v\n%s", err, corefile)
	}
	words := map[string]string{"keys": strings.Join(blocks[0].Keys, " ")}
	for directive, tokens := range blocks[0].Tokens {
		for _, token := range tokens {
			words[directive] += token.Text + " "
		}
	}
	return words
}

// TestCorefile checks that the chart makes the Corefile of the manifests of our values.
func TestCorefile(t *testing.T) {
	want, err := os.ReadFile("../../kubernetes/base/Corefile")
	if err != nil {
		t.Fatal(err)
	}
	got := tokens(t, one[*corev1.ConfigMap](t, render(t)).Data["Corefile"])
	if want := tokens(t, string(want)); !maps.Equal(got, want) {
		t.Errorf("the Corefile is\n%v, that of the manifests is\n%v", got, want)
	}
}

// TestDeployment checks that the Pods have what validation needs, as in the manifests.
func TestDeployment(t *testing.T) {
	pod := one[*appsv1.Deployment](t, render(t)).Spec.Template.Spec
	container := pod.Containers[0]
	if container.Image != "dnssecval/coredns:latest" {
		t.Errorf("the image is %s", container.Image)
	}
	if limits := container.Resources.Limits; limits.Memory().String() != "170Mi" || !limits.Cpu().IsZero() {
		t.Errorf("the limits are %v", limits)
	}
	if s := pod.SecurityContext; s == nil || s.RunAsUser == nil || *s.RunAsUser != 65532 || len(s.Sysctls) != 1 {
		t.Errorf("the Pod's security context is %v", s)
	}
	mounted := slices.ContainsFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool {
		return m.Name == "anchors" && m.MountPath == "/etc/coredns/anchors" && m.SubPath == ""
	})
	volume := slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool {
		return v.Name == "anchors" && v.ConfigMap != nil && v.ConfigMap.Name == "coredns-trust-anchors"
	})
	if !mounted || !volume {
		t.Errorf("the anchors are not mounted: %v, %v", container.VolumeMounts, pod.Volumes)
	}
}
