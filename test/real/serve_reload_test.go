package real

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// resigned sets the serial of the zone's SOA and signs the zone again.
func resigned(t *testing.T, z *testzone.Zone, serial int, lines ...string) {
	t.Helper()
	soa := fmt.Sprintf("@ 60 IN SOA ns hostmaster %d 3600 600 86400 300", serial)
	if err := z.Replace(append(lines, soa)...); err != nil {
		t.Fatal(err)
	}
	if err := z.Sign(); err != nil {
		t.Fatal(err)
	}
}

// reloading returns the guide's block with a file that is reloaded.
func reloading(words string) string {
	return strings.Replace(serveBlock(words, ""), "file DIR/zone", "file DIR/zone {\nreload 1s\n}", 1)
}

// TestServeZoneReload checks that a newly signed file with a higher serial is
// served and validated at once, and that a broken one is noticed.
func TestServeZoneReload(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	breakWWW(t, w)
	p := startServing(t, w, reloading("trust-anchor DIR/own"))
	file := p.placeholders.Replace("DIR/zone")
	p.serves(t, asked{"www A", "do", forged})
	p.serves(t, positive...)

	resigned(t, w.Zone(own), 8, "www A 192.0.2.7")
	writeZone(t, file, w.Zone(own))
	p.recovers(t, inZone("www A"), "NOERROR ad A=192.0.2.7 RRSIG opt")
	p.serves(t, positive...)

	resigned(t, w.Zone(own), 9, "www A 192.0.2.8")
	breakZone(t, w, own, testzone.Expired("www."+own, dns.TypeA))
	writeZone(t, file, w.Zone(own))
	p.recovers(t, inZone("www A"), "SERVFAIL opt ede=7/signature_expired")
	p.serves(t, positive...)
}

// TestServeNewKeys checks that a file signed with other keys is validated with
// these at once, without waiting for a TTL.
func TestServeNewKeys(t *testing.T) {
	t.Parallel()
	w, next := ownWorld(t), ownWorld(t)
	p := prepare(t, w, reloading("trust-anchor DIR/own"))
	own1, own2 := w.Zone(own), next.Zone(own)
	writeZone(t, p.placeholders.Replace("DIR/zone"), own1)
	write(t, p.placeholders.Replace("DIR/own"), strings.Join(append(w.Anchors(own), next.Anchors(own)...), "\n"))
	p.start(t)
	plain := startServing(t, w, reloading(""))
	p.serves(t, positive...)
	plain.serves(t, withoutAD(positive)...)
	resigned(t, own2, 8, "v4 A 192.0.2.7")
	for process, want := range map[*process]string{p: "NOERROR ad A=192.0.2.7 RRSIG opt", plain: "NOERROR A=192.0.2.7 RRSIG opt"} {
		writeZone(t, process.placeholders.Replace("DIR/zone"), own2)
		process.recovers(t, inZone("v4 A"), want)
		process.serves(t, asked{"www A", "do", "aa " + strings.Replace(want, ".7", ".1", 1)})
	}
}

// TestServeZoneReloadExpiration checks that the expiration of the signatures in
// a reloaded file is known without a restart.
func TestServeZoneReloadExpiration(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	soon := time.Now().Add(50 * time.Hour).Truncate(time.Second)
	signedUntil(t, w, "www."+own, dns.TypeA, soon)
	p := startServing(t, w, reloading(""))
	p.awaitExpiration(t, own, soon)
	until := soon.Add(100 * time.Hour)
	resigned(t, w.Zone(own), 8)
	signedUntil(t, w, "www."+own, dns.TypeA, until)
	writeZone(t, p.placeholders.Replace("DIR/zone"), w.Zone(own))
	p.logs(t, "Successfully reloaded zone")
	p.reload(t, reloaded) // the file is checked every 10 minutes and at a reload
	p.awaitExpiration(t, own, until)
	p.logs(t, "the first runs out "+until.UTC().Format(time.RFC3339))
}

// TestServeReloadLeaks checks that a reload of the Corefile leaks no goroutine.
func TestServeReloadLeaks(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	p := startServing(t, w, reloading("trust-anchor DIR/own\n}\npprof 127.0.0.1:PORT2\ncache {"))
	p.reload(t, reloaded)
	p.serves(t, positive...)
	goroutines, files := p.settled(t, 0, 0)
	for range 10 {
		p.reload(t, reloaded)
		p.serves(t, positive...)
	}
	if g, f := p.settled(t, goroutines+5, files+3); g > goroutines+5 || f > files+3 {
		t.Errorf("%v goroutines and %v files after 10 more reloads, %v and %v after the first", g, f, goroutines, files)
	}
}

// TestServeReloadGauge checks that the gauge of a zone that is no longer served
// disappears at a reload, and that others remain.
func TestServeReloadGauge(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	p := startServing(t, w, serveBlock("", ""))
	write(t, p.placeholders.Replace("DIR/empty"), "@ 60 IN SOA ns hostmaster 1 3600 600 86400 300")
	gauges := func() []string {
		return p.metrics(t).of("coredns_dnssec_zone_signature_expiration_timestamp_seconds")
	}
	p.logs(t, "its signatures last for")
	p.reload(t, "its signatures last for")
	if found := gauges(); len(found) != 1 {
		t.Errorf("after a reload there is %q", found)
	}
	p.configure(t, strings.Replace(serveBlock("", ""), "file DIR/zone", "file DIR/empty", 1))
	p.reload(t, reloaded)
	for deadline := time.Now().Add(logTime); len(gauges()) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there is still %q", gauges())
		}
	}
}
