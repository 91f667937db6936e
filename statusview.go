package dnssecval

import (
	"slices"
	"strings"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/prometheus/client_golang/prometheus"
)

// shownZones bounds the zones of a block that the page shows.
const shownZones = 200

// statusView is what the page shows. The JSON form is for programs: fields are added,
// and not renamed.
type statusView struct {
	Time     time.Time       `json:"time"`
	Blocks   []blockView     `json:"blocks"`
	Failures []journalEntry  `json:"failures"`
	Counters []statusCounter `json:"counters"`
}

type blockView struct {
	Directive  string         `json:"directive"`
	Zones      []string       `json:"zones"`
	Servers    []string       `json:"servers"`
	ReportOnly bool           `json:"report_only"`
	Anchors    []anchorView   `json:"trust_anchors"`
	Negative   []negativeView `json:"negative_trust_anchors"`
	Known      []zoneView     `json:"zones_known"`
	KnownInAll int            `json:"zones_known_in_all"`
}

type anchorView struct {
	Zone   string `json:"zone"`
	KeyTag uint16 `json:"key_tag"`
	State  string `json:"state"`
}

type negativeView struct {
	Zone  string     `json:"zone"`
	Until *time.Time `json:"until,omitempty"`
	Ended bool       `json:"ended"`
}

// zoneView is what is known of a zone.
type zoneView struct {
	Name    string    `json:"name"`
	Status  string    `json:"status"`
	Reason  string    `json:"reason"`
	Detail  string    `json:"detail,omitempty"`
	Expires time.Time `json:"expires"`
}

// statusCounter is one counter of the metrics.
type statusCounter struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
	Value  float64           `json:"value"`
}

// view looks at a block. What it serves itself, judged by a view of the tree of its own,
// is shown with the rest.
func (b statusBlock) view() blockView {
	v := b.views[0]
	shown := blockView{Directive: v.directive, Zones: b.zones, Servers: v.servers(), ReportOnly: v.report,
		Anchors: []anchorView{}, Negative: []negativeView{}, Known: []zoneView{}}
	for _, a := range v.anchorStates() {
		shown.Anchors = append(shown.Anchors, anchorView{a.zone, a.tag, a.state})
	}
	set, now := v.anchors.Load(), v.now()
	for _, zone := range set.negativeZones() {
		n := negativeView{Zone: zone, Ended: !set.negative[zone].counts(now)}
		if until := set.negative[zone].until; !until.IsZero() {
			n.Until = &until
		}
		shown.Negative = append(shown.Negative, n)
	}
	for _, v := range b.views {
		zones, all := v.knownZones(shownZones - len(shown.Known))
		shown.Known, shown.KnownInAll = append(shown.Known, zones...), shown.KnownInAll+all
	}
	return shown
}

// knownZones returns the zones that were of use last, so many at most, and how many
// there are.
func (v *Validator) knownZones(most int) (zones []zoneView, all int) {
	anchors, now := v.anchors.Load(), v.now()
	for _, c := range slices.Backward(v.cache.cuts.Values()) {
		if !now.Before(c.expires) || c.anchors != anchors || !c.isZone() {
			continue
		}
		if all++; all <= most {
			zones = append(zones, zoneView{c.name, c.finding.Status.String(), c.finding.Reason.String(), c.finding.Detail, c.expires})
		}
	}
	return zones, all
}

// countersOf returns the counters of a directive's metrics that count for some servers.
func countersOf(directive string, servers []string) ([]statusCounter, error) {
	counters := []statusCounter{}
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
				counters = append(counters, statusCounter{family.GetName(), labels, m.GetCounter().GetValue()})
			}
		}
	}
	return counters, nil
}

// share is a part of all responses that were judged.
type share struct {
	Status  string
	Count   float64
	Percent float64
}

// Shares sums up the statuses, for the head of the page.
func (s statusView) Shares() (shares []share) {
	counts, all := make(map[string]float64), 0.0
	for _, c := range s.Counters {
		if strings.HasSuffix(c.Name, "_validations_total") {
			counts[c.Labels["status"]] += c.Value
			all += c.Value
		}
	}
	for _, status := range []dnssec.Status{dnssec.Secure, dnssec.Insecure, dnssec.Indeterminate, dnssec.Bogus} {
		n := counts[status.String()]
		shares = append(shares, share{status.String(), n, 100 * n / max(all, 1)})
	}
	return shares
}
