package dnssec

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// signedData builds what an RRSIG signs (RFC 4034, section 3.1.8.1). The RDATA of
// the set are brought into canonical form and order once, for all signatures.
type signedData struct {
	set   RRset
	rdata [][]byte // canonical, in order, each once
	buf   []byte
}

// newSignedData fails if a record can't be packed.
func newSignedData(set RRset) (*signedData, *Failure) {
	rdata, ok := canonicalRDATA(set.RRs)
	if !ok {
		return nil, fail(ResponseMalformed, set.String()+" has RDATA that can't be packed")
	}
	d := &signedData{set: set, rdata: rdata}
	if len(d.rdata) > 1 {
		slices.SortFunc(d.rdata, bytes.Compare)
		d.rdata = slices.CompactFunc(d.rdata, bytes.Equal)
	}
	return d, nil
}

// canonicalRDATA returns the RDATA of the records in canonical form (RFC 4034,
// section 6.2). They are packed as a message: dns.PackRR would write to the records,
// which other goroutines may be reading.
func canonicalRDATA(rrs []dns.RR) ([][]byte, bool) {
	wire, err := (&dns.Msg{Answer: rrs}).Pack()
	if err != nil {
		return nil, false
	}
	rdatas := make([][]byte, 0, len(rrs))
	off := 12 // the message's header
	for _, rr := range rrs {
		off += skipName(wire[off:]) + 10 // type, class, TTL, RDLENGTH
		if off > len(wire) {
			return nil, false
		}
		end := off + int(binary.BigEndian.Uint16(wire[off-2:]))
		if end > len(wire) {
			return nil, false
		}
		rdata := wire[off:end:end]
		lowerNames(rr.Header().Rrtype, rdata)
		rdatas = append(rdatas, rdata)
		off = end
	}
	return rdatas, true
}

func skipName(wire []byte) int {
	off := 0
	for off < len(wire) && wire[off] != 0 {
		off += int(wire[off]) + 1
	}
	return off + 1
}

// lowerNames puts the names in the RDATA of the types that RFC 4034, section 6.2,
// lists into lower case. NSEC is off the list since RFC 6840, section 5.1.
func lowerNames(rrtype uint16, rdata []byte) {
	switch rrtype {
	case dns.TypeNS, dns.TypeMD, dns.TypeMF, dns.TypeCNAME, dns.TypeMB, dns.TypeMG, dns.TypeMR, dns.TypePTR,
		dns.TypeDNAME, dns.TypeNXT:
		dnsname.LowerWire(rdata, 0)
	case dns.TypeSOA, dns.TypeMINFO, dns.TypeRP:
		lowerPair(rdata, 0)
	case dns.TypeMX, dns.TypeAFSDB, dns.TypeRT, dns.TypeKX:
		dnsname.LowerWire(rdata, 2)
	case dns.TypePX:
		lowerPair(rdata, 2)
	case dns.TypeSRV:
		dnsname.LowerWire(rdata, 6)
	case dns.TypeSIG, dns.TypeRRSIG:
		dnsname.LowerWire(rdata, 18)
	case dns.TypeNAPTR:
		off := 4
		for i := 0; i < 3 && off < len(rdata); i++ { // flags, services, regexp
			off += int(rdata[off]) + 1
		}
		dnsname.LowerWire(rdata, off)
	}
}

func lowerPair(rdata []byte, off int) {
	if off = dnsname.LowerWire(rdata, off); off >= 0 {
		dnsname.LowerWire(rdata, off)
	}
}

// forSignature returns the octets that sig signs; they are good until the next call.
func (d *signedData) forSignature(sig *dns.RRSIG) []byte {
	b := d.buf[:0]
	b = binary.BigEndian.AppendUint16(b, sig.TypeCovered)
	b = append(b, sig.Algorithm, sig.Labels)
	b = binary.BigEndian.AppendUint32(b, sig.OrigTtl)
	b = binary.BigEndian.AppendUint32(b, sig.Expiration)
	b = binary.BigEndian.AppendUint32(b, sig.Inception)
	b = binary.BigEndian.AppendUint16(b, sig.KeyTag)
	b = dnsname.AppendWire(b, sig.SignerName)

	ownerStart := len(b)
	b = dnsname.AppendWire(b, d.signedOwner(sig))
	b = binary.BigEndian.AppendUint16(b, d.set.Type)
	b = binary.BigEndian.AppendUint16(b, dns.ClassINET)
	b = binary.BigEndian.AppendUint32(b, sig.OrigTtl)
	ownerEnd := len(b)
	for i, rdata := range d.rdata {
		if i > 0 {
			b = append(b, b[ownerStart:ownerEnd]...)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(rdata)))
		b = append(b, rdata...)
	}
	d.buf = b
	return b
}

// signedOwner is the owner name, or the wildcard that it was made from (RFC 4035,
// section 5.3.2).
func (d *signedData) signedOwner(sig *dns.RRSIG) string {
	if int(sig.Labels) >= dnsname.SignedLabels(d.set.Name) {
		return d.set.Name
	}
	return dnsname.Wildcard(dnsname.Ancestor(d.set.Name, int(sig.Labels)))
}
