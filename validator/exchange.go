package validator

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// An Exchanger asks a resolver, or the server in charge of the name, and returns the
// response with whatever code it has. For a DS, a client's too, that is who is in charge of
// the parent zone (RFC 4035, section 3.1.4.1). It is called by several goroutines at once, and has
// to return when the context ends. It must not change or keep the request. The validator may
// keep records of the response, and changes neither them nor the memory of its sections.
//
// It has to check that the response belongs to the request, by its ID and the address that
// it comes from, and to try other servers before it returns an error. It need not retry
// over TCP or without EDNS: the validator does.
type Exchanger interface {
	Exchange(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error)
}

// An ExchangerFunc is a function that is an Exchanger.
type ExchangerFunc func(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error)

// Exchange calls f.
func (f ExchangerFunc) Exchange(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
	return f(ctx, request, how)
}

// Manner says how a question is to be asked, and whose it is.
type Manner struct {
	TCP   bool // over TCP, or whatever does not truncate
	Again int  // how often it was asked before with a bad answer: another server may have a better one
	Chain bool // it is the validator's own, such as for DS or DNSKEY, and may go on after the client's ended
}

var (
	// ErrNoRoute is for an Exchanger to return if, by its configuration, nobody is to be
	// asked for the name. The zone is then Indeterminate, not Bogus.
	ErrNoRoute = errors.New("no server block or forward is in charge of it")

	// ErrNotAsked is for an Exchanger to wrap if it did not ask, for a reason that says
	// nothing of the name, such as too many questions under way. The client's question is
	// not refused afterwards, as it is for a moment after other errors.
	ErrNotAsked = errors.New("not asked")

	errPanic         = errors.New("an error in this program, see its log")
	errQuestions     = errors.New("too many questions for one query")
	errTruncated     = errors.New("truncated over TCP")
	errOtherQuestion = errors.New("the response is to another question")
	errNoResponse    = errors.New("no response")
)

// effort is how a question is asked: as usual, then once more since the first answer was bad,
// and at last over TCP and with CD, so that no cache on the way validates the answer.
type effort int

const (
	usual effort = iota
	again
	overTCP
	efforts
)

// udpSize is the EDNS buffer size of requests (RFC 9715, section 3.2).
const udpSize = 1232

// ownRequest is a request with its parts, in one piece of memory.
type ownRequest struct {
	dns.Msg
	question [1]dns.Question
	opt      dns.OPT
	extra    [1]dns.RR
}

// newRequest makes a question with RD and DO set.
func newRequest(name string, qtype uint16) *dns.Msg {
	req := new(ownRequest)
	req.Id, req.RecursionDesired = dns.Id(), true
	req.question[0] = dns.Question{Name: name, Qtype: qtype, Qclass: dns.ClassINET}
	req.Question = req.question[:]
	req.opt.Hdr = dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}
	req.opt.SetUDPSize(udpSize)
	req.opt.SetDo()
	req.extra[0] = &req.opt
	req.Extra = req.extra[:]
	return &req.Msg
}

// exchange asks a question: again over TCP if the response is truncated, without EDNS if
// the server knows none (RFC 6891, section 7), and with CD if it failed, so that the
// reason is found here. It never returns a truncated response.
//
// The Exchanger runs on the same stack, so the frame is kept small.
func (v *Validator) exchange(ctx context.Context, req *dns.Msg, e effort, how Manner) (*dns.Msg, error) {
	how.Again = int(e)
	if e >= overTCP {
		how.TCP, req.CheckingDisabled = true, true
	}
	msg, err := v.exchanger.Exchange(ctx, req, how)
	if err == nil && msg != nil && (msg.Truncated || isUpstreamFailure(msg.Rcode)) {
		return v.exchangeOtherwise(ctx, req, how, msg)
	}
	return checked(msg, err, req)
}

// isUpstreamFailure reports whether a response code may be another one if the request is.
func isUpstreamFailure(rcode int) bool {
	return rcode == dns.RcodeFormatError || rcode == dns.RcodeBadVers || rcode == dns.RcodeServerFailure
}

// exchangeOtherwise asks a question again whose response is truncated or a failure. If there is
// no better response it returns the last one.
func (v *Validator) exchangeOtherwise(ctx context.Context, req *dns.Msg, how Manner, first *dns.Msg) (*dns.Msg, error) {
	msg, err := v.untruncated(ctx, req, how, first)
	if msg == nil {
		return nil, err
	}
	for req.IsEdns0() != nil && (msg.Rcode == dns.RcodeFormatError || msg.Rcode == dns.RcodeBadVers) {
		req = withLessEDNS(req)
		if other, _ := v.exchangeOnce(ctx, req, how); other != nil {
			msg = other
		}
	}
	if msg.Rcode == dns.RcodeServerFailure && !req.CheckingDisabled {
		req = req.Copy()
		req.CheckingDisabled = true
		if other, _ := v.exchangeOnce(ctx, req, how); other != nil {
			msg = other
		}
	}
	return msg, nil
}

// withLessEDNS returns a request without EDNS options, or without EDNS if it has none. Options
// come from the client, and without EDNS there is no DO.
func withLessEDNS(req *dns.Msg) *dns.Msg {
	req = req.Copy()
	if opt := req.IsEdns0(); len(opt.Option) > 0 {
		opt.Option = nil
	} else {
		req.Extra = nil
	}
	return req
}

// exchangeOnce asks a question, and again over TCP if the response is truncated.
func (v *Validator) exchangeOnce(ctx context.Context, req *dns.Msg, how Manner) (*dns.Msg, error) {
	msg, err := v.exchanger.Exchange(ctx, req, how)
	if err != nil || msg == nil {
		return checked(msg, err, req)
	}
	return v.untruncated(ctx, req, how, msg)
}

// untruncated returns the response to a request, or that over TCP if it is truncated.
func (v *Validator) untruncated(ctx context.Context, req *dns.Msg, how Manner, msg *dns.Msg) (_ *dns.Msg, err error) {
	if msg.Truncated {
		how.TCP = true
		msg, err = v.exchanger.Exchange(ctx, req, how)
	}
	return checked(msg, err, req)
}

// checked returns the response to a request, or why there is none.
//
//go:noinline
func checked(msg *dns.Msg, err error, req *dns.Msg) (*dns.Msg, error) {
	switch {
	case err != nil:
		return nil, err
	case msg == nil:
		return nil, errNoResponse
	case !answers(msg, req):
		return nil, errOtherQuestion
	case msg.Truncated:
		return nil, errTruncated
	default:
		return msg, nil
	}
}

// answers reports whether a response is to the question of a request. Some servers leave
// the question out where they refuse; then nothing is known.
func answers(msg, req *dns.Msg) bool {
	if len(msg.Question) == 0 {
		return true
	}
	got, want := msg.Question[0], req.Question[0]
	return got.Qtype == want.Qtype && got.Qclass == want.Qclass && strings.EqualFold(got.Name, want.Name)
}

// hopByHop are the EDNS options that concern only the client and this server.
var hopByHop = []uint16{dns.EDNS0COOKIE, dns.EDNS0TCPKEEPALIVE, dns.EDNS0PADDING}

// isHopByHop reports whether an EDNS option is not for the upstream.
func isHopByHop(o dns.EDNS0) bool { return slices.Contains(hopByHop, o.Option()) }

// upstreamRequest is the client's question, for the name, with DO and an ID of its own. Asked as
// usual it has the client's RD, and those of its EDNS options that are not hop-by-hop. A failure
// may come from these and says nothing of the name then: what failed is asked without them.
func (q *query) upstreamRequest(name string, e effort) *dns.Msg {
	req := newRequest(name, q.question.qtype)
	if q.plain = e > usual || q.hadFailed; q.plain {
		return req
	}
	req.RecursionDesired = q.request.RecursionDesired
	own := req.IsEdns0()
	if opt := q.request.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if !isHopByHop(o) {
				own.Option = append(own.Option, o)
			}
		}
	}
	q.plain = req.RecursionDesired && len(own.Option) == 0
	return req
}
