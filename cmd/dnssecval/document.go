package main

import (
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// document is a report as JSON, as docs/command.md describes it. Fields may be added; none is
// renamed or removed as long as the version is the same.
type document struct {
	Version int              `json:"version"`
	Name    string           `json:"name"`
	Type    string           `json:"type"`
	Server  string           `json:"server"`
	Time    string           `json:"time"`
	Rcode   string           `json:"rcode"`
	Verdict documentFinding  `json:"verdict"`
	Failed  *documentFailure `json:"failure,omitempty"`
	Zones   []documentZone   `json:"zones"`
	RRsets  []documentRRset  `json:"rrsets"`
	Missing string           `json:"missing,omitempty"` // the name that has no RRset of the type
	Anchors []documentDS     `json:"trust_anchors"`
}

const documentVersion = 1

// documentFinding is a status, with the reason unless it is secure.
type documentFinding struct {
	Status  string  `json:"status"`
	Reason  string  `json:"reason,omitempty"`
	Meaning string  `json:"meaning,omitempty"`
	Detail  string  `json:"detail,omitempty"`
	EDE     *uint16 `json:"ede,omitempty"`
	Remedy  string  `json:"remedy,omitempty"`
}

type documentFailure struct {
	Zone     string   `json:"zone"`
	Records  []string `json:"records"`
	Negative string   `json:"negative_trust_anchor,omitempty"`
}

type documentZone struct {
	Name   string `json:"name"`
	Parent string `json:"parent,omitempty"`
	documentFinding
	Anchors    []documentDS        `json:"trust_anchors,omitempty"`
	DS         *documentRRset      `json:"ds,omitempty"`
	Denial     []documentRRset     `json:"denial_of_ds,omitempty"`
	Keys       []documentKey       `json:"keys,omitempty"`
	Signatures []documentSignature `json:"signatures,omitempty"`
}

type documentDS struct {
	Zone       string `json:"zone"`
	KeyTag     uint16 `json:"key_tag"`
	Algorithm  string `json:"algorithm"`
	DigestType uint8  `json:"digest_type"`
	Digest     string `json:"digest"`
}

type documentKey struct {
	KeyTag    uint16 `json:"key_tag"`
	Algorithm string `json:"algorithm"`
	Flags     uint16 `json:"flags"`
	Matches   bool   `json:"vouched_for"`      // a DS record or a trust anchor is a digest of it
	Reason    string `json:"reason,omitempty"` // why it can't be used
}

type documentRRset struct {
	Name string `json:"name"`
	Type string `json:"type"`
	documentFinding
	Records    []string            `json:"records"`
	Signatures []documentSignature `json:"signatures"`
}

type documentSignature struct {
	Signer     string `json:"signer"`
	KeyTag     uint16 `json:"key_tag"`
	Algorithm  string `json:"algorithm"`
	Inception  string `json:"inception"`
	Expiration string `json:"expiration"`
	documentFinding
}

func newDocument(s *summary) *document {
	d := &document{Version: documentVersion, Name: s.Name, Type: dns.Type(s.Type).String(), Server: s.server, Time: stamp(s.At),
		Rcode: dns.RcodeToString[s.Message.Rcode], Verdict: finding(s.Finding), Zones: []documentZone{}, RRsets: s.rrsets(s.RRsets), Missing: s.Missing, Anchors: anchors(s.Anchors)}
	d.Verdict.Remedy = s.remedy()
	if s.zone != "" {
		d.Failed = &documentFailure{Zone: s.zone, Records: records(s.failed), Negative: s.negative}
	}
	for _, z := range s.Zones {
		d.Zones = append(d.Zones, s.zoneDocument(z))
	}
	return d
}

func finding(f validator.Finding) documentFinding {
	d := documentFinding{Status: f.Status.String(), Detail: f.Detail}
	if f.Reason == validator.ReasonNone {
		return d
	}
	d.Reason, d.Meaning = f.Reason.String(), f.Reason.Text()
	if code, ok := f.Reason.EDE(); ok {
		d.EDE = &code
	}
	return d
}

func (s *summary) zoneDocument(z validator.ZoneReport) documentZone {
	d := documentZone{Name: z.Name, Parent: z.Parent, documentFinding: finding(z.Finding), Anchors: anchors(z.Anchors),
		Denial: s.rrsets(z.Denial), Signatures: s.signatures(z.DNSKEY)}
	if len(z.DS.RRs) > 0 {
		set := s.rrset(z.DS)
		d.DS = &set
	}
	for _, key := range z.Keys {
		k := documentKey{KeyTag: key.KeyTag(), Algorithm: algorithm(key.Algorithm), Flags: key.Flags, Matches: len(key.Matches) > 0}
		if key.Reason != validator.ReasonNone {
			k.Reason = key.Reason.String()
		}
		d.Keys = append(d.Keys, k)
	}
	return d
}

func anchors(records []*dns.DS) []documentDS {
	all := make([]documentDS, 0, len(records))
	for _, ds := range records {
		all = append(all, documentDS{dns.CanonicalName(ds.Hdr.Name), ds.KeyTag, algorithm(ds.Algorithm), ds.DigestType, ds.Digest})
	}
	return all
}

func (s *summary) rrsets(sets []validator.RRsetReport) []documentRRset {
	all := make([]documentRRset, 0, len(sets))
	for _, set := range sets {
		all = append(all, s.rrset(set))
	}
	return all
}

func (s *summary) rrset(set validator.RRsetReport) documentRRset {
	return documentRRset{Name: set.Name, Type: dns.Type(set.Type).String(), documentFinding: finding(set.Finding),
		Records: records(set.RRs), Signatures: s.signatures(set)}
}

func records(rrs []dns.RR) []string {
	all := make([]string, 0, len(rrs))
	for _, rr := range rrs {
		all = append(all, oneLine(rr))
	}
	return all
}

func (s *summary) signatures(set validator.RRsetReport) []documentSignature {
	all := make([]documentSignature, 0, len(set.Signatures))
	for _, sig := range set.Signatures {
		all = append(all, documentSignature{Signer: dns.CanonicalName(sig.RRSIG.SignerName), KeyTag: sig.RRSIG.KeyTag,
			Algorithm: algorithm(sig.RRSIG.Algorithm), Inception: stamp(instant(s.At, sig.RRSIG.Inception)),
			Expiration: stamp(instant(s.At, sig.RRSIG.Expiration)), documentFinding: finding(sig.Finding)})
	}
	return all
}
