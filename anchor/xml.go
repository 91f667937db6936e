package anchor

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// keyDigest is a key in IANA's root-anchors.xml (RFC 9718, section 2). Other elements
// are ignored, as the RFC says.
type keyDigest struct {
	ID         string `xml:"id,attr"`
	ValidFrom  string `xml:"validFrom,attr"`
	ValidUntil string `xml:"validUntil,attr"`
	KeyTag     uint16 `xml:"KeyTag"`
	Algorithm  uint8  `xml:"Algorithm"`
	DigestType uint8  `xml:"DigestType"`
	Digest     string `xml:"Digest"`
}

// isXML reports whether a text is an XML document rather than zone-file lines.
func isXML(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "<") }

// parseXML reads the trust anchors that are valid at rules.At. It does not check the
// detached signature of the document: that is for the installation of the file.
func parseXML(source, text string, rules Rules) (*reading, error) {
	zone, decoder, read := "", xml.NewDecoder(strings.NewReader(text)), new(reading)
	for {
		token, err := decoder.Token()
		line, _ := decoder.InputPos()
		place := fmt.Sprintf("%s:%d", source, line)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: not root-anchors.xml as RFC 9718 has it: %w", place, err)
		}
		switch start, _ := token.(xml.StartElement); start.Name.Local {
		case "Zone":
			if zone, err = readZone(decoder, start); err != nil {
				return nil, fmt.Errorf("%s: %w", place, err)
			}
		case "KeyDigest":
			ds, err := readKeyDigest(decoder, start, zone, rules)
			if err == nil && ds != nil {
				err = read.add(ds, place, rules)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", place, err)
			}
		}
	}
	if read.empty() {
		return nil, fmt.Errorf("%s: no KeyDigest in it is valid now; get root-anchors.xml again", source)
	}
	return read, nil
}

// readZone returns the name of the zone.
func readZone(decoder *xml.Decoder, start xml.StartElement) (string, error) {
	var zone string
	if err := decoder.DecodeElement(&zone, &start); err != nil {
		return "", err
	}
	zone = strings.TrimSpace(zone)
	if _, ok := dns.IsDomainName(zone); !ok || zone == "" || !isASCII(zone) {
		return "", fmt.Errorf("the zone is %q, which is none; the root is a dot", zone)
	}
	return dns.Fqdn(zone), nil
}

// readKeyDigest returns the DS of a key, or nil if the key is not valid at rules.At.
func readKeyDigest(decoder *xml.Decoder, start xml.StartElement, zone string, rules Rules) (*dns.DS, error) {
	var d keyDigest
	if err := decoder.DecodeElement(&d, &start); err != nil {
		return nil, fmt.Errorf("KeyDigest can't be read: %w", err)
	}
	if zone == "" {
		return nil, errors.New("KeyDigest comes before Zone")
	}
	if valid, err := d.valid(rules.now()); err != nil || !valid {
		return nil, err
	}
	return &dns.DS{Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeDS, Class: dns.ClassINET},
		KeyTag: d.KeyTag, Algorithm: d.Algorithm, DigestType: d.DigestType, Digest: strings.TrimSpace(d.Digest)}, nil
}

// valid reports whether the key is valid at a time.
func (d keyDigest) valid(now time.Time) (bool, error) {
	from, err := time.Parse(time.RFC3339, d.ValidFrom)
	if err != nil {
		return false, fmt.Errorf("validFrom is %q, not a time such as 2017-02-02T00:00:00+00:00", d.ValidFrom)
	}
	if d.ValidUntil == "" {
		return !now.Before(from), nil
	}
	until, err := time.Parse(time.RFC3339, d.ValidUntil)
	if err != nil {
		return false, fmt.Errorf("validUntil is %q, not a time such as 2019-01-11T00:00:00+00:00", d.ValidUntil)
	}
	return !now.Before(from) && now.Before(until), nil
}
