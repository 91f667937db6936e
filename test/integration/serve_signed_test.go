//go:build integration && linux

package integration

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

const internal = "internal.example.com."

// internalZone is the unsigned zone.
const internalZone = `$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
v4 A 192.0.2.4
*.wild A 192.0.2.9
alias CNAME www
`

// guideBlock returns a block of testdata/guide/guide.txt.
func guideBlock(t *testing.T, title string) string {
	t.Helper()
	_, block, found := strings.Cut("\n"+readFile(t, "../../testdata/guide/guide.txt"), "\n== "+title+"\n")
	if !found {
		t.Fatalf("the guide has no block %q", title)
	}
	block, _, _ = strings.Cut(block, "\n== ")
	return block
}

// signInternal runs the guide's commands, with additional options for the
// signer, and returns the directory with zone.file.signed. It also adds the
// keys to zone.file, which the guide does not mention.
func signInternal(t *testing.T, options ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	zone, signed := internalZone, 0
	for line := range strings.Lines(guideBlock(t, "signing")) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "dnssec-keygen":
			zone += fmt.Sprintf("$INCLUDE %s.key\n", strings.TrimSpace(run(t, dir, words[0], words[1:]...)))
		default:
			writeFile(t, filepath.Join(dir, "zone.file"), zone)
			run(t, dir, words[0], append(options, words[1:]...)...)
			signed++
		}
	}
	if signed != 1 {
		t.Fatalf("the guide signs %d times", signed)
	}
	return dir
}

// serving is CoreDNS with the guide's Corefile for an internal zone.
type serving struct {
	resolver
	dir, metrics string
}

// internalCorefile returns the guide's Corefile with the test's ports and paths
// and additional lines.
func internalCorefile(t *testing.T, dir, port, metrics, words string) string {
	t.Helper()
	corefile := guideBlock(t, "internal zone")
	for _, r := range [][2]string{
		{"internal.example.com:53 {", "internal.example.com:" + port + " {\n    bind " + host},
		{"/etc/coredns/zones/internal.example.com.signed", filepath.Join(dir, "zone.file.signed")},
		{"prometheus :9153", "prometheus " + metrics},
		{"        validate\n", "        validate\n        log-failures\n" + words},
	} {
		if !strings.Contains(corefile, r[0]) {
			t.Fatalf("the Corefile has no %q", r[0])
		}
		corefile = strings.Replace(corefile, r[0], r[1], 1)
	}
	return corefile
}

// serveInternal starts CoreDNS with the signed zone in dir.
func serveInternal(t *testing.T, dir, words string) serving {
	t.Helper()
	ports := freePorts(t, 2)
	s := serving{resolver{name: "coredns-" + ports[0], port: ports[0]}, dir, host + ":" + ports[1]}
	path := filepath.Join(dir, "Corefile-"+ports[0])
	writeFile(t, path, internalCorefile(t, dir, ports[0], s.metrics, words))
	start(t, dir, s.resolver, ourProgram(t), "-conf", path)
	return s
}

func ourProgram(t *testing.T) string {
	t.Helper()
	if *program == "" {
		t.Skip("there is no binary to test")
	}
	path, err := filepath.Abs(*program)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// checkAnswer checks the answer for a name of the zone: rcode, AA, AD and the first
// word of the Extended DNS Error.
func (s serving) checkAnswer(t *testing.T, name, qtype, want string) {
	t.Helper()
	m := new(dns.Msg).SetQuestion(absolute(name, internal), dns.StringToType[qtype]).SetEdns0(1232, true)
	m.RecursionDesired = false
	client := dns.Client{Timeout: answerTimeout, UDPSize: 4096}
	a, _, err := client.Exchange(m, s.addr())
	if err != nil {
		t.Errorf("%s %s: %v", name, qtype, err)
		return
	}
	got := dns.RcodeToString[a.Rcode]
	for _, flag := range []struct {
		set  bool
		word string
	}{{a.Authoritative, " aa"}, {a.AuthenticatedData, " ad"}} {
		if flag.set {
			got += flag.word
		}
	}
	got += token(a)
	if got != want {
		t.Errorf("%s %s: %s, want %s (%s)", name, qtype, got, want, extendedError(a))
	}
}

// token returns a space and the first word of the Extended DNS Error's text.
func token(m *dns.Msg) string {
	if ede := testzone.ExtendedError(m); ede != nil {
		word, _, _ := strings.Cut(ede.ExtraText, ":")
		return " " + word
	}
	return ""
}

// checkCounted checks that a sample of /metrics is more than zero.
func (s serving) checkCounted(t *testing.T, sample string) {
	t.Helper()
	resp, err := http.Get("http://" + s.metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	name, label, _ := strings.Cut(sample, " ")
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, name+"{") && strings.Contains(line, label) && !strings.HasSuffix(strings.TrimSpace(line), " 0") {
			return
		}
	}
	t.Errorf("nothing is counted as %s", sample)
}

// checkLogged checks that a line of the log has all the words.
func (s serving) checkLogged(t *testing.T, words ...string) {
	t.Helper()
	for deadline := time.Now().Add(stopTime); ; time.Sleep(50 * time.Millisecond) {
		for line := range strings.Lines(readFile(t, filepath.Join(s.dir, s.name+".log"))) {
			has := true
			for _, word := range words {
				has = has && strings.Contains(line, word)
			}
			if has {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Errorf("no line of the log has %q", words)
			return
		}
	}
}

// TestSignedByTheGuide checks that a zone signed with the guide's commands is
// served with AD if it has a trust anchor. Otherwise the log has the line for
// it.
func TestSignedByTheGuide(t *testing.T) {
	dir := signInternal(t)
	anchored := serveInternal(t, dir, "        trust-anchor "+filepath.Join(dir, "dsset-"+internal)+"\n")
	plain := serveInternal(t, dir, "")
	for _, q := range []struct{ name, qtype, want string }{
		{"www", "A", "NOERROR aa ad"}, {"alias", "A", "NOERROR aa ad"}, {"x.wild", "A", "NOERROR aa ad"}, {"@", "DNSKEY", "NOERROR aa ad"},
		{"@", "SOA", "NOERROR aa ad"}, {"none", "A", "NXDOMAIN aa ad"}, {"www", "MX", "NOERROR aa ad"},
	} {
		anchored.checkAnswer(t, q.name, q.qtype, q.want)
		plain.checkAnswer(t, q.name, q.qtype, strings.TrimSuffix(q.want, " ad"))
	}
	for _, s := range []serving{anchored, plain} {
		s.checkCounted(t, `coredns_dnssec_validations_total status="secure"`)
		s.checkCounted(t, `coredns_dnssec_zone_signature_expiration_timestamp_seconds zone="`+internal+`"`)
		s.checkLogged(t, "zone "+internal+": its signatures last for 7") // 720 h less a little
	}
	ksk := strings.Fields(readFile(t, filepath.Join(dir, "dsset-"+internal)))
	plain.checkLogged(t, "judged by the keys in its own file", strings.Join(ksk[:3], " ")+" "+ksk[3]) // internal.example.com. IN DS TAG
}

// TestAlteredAfterSigning checks that an altered record is refused and the rest
// is served.
func TestAlteredAfterSigning(t *testing.T) {
	dir := signInternal(t)
	edit(t, filepath.Join(dir, "zone.file.signed"), func(text string) string {
		return strings.ReplaceAll(text, "192.0.2.1\n", "192.0.2.66\n")
	})
	for _, words := range []string{"", "        trust-anchor " + filepath.Join(dir, "dsset-"+internal) + "\n"} {
		s := serveInternal(t, dir, words)
		s.checkAnswer(t, "www", "A", "SERVFAIL signature_invalid")
		s.checkAnswer(t, "alias", "A", "SERVFAIL signature_invalid")
		s.checkAnswer(t, "v4", "A", map[bool]string{true: "NOERROR aa", false: "NOERROR aa ad"}[words == ""])
		s.checkCounted(t, `coredns_dnssec_failures_total reason="signature_invalid"`)
		s.checkLogged(t, "bogus: www."+internal+" A from", "signature_invalid: RRSIG A www."+internal)
	}
}

// TestExpiredSignatures checks that expired signatures are refused and logged
// at start. -P keeps the signer from rejecting them.
func TestExpiredSignatures(t *testing.T) {
	dir := signInternal(t, "-P", "-s", "20260101000000", "-e", "20260201000000")
	for _, words := range []string{"", "        trust-anchor " + filepath.Join(dir, "dsset-"+internal) + "\n"} {
		s := serveInternal(t, dir, words)
		for _, name := range []string{"www", "alias", "none", "x.wild", "@"} {
			s.checkAnswer(t, name, "A", "SERVFAIL signature_expired")
		}
		s.checkCounted(t, `coredns_dnssec_failures_total reason="signature_expired"`)
		s.checkLogged(t, "[ERROR] plugin/dnssec: zone "+internal+" has signatures that ran out 2026-02-01T00:00:00Z")
	}
}

// TestSignedWithNSEC3 checks that CoreDNS does not start with such a zone in
// file, as README.md says. If BIND serves the zone, it is validated.
func TestSignedWithNSEC3(t *testing.T) {
	dir := signInternal(t, "-3", "-")
	ports := freePorts(t, 4)
	path := filepath.Join(dir, "Corefile-file")
	writeFile(t, path, internalCorefile(t, dir, ports[0], host+":"+ports[1], ""))
	if out := fails(t, ourProgram(t), "-conf", path); !strings.Contains(out, "NSEC3 zone is not supported") {
		t.Errorf("the output of CoreDNS is\n%s", out)
	}
	if !strings.Contains(readFile(t, "../../README.md"), "*file* and *secondary* do not load zones that are signed with NSEC3") {
		t.Error("README.md does not say that such zones are not loaded")
	}

	f := &serverSet{dir: dir, named: private(t, dir, "named")}
	f.startNamed(t, resolver{name: "authority", port: ports[2]}, "recursion no; dnssec-validation no;", fmt.Sprintf("zone %q { type primary; file \"zone.file.signed\"; };\n", internal))
	s := serving{resolver{name: "coredns", port: ports[3]}, dir, host + ":" + ports[1]}
	path = filepath.Join(dir, "Corefile-forward")
	writeFile(t, path, fmt.Sprintf("internal.example.com:%s {\n\tbind %s\n\tforward . %s:%s\n\tprometheus %s\n\tdnssec {\n\t\tvalidate\n\t\ttrust-anchor %s\n\t\taggressive-nsec off\n\t}\n}\n",
		s.port, host, host, ports[2], s.metrics, filepath.Join(dir, "dsset-"+internal)))
	start(t, dir, s.resolver, ourProgram(t), "-conf", path)
	for name, want := range map[string]string{"www": "NOERROR ad", "x.wild": "NOERROR ad", "alias": "NOERROR ad", "none": "NXDOMAIN ad", "@": "NOERROR ad"} {
		s.checkAnswer(t, name, "A", strings.Replace(want, " ad", s.authority(t)+" ad", 1))
	}
	s.checkCounted(t, `coredns_dnssec_validations_total status="secure"`)
}

// authority returns " aa" if the answers keep the AA flag of the server.
func (s serving) authority(t *testing.T) string {
	t.Helper()
	a, err := dns.Exchange(new(dns.Msg).SetQuestion("www."+internal, dns.TypeA), s.addr())
	if err != nil {
		t.Fatal(err)
	}
	if a.Authoritative {
		return " aa"
	}
	return ""
}

// fails runs a program that must not start and returns its output.
func fails(t *testing.T, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err == nil || ctx.Err() != nil {
		t.Errorf("it starts:\n%s", out.String())
	}
	return out.String()
}
