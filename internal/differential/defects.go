package differential

import (
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// scope is the part of a zone that a defect applies to.
type scope uint8

const (
	zoneScope  scope = iota // the zone, its keys or its DS RRset
	rrsetScope              // one RRset; NSEC and NSEC3 are given by a name that they match or cover
	nameScope               // the denial of a name
)

// defect is a change to the stored data of a zone.
type defect struct {
	scope    scope
	breakage func(target) testzone.Breakage
}

// target is a Defect with absolute names.
type target struct {
	zone, parent, name string
	typ                uint16
}

func whole(b testzone.Breakage) defect {
	return defect{scope: zoneScope, breakage: func(target) testzone.Breakage { return b }}
}

func set(f func(name string, typ uint16) testzone.Breakage) defect {
	return defect{scope: rrsetScope, breakage: func(x target) testzone.Breakage { return f(x.name, x.typ) }}
}

func denial(f func(name string) testzone.Breakage) defect {
	return defect{scope: nameScope, breakage: func(x target) testzone.Breakage { return f(x.name) }}
}

func bit(f func(name string, typ uint16) testzone.Breakage, typ uint16) defect {
	return denial(func(name string) testzone.Breakage { return f(name, typ) })
}

// defects has the defects of stored data, by kind.
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
	"wrong signature besides":      set(prepended(testzone.FlippedBit)),
	"expired signature besides":    set(prepended(testzone.ExpiredSignature)),
	"unknown signature besides":    set(prepended(testzone.UnknownTag)),
	"signed by the parent": {scope: rrsetScope, breakage: func(x target) testzone.Breakage {
		return testzone.ForeignSigner(x.name, x.typ, x.parent)
	}},
	"signed by no zone": {scope: rrsetScope, breakage: func(x target) testzone.Breakage {
		return testzone.ForeignSigner(x.name, x.typ, "none."+x.zone)
	}},
	"signatures of the SOA": {scope: rrsetScope, breakage: func(x target) testzone.Breakage {
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
	"next name is the zone": {scope: nameScope, breakage: func(x target) testzone.Breakage {
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

func prepended(kind testzone.BadSignature) func(string, uint16) testzone.Breakage {
	return func(name string, typ uint16) testzone.Breakage { return testzone.PrependSignature(kind, name, typ) }
}
