package dnssec

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// signedData builds the data that an RRSIG signs (RFC 4034, section 3.1.8.1). The
// RDATA are converted to canonical form and sorted once for all signatures of the
// RRset.
type signedData struct {
	set       RRset
	rdatas    [][]byte // in canonical form and order, without duplicates
	rdataBuf  []byte   // backs rdatas
	buf       []byte
	digestBuf []byte
}

// signedDataPool reuses the buffers for later RRsets.
var signedDataPool = sync.Pool{New: func() any { return new(signedData) }}

// newSignedData prepares the data of an RRset. It fails if a record can't be packed.
// The caller has to call release.
func newSignedData(set RRset) (*signedData, *Failure) {
	d := signedDataPool.Get().(*signedData)
	d.set = set
	var ok bool
	if d.rdatas, d.rdataBuf, ok = canonicalRDATA(set.RRs, d.rdatas[:0], d.rdataBuf); !ok {
		d.release()
		return nil, fail(ResponseMalformed, set.String()+" has RDATA that can't be packed")
	}
	if len(d.rdatas) > 1 {
		slices.SortFunc(d.rdatas, bytes.Compare)
		d.rdatas = slices.CompactFunc(d.rdatas, bytes.Equal)
	}
	return d, nil
}

// release returns the buffers to the pool. Nothing of the data may be used
// afterwards.
func (d *signedData) release() {
	d.set = RRset{}
	signedDataPool.Put(d)
}

// canonicalRDATA appends the RDATA of the records in canonical form (RFC 4034,
// section 6.2) to rdatas. They are slices of wire, which reuses buf if it is large
// enough. The records are packed as a message because dns.PackRR writes to the record
// header, which other goroutines may be reading.
func canonicalRDATA(rrs []dns.RR, rdatas [][]byte, buf []byte) (_ [][]byte, wire []byte, ok bool) {
	wire, err := (&dns.Msg{Answer: rrs}).PackBuffer(buf[:cap(buf)])
	if err != nil {
		return rdatas, buf, false
	}
	off := 12 // message header
	for _, rr := range rrs {
		off += skipName(wire[off:]) + 10 // type, class, TTL, RDLENGTH
		if off > len(wire) {
			return rdatas, wire, false
		}
		end := off + int(binary.BigEndian.Uint16(wire[off-2:]))
		if end > len(wire) {
			return rdatas, wire, false
		}
		rdata := wire[off:end:end]
		lowerRDATANames(rr.Header().Rrtype, rdata)
		rdatas = append(rdatas, rdata)
		off = end
	}
	return rdatas, wire, true
}

// skipName returns the length of the uncompressed name at the start of wire.
func skipName(wire []byte) int {
	off := 0
	for off < len(wire) && wire[off] != 0 {
		off += int(wire[off]) + 1
	}
	return off + 1
}

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

// forSignature returns the data that sig signs. They are valid until the next call.
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
	for i, rdata := range d.rdatas {
		if i > 0 {
			b = append(b, b[ownerStart:ownerEnd]...)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(rdata)))
		b = append(b, rdata...)
	}
	d.buf = b
	return b
}

// digest returns the Digest of a signature by k over data.
func (d *signedData) digest(k *key, signature, data []byte) Digest {
	b := append(d.digestBuf[:0], k.digest[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(signature)))
	b = append(b, signature...)
	d.digestBuf = append(b, data...)
	return sha256.Sum256(d.digestBuf)
}

// signedOwner returns the owner name, or the wildcard that the RRset was expanded
// from (RFC 4035, section 5.3.2).
func (d *signedData) signedOwner(sig *dns.RRSIG) string {
	if int(sig.Labels) >= dnsname.SignedLabels(d.set.Name) {
		return d.set.Name
	}
	return dnsname.Wildcard(dnsname.Ancestor(d.set.Name, int(sig.Labels)))
}
