package dnssec

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/miekg/dns"
)

// TrustAnchor makes the DS of a trust anchor that is given as DS or as DNSKEY. It
// refuses what would never vouch for a key: an algorithm or a digest type that is
// not relied on, a revoked key, one that is no zone key or can't be read.
func TrustAnchor(rr dns.RR, p Policy) (*dns.DS, error) {
	switch rr := rr.(type) {
	case *dns.DS:
		return anchorFromDS(rr, p)
	case *dns.DNSKEY:
		return anchorFromDNSKEY(rr, p)
	default:
		return nil, fmt.Errorf("a trust anchor is a DS or a DNSKEY, not %s", dns.Type(rr.Header().Rrtype))
	}
}

func anchorFromDS(ds *dns.DS, p Policy) (*dns.DS, error) {
	strength := digestStrength(ds.DigestType)
	switch digest, err := hex.DecodeString(ds.Digest); {
	case !p.ReliesOn(ds.Algorithm):
		return nil, notReliedOn(ds.Algorithm)
	case strength == 0:
		return nil, fmt.Errorf("digest type %d is not relied on: use 2 (SHA-256)", ds.DigestType)
	case err != nil || len(digest) != digests[strength-1].hash.Size():
		return nil, fmt.Errorf("the digest is not of %d hexadecimal digits, as digest type %d has", 2*digests[strength-1].hash.Size(), ds.DigestType)
	}
	return ds, nil
}

func anchorFromDNSKEY(rr *dns.DNSKEY, p Policy) (*dns.DS, error) {
	if !p.ReliesOn(rr.Algorithm) {
		return nil, notReliedOn(rr.Algorithm)
	}
	k, ok := readKey(rr)
	if !ok {
		return nil, errors.New("the public key is not base64")
	}
	if f := k.usable(); f != nil {
		return nil, errors.New(f.Reason.Text())
	}
	ds := rr.ToDS(dns.SHA256)
	if ds == nil {
		return nil, errors.New("the public key is not base64")
	}
	return ds, nil
}

func notReliedOn(algorithm uint8) error {
	if _, implemented := algorithms[algorithm]; implemented {
		return fmt.Errorf("algorithm %s is relied on with allow-sha1 only (RFC 9905)", AlgorithmName(algorithm))
	}
	return fmt.Errorf("algorithm %d is not relied on: use one of 8, 10, 13, 14, 15, 16", algorithm)
}
