package dnssec

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// signedData builds the data that an RRSIG signs (RFC 4034, section 3.1.8.1). The
// RDATA are converted to canonical form and sorted once for all signatures of the
// RRset. Its buffers are used again for later RRsets.
type signedData struct {
	set       RRset
	rdatas    [][]byte // in canonical form and order, without duplicates
	rdataBuf  packer   // backs rdatas
	signed    []byte   // of the last call of forSignature
	signature []byte   // of the last call of decode
	buf       []byte
}

// prepare converts the RDATA of an RRset. It returns false if a record can't be packed.
func (d *signedData) prepare(set RRset) (ok bool) {
	d.set = set
	if d.rdatas, ok = d.rdataBuf.canonicalRDATA(set.RRs, d.rdatas[:0]); !ok {
		return false
	}
	if len(d.rdatas) > 1 {
		d.sort()
	}
	return true
}

// sort sorts the RDATA and leaves out duplicates (RFC 4034, section 6.3).
//
//go:noinline
func (d *signedData) sort() {
	slices.SortFunc(d.rdatas, bytes.Compare)
	d.rdatas = slices.CompactFunc(d.rdatas, bytes.Equal)
}

// packer packs records. Its buffer is used again.
type packer struct {
	msg dns.Msg
	buf []byte
}

// canonicalRDATA appends the RDATA of the records in canonical form (RFC 4034,
// section 6.2) to rdatas. They are valid until the next call. The records are packed
// as a message because dns.PackRR writes to the record header, which other goroutines
// may be reading.
func (p *packer) canonicalRDATA(rrs []dns.RR, rdatas [][]byte) (_ [][]byte, ok bool) {
	p.msg.Answer = rrs
	wire, err := p.msg.PackBuffer(p.buf[:cap(p.buf)])
	p.msg.Answer = nil
	if err != nil {
		return rdatas, false
	}
	p.buf = wire
	off := 12 // message header
	for _, rr := range rrs {
		off += skipName(wire[off:]) + 10 // type, class, TTL, RDLENGTH
		if off > len(wire) {
			return rdatas, false
		}
		end := off + int(binary.BigEndian.Uint16(wire[off-2:]))
		if end > len(wire) {
			return rdatas, false
		}
		rdata := wire[off:end:end]
		if isdn, ok := rr.(*dns.ISDN); ok && isdn.SubAddress == "" {
			rdata = rdata[:len(rdata)-1] // miekg/dns adds the optional field (RFC 1183, section 3.2)
		}
		lowerRDATANames(rr.Header().Rrtype, rdata)
		rdatas = append(rdatas, rdata)
		off = end
	}
	return rdatas, true
}

// skipName returns the length of the uncompressed name at the start of wire.
func skipName(wire []byte) int {
	off := 0
	for off < len(wire) && wire[off] != 0 {
		off += int(wire[off]) + 1
	}
	return off + 1
}

// typeA6 is obsolete (RFC 6563), and miekg/dns does not have it (RFC 2874, section 3.1).
const typeA6 = 38

// lowerRDATANames converts the names in RDATA to lower case for the types that RFC
// 4034, section 6.2, lists. RFC 6840, section 5.1, removes NSEC from that list.
func lowerRDATANames(rrtype uint16, rdata []byte) {
	switch rrtype {
	case dns.TypeNS, dns.TypeMD, dns.TypeMF, dns.TypeCNAME, dns.TypeMB, dns.TypeMG, dns.TypeMR, dns.TypePTR,
		dns.TypeDNAME, dns.TypeNXT:
		dnsname.LowerWire(rdata, 0)
	case dns.TypeSOA, dns.TypeMINFO, dns.TypeRP:
		lowerTwoNames(rdata, 0)
	case dns.TypeMX, dns.TypeAFSDB, dns.TypeRT, dns.TypeKX:
		dnsname.LowerWire(rdata, 2)
	case dns.TypePX:
		lowerTwoNames(rdata, 2)
	case dns.TypeSRV:
		dnsname.LowerWire(rdata, 6)
	case typeA6:
		if len(rdata) > 0 && rdata[0] > 0 && rdata[0] <= 128 { // else without a name
			dnsname.LowerWire(rdata, 1+(128-int(rdata[0])+7)/8)
		}
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

// lowerTwoNames converts two adjacent names to lower case.
func lowerTwoNames(rdata []byte, off int) {
	if off = dnsname.LowerWire(rdata, off); off >= 0 {
		dnsname.LowerWire(rdata, off)
	}
}

// decode decodes a signature from base64, and reports whether it could.
func (d *signedData) decode(signature string) bool {
	d.buf = append(d.buf[:0], signature...)
	var err error
	d.signature, err = base64.StdEncoding.AppendDecode(d.signature[:0], d.buf)
	return err == nil
}

// forSignature builds the data that sig signs, in signed.
func (d *signedData) forSignature(sig *dns.RRSIG) {
	b := d.signed[:0]
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
	for i, rdata := range d.rdatas {
		if i > 0 {
			b = append(b, b[ownerStart:ownerEnd]...)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(rdata)))
		b = append(b, rdata...)
	}
	d.signed = b
}

// digest returns the Digest of the signature by k over the data.
func (d *signedData) digest(k *key) Digest {
	b := append(d.buf[:0], k.digest[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(d.signature)))
	b = append(b, d.signature...)
	d.buf = append(b, d.signed...)
	return sha256.Sum256(d.buf)
}

// signedOwner returns the owner name, or the wildcard that the RRset was expanded
// from (RFC 4035, section 5.3.2).
func (d *signedData) signedOwner(sig *dns.RRSIG) string {
	if int(sig.Labels) >= dnsname.SignedLabels(d.set.Name) {
		return d.set.Name
	}
	return dnsname.Wildcard(dnsname.Ancestor(d.set.Name, int(sig.Labels)))
}
