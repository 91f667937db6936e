package statuspage

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// shownZones bounds the zones of a block that the page shows.
const shownZones = 200

// View is what the page shows. Its JSON form is for programs: fields are added, and never
// renamed.
type View struct {
	Time     time.Time   `json:"time"`
	Blocks   []BlockView `json:"blocks"`
	Failures []Entry     `json:"failures"`
	Counters []Counter   `json:"counters"`
}

// BlockView is what the page shows of a server block.
type BlockView struct {
	Directive  string           `json:"directive"`
	Zones      []string         `json:"zones"`
	Servers    []string         `json:"servers"`
	ReportOnly bool             `json:"report_only"`
	Anchors    []Anchor         `json:"trust_anchors"`
	Negative   []NegativeAnchor `json:"negative_trust_anchors"`
	Known      []Zone           `json:"zones_known"`
	KnownInAll int              `json:"zones_known_in_all"`
}

// Anchor is a trust anchor.
type Anchor struct {
	Zone   string `json:"zone"`
	KeyTag uint16 `json:"key_tag"`
	State  string `json:"state"`
}

// NegativeAnchor is a negative trust anchor.
type NegativeAnchor struct {
	Zone  string     `json:"zone"`
	Until *time.Time `json:"until,omitempty"` // nil: without end
	Ended bool       `json:"ended"`
}

// Zone is what is known of a zone.
type Zone struct {
	Name    string    `json:"name"`
	Status  string    `json:"status"`
	Reason  string    `json:"reason"`
	Detail  string    `json:"detail,omitempty"`
	Expires time.Time `json:"expires"`
}

// Counter is one counter of the metrics.
type Counter struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
	Value  float64           `json:"value"`
}

// view looks at the blocks of the page, its journal and its counters.
func (p *Page) view() (*View, error) {
	view := &View{Time: time.Now(), Failures: p.journal.newestFirst()}
	servers := make(map[string][]string)
	for _, b := range p.blocks {
		shown := b.View(shownZones)
		view.Blocks = append(view.Blocks, shown)
		servers[shown.Directive] = append(servers[shown.Directive], shown.Servers...)
	}
	for _, directive := range slices.Sorted(maps.Keys(servers)) {
		counters, err := p.counters(directive, servers[directive])
		if err != nil {
			return nil, err
		}
		view.Counters = append(view.Counters, counters...)
	}
	return view, nil
}

// Share is a status's part of all responses that were judged.
type Share struct {
	Status  string
	Count   float64
	Percent float64
}

// Shares sums up the counters of responses by status, for the head of the page.
func (v View) Shares() (shares []Share) {
	counts, all := make(map[string]float64), 0.0
	for _, c := range v.Counters {
		if strings.HasSuffix(c.Name, "_validations_total") {
			counts[c.Labels["status"]] += c.Value
			all += c.Value
		}
	}
	for _, status := range []dnssec.Status{dnssec.Secure, dnssec.Insecure, dnssec.Indeterminate, dnssec.Bogus} {
		n := counts[status.String()]
		shares = append(shares, Share{status.String(), n, 100 * n / max(all, 1)})
	}
	return shares
}
