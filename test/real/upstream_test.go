package real

import (
	"slices"
	"sync"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// upstream is a function for testzone.World.Intercept.
type upstream func(q, a *dns.Msg) *dns.Msg

// setAD sets AD.
func setAD(_, a *dns.Msg) *dns.Msg {
	a.AuthenticatedData = true
	return a
}

// stripSignatures removes DNSSEC records, as old forwarders do, and sets AD.
func stripSignatures(q, a *dns.Msg) *dns.Msg {
	keep := func(section []dns.RR) []dns.RR {
		return slices.DeleteFunc(section, func(rr dns.RR) bool {
			t := rr.Header().Rrtype
			return t == dns.TypeRRSIG || isDenial(rr) && t != q.Question[0].Qtype
		})
	}
	a.Answer, a.Ns = keep(a.Answer), keep(a.Ns)
	return setAD(q, a)
}

// stripAll behaves like an upstream that knows neither DS nor DNSKEY.
func stripAll(q, a *dns.Msg) *dns.Msg {
	a = stripSignatures(q, a)
	if t := q.Question[0].Qtype; t == dns.TypeDS || t == dns.TypeDNSKEY {
		a.Answer = nil
	}
	return a
}

// forgeAnswer answers for hosts with a forged address.
func forgeAnswer(q, a *dns.Msg) *dns.Msg {
	if q.Question[0].Qtype == dns.TypeA {
		a.Rcode, a.AuthenticatedData, a.Authoritative, a.Ns = dns.RcodeSuccess, true, true, nil
		a.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: []byte{203, 0, 113, 66}}}
	}
	return a
}

// forgeInsecurity denies every DS without proof, so that all zones look
// unsigned.
func forgeInsecurity(q, a *dns.Msg) *dns.Msg {
	if q.Question[0].Qtype == dns.TypeDS {
		a.Answer, a.Ns = nil, nil
		return setAD(q, a)
	}
	return forgeAnswer(q, a)
}

// forgeNXDOMAIN answers that no host exists.
func forgeNXDOMAIN(q, a *dns.Msg) *dns.Msg {
	if q.Question[0].Qtype == dns.TypeA {
		a.Rcode, a.Answer, a.AuthenticatedData = dns.RcodeNameError, nil, true
		a.Ns = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: "test.", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 300}, Ns: "a.", Mbox: "b.", Minttl: 300}}
	}
	return a
}

// forgeNODATA answers that hosts have no address.
func forgeNODATA(q, a *dns.Msg) *dns.Msg {
	a = forgeNXDOMAIN(q, a)
	a.Rcode = dns.RcodeSuccess
	return a
}

// silentOn does not answer queries for a type.
func silentOn(qtype uint16) upstream {
	return func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype == qtype {
			return nil
		}
		return a
	}
}

// failOn answers queries for a type with an rcode.
func failOn(qtype uint16, rcode int) upstream {
	return func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype != qtype {
			return a
		}
		return new(dns.Msg).SetRcode(q, rcode)
	}
}

// withoutEDNS is an upstream without EDNS support, which answers FORMERR.
func withoutEDNS(q, a *dns.Msg) *dns.Msg {
	if q.IsEdns0() != nil {
		return new(dns.Msg).SetRcode(q, dns.RcodeFormatError)
	}
	return ignoreEDNS(q, a)
}

// ignoreEDNS is an upstream that ignores EDNS.
func ignoreEDNS(q, a *dns.Msg) *dns.Msg {
	a = stripAll(q, a)
	a.AuthenticatedData, a.Extra = false, nil
	return a
}

// truncateAll truncates every answer.
func truncateAll(_, a *dns.Msg) *dns.Msg {
	a.Truncated, a.Answer, a.Ns = true, nil, nil
	return a
}

// truncating serves a world and truncates everything over UDP.
func truncating(t *testing.T, w *testzone.World) string {
	t.Helper()
	addr := "127.0.0.1:" + freePort(t)
	for _, network := range []string{"udp", "tcp"} {
		started := make(chan struct{})
		s := &dns.Server{Addr: addr, Net: network, NotifyStartedFunc: func() { close(started) }}
		s.Handler = dns.HandlerFunc(func(rw dns.ResponseWriter, q *dns.Msg) {
			a := w.Answer(q)
			if network == "udp" {
				a = truncateAll(q, a)
			}
			_ = rw.WriteMsg(a) // the client may have gone
		})
		ended := make(chan error, 1)
		go func() { ended <- s.ListenAndServe() }()
		select {
		case <-started:
			t.Cleanup(func() { _ = s.Shutdown() })
		case err := <-ended:
			t.Fatal(err)
		}
	}
	return addr
}

// serveFail is a validating upstream that finds everything bogus unless CD is
// set.
func serveFail(q, a *dns.Msg) *dns.Msg {
	if !q.CheckingDisabled {
		return new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
	}
	return a
}

// atFirst applies bad only to the first answer to each question.
func atFirst(bad upstream) upstream {
	var seen sync.Map
	return func(q, a *dns.Msg) *dns.Msg {
		if _, before := seen.LoadOrStore(q.Question[0], true); !before {
			return bad(q, a)
		}
		return a
	}
}
