package dnssec

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// The sections of a vector with its keys and with its proof.
var (
	keySections = []func(*vector) *[]dns.RR{
		func(v *vector) *[]dns.RR { return &v.keys },
		func(v *vector) *[]dns.RR { return &v.chain },
	}
	proofSections = []func(*vector) *[]dns.RR{
		func(v *vector) *[]dns.RR { return &v.answer },
		func(v *vector) *[]dns.RR { return &v.authority },
	}
)

// checkMutations makes one change at a time to a secure vector: it omits each record,
// changes each octet of the RDATA, and changes the signatures. None may be secure.
func checkMutations(t *testing.T, v vector, sections ...func(*vector) *[]dns.RR) {
	t.Helper()
	tried := 0
	for _, section := range sections {
		for what, changed := range mutations(t, *section(&v)) {
			m := v
			*section(&m) = changed
			tried++
			if _, f := m.validate(); f.Status == Secure {
				t.Errorf("still secure: %s", what)
			}
		}
	}
	if tried == 0 {
		t.Error("nothing was changed")
	}
}

// mutations iterates over copies of a section with one change, and its description.
func mutations(t *testing.T, section []dns.RR) func(yield func(string, []dns.RR) bool) {
	return func(yield func(string, []dns.RR) bool) {
		for i, rr := range section {
			if _, ok := rr.(*dns.RRSIG); ok || unsignedDS(section, rr) {
				continue
			}
			if !yield("without "+rr.String(), slices.Delete(slices.Clone(section), i, i+1)) {
				return
			}
			for _, other := range changedRDATA(t, rr) {
				changed := slices.Clone(section)
				changed[i] = other
				if !yield("changed to "+other.String(), changed) {
					return
				}
			}
		}
		for _, set := range GroupRRsets(section) {
			if len(set.Sigs) == 0 {
				continue
			}
			for what, change := range signatureChanges {
				if !yield(what+" of "+set.String(), withSignatures(section, set, change)) {
					return
				}
			}
		}
	}
}

// unsignedDS reports whether rr is a DS without a signature, which is used only as a
// check of trusted keys.
func unsignedDS(section []dns.RR, rr dns.RR) bool {
	if rr.Header().Rrtype != dns.TypeDS {
		return false
	}
	return !slices.ContainsFunc(section, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return ok && sig.TypeCovered == dns.TypeDS
	})
}

// changedRDATA returns copies of rr with one bit of one octet changed. It omits
// changes of case only.
func changedRDATA(t *testing.T, rr dns.RR) []dns.RR {
	t.Helper()
	wire := make([]byte, dns.MaxMsgSize)
	end, err := dns.PackRR(rr, wire, 0, nil, false)
	must(t, err)
	_, start, err := dns.UnpackDomainName(wire, 0)
	must(t, err)
	var changed []dns.RR
	for off := start + 10; off < end; off++ {
		bit := byte(1) << (off % 8)
		wire[off] ^= bit
		other, _, err := dns.UnpackRR(wire[:end], 0)
		wire[off] ^= bit
		if err == nil && !dns.IsDuplicate(rr, other) {
			changed = append(changed, other)
		}
	}
	return changed
}

// signatureChanges are the changes to the RRSIG records of an RRset; nil removes one.
var signatureChanges = map[string]func(*dns.RRSIG) *dns.RRSIG{
	"no signature":       func(*dns.RRSIG) *dns.RRSIG { return nil },
	"first octet":        changedSignature(func(raw []byte) []byte { raw[0] ^= 0x40; return raw }),
	"middle octet":       changedSignature(func(raw []byte) []byte { raw[len(raw)/2] ^= 1; return raw }),
	"last octet":         changedSignature(func(raw []byte) []byte { raw[len(raw)-1] ^= 1; return raw }),
	"one octet less":     changedSignature(func(raw []byte) []byte { return raw[:len(raw)-1] }),
	"one octet more":     changedSignature(func(raw []byte) []byte { return append(raw, 0) }),
	"one octet in front": changedSignature(func(raw []byte) []byte { return append([]byte{0}, raw...) }),
	"empty":              changedSignature(func([]byte) []byte { return nil }),
	"zero":               changedSignature(func(raw []byte) []byte { return make([]byte, len(raw)) }),
	"original TTL":       func(sig *dns.RRSIG) *dns.RRSIG { sig.OrigTtl++; return sig },
	"expiration":         func(sig *dns.RRSIG) *dns.RRSIG { sig.Expiration++; return sig },
	"inception":          func(sig *dns.RRSIG) *dns.RRSIG { sig.Inception--; return sig },
	"key tag":            func(sig *dns.RRSIG) *dns.RRSIG { sig.KeyTag ^= 1; return sig },
	"more labels":        func(sig *dns.RRSIG) *dns.RRSIG { sig.Labels++; return sig },
	"less labels":        func(sig *dns.RRSIG) *dns.RRSIG { sig.Labels--; return sig },
	"algorithm":          func(sig *dns.RRSIG) *dns.RRSIG { sig.Algorithm ^= 2; return sig },
	"type covered":       func(sig *dns.RRSIG) *dns.RRSIG { sig.TypeCovered ^= 1; return sig },
	"signer":             func(sig *dns.RRSIG) *dns.RRSIG { sig.SignerName = "x" + sig.SignerName; return sig },
	"owner":              func(sig *dns.RRSIG) *dns.RRSIG { sig.Hdr.Name = "x" + sig.Hdr.Name; return sig },
	"class":              func(sig *dns.RRSIG) *dns.RRSIG { sig.Hdr.Class = dns.ClassCHAOS; return sig },
}

// changedSignature returns a change of the Signature field.
func changedSignature(change func([]byte) []byte) func(*dns.RRSIG) *dns.RRSIG {
	return func(sig *dns.RRSIG) *dns.RRSIG {
		raw, err := base64.StdEncoding.DecodeString(sig.Signature)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", sig, err))
		}
		sig.Signature = base64.StdEncoding.EncodeToString(change(raw))
		return sig
	}
}

// withSignatures returns the section with a change to the signatures of an RRset.
func withSignatures(section []dns.RR, set RRset, change func(*dns.RRSIG) *dns.RRSIG) []dns.RR {
	var changed []dns.RR
	for _, rr := range section {
		if sig, ok := rr.(*dns.RRSIG); ok && slices.Contains(set.Sigs, sig) {
			if sig = change(dns.Copy(sig).(*dns.RRSIG)); sig == nil {
				continue
			}
			rr = sig
		}
		changed = append(changed, rr)
	}
	return changed
}
