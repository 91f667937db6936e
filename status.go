package dnssecval

import (
	"slices"
	"strings"

	"github.com/dnssecval/dnssecval/internal/statuspage"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// showStatus adds the block to the status page that it names, if it names one, until it is
// stopped.
func (b *block) showStatus(stopped <-chan struct{}) error {
	if !b.words.status.IsValid() {
		return nil
	}
	page, err := statuspage.Join(b.words.status, b, countersOf)
	if err != nil {
		return err
	}
	b.journal = page.Journal()
	go func() {
		<-stopped
		page.Leave(b)
	}()
	return nil
}

// View implements statuspage.Block. What the block serves, judged by a validator of its
// own, is shown with the rest.
func (b *block) View(most int) statuspage.BlockView {
	shown := statuspage.BlockView{Directive: b.directive, Zones: b.words.zones, Servers: b.servers, ReportOnly: b.words.report,
		Anchors: []statuspage.Anchor{}, Negative: []statuspage.NegativeAnchor{}, Known: []statuspage.Zone{}}
	for _, a := range b.trust.states() {
		shown.Anchors = append(shown.Anchors, statuspage.Anchor{Zone: a.zone, KeyTag: a.tag, State: a.state})
	}
	set := b.trust.set()
	for _, zone := range set.NegativeZones() {
		negative, _ := set.Negative(zone)
		n := statuspage.NegativeAnchor{Zone: zone, Ended: !negative.InForce(b.now())}
		if !negative.Until.IsZero() {
			n.Until = &negative.Until
		}
		shown.Negative = append(shown.Negative, n)
	}
	for _, engine := range b.engines() {
		zones, all := engine.KnownZones(most - len(shown.Known))
		shown.KnownInAll += all
		for _, z := range zones {
			shown.Known = append(shown.Known, statuspage.Zone{Name: z.Name, Status: z.Status.String(), Reason: z.Reason.String(), Detail: z.Detail, Expires: z.Expires})
		}
	}
	return shown
}

// countersOf returns the counters of a directive's metrics, those of the servers given.
func countersOf(directive string, servers []string) ([]statuspage.Counter, error) {
	counters := []statuspage.Counter{}
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		return nil, err
	}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "coredns_"+directive+"_") {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := make(map[string]string)
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if m.GetCounter() != nil && slices.Contains(servers, labels["server"]) {
				counters = append(counters, statuspage.Counter{Name: family.GetName(), Labels: labels, Value: m.GetCounter().GetValue()})
			}
		}
	}
	return counters, nil
}

// note enters a failure into the journal of the status page, if there is one.
func (b *block) note(asked *client, engine *validator.Validator, f validator.Finding) {
	if b.journal == nil {
		return
	}
	zone, ok := engine.ZoneOf(asked.question.name, asked.question.qtype)
	if !ok {
		zone = nothing
	}
	b.journal.Note(statuspage.Failure{Time: asked.now, Name: asked.question.name, Type: dns.Type(asked.question.qtype).String(),
		Client: asked.address(), Zone: zone, Reason: f.Reason, Detail: f.String()})
}
