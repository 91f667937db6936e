package real

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// newWorld returns a world for one test. Below test. it has a zone with NSEC,
// one with NSEC3, an unsigned one, and several with one defect each, and then
// the given zones.
func newWorld(t *testing.T, more ...testzone.Spec) *testzone.World {
	t.Helper()
	const alg = dns.ECDSAP256SHA256
	host := []string{"www A 192.0.2.1", "www AAAA 2001:db8::1", "v4 A 192.0.2.4"}
	specs := []testzone.Spec{
		{Name: "test.", Algorithm: alg},
		{Name: "secure.test.", Algorithm: alg, Records: append([]string{
			"*.wild A 192.0.2.9", "alias CNAME www", "out CNAME www.unsigned.test.", "bad CNAME www.tampered.test.",
			"many A 192.0.2.21", "many A 192.0.2.22", "many A 192.0.2.23", "big TXT " + long(5)}, host...)},
		{Name: "nsec3.test.", Algorithm: alg, Denial: testzone.NSEC3, Records: append([]string{"*.wild A 192.0.2.9"}, host...)},
		{Name: "unsigned.test.", Records: append([]string{"alias CNAME www.secure.test."}, host...)},
		{Name: "tampered.test.", Algorithm: alg, Records: append([]string{"alias CNAME www.secure.test."}, host...)},
		{Name: "expired.test.", Algorithm: alg, Records: host},
	}
	w, err := testzone.New(time.Now(), append(specs, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	breakZone(t, w, "tampered.test.", testzone.ChangeRDATA("www.tampered.test.", dns.TypeA),
		testzone.ChangeRDATA("www.tampered.test.", dns.TypeAAAA))
	breakZone(t, w, "expired.test.", testzone.Expired("www.expired.test.", dns.TypeA))
	return w
}

func breakZone(t *testing.T, w *testzone.World, zone string, b ...testzone.Breakage) {
	t.Helper()
	if err := w.Break(zone, b...); err != nil {
		t.Fatal(err)
	}
}

// long returns n strings of 250 letters for a TXT record.
func long(n int) string {
	text := ""
	for range n {
		text += ` "`
		for range 250 {
			text += "x"
		}
		text += `"`
	}
	return text
}
