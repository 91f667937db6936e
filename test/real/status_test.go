package real

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// statusOf has the parts of the status page's JSON that the tests use.
type statusOf struct {
	Blocks []struct {
		Zones   []string
		Anchors []struct{ Zone, State string }  `json:"trust_anchors"`
		Known   []struct{ Name, Status string } `json:"zones_known"`
	}
	Failures []struct {
		Name, Reason, Zone, Detail string
		Times                      int
	}
}

func (p *process) status(t *testing.T, url string) (s statusOf) {
	t.Helper()
	if err := json.Unmarshal([]byte(p.get(t, url)), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

const statusBlocks = `.:PORT {
	bind 127.0.0.1
	forward . UPSTREAM
	dnssec {
		validate
		trust-anchor ANCHORS
		status HTTP
	}
}
corp.internal:PORT {
	bind 127.0.0.1
	forward . UPSTREAM
	dnssec {
		validate
		trust-anchor ANCHORS
		status HTTP
	}
}
`

// TestStatusPage checks a page shared by two blocks. It keeps its failures over
// a reload, moves to a new address, and ends when no block has it.
func TestStatusPage(t *testing.T) {
	t.Parallel()
	other := net.JoinHostPort("127.0.0.1", freePort(t))
	p := start(t, newWorld(t), statusBlocks, "OTHER", other)
	p.ask(t, "www.expired.test. A", "")
	p.ask(t, "www.secure.test. A", "")
	s := p.status(t, "http://HTTP/json")
	if len(s.Blocks) != 2 || len(s.Failures) != 1 || s.Failures[0].Reason != "signature_expired" || s.Failures[0].Zone != "expired.test." {
		t.Errorf("%+v", s)
	}
	if page := p.get(t, "http://HTTP/"); !strings.Contains(page, "<code>www.expired.test. A</code>") {
		t.Error(page)
	}
	p.configure(t, strings.Replace(statusBlocks, "validate", "validate\nlog-failures", 1))
	p.reload(t, reloaded)
	if s := p.status(t, "http://HTTP/json"); len(s.Failures) != 1 {
		t.Errorf("after a reload: %+v", s)
	}
	p.configure(t, strings.ReplaceAll(statusBlocks, "status HTTP", "status OTHER"))
	p.reload(t, reloaded)
	if s := p.status(t, "http://OTHER/json"); len(s.Blocks) != 2 {
		t.Errorf("elsewhere: %+v", s)
	}
	p.ends(t, "http://HTTP/")
	p.configure(t, strings.ReplaceAll(statusBlocks, "status HTTP\n", ""))
	p.reload(t, reloaded)
	p.ends(t, "http://OTHER/")
}

// ends waits until nothing listens on the URL.
func (p *process) ends(t *testing.T, url string) {
	t.Helper()
	for deadline := time.Now().Add(logTime); ; time.Sleep(20 * time.Millisecond) {
		r, err := http.Get(p.placeholders.Replace(url))
		if err != nil {
			return
		}
		_ = r.Body.Close()
		if time.Now().After(deadline) {
			t.Fatalf("%s still answers: %s", url, r.Status)
		}
	}
}

// TestStatusAddress checks that a taken or invalid address fails the start with
// a helpful error, and that a public address is warned about.
func TestStatusAddress(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for address, want := range map[string]string{
		l.Addr().String(): "address already in use; choose another address, or end what listens there",
		"9253":            `Error during parsing: status: "9253" is not an address and a port: write 127.0.0.1:9253, or :9253, which is the same`,
	} {
		p := prepare(t, newWorld(t), strings.ReplaceAll(statusBlocks, "status HTTP", "status "+address))
		if said := p.fails(t); !strings.Contains(said, want) {
			t.Errorf("%s: the output of CoreDNS is %s", address, said)
		}
	}
	p := start(t, newWorld(t), strings.ReplaceAll(statusBlocks, "status HTTP", "status 0.0.0.0:"+freePort(t)))
	p.logs(t, "[WARNING] plugin/dnssec: status: anyone who reaches 0.0.0.0:", "is for this machine alone")
}
