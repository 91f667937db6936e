package rollover

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// fields are the name=value words of a line.
type fields map[string]string

// parseFields parses a line that has each of the named fields once, in any order, and
// no others.
func parseFields(text string, names ...string) (fields, error) {
	f := make(fields, len(names))
	for _, word := range strings.Fields(text) {
		name, value, ok := strings.Cut(word, "=")
		switch {
		case !ok || value == "":
			return nil, fmt.Errorf("%q is not name=value", word)
		case !slices.Contains(names, name):
			return nil, fmt.Errorf("%s= does not belong here", name)
		case f[name] != "":
			return nil, fmt.Errorf("%s= is there twice", name)
		}
		f[name] = value
	}
	for _, name := range names {
		if f[name] == "" {
			return nil, fmt.Errorf("%s= is missing", name)
		}
	}
	return f, nil
}

// time parses a time in the form that Format writes. never is the zero time.
func (f fields) time(name string) (time.Time, error) {
	if f[name] == never {
		return time.Time{}, nil
	}
	t, err := time.Parse(timeLayout, f[name])
	if err != nil || t.Format(timeLayout) != f[name] || t.Unix() < 0 {
		return time.Time{}, fmt.Errorf("%s=%s is not a time like %s, nor %s", name, f[name], timeLayout, never)
	}
	return t, nil
}

func (f fields) number(name string, bits int) (uint64, error) {
	n, err := number(f[name], bits)
	if err != nil {
		return 0, fmt.Errorf("%s=%w", name, err)
	}
	return n, nil
}

func (f fields) seconds(name string) (time.Duration, error) {
	n, err := f.number(name, 32)
	return time.Duration(n) * time.Second, err
}

// number parses a decimal number without leading zeros.
func number(text string, bits int) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, fmt.Errorf("%s is not a number from 0 to %d", text, uint64(1)<<bits-1)
	}
	return n, nil
}

// parseRecord parses a DNSKEY or DS record.
func parseRecord(zone string, words []string) (*Key, error) {
	if len(words) != 8 {
		return nil, fmt.Errorf("the record has %d words, and not 8: owner TTL IN DNSKEY flags 3 algorithm key, or owner TTL IN DS tag algorithm digest-type digest", len(words))
	}
	if words[0] != zone {
		return nil, fmt.Errorf("the record is of %s, and stands below the zone %s", words[0], zone)
	}
	if words[2] != "IN" {
		return nil, fmt.Errorf("the class is %s, and not IN", words[2])
	}
	ttl, err := number(words[1], 32)
	if err != nil {
		return nil, fmt.Errorf("TTL: %w", err)
	}
	var n [3]uint64
	for i, bits := range []int{16, 8, 8} {
		if n[i], err = number(words[4+i], bits); err != nil {
			return nil, fmt.Errorf("%s: %w", words[3], err)
		}
	}
	h := dns.RR_Header{Name: zone, Class: dns.ClassINET, Ttl: uint32(ttl)}
	switch words[3] {
	case "DNSKEY":
		key, err := base64.StdEncoding.Strict().DecodeString(words[7])
		if err != nil || len(key) == 0 {
			return nil, fmt.Errorf("the public key is not base64")
		}
		h.Rrtype = dns.TypeDNSKEY
		return &Key{DNSKEY: &dns.DNSKEY{Hdr: h, Flags: uint16(n[0]), Protocol: uint8(n[1]), Algorithm: uint8(n[2]), PublicKey: words[7]}}, nil
	case "DS":
		digest, err := hex.DecodeString(words[7])
		if err != nil {
			return nil, fmt.Errorf("the digest is not hexadecimal")
		}
		h.Rrtype = dns.TypeDS
		return &Key{DS: &dns.DS{Hdr: h, KeyTag: uint16(n[0]), Algorithm: uint8(n[1]), DigestType: uint8(n[2]), Digest: hex.EncodeToString(digest)}}, nil
	}
	return nil, fmt.Errorf("the record is a %s, and neither DNSKEY nor DS", words[3])
}

// parseState parses the fields after the record of a key.
func (k *Key) parseState(text string) error {
	names := []string{"state", "since", "seen", "tag"}
	pending := slices.Contains(strings.Fields(text), "state="+AddPend.String())
	if pending {
		names = append(names, "count", "hold-down")
	}
	f, err := parseFields(text, names...)
	if err != nil {
		return err
	}
	var ok bool
	if k.State, ok = stateFromWord(f["state"]); !ok || k.State == Start {
		return fmt.Errorf("state=%s is not addpend, valid, missing, revoked or removed", f["state"])
	}
	if k.Since, err = f.time("since"); err != nil {
		return err
	}
	if k.Seen, err = f.time("seen"); err != nil {
		return err
	}
	tag, err := f.number("tag", 16)
	if err != nil {
		return err
	}
	if uint16(tag) != k.Tag() {
		return fmt.Errorf("tag=%d, but the record has the tag %d: one of them is damaged", tag, k.Tag())
	}
	if pending {
		if err := k.parsePending(f); err != nil {
			return err
		}
	}
	return k.checkState()
}

// parsePending parses the fields that only a key in AddPend has.
func (k *Key) parsePending(f fields) error {
	count, err := f.number("count", 31)
	if err != nil {
		return err
	}
	k.Count = int(count)
	if k.HoldDown, err = f.seconds("hold-down"); err != nil {
		return err
	}
	if k.HoldDown < AddHoldDown {
		return fmt.Errorf("hold-down=%s is less than 30 days (%s)", f["hold-down"], seconds(AddHoldDown))
	}
	return nil
}

// checkState checks that the state and the times are possible for the record.
func (k *Key) checkState() error {
	gone := k.State == Revoked || k.State == Removed
	switch {
	case k.DNSKEY == nil && !k.State.Trusted():
		return fmt.Errorf("state=%s needs a DNSKEY, and not a DS", k.State)
	case k.DNSKEY == nil && !k.Seen.IsZero():
		return fmt.Errorf("a DS whose key was seen should be a DNSKEY")
	case k.DNSKEY == nil && k.Since.IsZero() != (k.State == Valid):
		return fmt.Errorf("since=%s does not fit a DS with state=%s", stamp(k.Since), k.State)
	case k.DNSKEY == nil:
		return nil
	case gone != isRevoked(k.DNSKEY):
		return fmt.Errorf("state=%s does not fit the REVOKE bit of flags %d", k.State, k.DNSKEY.Flags)
	case k.Since.IsZero() || k.Seen.IsZero():
		return fmt.Errorf("since=never and seen=never are for a DS only")
	}
	return nil
}
