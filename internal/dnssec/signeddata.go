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

// signedData builds what an RRSIG signs (RFC 4034, section 3.1.8.1). The RDATA of
// the set are brought into canonical form and order once, for all signatures.
type signedData struct {
	set     RRset
	rdata   [][]byte // canonical, in order, each once
	wire    []byte   // has the rdata
	buf     []byte
	digests []byte
}

// signedDatas keeps the buffers for the next RRset.
var signedDatas = sync.Pool{New: func() any { return new(signedData) }}

// newSignedData fails if a record can't be packed. The data are to be released.
func newSignedData(set RRset) (*signedData, *Failure) {
	d := signedDatas.Get().(*signedData)
	d.set = set
	var ok bool
	if d.rdata, d.wire, ok = canonicalRDATA(set.RRs, d.rdata[:0], d.wire); !ok {
		d.release()
		return nil, fail(ResponseMalformed, set.String()+" has RDATA that can't be packed")
	}
	if len(d.rdata) > 1 {
		slices.SortFunc(d.rdata, bytes.Compare)
		d.rdata = slices.CompactFunc(d.rdata, bytes.Equal)
	}
	return d, nil
}

// release gives the buffers back: nothing of the data may be used after it.
func (d *signedData) release() {
	d.set = RRset{}
	signedDatas.Put(d)
}

// canonicalRDATA appends the RDATA of the records in canonical form (RFC 4034,
// section 6.2), and returns the buffer that they lie in, which is buf if that is large
// enough. They are packed as a message: dns.PackRR would write to the records, which
// other goroutines may be reading.
func canonicalRDATA(rrs []dns.RR, rdatas [][]byte, buf []byte) (_ [][]byte, wire []byte, ok bool) {
	wire, err := (&dns.Msg{Answer: rrs}).PackBuffer(buf[:cap(buf)])
	if err != nil {
		return rdatas, buf, false
	}
	off := 12 // the message's header
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
		lowerNames(rr.Header().Rrtype, rdata)
		rdatas = append(rdatas, rdata)
		off = end
	}
	return rdatas, wire, true
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

// digest identifies a signature over the data.
func (d *signedData) digest(k *key, signature, data []byte) Digest {
	b := append(d.digests[:0], k.digest[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(signature)))
	b = append(b, signature...)
	d.digests = append(b, data...)
	return sha256.Sum256(d.digests)
}

// signedOwner is the owner name, or the wildcard that it was made from (RFC 4035,
// section 5.3.2).
func (d *signedData) signedOwner(sig *dns.RRSIG) string {
	if int(sig.Labels) >= dnsname.SignedLabels(d.set.Name) {
		return d.set.Name
	}
	return dnsname.Wildcard(dnsname.Ancestor(d.set.Name, int(sig.Labels)))
}
