package cluster

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/test/cluster/node"
)

// page has the commands of docs/kubernetes.md, and which of them were run.
type page struct {
	commands []string
	walked   map[string]bool
}

// notHere are commands that can't be run in this cluster.
var notHere = map[string]string{
	"docker build":        "there is no Docker engine; the image is made of the same files by deploy/release/image",
	"docker buildx build": "the same",
}

// placeholders are the words of the page that its reader replaces.
var placeholders = strings.NewReplacer(
	"YOUR/IMAGE-WITH-DIG", toolsImage,
	"internetsociety.org", "www.signed.example",
	"dnssec-failed.org", "www.tampered.example",
	"UPSTREAM", node.Upstream,
)

var (
	block  = regexp.MustCompile(`(?ms)^~~~ sh\n(.*?)^~~~`)
	inline = regexp.MustCompile("`((?:kubectl|docker|dig|yq|ip)\\s[^`]+)`")
)

// readPage reads the commands of all blocks, and those within the text.
func readPage(t *testing.T) *page {
	t.Helper()
	text := string(read(t, filepath.Join(repository, "docs/kubernetes.md")))
	p := &page{walked: map[string]bool{}}
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(strings.ReplaceAll(m[1], "\\\n", " ")) {
			line, _, _ = strings.Cut(line, "  #")
			if line = words(line); line != "" && !strings.HasPrefix(line, "#") {
				p.commands = append(p.commands, line)
			}
		}
	}
	for _, m := range inline.FindAllStringSubmatch(block.ReplaceAllString(text, ""), -1) {
		if command := words(m[1]); command != "kubectl apply -k" { // of no directory
			p.commands = append(p.commands, command)
		}
	}
	return p
}

func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// walk runs a command of the page, as its reader would.
func (c *cluster) walk(t *testing.T, command string) string {
	t.Helper()
	return c.run(t, c.command(t, command))
}

// command returns a command of the page with its placeholders replaced, and counts it as run.
func (c *cluster) command(t *testing.T, command string) string {
	t.Helper()
	found := false
	for _, known := range c.page.commands {
		found = found || known == command
	}
	if !found {
		t.Fatalf("docs/kubernetes.md does not have the command: %s", command)
	}
	c.page.walked[command] = true
	return placeholders.Replace(command)
}

// testPage checks that no command of the page was left out.
func (c *cluster) testPage(t *testing.T) {
	for _, command := range c.page.commands {
		excused := false
		for prefix, why := range notHere {
			if strings.HasPrefix(command, prefix+" ") && why != "" {
				excused = true
				t.Logf("not run: %s: %s", command, why)
			}
		}
		if !c.page.walked[command] && !excused {
			t.Errorf("was not run: %s", command)
		}
	}
	t.Logf("%d commands of docs/kubernetes.md were run", len(c.page.walked))
}
