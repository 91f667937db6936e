package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestKubectl compares the output of kubectl's kustomize with ours.
func TestKubectl(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("there is no kubectl")
	}
	for _, overlay := range overlays {
		theirs, err := exec.Command(kubectl, "kustomize", filepath.Join(kubernetes, overlay)).Output()
		if err != nil {
			t.Errorf("%s: %v", overlay, err)
			continue
		}
		ours, err := kustomize(t, overlay).AsYaml()
		if err != nil {
			t.Fatal(err)
		}
		if string(theirs) != string(ours) {
			t.Errorf("%s: kubectl renders something else", overlay)
		}
	}
}

// TestDocs checks that what docs/kubernetes.md names exists.
func TestDocs(t *testing.T) {
	bytes, err := os.ReadFile(filepath.Join(repository, "docs", "kubernetes.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(bytes)
	for _, m := range regexp.MustCompile(`deploy/kubernetes/[\w./-]+\w`).FindAllString(text, -1) {
		if _, err := os.Stat(filepath.Join(repository, m)); err != nil {
			t.Error(err)
		}
	}
	for _, overlay := range overlays {
		if !strings.Contains(text, "kubectl apply -k deploy/kubernetes/"+overlay+"\n") && !strings.Contains(text, "--force-conflicts -k deploy/kubernetes/"+overlay+"\n") {
			t.Errorf("it doesn't tell how to apply %s", overlay)
		}
	}
	names := map[string]bool{}
	for _, alert := range alerts(t) {
		names[alert.Alert] = true
	}
	for _, name := range regexp.MustCompile(`\bDNSSEC[A-Z]\w+`).FindAllString(text, -1) {
		if !names[name] {
			t.Errorf("there is no alert %s", name)
		}
	}
}
