package differential

import (
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// aim is what a defect is of.
type aim uint8

const (
	zoneOf  aim = iota // the whole zone, its keys, or its DS
	rrsetOf            // one RRset, for NSEC and NSEC3 given by a name that it matches or covers
	nameOf             // the denial of a name
)

// defect changes what the zone has stored.
type defect struct {
	of       aim
	breakage func(fault) testzone.Breakage
}

// fault is a Defect with its names absolute.
type fault struct {
	zone, parent, name string
	typ                uint16
}

func whole(b testzone.Breakage) defect {
	return defect{of: zoneOf, breakage: func(fault) testzone.Breakage { return b }}
}

func set(f func(name string, typ uint16) testzone.Breakage) defect {
	return defect{of: rrsetOf, breakage: func(x fault) testzone.Breakage { return f(x.name, x.typ) }}
}

func denial(f func(name string) testzone.Breakage) defect {
	return defect{of: nameOf, breakage: func(x fault) testzone.Breakage { return f(x.name) }}
}

func bit(f func(name string, typ uint16) testzone.Breakage, typ uint16) defect {
	return denial(func(name string) testzone.Breakage { return f(name, typ) })
}

// defects are the ways to break a zone, by kind.
var defects = map[string]defect{
	"signatures dropped":         set(testzone.DropSignatures),
	"all signatures dropped":     whole(testzone.DropAllSignatures()),
	"expired":                    set(testzone.Expired),
	"all expired":                whole(testzone.Expired("", 0)),
	"not yet valid":              set(testzone.NotYetValid),
	"inception after expiration": set(testzone.InceptionAfterExpiration),
	"expired minutes ago": set(func(name string, typ uint16) testzone.Breakage {
		return testzone.BarelyExpired(name, typ, 10*time.Minute, time.Now())
	}),
	"bit of the signature flipped": set(testzone.FlipSignatureBit),
	"all signatures flipped":       whole(testzone.FlipSignatureBit("", 0)),
	"RDATA changed":                set(testzone.ChangeRDATA),
	"record dropped":               set(testzone.DropRecord),
	"record added":                 set(testzone.AddRecord),
	"labels one more":              set(func(n string, t uint16) testzone.Breakage { return testzone.WrongLabels(n, t, 1) }),
	"labels one less":              set(func(n string, t uint16) testzone.Breakage { return testzone.WrongLabels(n, t, -1) }),
	"wrong key tag":                set(testzone.WrongKeyTag),
	"wrong signature algorithm":    set(testzone.WrongSignatureAlgorithm),
	"original TTL 5":               set(func(n string, t uint16) testzone.Breakage { return testzone.OriginalTTL(n, t, 5) }),
	"original TTL high":            set(func(n string, t uint16) testzone.Breakage { return testzone.OriginalTTL(n, t, 1<<30) }),
	"signed by the KSK":            set(func(n string, t uint16) testzone.Breakage { return testzone.SignedBy(testzone.KSK, n, t) }),
	"signed by the ZSK":            set(func(n string, t uint16) testzone.Breakage { return testzone.SignedBy(testzone.ZSK, n, t) }),
	"signed by an unknown key":     set(testzone.SignedByUnknownKey),
	"wrong signature besides":      set(beside(testzone.FlippedBit)),
	"expired signature besides":    set(beside(testzone.ExpiredSignature)),
	"unknown signature besides":    set(beside(testzone.UnknownTag)),
	"signed by the parent": {of: rrsetOf, breakage: func(x fault) testzone.Breakage {
		return testzone.ForeignSigner(x.name, x.typ, x.parent)
	}},
	"signed by no zone": {of: rrsetOf, breakage: func(x fault) testzone.Breakage {
		return testzone.ForeignSigner(x.name, x.typ, "none."+x.zone)
	}},
	"signatures of the SOA": {of: rrsetOf, breakage: func(x fault) testzone.Breakage {
		return testzone.TakeSignatures(x.name, x.typ, x.zone, dns.TypeSOA)
	}},

	"DS digest wrong":        whole(testzone.WrongDSDigest()),
	"DS key tag wrong":       whole(testzone.WrongDSTag()),
	"DS algorithm wrong":     whole(testzone.WrongDSAlgorithm()),
	"DS algorithm unknown":   whole(testzone.DSAlgorithm(200)),
	"DS digest type unknown": whole(testzone.DSDigestType(200)),
	"DS removed":             whole(testzone.RemoveDS()),
	"ZSK removed":            whole(testzone.RemoveZSK()),
	"KSK removed":            whole(testzone.RemoveKSK()),
	"KSK not a zone key":     whole(testzone.ClearZoneFlag(testzone.KSK)),
	"ZSK not a zone key":     whole(testzone.ClearZoneFlag(testzone.ZSK)),
	"KSK revoked":            whole(testzone.SetRevoke(testzone.KSK)),
	"ZSK revoked":            whole(testzone.SetRevoke(testzone.ZSK)),
	"KSK protocol wrong":     whole(testzone.WrongProtocol(testzone.KSK)),
	"ZSK protocol wrong":     whole(testzone.WrongProtocol(testzone.ZSK)),

	"denial dropped":           whole(testzone.DropDenial()),
	"wildcard proofs dropped":  whole(testzone.DropWildcardProofs()),
	"denial of a name dropped": denial(testzone.DropDenialOf),
	"next name is the zone": {of: nameOf, breakage: func(x fault) testzone.Breakage {
		return testzone.ReplaceNext(x.name, x.zone)
	}},
	"next name is near":               denial(func(n string) testzone.Breakage { return testzone.ReplaceNext(n, `\000.`+n) }),
	"type bit A set":                  bit(testzone.SetTypeBit, dns.TypeA),
	"type bit MX set":                 bit(testzone.SetTypeBit, dns.TypeMX),
	"type bit CNAME set":              bit(testzone.SetTypeBit, dns.TypeCNAME),
	"type bit DNAME set":              bit(testzone.SetTypeBit, dns.TypeDNAME),
	"type bit NS set":                 bit(testzone.SetTypeBit, dns.TypeNS),
	"type bit SOA set":                bit(testzone.SetTypeBit, dns.TypeSOA),
	"type bit DS set":                 bit(testzone.SetTypeBit, dns.TypeDS),
	"type bit A cleared":              bit(testzone.ClearTypeBit, dns.TypeA),
	"type bit NS cleared":             bit(testzone.ClearTypeBit, dns.TypeNS),
	"type bit DS cleared":             bit(testzone.ClearTypeBit, dns.TypeDS),
	"NSEC3 flags unknown":             whole(testzone.NSEC3Flags(2)),
	"NSEC3 opt-out set":               whole(testzone.NSEC3Flags(1)),
	"NSEC3 opt-out cleared":           whole(testzone.NSEC3Flags(0)),
	"NSEC3 hash unknown":              whole(testzone.NSEC3Hash(6)),
	"NSEC3 salt wrong":                whole(testzone.NSEC3Salt("c0ffee")),
	"NSEC3 iterations wrong":          whole(testzone.NSEC3Iterations(3)),
	"NSEC3 iterations wrong and many": whole(testzone.NSEC3Iterations(2500)),
}

func beside(kind testzone.BadSignature) func(string, uint16) testzone.Breakage {
	return func(name string, typ uint16) testzone.Breakage { return testzone.PrependSignature(kind, name, typ) }
}
