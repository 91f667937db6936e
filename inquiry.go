package dnssecval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/miekg/dns"
)

// Inquiry is a question that is asked and judged once, without a server and its
// Corefile, to tell a person what was found on the way.
type Inquiry struct {
	Name      string
	Type      uint16
	Next      plugin.Handler // asks the resolver; over TCP if the writer's address is of that kind
	Anchors   []*dns.DS      // none: the built-in ones
	Negative  []string       // zones with negative trust anchors
	AllowSHA1 bool
	At        time.Time // what is judged is judged as of then; zero: now
}

// TrustAnchors reads files as the word trust-anchor does. Of keys that are valid for
// a time those count that are valid then.
func TrustAnchors(files []string, allowSHA1 bool, at time.Time) ([]*dns.DS, error) {
	paths, err := expand(files)
	if err != nil {
		return nil, err
	}
	var records []*dns.DS
	for _, path := range paths {
		anchors, err := readAnchorFile(path, dnssec.Policy{AllowSHA1: allowSHA1, Skew: defaultSkew}, at)
		if err != nil {
			return nil, err
		}
		for _, a := range anchors {
			records = append(records, a.ds)
		}
	}
	return records, nil
}

// ErrNoAnswer is that of Inquire where there is nothing to judge.
var ErrNoAnswer = errors.New("no answer")

// Inquire asks and judges as the plugin does for a client, and reports. Unless the
// inquiry itself is wrong it fails with ErrNoAnswer only.
func Inquire(ctx context.Context, in Inquiry) (*Report, error) {
	if in.At.IsZero() {
		in.At = time.Now()
	}
	v, err := in.validator()
	if err != nil {
		return nil, err
	}
	heard := &observer{next: in.Next, answers: make(map[question]*dns.Msg)}
	v.Next = heard
	forward := &placement.Stanza{Directive: "forward", From: dnsname.Root, Handler: heard}
	v.routes = newRoutes(placement.NewRoutes(&placement.Block{Zones: []string{dnsname.Root}, Stanzas: []*placement.Stanza{forward}}), nil)

	q := v.newQuery(ctx, ownWriter{}, newRequest(dns.Fqdn(in.Name), in.Type))
	a := q.asking()
	if a.ask(); a.msg == nil {
		if a.err == nil {
			a.err = errors.New(dns.RcodeToString[a.rcode])
		}
		return nil, fmt.Errorf("%w: %w", ErrNoAnswer, a.err)
	}
	result := q.judgeAndRetry(&a.msg)
	r := &reporter{query: q, heard: heard, msg: a.msg}
	return r.report(result), nil
}

// validator makes one that judges from these anchors, at that time.
func (in Inquiry) validator() (*Validator, error) {
	conf := &config{zones: []string{dnsname.Root}, policy: dnssec.Policy{AllowSHA1: in.AllowSHA1, Skew: defaultSkew}, capacity: defaultCapacity, asksAll: true}
	v, _, err := conf.validator("dnssecval")
	if err != nil {
		return nil, err
	}
	set := newAnchorSet()
	read := make([]anchor, 0, len(in.Anchors))
	for _, ds := range in.Anchors {
		if _, err := dnssec.TrustAnchor(ds, conf.policy); err != nil {
			return nil, fmt.Errorf("trust anchor %s: %w", ds, err)
		}
		read = append(read, anchor{ds: ds, place: "inquiry"})
	}
	set.trust(read)
	for _, zone := range in.Negative {
		zones, negative, err := parseNegative([]string{zone})
		if err != nil {
			return nil, fmt.Errorf("negative trust anchor: %w", err)
		}
		set.negative[zones[0]] = negative
	}
	v.anchors.Store(set)
	v.now = func() time.Time { return in.At }
	return v, nil
}

// observer remembers the last answer to each question.
type observer struct {
	next    plugin.Handler
	mu      sync.Mutex
	answers map[question]*dns.Msg
}

// Name implements plugin.Handler.
func (o *observer) Name() string { return "observer" }

// ServeDNS implements plugin.Handler.
func (o *observer) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	return o.next.ServeDNS(ctx, &hearing{ResponseWriter: w, observer: o, question: question{dnsname.Canonical(r.Question[0].Name), r.Question[0].Qtype}}, r)
}

// hearing is the writer that an observer listens to.
type hearing struct {
	dns.ResponseWriter
	observer *observer
	question question
}

// WriteMsg remembers a copy: whoever gets the message may change it.
func (h *hearing) WriteMsg(m *dns.Msg) error {
	h.observer.mu.Lock()
	h.observer.answers[h.question] = m.Copy()
	h.observer.mu.Unlock()
	return h.ResponseWriter.WriteMsg(m)
}

// answer returns the last answer to a question, or an empty message.
func (o *observer) answer(name string, qtype uint16) *dns.Msg {
	o.mu.Lock()
	defer o.mu.Unlock()
	if msg := o.answers[question{name, qtype}]; msg != nil {
		return msg
	}
	return new(dns.Msg)
}

// of returns the RRset that a question brought; it is empty if it brought none.
func (o *observer) of(name string, rtype uint16) dnssec.RRset {
	set, ok := findSet(dnssec.GroupRRsets(o.answer(name, rtype).Answer), name, rtype)
	if !ok {
		return dnssec.RRset{Name: name, Type: rtype}
	}
	return set
}

// denialOf returns the NSEC and NSEC3 RRsets that came with an answer, of which there
// is no need for many.
func denialOf(msg *dns.Msg) []dnssec.RRset {
	sets := slices.DeleteFunc(dnssec.GroupRRsets(msg.Ns), func(set dnssec.RRset) bool {
		return set.Type != dns.TypeNSEC && set.Type != dns.TypeNSEC3
	})
	return sets[:min(len(sets), maxRRsets)]
}
