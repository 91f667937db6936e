package rollover

import (
	"encoding/base64"
	"slices"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Update takes a DNSKEY RRset of the zone as it was received. If a trusted key
// authenticates it, it decides about all keys; if none does there is a failure, and
// nothing changes but for keys that revoked themselves. The events are what changed,
// in the order of the keys, revocations first.
func (z *Zone) Update(now time.Time, set dnssec.RRset, policy dnssec.Policy) ([]Event, *dnssec.Failure) {
	u := update{zone: z, now: second(now), set: set, policy: policy}
	z.LastTry = u.now
	if z.Deleted() {
		return nil, z.errDeleted()
	}
	u.revoke()
	if z.Deleted() {
		u.delete()
		return u.events, z.errDeleted()
	}
	keys, f := u.authenticate(z.Anchors())
	if f != nil {
		z.Failed(u.now)
		return u.events, f
	}
	u.holdDown = max(AddHoldDown, originalTTL(keys))
	u.ttl = keys.OriginalTTL()
	u.known()
	u.unknown()
	u.forget()
	z.schedule(u.now, keys)
	return u.events, nil
}

// update is one RRset being taken in.
type update struct {
	zone     *Zone
	now      time.Time
	set      dnssec.RRset
	policy   dnssec.Policy
	holdDown time.Duration
	ttl      uint32
	events   []Event
}

func (u *update) verifier() *dnssec.Verifier {
	return &dnssec.Verifier{Now: u.now, Policy: u.policy, Budget: dnssec.NewBudget(nil)}
}

// authenticate tries the anchors, so many at a time as a verifier looks at.
func (u *update) authenticate(anchors []*dns.DS) (keys *dnssec.Keys, f *dnssec.Failure) {
	best := &dnssec.Failure{Reason: dnssec.TrustAnchorMissing, Detail: u.zone.Name}
	v := u.verifier()
	for some := range slices.Chunk(anchors, dnssec.MaxDS) {
		if keys, f = v.Keys(u.set, dnssec.TrustAnchors(u.zone.Name, some)); f == nil {
			return keys, nil
		}
		if f.Reason > best.Reason {
			best = f
		}
	}
	return nil, best
}

// dnskeys iterates over the keys of the RRset.
func (u *update) dnskeys(yield func(*dns.DNSKEY) bool) {
	for _, rr := range u.set.RRs {
		if k, ok := rr.(*dns.DNSKEY); ok && !yield(k) {
			return
		}
	}
}

// revoke looks for trusted keys that revoke themselves, each by its own signature
// alone. Its budget is not that of the authentication.
func (u *update) revoke() {
	if u.set.Type != dns.TypeDNSKEY || u.set.Name != u.zone.Name {
		return
	}
	v := u.verifier()
	for rr := range u.dnskeys {
		if !revoked(rr) {
			continue
		}
		i := slices.IndexFunc(u.zone.Keys, func(k Key) bool { return k.State.Trusted() && k.is(rr) })
		if i >= 0 && v.Revokes(u.set, rr) == nil {
			k := &u.zone.Keys[i]
			u.move(k, Revoked, RevBit)
			k.DNSKEY, k.DS, k.Seen = u.copy(rr), nil, u.now
		}
	}
}

// delete ends the trust point: what was pending can never be authenticated.
func (u *update) delete() {
	u.zone.Next = time.Time{}
	u.drop(func(k *Key) bool { return k.State == AddPend }, KeyRem)
	u.events = append(u.events, Event{Zone: u.zone.Name, Cause: Deleted})
}

// known takes all keys of the zone through the table of RFC 5011, section 4.1.
func (u *update) known() {
	for i := range u.zone.Keys {
		k := &u.zone.Keys[i]
		rr, present := u.find(k)
		if present {
			k.Seen = u.now
		}
		switch {
		case k.State == AddPend:
			u.pending(k, present)
		case k.State.Trusted() && present:
			u.present(k, rr)
		case k.State == Valid:
			u.move(k, Missing, KeyRem)
		case k.State == Revoked && !present && u.passed(k.Seen, RemoveHoldDown):
			u.move(k, Removed, RemTime)
		}
	}
	u.drop(func(k *Key) bool { return k.State == Start }, 0)
}

// find returns the key as the RRset has it. A trusted key with the REVOKE bit is not
// there, and a pending one isn't even if it is there without the bit as well; of
// others the bit says nothing new.
func (u *update) find(k *Key) (*dns.DNSKEY, bool) {
	for rr := range u.dnskeys {
		switch {
		case !k.is(rr), k.State.Trusted() && revoked(rr), k.State == AddPend && u.revokes(rr):
		default:
			return rr, true
		}
	}
	return nil, false
}

// revokes tells whether the RRset has the key with the REVOKE bit, signed or not.
func (u *update) revokes(key *dns.DNSKEY) bool {
	for rr := range u.dnskeys {
		if revoked(rr) && sameKey(rr, key) {
			return true
		}
	}
	return false
}

// present keeps a trusted key that the RRset has, and puts it in the place of its DS.
func (u *update) present(k *Key, rr *dns.DNSKEY) {
	cause := KeyPres
	if k.DNSKEY == nil {
		k.DNSKEY, k.DS, cause = u.copy(rr), nil, Resolved
	} else if k.State == Valid {
		return
	}
	u.move(k, Valid, cause)
}

// pending decides about a key in its hold-down.
func (u *update) pending(k *Key, present bool) {
	if !present {
		u.move(k, Start, KeyRem)
		return
	}
	k.Count++
	if u.passed(k.Since, k.HoldDown) {
		k.Count, k.HoldDown = 0, 0
		u.move(k, Valid, AddTime)
	}
}

func (u *update) passed(since time.Time, d time.Duration) bool { return u.now.Sub(since) >= d }

// unknown lets the secure entry points wait that were not known. What was revoked is
// known for ever.
func (u *update) unknown() {
	for rr := range u.dnskeys {
		if !secureEntryPoint(rr) || u.revokes(rr) || len(rr.PublicKey) > maxPublicKey || len(u.zone.Keys) >= maxKeys {
			continue
		}
		if slices.ContainsFunc(u.zone.Keys, func(k Key) bool { return k.is(rr) }) {
			continue
		}
		if _, err := dnssec.TrustAnchor(rr, u.policy); err != nil {
			continue
		}
		u.zone.Keys = append(u.zone.Keys, Key{DNSKEY: u.copy(rr), Seen: u.now, Count: 1, HoldDown: u.holdDown})
		u.move(&u.zone.Keys[len(u.zone.Keys)-1], AddPend, NewKey)
	}
}

// forget drops what has no use any more.
func (u *update) forget() {
	if slices.ContainsFunc(u.zone.Keys, func(k Key) bool { return k.State == Valid }) {
		u.drop(func(k *Key) bool { return k.State == Missing && u.passed(k.Since, KeepMissing) }, LongGone)
	}
	u.forgetOthers()
	for u.zone.count(Removed) > maxRemoved {
		oldest := -1
		for i, k := range u.zone.Keys {
			if k.State == Removed && (oldest < 0 || k.Since.Before(u.zone.Keys[oldest].Since)) {
				oldest = i
			}
		}
		u.zone.Keys = slices.Delete(u.zone.Keys, oldest, oldest+1)
	}
}

// forgetOthers drops configured keys without the SEP flag, which RFC 5011 does not
// manage, once the keys that have it authenticate the zone without them.
func (u *update) forgetOthers() {
	other := func(k *Key) bool { return k.State.Trusted() && k.DNSKEY != nil && !secureEntryPoint(k.DNSKEY) }
	var managed []*dns.DS
	others := 0
	for i := range u.zone.Keys {
		switch k := &u.zone.Keys[i]; {
		case other(k):
			others++
		case k.State == Valid:
			managed = append(managed, k.anchor())
		}
	}
	if others == 0 || len(managed) == 0 {
		return
	}
	if _, f := u.authenticate(managed); f == nil {
		u.drop(other, NotSEP)
	}
}

func (z *Zone) count(s State) int {
	n := 0
	for i := range z.Keys {
		if z.Keys[i].State == s {
			n++
		}
	}
	return n
}

// drop takes keys out of the zone, and tells so if there is a cause.
func (u *update) drop(gone func(*Key) bool, cause Cause) {
	u.zone.Keys = slices.DeleteFunc(u.zone.Keys, func(k Key) bool {
		if !gone(&k) {
			return false
		}
		if cause != 0 {
			u.move(&k, Start, cause)
		}
		return true
	})
}

// move changes the state of a key, and tells so.
func (u *update) move(k *Key, to State, cause Cause) {
	e := Event{Zone: u.zone.Name, KeyTag: k.Tag(), Algorithm: k.Algorithm(), From: k.State, To: to, Cause: cause}
	if k.DNSKEY != nil && revoked(k.DNSKEY) {
		plain := *k.DNSKEY
		plain.Flags &^= dns.REVOKE
		e.KeyTag = plain.KeyTag()
	}
	u.events = append(u.events, e)
	k.State, k.Since = to, u.now
}

// copy returns the record as it is kept: with the owner name in canonical form and
// the TTL that was signed; that of a revoked key, which may be all that is right in
// its RRset, is zero.
func (u *update) copy(rr *dns.DNSKEY) *dns.DNSKEY {
	c := *rr
	if key, err := base64.StdEncoding.DecodeString(rr.PublicKey); err == nil {
		c.PublicKey = base64.StdEncoding.EncodeToString(key)
	}
	c.Hdr = dns.RR_Header{Name: u.zone.Name, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: u.ttl}
	return &c
}
