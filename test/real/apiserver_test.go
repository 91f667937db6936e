package real

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// object is an object of the Kubernetes API in JSON.
type object map[string]any

// cluster has the objects of the fake API server, by resource: those that the
// kubernetes plugin lists and watches (see its controller.go).
var cluster = map[string][]object{
	"namespaces": {{"metadata": meta("default", "")}},
	"services": {
		{"metadata": meta("web", "default"), "spec": object{"type": "ClusterIP", "clusterIP": "10.96.0.10", "clusterIPs": []string{"10.96.0.10"},
			"ports": []object{{"name": "http", "port": 80, "protocol": "TCP"}}}},
		{"metadata": meta("headless", "default"), "spec": object{"type": "ClusterIP", "clusterIP": "None", "clusterIPs": []string{"None"},
			"ports": []object{{"name": "http", "port": 80, "protocol": "TCP"}}}},
		{"metadata": meta("good", "default"), "spec": object{"type": "ExternalName", "externalName": "www.secure.test"}},
		{"metadata": meta("plain", "default"), "spec": object{"type": "ExternalName", "externalName": "www.unsigned.test"}},
		{"metadata": meta("bad", "default"), "spec": object{"type": "ExternalName", "externalName": "www.tampered.test"}},
	},
	"endpointslices": {{"metadata": object{"name": "headless-1", "namespace": "default", "uid": "headless-1", "resourceVersion": "1",
		"labels": object{"kubernetes.io/service-name": "headless"}}, "addressType": "IPv4",
		"endpoints": []object{{"addresses": []string{"10.244.0.5"}, "hostname": "pod5", "conditions": object{"ready": true}}},
		"ports":     []object{{"name": "http", "port": 80, "protocol": "TCP"}}}},
	"pods": {},
}

var kinds = map[string][2]string{ // resource -> apiVersion, kind
	"namespaces": {"v1", "Namespace"}, "services": {"v1", "Service"}, "pods": {"v1", "Pod"}, "endpointslices": {"discovery.k8s.io/v1", "EndpointSlice"},
}

func meta(name, namespace string) object {
	m := object{"name": name, "uid": name, "resourceVersion": "1"}
	if namespace != "" {
		m["namespace"] = namespace
	}
	return m
}

// apiServer serves a fake Kubernetes API until the test ends.
func apiServer(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(serveAPI))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

func serveAPI(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	resource := path[len(path)-1]
	kind, ok := kinds[resource]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	out := json.NewEncoder(w)
	if r.URL.Query().Get("watch") == "" {
		_ = out.Encode(object{"apiVersion": kind[0], "kind": kind[1] + "List", "metadata": object{"resourceVersion": "1"}, "items": typed(resource)})
		return
	}
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		for _, o := range typed(resource) {
			_ = out.Encode(object{"type": "ADDED", "object": o})
		}
		_ = out.Encode(object{"type": "BOOKMARK", "object": object{"apiVersion": kind[0], "kind": kind[1],
			"metadata": object{"resourceVersion": "1", "annotations": object{"k8s.io/initial-events-end": "true"}}}})
	}
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	<-r.Context().Done()
}

// typed returns the objects of a resource with apiVersion and kind.
func typed(resource string) []object {
	list := []object{}
	for _, o := range cluster[resource] {
		with := object{"apiVersion": kinds[resource][0], "kind": kinds[resource][1]}
		for k, v := range o {
			with[k] = v
		}
		list = append(list, with)
	}
	return list
}
