package dnssecval

import (
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/miekg/dns"
)

const (
	expirationInterval = 10 * time.Minute // between looks at the zones that are served
	expirationRetry    = 5 * time.Second  // while a zone is not loaded yet
)

// transferer is what authoritative plugins implement for the transfer plugin: all records of a
// zone, a serial of 0 asks for all.
type transferer interface {
	Transfer(zone string, serial uint32) (<-chan []dns.RR, error)
}

// watchExpirations tells how long the signatures of the zones that are served still
// last: in the log when it is first known and when it changes, and as a metric.
func (s *Server) watchExpirations(config *dnsserver.Config, servers []string, stop <-chan struct{}) {
	told, looked := make(map[string]time.Time), make(map[string]time.Time)
	defer s.metrics.forget(s)
	for {
		wait := expirationInterval
		if s.serves.Changes() { // auto finds zones at any time
			wait = expirationRetry
		}
		for _, zone := range s.serves.All() {
			now := time.Now()
			if last, known := looked[zone]; known && now.Sub(last) < expirationInterval {
				continue
			}
			first, ok := firstExpiration(config, zone, now)
			if !ok {
				wait = expirationRetry
				continue
			}
			looked[zone] = now
			for _, server := range servers {
				s.metrics.expires(s, server, zone, first)
			}
			if before, known := told[zone]; !known || !first.Equal(before) {
				told[zone] = first
				s.tellExpiration(zone, first)
			}
		}
		select {
		case <-time.After(wait):
		case <-stop:
			return
		}
	}
}

func (s *Server) tellExpiration(zone string, first time.Time) {
	left := time.Until(first).Round(time.Minute)
	switch {
	case first.IsZero():
		s.log.Warningf("zone %s is served without signatures", zone)
	case left <= 0:
		s.log.Errorf("zone %s has signatures that ran out %s: sign it again", zone, first.Format(time.RFC3339))
	default:
		s.log.Infof("zone %s: its signatures last for %s, the first runs out %s", zone, left, first.Format(time.RFC3339))
	}
}

// firstExpiration returns when the first signature of a zone runs out, or the zero
// time if it has none; ok is false if no plugin has the zone.
func firstExpiration(config *dnsserver.Config, zone string, now time.Time) (first time.Time, ok bool) {
	for _, name := range placement.Authoritative {
		t, is := config.Handler(name).(transferer)
		if !is {
			continue
		}
		records, err := t.Transfer(zone, 0)
		if err != nil {
			continue
		}
		ok = true
		for batch := range records {
			first = earliest(batch, first, now)
		}
	}
	return first, ok
}

func earliest(records []dns.RR, first time.Time, now time.Time) time.Time {
	for _, rr := range records {
		sig, ok := rr.(*dns.RRSIG)
		if !ok {
			continue
		}
		left := int32(sig.Expiration - uint32(now.Unix())) // RFC 4034, section 3.1.5
		if at := time.Unix(now.Unix()+int64(left), 0).UTC(); first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}
