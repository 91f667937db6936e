package dnssecval

import (
	"context"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// published is what the metadata plugin has of an answer, when it is written.
type published struct{ status, reason, zone string }

func askPublished(h plugin.Handler, name string, b bits) published {
	ctx := metadata.ContextWithMetadata(context.Background())
	_, _ = h.ServeDNS(ctx, new(client), newQuestion(name, typeA, b))
	value := func(label string) string {
		if f := metadata.ValueFunc(ctx, "dnssec/"+label); f != nil {
			return f()
		}
		return ""
	}
	return published{value("status"), value("reason"), value("zone")}
}

// TestPublished: the first answer, and one out of a cache.
func TestPublished(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: richRecords}, testzone.Spec{Name: "unsigned.example.", Records: richRecords},
		testzone.Spec{Name: "csk.example.", Algorithm: dns.ECDSAP256SHA256, Records: richRecords}, testzone.Spec{Name: "negative.example.", Records: richRecords})
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", typeA))
	v := newTestValidator(t, w, "negative-trust-anchor negative.example")
	local := handlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		if r.Question[0].Name == "local.example." {
			return dns.RcodeSuccess, w.WriteMsg(new(dns.Msg).SetReply(r))
		}
		return v.ServeDNS(ctx, w, r)
	})
	h := newExplainer(v, oldCache(local, map[dns.Question]*dns.Msg{}))
	nobody := published{nothing, nothing, nothing}
	for _, tc := range []struct {
		what, name string
		bits       bits
		first, hit published
	}{
		{"secure", "www.example.", withDO, published{"secure", "none", "example."}, published{"secure", "none", "example."}},
		{"without DO and AD, where a hit has no AD", "none.example.", bits{}, published{"secure", "none", "example."}, nobody},
		{"bogus", "www.csk.example.", bits{}, published{"bogus", "signature_expired", "csk.example."}, published{"bogus", "signature_expired", "csk.example."}},
		{"unsigned", "www.unsigned.example.", withDO, published{"insecure", "delegation_insecure", "unsigned.example."}, nobody},
		{"negative trust anchor", "www.negative.example.", withDO, published{"insecure", "negative_trust_anchor", "negative.example."},
			published{"insecure", "negative_trust_anchor", "negative.example."}},
		{"data of the block's own", "local.example.", withDO, nobody, nobody},
	} {
		if got := askPublished(h, tc.name, tc.bits); got != tc.first {
			t.Errorf("%s: %+v, want %+v", tc.what, got, tc.first)
		}
		if got := askPublished(h, tc.name, tc.bits); got != tc.hit {
			t.Errorf("%s, out of a cache: %+v, want %+v", tc.what, got, tc.hit)
		}
	}
	if got := askPublished(newExplainer(v, v), "www.example.", bits{cd: true}); got != nobody {
		t.Errorf("with CD: %+v", got)
	}
	if got := askPublished(newExplainer(v, v), "www.csk.example.", bits{edns: true}); got != (published{"bogus", "signature_expired", "csk.example."}) {
		t.Errorf("of a kept failure: %+v", got)
	}
}
