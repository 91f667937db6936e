package dnssec

import (
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// worldVector returns a question to a world as a vector: the keys of the zones and
// the sections of the response.
func worldVector(t *testing.T, w *testzone.World, zones []string, proof, name string, qtype uint16) vector {
	t.Helper()
	v := vector{time: now, proof: proof, qname: name, qtype: qtype, anchor: records(t, w.Anchors(".")...)}
	for _, zone := range zones {
		set, ok := w.Zone(zone).RRset(zone, dns.TypeDNSKEY)
		if !ok {
			t.Fatalf("%s has no keys", zone)
		}
		v.chain = appendSet(v.chain, set)
		if zone == "." {
			continue
		}
		parent := "."
		if dns.CountLabel(zone) > 1 {
			parent = zone[len(dns.SplitDomainName(zone)[0])+1:]
		}
		if ds, ok := w.Zone(parent).RRset(zone, dns.TypeDS); ok {
			v.chain = appendSet(v.chain, ds)
		}
	}
	msg := w.Answer(new(dns.Msg).SetQuestion(name, qtype).SetEdns0(1232, true))
	v.answer = msg.Answer
	for _, rr := range msg.Ns {
		if sig, ok := rr.(*dns.RRSIG); rr.Header().Rrtype == dns.TypeSOA || ok && sig.TypeCovered == dns.TypeSOA {
			continue // the SOA is no part of a proof
		}
		v.authority = append(v.authority, rr)
	}
	return v
}

func appendSet(section []dns.RR, set testzone.RRset) []dns.RR {
	section = append(section, set.RRs...)
	for _, sig := range set.Sigs {
		section = append(section, sig)
	}
	return section
}

// TestWorlds sends the same questions to zones with each kind of denial, and checks
// the mutations of each secure response.
func TestWorlds(t *testing.T) {
	lines := []string{"www A 192.0.2.1", "*.wild TXT any", "a.b.ent A 192.0.2.2"}
	kinds := map[testzone.Denial]bool{testzone.NSEC: false, testzone.NSEC3: false, testzone.NSEC3OptOut: true, testzone.CompactNSEC: false}
	for kind, optOut := range kinds {
		w, err := testzone.New(now, testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Denial: kind, Iterations: 3, Salt: "beef", Records: lines},
			testzone.Spec{Name: "insecure.example.", Records: []string{"www A 192.0.2.3"}})
		must(t, err)
		covered := "secure" // status of proofs with a covered next closer name
		if optOut {
			covered = "insecure"
		}
		wildcard, missing := "wildcard", "nxdomain"
		if kind == testzone.CompactNSEC {
			wildcard, missing = "positive", "nodata"
		}
		for _, tt := range []struct {
			proof, name string
			qtype       uint16
			status      string
		}{
			{proof: "positive", name: "www.example.", qtype: dns.TypeA, status: "secure"},
			{proof: wildcard, name: "x.y.wild.example.", qtype: dns.TypeTXT, status: covered},
			{proof: "nodata", name: "www.example.", qtype: dns.TypeMX, status: "secure"},
			{proof: "nodata", name: "ent.example.", qtype: dns.TypeA, status: "secure"},
			{proof: "nodata", name: "b.ent.example.", qtype: dns.TypeA, status: "secure"},
			{proof: "nodata", name: "x.wild.example.", qtype: dns.TypeA, status: covered},
			{proof: missing, name: "nosuch.example.", qtype: dns.TypeA, status: covered},
			{proof: missing, name: "x.y.www.example.", qtype: dns.TypeA, status: covered},
			{proof: "ds", name: "insecure.example.", qtype: dns.TypeDS, status: "insecure"},
			{proof: "ds", name: "www.example.", qtype: dns.TypeDS, status: "secure"},
		} {
			t.Run(kind.String()+"/"+tt.proof+" "+tt.name, func(t *testing.T) {
				v := worldVector(t, w, []string{".", "example."}, tt.proof, tt.name, tt.qtype)
				if _, f := v.validate(); f.Status.String() != tt.status {
					t.Fatalf("got %v, %v (%s), want %s", f.Status, f.Reason, f.Detail, tt.status)
				}
				if tt.status == "secure" {
					checkMutations(t, v, proofSections...)
				}
			})
		}
		checkMutations(t, worldVector(t, w, []string{".", "example."}, "positive", "www.example.", dns.TypeA), keySections...)
	}
}

// TestBreakages checks the reason for zones with one thing broken.
func TestBreakages(t *testing.T) {
	const www, a = "www.example.", dns.TypeA
	tests := []struct {
		broken testzone.Breakage
		zone   string
		want   Reason
	}{
		{broken: testzone.DropSignatures(www, a), want: SignatureMissing},
		{broken: testzone.Expired(www, a), want: SignatureExpired},
		{broken: testzone.NotYetValid(www, a), want: SignatureNotYetValid},
		{broken: testzone.InceptionAfterExpiration(www, a), want: SignatureExpiredBeforeValid},
		{broken: testzone.WrongLabels(www, a, 1), want: SignatureLabelsInvalid},
		{broken: testzone.FlipSignatureBit(www, a), want: SignatureInvalid},
		{broken: testzone.ChangeRDATA(www, a), want: SignatureInvalid},
		{broken: testzone.RemoveZSK(), want: DNSKEYMissing},
		{broken: testzone.RemoveKSK(), want: DNSKEYNoDSMatch},
		{broken: testzone.WrongDSDigest(), want: DNSKEYNoDSMatch},
		{broken: testzone.WrongDSTag(), want: DNSKEYNoDSMatch},
		{broken: testzone.WrongDSAlgorithm(), want: DNSKEYNoDSMatch},
		{broken: testzone.DSAlgorithm(200), want: AlgorithmUnsupported},
		{broken: testzone.DSDigestType(200), want: DigestUnsupported},
		{broken: testzone.ClearZoneFlag(testzone.KSK), want: DNSKEYZoneFlagMissing},
		{broken: testzone.ClearZoneFlag(testzone.ZSK), want: DNSKEYZoneFlagMissing},
		{broken: testzone.SetRevoke(testzone.KSK), want: DNSKEYRevoked},
		{broken: testzone.SetRevoke(testzone.ZSK), want: DNSKEYRevoked},
		{broken: testzone.WrongProtocol(testzone.KSK), want: DNSKEYProtocolInvalid},
		{broken: testzone.WrongProtocol(testzone.ZSK), want: DNSKEYProtocolInvalid},
		{broken: testzone.DropSignatures("example.", dns.TypeDNSKEY), want: SignatureMissing},
		{broken: testzone.Expired("example.", dns.TypeDNSKEY), want: SignatureExpired},
		{broken: testzone.FlipSignatureBit("example.", dns.TypeDNSKEY), want: SignatureInvalid},
		{broken: testzone.DropSignatures("example.", dns.TypeDS), zone: ".", want: SignatureMissing},
		{broken: testzone.FlipSignatureBit("example.", dns.TypeDS), zone: ".", want: SignatureInvalid},
		{broken: testzone.Expired("example.", dns.TypeDS), zone: ".", want: SignatureExpired},
	}
	for _, tt := range tests {
		t.Run(tt.broken.String(), func(t *testing.T) {
			w, err := testzone.New(now, testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1"}})
			must(t, err)
			must(t, w.Break(zoneOr(tt.zone), tt.broken))
			v := worldVector(t, w, []string{".", "example."}, "positive", www, a)
			_, f := v.validate()
			if f.Reason != tt.want {
				t.Errorf("got %v (%s), want %v", f.Reason, f.Detail, tt.want)
			}
		})
	}
}
