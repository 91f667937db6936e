// Package deploy tests the manifests and the Dockerfile without a cluster or
// Docker. It is a separate module, to keep its dependencies out of the
// plugin's.
package deploy

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const (
	repository = "../.."
	kubernetes = "../kubernetes"
)

// overlays lists what can be applied to a cluster.
var overlays = []string{"overlays/kube-system", "overlays/forwarder", "overlays/nodelocal", "monitoring"}

// strict decodes into the API types. Unknown and duplicate fields are errors.
var strict = func() runtime.Decoder {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, rbacv1.AddToScheme, policyv1.AddToScheme, monitoringv1.AddToScheme} {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}()

// objects is a rendered overlay.
type objects []metav1.Object

// kustomize renders an overlay like kubectl: no files from outside of the
// directories, no plugins, and dependencies first.
func kustomize(t *testing.T, overlay string) resmap.ResMap {
	t.Helper()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionLegacy
	resources, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), filepath.Join(kubernetes, overlay))
	if err != nil {
		t.Fatalf("%s: %v", overlay, err)
	}
	return resources
}

// render runs kustomize and decodes the output.
func render(t *testing.T, overlay string) objects {
	t.Helper()
	var all objects
	for _, resource := range kustomize(t, overlay).Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		object, err := decode(text)
		if err != nil {
			t.Errorf("%s: %s: %v", overlay, resource.CurId(), err)
			continue
		}
		all = append(all, object)
	}
	if len(all) == 0 {
		t.Fatalf("%s is empty", overlay)
	}
	return all
}

func decode(text []byte) (metav1.Object, error) {
	object, _, err := strict.Decode(text, nil, nil)
	if err != nil {
		return nil, err
	}
	accessor, ok := object.(metav1.Object)
	if !ok {
		return nil, fmt.Errorf("%T has no metadata", object)
	}
	return accessor, nil
}

// of returns the objects of a type.
func of[T metav1.Object](all objects) []T {
	var some []T
	for _, object := range all {
		if o, ok := object.(T); ok {
			some = append(some, o)
		}
	}
	return some
}

// one returns the only object of a type.
func one[T metav1.Object](t *testing.T, all objects) T {
	t.Helper()
	some := of[T](all)
	if len(some) != 1 {
		t.Fatalf("there are %d of %v", len(some), reflect.TypeFor[T]())
	}
	return some[0]
}

// named returns the object with the given type and name.
func named[T metav1.Object](t *testing.T, all objects, name string) T {
	t.Helper()
	for _, object := range of[T](all) {
		if object.GetName() == name {
			return object
		}
	}
	t.Fatalf("there is no %v %q", reflect.TypeFor[T](), name)
	panic("not reached")
}

// pods returns the template of the overlay's only Deployment or DaemonSet, and
// its selector.
func pods(t *testing.T, all objects) (corev1.PodTemplateSpec, *metav1.LabelSelector) {
	t.Helper()
	if deployments := of[*appsv1.Deployment](all); len(deployments) == 1 {
		return deployments[0].Spec.Template, deployments[0].Spec.Selector
	}
	set := one[*appsv1.DaemonSet](t, all)
	return set.Spec.Template, set.Spec.Selector
}

func TestDecodingIsStrict(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 53}]}\n"
	if _, err := decode([]byte(service)); err != nil {
		t.Error(err)
	}
	for _, broken := range []string{
		strings.Replace(service, "port:", "prot:", 1),
		strings.Replace(service, "port:", "Port:", 1),
		strings.Replace(service, "port: 53", "port: 53, port: 53", 1),
		strings.Replace(service, "port: 53", "port: dns", 1),
		strings.Replace(service, "kind: Service", "kind: Servise", 1),
	} {
		if _, err := decode([]byte(broken)); err == nil {
			t.Errorf("was decoded:\n%s", broken)
		}
	}
}

// TestPlaces checks the namespaces, and that no two objects have the same name.
func TestPlaces(t *testing.T) {
	places := map[string]string{"overlays/kube-system": "kube-system", "overlays/forwarder": "dnssec-forwarder", "overlays/nodelocal": "kube-system", "monitoring": "monitoring"}
	seen := map[string]string{}
	for _, overlay := range overlays {
		for _, object := range render(t, overlay) {
			namespace := places[overlay]
			switch object.(type) {
			case *corev1.Namespace, *rbacv1.ClusterRole, *rbacv1.ClusterRoleBinding:
				namespace = ""
			}
			if object.GetNamespace() != namespace {
				t.Errorf("%s: %T %s is in namespace %q", overlay, object, object.GetName(), object.GetNamespace())
			}
			if object.GetLabels()["app.kubernetes.io/part-of"] != "dnssecval" {
				t.Errorf("%s: %T %s is not labelled as a part of dnssecval", overlay, object, object.GetName())
			}
			// All overlays can be applied to one cluster.
			key := fmt.Sprintf("%T %s/%s", object, object.GetNamespace(), object.GetName())
			if other, ok := seen[key]; ok {
				t.Errorf("%s is in %s and in %s", key, other, overlay)
			}
			seen[key] = overlay
		}
	}
}
