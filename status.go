package dnssecval

import (
	"slices"
	"strings"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/statuspage"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// statusBlock is a block of the status page: its validator, and with serve the one of what
// the block serves.
type statusBlock struct {
	zones []string
	views []*Validator
}

// showStatus adds the block to the status page that it names, if it names one, until it is
// stopped.
func (b *placed) showStatus(stopped <-chan struct{}) error {
	addr := b.words.status
	if !addr.IsValid() {
		return nil
	}
	block := &statusBlock{zones: b.validator.zones, views: []*Validator{b.validator}}
	if b.server != nil {
		block.views = append(block.views, b.server.Validator)
	}
	page, err := statuspage.Join(addr, block, countersOf)
	if err != nil {
		return err
	}
	block.keepJournal(page.Journal())
	go func() {
		<-stopped
		page.Leave(block)
	}()
	return nil
}

// keepJournal has the validators of the block note their failures.
func (b *statusBlock) keepJournal(j *statuspage.Journal) {
	for _, v := range b.views {
		v.journal = j
	}
}

// View implements statuspage.Block.
func (b *statusBlock) View(most int) statuspage.BlockView {
	v := b.views[0]
	shown := statuspage.BlockView{Directive: v.directive, Zones: b.zones, Servers: v.servers(), ReportOnly: v.report,
		Anchors: []statuspage.Anchor{}, Negative: []statuspage.NegativeAnchor{}, Known: []statuspage.Zone{}}
	for _, a := range v.anchorStates() {
		shown.Anchors = append(shown.Anchors, statuspage.Anchor{Zone: a.zone, KeyTag: a.tag, State: a.state})
	}
	set, now := v.anchors.Load(), v.now()
	for _, zone := range set.negativeZones() {
		n := statuspage.NegativeAnchor{Zone: zone, Ended: !set.negative[zone].counts(now)}
		if until := set.negative[zone].until; !until.IsZero() {
			n.Until = &until
		}
		shown.Negative = append(shown.Negative, n)
	}
	for _, v := range b.views {
		zones, all := v.knownZones(most - len(shown.Known))
		shown.Known, shown.KnownInAll = append(shown.Known, zones...), shown.KnownInAll+all
	}
	return shown
}

// knownZones returns the zones that were of use last, so many at most, and how many there
// are.
func (v *Validator) knownZones(most int) (zones []statuspage.Zone, all int) {
	anchors, now := v.anchors.Load(), v.now()
	for _, c := range slices.Backward(v.cache.cuts.Values()) {
		if !now.Before(c.expires) || c.anchors != anchors || !c.isZone() {
			continue
		}
		if all++; all <= most {
			zones = append(zones, statuspage.Zone{Name: c.name, Status: c.finding.Status.String(), Reason: c.finding.Reason.String(), Detail: c.finding.Detail, Expires: c.expires})
		}
	}
	return zones, all
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

// noteInJournal enters into the journal of the status page, if there is one, why a query
// failed.
func (v *Validator) noteInJournal(q *query, f dnssec.Finding) {
	if v.journal == nil {
		return
	}
	zone, ok := q.v.zoneOf(q.question)
	if !ok {
		zone = nothing
	}
	v.journal.Note(statuspage.Failure{Time: q.now, Name: q.question.name, Type: dns.Type(q.question.qtype).String(),
		Client: q.client(), Zone: zone, Reason: f.Reason, Detail: sentence(f)})
}
