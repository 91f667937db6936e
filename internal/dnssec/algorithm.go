package dnssec

import (
	"crypto"
	"strconv"

	"github.com/miekg/dns"
)

// Policy says what is relied on. The zero value relies on no SHA-1 signature and
// allows no difference of the clocks.
type Policy struct {
	AllowSHA1 bool // rely on algorithms 5 and 7 too (RFC 9905 says not to)
	Skew      Skew
}

// algorithms holds what is implemented, by its number in the IANA registry.
var algorithms = map[uint8]struct {
	name string
	hash crypto.Hash // 0: the algorithm hashes for itself
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

// ReliesOn tells whether signatures of the algorithm count. A zone whose DS set
// names only others is insecure (RFC 4035, section 5.2).
func (p Policy) ReliesOn(algorithm uint8) bool {
	if algorithm == dns.RSASHA1 || algorithm == dns.RSASHA1NSEC3SHA1 {
		return p.AllowSHA1
	}
	_, ok := algorithms[algorithm]
	return ok
}

// AlgorithmName returns the mnemonic of the algorithm, or its number.
func AlgorithmName(algorithm uint8) string {
	if a, ok := algorithms[algorithm]; ok {
		return a.name
	}
	return strconv.Itoa(int(algorithm))
}

// digests holds the DS digest types that are implemented, in the order of their
// strength. The GOST digests are left out by RFC 9906.
var digests = []struct {
	number uint8
	hash   crypto.Hash
}{
	{dns.SHA1, crypto.SHA1},
	{dns.SHA256, crypto.SHA256},
	{dns.SHA384, crypto.SHA384},
}

// digestStrength orders the digest types; 0 is none of those implemented.
func digestStrength(digestType uint8) int {
	for i, d := range digests {
		if d.number == digestType {
			return i + 1
		}
	}
	return 0
}
