package validator

import (
	"slices"
	"sync"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// intercept has f change the responses to one question. A nil response is a lost one.
func intercept(w *testzone.World, q testzone.Question, f func(a *dns.Msg) *dns.Msg) {
	w.Intercept(func(asked, a *dns.Msg) *dns.Msg {
		if dns.CanonicalName(asked.Question[0].Name) == q.Name && asked.Question[0].Qtype == q.Type {
			return f(a)
		}
		return a
	})
}

// forge has change alter the responses to one question.
func forge(w *testzone.World, name string, qtype uint16, change func(a *dns.Msg)) {
	intercept(w, testzone.Question{Name: name, Type: qtype}, func(a *dns.Msg) *dns.Msg {
		change(a)
		return a
	})
}

// times has f change the first n responses to a question.
func times(w *testzone.World, n int, q testzone.Question, f func(a *dns.Msg) *dns.Msg) {
	var mu sync.Mutex
	intercept(w, q, func(a *dns.Msg) *dns.Msg {
		mu.Lock()
		defer mu.Unlock()
		if n == 0 {
			return a
		}
		n--
		return f(a)
	})
}

func lost(*dns.Msg) *dns.Msg { return nil }

func failed(a *dns.Msg) *dns.Msg {
	a.Rcode, a.Answer, a.Ns = servfail, nil, nil
	return a
}

func refused(a *dns.Msg) *dns.Msg {
	a.Rcode, a.Answer, a.Ns = dns.RcodeRefused, nil, nil
	return a
}

func truncated(a *dns.Msg) *dns.Msg {
	a.Truncated, a.Answer, a.Ns = true, nil, nil
	return a
}

// unsigned removes what only a signed zone has, as a resolver without DNSSEC does.
func unsigned(a *dns.Msg) *dns.Msg {
	strip := func(rr dns.RR) bool {
		switch rr.Header().Rrtype {
		case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3:
			return true
		}
		return false
	}
	a.Answer, a.Ns = slices.DeleteFunc(a.Answer, strip), slices.DeleteFunc(a.Ns, strip)
	return a
}

func copies(rrs []dns.RR) []dns.RR {
	out := make([]dns.RR, len(rrs))
	for i, rr := range rrs {
		out[i] = dns.Copy(rr)
	}
	return out
}

func newRR(t *testing.T, line string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(line)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

// rrset returns copies of an RRset of a zone and of its signatures.
func rrset(t *testing.T, w *testzone.World, zone, name string, qtype uint16) []dns.RR {
	t.Helper()
	set, ok := w.Zone(zone).RRset(name, qtype)
	if !ok {
		t.Fatalf("no %s %s in %s", name, dns.Type(qtype), zone)
	}
	out := set.RRs
	for _, sig := range set.Sigs {
		out = append(out, sig)
	}
	return out
}

// renamed returns copies of records with another owner name.
func renamed(rrs []dns.RR, owner string) []dns.RR {
	out := copies(rrs)
	for _, rr := range out {
		rr.Header().Name = owner
	}
	return out
}

// hasType reports whether a section has records of a type.
func hasType(section []dns.RR, rtype uint16) bool {
	return slices.ContainsFunc(section, func(rr dns.RR) bool { return rr.Header().Rrtype == rtype })
}

// hasRecord reports whether a section has records of a name and type.
func hasRecord(section []dns.RR, name string, rtype uint16) bool {
	return slices.ContainsFunc(section, func(rr dns.RR) bool {
		return dns.CanonicalName(rr.Header().Name) == name && rr.Header().Rrtype == rtype
	})
}
