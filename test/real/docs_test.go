package real

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	anchorFiles = regexp.MustCompile(`(?m)^\s+trust-anchor .*\n`)
	zoneFiles   = regexp.MustCompile(`(?m)^(\s+file) /\S+`)
)

// TestDocs starts every Corefile in docs and checks what the page says about
// validation.
func TestDocs(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) < 4 {
		t.Fatalf("the pages are %q, %v", pages, err)
	}
	corefiles := map[string]string{}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for place, corefile := range fenced(string(text), "corefile") {
			corefiles[filepath.Base(page)+" "+place] = corefile
		}
	}
	if len(corefiles) < 3 {
		t.Errorf("the pages have %d Corefiles", len(corefiles))
	}
	for place, corefile := range corefiles {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			testDocumented(t, corefile)
		})
	}
}

func testDocumented(t *testing.T, corefile string) {
	t.Helper()
	w := ownWorld(t)
	test := zoneFiles.ReplaceAllString(corefile, "${1} DIR/zone")
	p := guideProcess(t, w, test)
	writeZone(t, p.placeholders.Replace("DIR/zone"), w.Zone(own))
	written, err := os.ReadFile(p.conf)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(written), "/etc/") {
		t.Errorf("the Corefile still has a path of its own:\n%s", written)
	}
	if anchorFiles.MatchString(corefile) && !strings.Contains(string(written), p.placeholders.Replace("trust-anchor ANCHORS")) {
		t.Errorf("the Corefile has lost its trust anchors:\n%s", written)
	}
	p.start(t)
	switch {
	case strings.Contains(corefile, " serve"):
		p.serves(t, withoutAD(kindsOfAnswers)...)
	case strings.Contains(corefile, " insecure\n"):
		p.answers(t, []asked{{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"}, {"www.tampered.test. A", "ad", "NOERROR A=192.0.2.0"}})
		p.logs(t, "bogus: www.tampered.test. A")
	case strings.Contains(corefile, "forward ."):
		p.answers(t, guideAnswers)
	}
}
