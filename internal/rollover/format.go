package rollover

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// The state file has one line for each zone and each key:
//
//	; comment, as are empty lines
//	;;dnssecval-trust-anchors version=1 written=TIME
//	;;zone name=NAME last-success=TIME last-try=TIME next-query=TIME retry=SECONDS
//	NAME TTL IN DNSKEY 257 3 8 KEY ;;state=valid since=TIME seen=TIME tag=20326
//	NAME TTL IN DNSKEY 257 3 8 KEY ;;state=addpend since=TIME seen=TIME tag=38696 count=2 hold-down=SECONDS
//	NAME TTL IN DS 38696 8 2 DIGEST ;;state=missing since=TIME seen=never tag=38696
//	;;end
//
// TIME is like 2006-01-02T15:04:05Z, or never. A key belongs to the last zone line.
const (
	versionMark = ";;dnssecval-trust-anchors"
	zoneMark    = ";;zone"
	endMark     = ";;end"
	version     = "1"

	timeLayout = "2006-01-02T15:04:05Z"
	never      = "never"
)

const header = `; The trust anchors that dnssecval keeps by RFC 5011. The program writes this file:
; do not edit it while the program runs. To start again from the configured anchors,
; stop the program and delete the file.
`

// Format returns the text of a state file. It fails if Parse would not accept it.
// Times are truncated to seconds.
func Format(zones []*Zone, written time.Time) ([]byte, error) {
	if len(zones) == 0 {
		return nil, errNoZones
	}
	var b bytes.Buffer
	b.WriteString(header)
	fmt.Fprintf(&b, "%s version=%s written=%s\n", versionMark, version, stamp(truncateToSeconds(written)))
	for _, z := range zones {
		if err := checkName(z.Name); err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\n%s name=%s last-success=%s last-try=%s next-query=%s retry=%s\n", zoneMark, z.Name,
			stamp(z.LastSuccess), stamp(z.LastTry), stamp(z.Next), seconds(z.Retry))
		if z.Deleted() {
			b.WriteString("; Every trust anchor of this zone is revoked: it is as if it had none.\n")
		}
		for i := range z.Keys {
			formatKey(&b, z, &z.Keys[i])
		}
	}
	fmt.Fprintf(&b, "\n%s\n", endMark)
	if _, err := Parse("what is to be written", b.Bytes()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func formatKey(b *bytes.Buffer, z *Zone, k *Key) {
	if k.DNSKEY != nil {
		fmt.Fprintf(b, "%s %d IN DNSKEY %d %d %d %s", z.Name, k.DNSKEY.Hdr.Ttl, k.DNSKEY.Flags, k.DNSKEY.Protocol, k.DNSKEY.Algorithm, k.DNSKEY.PublicKey)
	} else {
		fmt.Fprintf(b, "%s %d IN DS %d %d %d %s", z.Name, k.DS.Hdr.Ttl, k.DS.KeyTag, k.DS.Algorithm, k.DS.DigestType, k.DS.Digest)
	}
	fmt.Fprintf(b, " ;;state=%s since=%s seen=%s tag=%d", k.State, stamp(k.Since), stamp(k.Seen), k.Tag())
	if k.State == AddPend {
		fmt.Fprintf(b, " count=%d hold-down=%s", k.Count, seconds(k.HoldDown))
	}
	b.WriteByte('\n')
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return never
	}
	return t.UTC().Format(timeLayout)
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// checkTrustAnchor decides whether a key, or a revoked key without the REVOKE bit,
// can be a trust anchor. Any algorithm and digest type will do: a later version of the
// program, or another policy, may have written the file, and must find the key again.
func checkTrustAnchor(k *Key) error {
	_, err := k.trustAnchor(permissivePolicy)
	if errors.As(err, new(dnssec.UnsupportedError)) {
		return nil
	}
	return err
}

// ReliedOn reports whether the policy accepts the key's algorithm and digest type.
func (k *Key) ReliedOn(policy dnssec.Policy) bool {
	_, err := k.trustAnchor(policy)
	return err == nil
}

func (k *Key) trustAnchor(policy dnssec.Policy) (*dns.DS, error) {
	if k.DNSKEY == nil {
		return dnssec.TrustAnchor(k.DS, policy)
	}
	plain := *k.DNSKEY
	plain.Flags &^= dns.REVOKE
	return dnssec.TrustAnchor(&plain, policy)
}

// permissivePolicy accepts all implemented algorithms: the policy applies when a key
// is used, not when the file is read.
var permissivePolicy = dnssec.Policy{AllowSHA1: true}
