package validator

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
)

// What is remembered of zones is bounded, also of those whose denial records are of no use for
// other names: an attacker can have any number of zones (RFC 4470; RFC 9824).
func TestAttackZonesWithoutUsableDenials(t *testing.T) {
	const zones = 20
	specs := []testzone.Spec{{Name: "evil.", Algorithm: p256}}
	for i := range zones {
		specs = append(specs, testzone.Spec{Name: fmt.Sprintf("z%d.evil.", i), Algorithm: p256, Denial: testzone.CompactNSEC})
	}
	w := newWorld(t, specs...)
	v := newTestValidator(t, w)
	for i := range zones {
		if m := ask(t, v, fmt.Sprintf("no.z%d.evil.", i), typeA, withDO); !m.AuthenticatedData {
			t.Fatalf("%s", m)
		}
	}
	var kept []string
	for name, zone := range v.denials.zones {
		if zone.spans.Empty() {
			kept = append(kept, name)
		}
	}
	if len(kept) > 0 {
		slices.Sort(kept)
		t.Errorf("%d zones without records are kept: %v", len(kept), kept)
	}
}
