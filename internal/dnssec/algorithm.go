package dnssec

import (
	"crypto"
	"strconv"

	"github.com/miekg/dns"
)

// Policy selects the algorithms and the clock skew that are accepted. The zero value
// accepts no SHA-1 signatures and no clock skew.
type Policy struct {
	AllowSHA1 bool // accept algorithms 5 and 7, which RFC 9905 treats as unsupported
	Skew      Skew
}

// algorithms lists the implemented algorithms by IANA number.
var algorithms = map[uint8]struct {
	name string
	hash crypto.Hash // 0 if the algorithm takes the data unhashed
}{
	dns.RSASHA1:          {"RSASHA1", crypto.SHA1},
	dns.RSASHA1NSEC3SHA1: {"RSASHA1-NSEC3-SHA1", crypto.SHA1},
	dns.RSASHA256:        {"RSASHA256", crypto.SHA256},
	dns.RSASHA512:        {"RSASHA512", crypto.SHA512},
	dns.ECDSAP256SHA256:  {"ECDSAP256SHA256", crypto.SHA256},
	dns.ECDSAP384SHA384:  {"ECDSAP384SHA384", crypto.SHA384},
	dns.ED25519:          {"ED25519", 0},
	dns.ED448:            {"ED448", 0},
}

// ReliesOn reports whether signatures of the algorithm are accepted. A zone whose DS
// RRset has no accepted algorithm is insecure (RFC 4035, section 5.2).
func (p Policy) ReliesOn(algorithm uint8) bool {
	if algorithm == dns.RSASHA1 || algorithm == dns.RSASHA1NSEC3SHA1 {
		return p.AllowSHA1
	}
	_, ok := algorithms[algorithm]
	return ok
}

// AlgorithmName returns the mnemonic of an implemented algorithm, or the number of
// another one.
func AlgorithmName(algorithm uint8) string {
	if a, ok := algorithms[algorithm]; ok {
		return a.name
	}
	return strconv.Itoa(int(algorithm))
}

// digests lists the implemented DS digest types from weakest to strongest. The GOST
// digest types 3 and 5 are not implemented (RFC 9906 deprecates type 3).
var digests = []struct {
	number uint8
	hash   crypto.Hash
}{
	{dns.SHA1, crypto.SHA1},
	{dns.SHA256, crypto.SHA256},
	{dns.SHA384, crypto.SHA384},
}

// digestStrength returns the rank of a digest type, starting at 1, or 0 if the type
// is not implemented.
func digestStrength(digestType uint8) int {
	for i, d := range digests {
		if d.number == digestType {
			return i + 1
		}
	}
	return 0
}
