package deploy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// Addresses and paths in a cluster.
const (
	apiAddr     = "10.96.0.1"
	kubeDNSAddr = "10.96.0.10"
	nodeLocal   = "169.254.20.10"
	account     = "/var/run/secrets/kubernetes.io/serviceaccount"
)

// cluster has the fake servers of a cluster.
type cluster struct {
	world string      // address of the signed world
	strip atomic.Bool // whether the upstream removes DNSSEC records
	keys  []byte      // anchors file of the world
	ca    []byte      // CA certificate of the API server
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	switch err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); {
	case errors.Is(err, fs.ErrPermission):
		t.Skip("these namespaces are of no use: ", err)
	case err != nil:
		t.Fatal(err)
	}
	runTool(t, "ip", "link", "set", "lo", "up")
	for _, addr := range []string{apiAddr, kubeDNSAddr, "9.9.9.9", "149.112.112.112"} {
		runTool(t, "ip", "addr", "add", addr+"/32", "dev", "lo")
	}
	d := startDemo(t)
	keys, err := os.ReadFile(d.anchors)
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{world: d.upstream, keys: keys}
	for _, addr := range []string{"9.9.9.9", "149.112.112.112"} {
		serveDNS(t, addr, c.upstream)
	}
	c.serveAPI(t)
	return c
}

func runTool(t *testing.T, tool string, args ...string) {
	t.Helper()
	if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", tool, strings.Join(args, " "), err, out)
	}
}

// serveDNS listens on port 53 until the test ends.
func serveDNS(t *testing.T, addr string, handler dns.HandlerFunc) {
	t.Helper()
	for _, network := range []string{"udp", "tcp"} {
		started := make(chan struct{})
		server := &dns.Server{Net: network, Addr: addr + ":53", Handler: handler, NotifyStartedFunc: sync.OnceFunc(func() { close(started) })}
		failed := make(chan error, 1)
		go func() { failed <- server.ListenAndServe() }()
		select {
		case <-started:
		case err := <-failed:
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Shutdown() })
	}
}

// upstream forwards queries to the signed world.
func (c *cluster) upstream(rw dns.ResponseWriter, r *dns.Msg) {
	client := dns.Client{Net: rw.LocalAddr().Network(), Timeout: 2 * time.Second}
	q := r.Copy()
	if c.strip.Load() {
		q.Extra = nil // no DO
	}
	a, _, err := client.Exchange(q, c.world)
	if err != nil {
		a = new(dns.Msg).SetRcode(r, dns.RcodeServerFailure)
	}
	if c.strip.Load() {
		for _, section := range []*[]dns.RR{&a.Answer, &a.Ns} {
			*section = slices.DeleteFunc(*section, func(rr dns.RR) bool {
				_, signature := rr.(*dns.RRSIG)
				_, denial := rr.(*dns.NSEC)
				_, denial3 := rr.(*dns.NSEC3)
				return signature || denial || denial3
			})
		}
	}
	_ = rw.WriteMsg(a)
}

// kubeDNS answers like the cluster's DNS. It refuses queries over UDP, since
// the node's cache is configured to use TCP.
func kubeDNS(rw dns.ResponseWriter, r *dns.Msg) {
	a := new(dns.Msg).SetReply(r)
	if rw.LocalAddr().Network() == "udp" {
		a.Rcode = dns.RcodeRefused
	} else if rr, err := dns.NewRR(r.Question[0].Name + " 5 IN A " + apiAddr); err == nil && r.Question[0].Qtype == dns.TypeA {
		a.Answer = []dns.RR{rr}
	}
	_ = rw.WriteMsg(a)
}

// serveAPI serves a fake API server with only the Service kubernetes.
func (c *cluster) serveAPI(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP(apiAddr)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	listener, err := net.Listen("tcp", apiAddr+":443")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(answerAPI))
	server.Listener = listener
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
}

// answerAPI answers lists, and watches without events.
func answerAPI(w http.ResponseWriter, r *http.Request) {
	kinds := map[string][2]string{"namespaces": {"v1", "NamespaceList"}, "services": {"v1", "ServiceList"}, "endpointslices": {"discovery.k8s.io/v1", "EndpointSliceList"}}
	kind, ok := kinds[path.Base(r.URL.Path)]
	switch query := r.URL.Query(); {
	case !ok || r.Header.Get("Authorization") != "Bearer a-token":
		http.Error(w, "not for you", http.StatusForbidden)
	case query.Get("sendInitialEvents") != "":
		http.Error(w, "list, please", http.StatusUnprocessableEntity)
	case query.Get("watch") != "":
		<-r.Context().Done()
	default:
		meta := func(name, namespace string) map[string]any {
			return map[string]any{"name": name, "namespace": namespace, "uid": name, "resourceVersion": "1"}
		}
		items := map[string][]any{
			"namespaces": {map[string]any{"metadata": meta("default", "")}},
			"services": {map[string]any{"metadata": meta("kubernetes", "default"), "spec": map[string]any{"type": "ClusterIP", "clusterIP": apiAddr,
				"clusterIPs": []string{apiAddr}, "ports": []any{map[string]any{"name": "https", "port": 443, "protocol": "TCP"}}}}},
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": kind[0], "kind": kind[1], "metadata": map[string]any{"resourceVersion": "1"}, "items": items[path.Base(r.URL.Path)]})
	}
}
