package dnssec

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestValidityPeriod checks times around both ends of the period, around the overflow
// of the serial number in 2106, and around its sign change in 2038 (RFC 4034, section
// 3.1.5).
func TestValidityPeriod(t *testing.T) {
	wrap := time.Unix(1<<32, 0).UTC() // 2106-02-07T06:28:16Z
	sign := time.Unix(1<<31, 0).UTC() // 2038-01-19T03:14:08Z
	tests := []struct {
		name  string
		now   time.Time
		from  time.Duration // inception, relative to now
		until time.Duration // expiration, relative to now
		skew  Skew
		want  Reason
	}{
		{name: "in the middle", now: now, from: -time.Hour, until: time.Hour},
		{name: "first second", now: now, until: time.Hour},
		{name: "a second early", now: now, from: time.Second, until: time.Hour, want: SignatureNotYetValid},
		{name: "last second", now: now, from: -time.Hour},
		{name: "a second late", now: now, from: -time.Hour, until: -time.Second, want: SignatureExpired},
		{name: "a period of one instant", now: now},
		{name: "expiration before inception", now: now, from: time.Hour, until: -time.Hour, want: SignatureExpiredBeforeValid},
		{name: "across the wrap, before it", now: wrap.Add(-time.Minute), from: -time.Hour, until: time.Hour},
		{name: "across the wrap, at it", now: wrap, from: -time.Hour, until: time.Hour},
		{name: "across the wrap, after it", now: wrap.Add(time.Minute), from: -time.Hour, until: time.Hour},
		{name: "expired before the wrap", now: wrap.Add(time.Minute), from: -time.Hour, until: -2 * time.Minute, want: SignatureExpired},
		{name: "valid after the wrap", now: wrap.Add(-time.Minute), from: 2 * time.Minute, until: time.Hour, want: SignatureNotYetValid},
		{name: "across 2038", now: sign, from: -time.Hour, until: time.Hour},
		{name: "expired across 2038", now: sign.Add(time.Minute), from: -time.Hour, until: -2 * time.Minute, want: SignatureExpired},
		{name: "longest period", now: now, from: -(1<<30 - 1) * time.Second, until: 1 << 30 * time.Second},
		{name: "longer than the longest period", now: now, from: -1 << 30 * time.Second, until: 1 << 30 * time.Second, want: SignatureExpiredBeforeValid},
		{name: "fifty years ago", now: now, from: -51 * 365 * 24 * time.Hour, until: -50 * 365 * 24 * time.Hour, want: SignatureExpired},
		{name: "in fifty years", now: now, from: 50 * 365 * 24 * time.Hour, until: 51 * 365 * 24 * time.Hour, want: SignatureNotYetValid},

		{name: "within the minimum skew, late", now: now, from: -time.Hour, until: -10 * time.Minute, skew: Skew{Min: 10 * time.Minute, Max: time.Hour}},
		{name: "beyond the minimum skew, late", now: now, from: -time.Hour, until: -10*time.Minute - time.Second, skew: Skew{Min: 10 * time.Minute, Max: time.Hour}, want: SignatureExpired},
		{name: "within the minimum skew, early", now: now, from: 10 * time.Minute, until: time.Hour, skew: Skew{Min: 10 * time.Minute, Max: time.Hour}},
		{name: "beyond the minimum skew, early", now: now, from: 10*time.Minute + time.Second, until: time.Hour, skew: Skew{Min: 10 * time.Minute, Max: time.Hour}, want: SignatureNotYetValid},
		{name: "within a tenth", now: now, from: -110 * time.Minute, until: -10 * time.Minute, skew: Skew{Min: time.Minute, Max: time.Hour}},
		{name: "beyond a tenth", now: now, from: -111 * time.Minute, until: -11 * time.Minute, skew: Skew{Min: time.Minute, Max: time.Hour}, want: SignatureExpired},
		{name: "within the maximum skew", now: now, from: -100 * time.Hour, until: -time.Hour, skew: Skew{Min: time.Minute, Max: time.Hour}},
		{name: "beyond the maximum skew", now: now, from: -100 * time.Hour, until: -time.Hour - time.Second, skew: Skew{Min: time.Minute, Max: time.Hour}, want: SignatureExpired},
		{name: "expiration before inception, within the skew", now: now, from: time.Minute, until: -time.Minute, skew: Skew{Min: time.Hour, Max: 24 * time.Hour}, want: SignatureExpiredBeforeValid},
		{name: "skew across the wrap", now: wrap.Add(time.Minute), from: -time.Hour, until: -2 * time.Minute, skew: Skew{Min: 5 * time.Minute, Max: time.Hour}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := verifierAt(tt.now)
			v.Policy.Skew = tt.skew
			sig := &dns.RRSIG{Inception: serial(tt.now.Add(tt.from)), Expiration: serial(tt.now.Add(tt.until))}
			wantReason(t, v.checkValidityPeriod(sig), tt.want)
			if tt.want != ReasonNone {
				return
			}
			if end := v.expires(sig); end.Before(tt.now) {
				t.Errorf("accepted, and expires %v", end)
			} else if tt.until > 0 && !end.Equal(tt.now.Add(tt.until)) {
				t.Errorf("expires %v, want %v", end, tt.now.Add(tt.until))
			}
		})
	}
}

// TestZeroTime checks that the Unix epoch is not taken for an unset time.
func TestZeroTime(t *testing.T) {
	sig := &dns.RRSIG{Inception: serial(time.Now().Add(-time.Hour)), Expiration: serial(time.Now().Add(time.Hour))}
	if f := verifierAt(time.Unix(0, 0)).checkValidityPeriod(sig); f == nil {
		t.Error("valid in 1970")
	}
}
