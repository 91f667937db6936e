package dnssec

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/miekg/dns"
)

// UnsupportedError is the error of TrustAnchor for a record that is well-formed but has
// an algorithm or a digest type that is not accepted. Other versions of the program, or
// another policy, may accept it.
type UnsupportedError string

// Error returns a clause such as "algorithm 18 is not relied on".
func (e UnsupportedError) Error() string { return string(e) }

// TrustAnchor returns the DS of a trust anchor that is configured as a DS or a
// DNSKEY. The digest of a DNSKEY is SHA-256. The error says why the record can't
// authenticate a key: its digest has the wrong length, or the key is revoked, not a
// zone key or malformed. It is an UnsupportedError if nothing but the algorithm or the
// digest type is the reason. The owner name is not checked.
func TrustAnchor(rr dns.RR, p Policy) (*dns.DS, error) {
	switch rr := rr.(type) {
	case *dns.DS:
		return trustAnchorFromDS(rr, p)
	case *dns.DNSKEY:
		return trustAnchorFromDNSKEY(rr, p)
	default:
		return nil, fmt.Errorf("a trust anchor is a DS or a DNSKEY, not %s", dns.Type(rr.Header().Rrtype))
	}
}

func trustAnchorFromDS(ds *dns.DS, p Policy) (*dns.DS, error) {
	strength := digestStrength(ds.DigestType)
	switch digest, err := hex.DecodeString(ds.Digest); {
	case strength > 0 && (err != nil || len(digest) != digests[strength-1].hash.Size()):
		return nil, fmt.Errorf("the digest is not of %d hexadecimal digits, as digest type %d has", 2*digests[strength-1].hash.Size(), ds.DigestType)
	case err != nil || len(digest) == 0:
		return nil, errors.New("the digest is not hexadecimal")
	case !p.ReliesOn(ds.Algorithm):
		return nil, unsupportedAlgorithm(ds.Algorithm)
	case strength == 0:
		return nil, UnsupportedError(fmt.Sprintf("digest type %d is not relied on: use 2 (SHA-256)", ds.DigestType))
	}
	return ds, nil
}

func trustAnchorFromDNSKEY(rr *dns.DNSKEY, p Policy) (*dns.DS, error) {
	k, ok := parseKey(rr)
	if !ok {
		return nil, errors.New("the public key is not base64")
	}
	if f := k.usable(); f != nil && (f.Reason != DNSKEYMalformed || p.ReliesOn(rr.Algorithm)) {
		return nil, errors.New(f.Reason.Text())
	}
	if !p.ReliesOn(rr.Algorithm) {
		return nil, unsupportedAlgorithm(rr.Algorithm)
	}
	ds := rr.ToDS(dns.SHA256)
	if ds == nil {
		return nil, errors.New("the public key is not base64")
	}
	return ds, nil
}

func unsupportedAlgorithm(algorithm uint8) UnsupportedError {
	if _, implemented := algorithms[algorithm]; implemented {
		return UnsupportedError(fmt.Sprintf("algorithm %s is relied on with allow-sha1 only (RFC 9905)", AlgorithmName(algorithm)))
	}
	return UnsupportedError(fmt.Sprintf("algorithm %d is not relied on: use one of 8, 10, 13, 14, 15, 16", algorithm))
}
