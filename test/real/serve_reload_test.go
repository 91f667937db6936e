package real

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// resigned changes the zone's SOA to a serial, and signs all anew.
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

// reloading is the block of the guide with a file that is read again.
func reloading(words string) string {
	return strings.Replace(keeper(words, ""), "file DIR/zone", "file DIR/zone {\nreload 1s\n}", 1)
}

// TestServeZoneReload: a file that is signed again, with a higher serial, is served
// and judged at once; so is one that goes bad.
func TestServeZoneReload(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	breakWWW(t, w)
	p := keeping(t, w, reloading("trust-anchor DIR/own"))
	file := p.put.Replace("DIR/zone")
	p.keeps(t, asked{"www A", "do", forged})
	p.keeps(t, positive...)

	resigned(t, w.Zone(own), 8, "www A 192.0.2.7")
	writeZone(t, file, w.Zone(own))
	p.recovers(t, inZone("www A"), "NOERROR ad A=192.0.2.7 RRSIG opt")
	p.keeps(t, positive...)

	resigned(t, w.Zone(own), 9, "www A 192.0.2.8")
	breakZone(t, w, own, testzone.Expired("www."+own, dns.TypeA))
	writeZone(t, file, w.Zone(own))
	p.recovers(t, inZone("www A"), "SERVFAIL opt ede=7/signature_expired")
	p.keeps(t, positive...)
}

// TestServeNewKeys: a file that is signed with other keys is judged by these at once:
// they are in the file, and no TTL is to be waited for.
func TestServeNewKeys(t *testing.T) {
	t.Parallel()
	w, next := ownWorld(t), ownWorld(t)
	p := prepare(t, w, reloading("trust-anchor DIR/own"))
	own1, own2 := w.Zone(own), next.Zone(own)
	writeZone(t, p.put.Replace("DIR/zone"), own1)
	write(t, p.put.Replace("DIR/own"), strings.Join(append(w.Anchors(own), next.Anchors(own)...), "\n"))
	p.start(t)
	plain := keeping(t, w, reloading(""))
	p.keeps(t, positive...)
	plain.keeps(t, unvouched(positive)...)
	resigned(t, own2, 8, "v4 A 192.0.2.7")
	for process, want := range map[*process]string{p: "NOERROR ad A=192.0.2.7 RRSIG opt", plain: "NOERROR A=192.0.2.7 RRSIG opt"} {
		writeZone(t, process.put.Replace("DIR/zone"), own2)
		process.recovers(t, inZone("v4 A"), want)
		process.keeps(t, asked{"www A", "do", "aa " + strings.Replace(want, ".7", ".1", 1)})
	}
}

// TestServeZoneReloadExpiration: when the signatures of a file that was read again
// run out is known without a restart.
func TestServeZoneReloadExpiration(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	soon := time.Now().Add(50 * time.Hour).Truncate(time.Second)
	signedUntil(t, w, "www."+own, dns.TypeA, soon)
	p := keeping(t, w, reloading(""))
	p.gauged(t, own, soon)
	until := soon.Add(100 * time.Hour)
	resigned(t, w.Zone(own), 8)
	signedUntil(t, w, "www."+own, dns.TypeA, until)
	writeZone(t, p.put.Replace("DIR/zone"), w.Zone(own))
	p.logs(t, "Successfully reloaded zone")
	p.reload(t, reloaded) // the file is looked at every 10 minutes, and at a reload
	p.gauged(t, own, until)
	p.logs(t, "the first runs out "+until.UTC().Format(time.RFC3339))
}

// TestServeReloadLeaks: a reload of the Corefile leaves no goroutine behind.
func TestServeReloadLeaks(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	p := keeping(t, w, reloading("trust-anchor DIR/own\n}\npprof 127.0.0.1:PORT2\ncache {"))
	p.reload(t, reloaded)
	p.keeps(t, positive...)
	goroutines, files := p.settled(t, 0, 0)
	for range 10 {
		p.reload(t, reloaded)
		p.keeps(t, positive...)
	}
	if g, f := p.settled(t, goroutines+5, files+3); g > goroutines+5 || f > files+3 {
		t.Errorf("%v goroutines and %v files after 10 reloads more, %v and %v after the first", g, f, goroutines, files)
	}
}

// TestServeReloadGauge: a zone that a new Corefile does not serve has no gauge, and
// one that it still serves keeps its own.
func TestServeReloadGauge(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	p := keeping(t, w, keeper("", ""))
	write(t, p.put.Replace("DIR/empty"), "@ 60 IN SOA ns hostmaster 1 3600 600 86400 300")
	gauges := func() []string {
		return p.metrics(t).of("coredns_dnssec_zone_signature_expiration_timestamp_seconds")
	}
	p.logs(t, "its signatures last for")
	p.reload(t, "its signatures last for")
	if found := gauges(); len(found) != 1 {
		t.Errorf("after a reload there is %q", found)
	}
	p.configure(t, strings.Replace(keeper("", ""), "file DIR/zone", "file DIR/empty", 1))
	p.reload(t, reloaded)
	for deadline := time.Now().Add(logTime); len(gauges()) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there is still %q", gauges())
		}
	}
}
