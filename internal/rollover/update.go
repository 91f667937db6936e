package rollover

import (
	"encoding/base64"
	"slices"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Update takes a DNSKEY RRset of the zone that was received at now, and returns the
// changes of state. Trusted keys that revoke themselves are Revoked in any case (RFC
// 5011, section 2.1). All other changes need an RRset that a trusted key
// authenticates. Without one, or if the trust point is deleted, Update returns a
// Failure beside the revocations.
func (z *Zone) Update(now time.Time, set dnssec.RRset, policy dnssec.Policy) ([]Event, *dnssec.Failure) {
	u := update{zone: z, now: truncateToSeconds(now), set: set, policy: policy}
	z.LastTry = u.now
	if z.Deleted() {
		return nil, z.errDeleted()
	}
	u.applyRevocations()
	if z.Deleted() {
		u.deleteTrustPoint()
		return u.events, z.errDeleted()
	}
	keys, f := u.authenticate(z.Anchors())
	if f != nil {
		z.Failed(u.now)
		return u.events, f
	}
	u.holdDown = max(AddHoldDown, originalTTL(keys))
	u.ttl = keys.OriginalTTL()
	u.updateKeys()
	u.addNewKeys()
	u.dropOldKeys()
	z.schedule(u.now, keys)
	return u.events, nil
}

// update is one call of Zone.Update.
type update struct {
	zone     *Zone
	now      time.Time
	set      dnssec.RRset
	policy   dnssec.Policy
	holdDown time.Duration // for new keys
	ttl      uint32        // of stored keys
	events   []Event
}

func (u *update) verifier() *dnssec.Verifier {
	return &dnssec.Verifier{Now: u.now, Policy: u.policy, Budget: dnssec.NewBudget(nil)}
}

// authenticate authenticates the RRset by the trust anchors, MaxDS at a time. It
// returns the failure that is last in the order of the checks.
func (u *update) authenticate(anchors []*dns.DS) (keys *dnssec.Keys, f *dnssec.Failure) {
	best := &dnssec.Failure{Reason: dnssec.TrustAnchorMissing, Detail: u.zone.Name}
	v := u.verifier()
	for chunk := range slices.Chunk(anchors, dnssec.MaxDS) {
		if keys, f = v.Keys(u.set, dnssec.TrustAnchors(u.zone.Name, chunk)); f == nil {
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

// applyRevocations changes trusted keys that revoke themselves to Revoked. It has a
// budget of its own, so that it can't prevent the authentication.
func (u *update) applyRevocations() {
	if u.set.Type != dns.TypeDNSKEY || u.set.Name != u.zone.Name {
		return
	}
	v := u.verifier()
	for rr := range u.dnskeys {
		if !isRevoked(rr) {
			continue
		}
		i := slices.IndexFunc(u.zone.Keys, func(k Key) bool { return k.State.Trusted() && k.sameKeyAs(rr) })
		if i >= 0 && v.Revokes(u.set, rr) == nil {
			k := &u.zone.Keys[i]
			u.setState(k, Revoked, RevBit)
			k.DNSKEY, k.DS, k.Seen = u.storedDNSKEY(rr), nil, u.now
		}
	}
}

// deleteTrustPoint deletes the trust point (RFC 5011, section 5). Pending keys are
// dropped because nothing can authenticate them.
func (u *update) deleteTrustPoint() {
	u.zone.Next = time.Time{}
	u.drop(func(k *Key) bool { return k.State == AddPend }, KeyRem)
	u.events = append(u.events, Event{Zone: u.zone.Name, Cause: Deleted})
}

// updateKeys applies the state table of RFC 5011, section 4, to the keys of the zone.
func (u *update) updateKeys() {
	for i := range u.zone.Keys {
		k := &u.zone.Keys[i]
		rr, present := u.findPublished(k)
		if present {
			k.Seen = u.now
		}
		switch {
		case k.State == AddPend:
			u.updatePending(k, present)
		case k.State.Trusted() && present:
			u.updateTrusted(k, rr)
		case k.State == Valid:
			u.setState(k, Missing, KeyRem)
		case k.State == Revoked && !present && u.elapsed(k.Seen, RemoveHoldDown):
			u.setState(k, Removed, RemTime)
		}
	}
	u.drop(func(k *Key) bool { return k.State == Start }, 0)
}

// findPublished returns the key as it is in the RRset. A trusted key with the REVOKE
// bit does not count as published, nor does a pending key that is published both with
// and without the bit.
func (u *update) findPublished(k *Key) (*dns.DNSKEY, bool) {
	for rr := range u.dnskeys {
		switch {
		case !k.sameKeyAs(rr), k.State.Trusted() && isRevoked(rr), k.State == AddPend && u.publishedRevoked(rr):
		default:
			return rr, true
		}
	}
	return nil, false
}

// publishedRevoked reports whether the RRset has the key with the REVOKE bit. It does
// not check whether the key signs the RRset.
func (u *update) publishedRevoked(key *dns.DNSKEY) bool {
	for rr := range u.dnskeys {
		if isRevoked(rr) && equalExceptRevoke(rr, key) {
			return true
		}
	}
	return false
}

// updateTrusted makes a published trusted key Valid, and replaces its DS.
func (u *update) updateTrusted(k *Key, rr *dns.DNSKEY) {
	cause := KeyPres
	if k.DNSKEY == nil {
		k.DNSKEY, k.DS, cause = u.storedDNSKEY(rr), nil, Resolved
	} else if k.State == Valid {
		return
	}
	u.setState(k, Valid, cause)
}

// updatePending ends AddPend if the key is not published or its hold-down time is
// over.
func (u *update) updatePending(k *Key, present bool) {
	if !present {
		u.setState(k, Start, KeyRem)
		return
	}
	k.Count++
	if u.elapsed(k.Since, k.HoldDown) {
		k.Count, k.HoldDown = 0, 0
		u.setState(k, Valid, AddTime)
	}
}

func (u *update) elapsed(since time.Time, d time.Duration) bool { return u.now.Sub(since) >= d }

// addNewKeys adds the secure entry points that are not known yet as AddPend. Revoked
// and Removed keys are known.
func (u *update) addNewKeys() {
	for rr := range u.dnskeys {
		if !isSecureEntryPoint(rr) || u.publishedRevoked(rr) || len(rr.PublicKey) > maxPublicKey || len(u.zone.Keys) >= maxKeys {
			continue
		}
		if slices.ContainsFunc(u.zone.Keys, func(k Key) bool { return k.sameKeyAs(rr) }) {
			continue
		}
		if _, err := dnssec.TrustAnchor(rr, u.policy); err != nil {
			continue
		}
		u.zone.Keys = append(u.zone.Keys, Key{DNSKEY: u.storedDNSKEY(rr), Seen: u.now, Count: 1, HoldDown: u.holdDown})
		u.setState(&u.zone.Keys[len(u.zone.Keys)-1], AddPend, NewKey)
	}
}

// dropOldKeys drops keys that were Missing for KeepMissing, keys without the SEP
// flag, and the oldest Removed keys above maxRemoved.
func (u *update) dropOldKeys() {
	if slices.ContainsFunc(u.zone.Keys, func(k Key) bool { return k.State == Valid }) {
		u.drop(func(k *Key) bool { return k.State == Missing && u.elapsed(k.Since, KeepMissing) }, LongGone)
	}
	u.dropKeysWithoutSEP()
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

// dropKeysWithoutSEP drops configured keys without the SEP flag, to which RFC 5011
// does not apply, once the RRset is authenticated by other Valid keys alone.
func (u *update) dropKeysWithoutSEP() {
	other := func(k *Key) bool { return k.State.Trusted() && k.DNSKEY != nil && !isSecureEntryPoint(k.DNSKEY) }
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

// drop removes keys. It adds an event for each if cause is not zero.
func (u *update) drop(drops func(*Key) bool, cause Cause) {
	u.zone.Keys = slices.DeleteFunc(u.zone.Keys, func(k Key) bool {
		if !drops(&k) {
			return false
		}
		if cause != 0 {
			u.setState(&k, Start, cause)
		}
		return true
	})
}

// setState changes the state of a key and adds an event.
func (u *update) setState(k *Key, to State, cause Cause) {
	e := Event{Zone: u.zone.Name, KeyTag: k.Tag(), Algorithm: k.Algorithm(), From: k.State, To: to, Cause: cause}
	if k.DNSKEY != nil && isRevoked(k.DNSKEY) {
		plain := *k.DNSKEY
		plain.Flags &^= dns.REVOKE
		e.KeyTag = plain.KeyTag()
	}
	u.events = append(u.events, e)
	k.State, k.Since = to, u.now
}

// storedDNSKEY returns a copy with a canonical owner name and the Original TTL. The
// TTL is zero for a revoked key, whose RRset may not be authenticated.
func (u *update) storedDNSKEY(rr *dns.DNSKEY) *dns.DNSKEY {
	c := *rr
	if key, err := base64.StdEncoding.DecodeString(rr.PublicKey); err == nil {
		c.PublicKey = base64.StdEncoding.EncodeToString(key)
	}
	c.Hdr = dns.RR_Header{Name: u.zone.Name, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: u.ttl}
	return &c
}
