package placement

import (
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy/caddyfile"
)

func TestKeeping(t *testing.T) {
	for _, tc := range []struct {
		name, lines string
		want        Keeping
	}{
		{name: "no cache", lines: "forward . 127.0.0.1"},
		{name: "default", lines: "cache", want: Keeping{Beyond: 5 * time.Second}},
		{name: "TTL and zones", lines: "cache 30 example.org", want: Keeping{Beyond: 5 * time.Second}},
		{name: "minimum TTL", lines: "cache {\nsuccess 9984 3600 3600\n}", want: Keeping{Beyond: time.Hour}},
		{name: "minimum TTL of denials", lines: "cache {\nsuccess 9984\ndenial 9984 1800 60\n}", want: Keeping{Beyond: time.Minute}},
		{name: "serve_stale", lines: "cache {\nserve_stale\n}", want: Keeping{Beyond: time.Hour}},
		{name: "serve_stale with a duration", lines: "cache {\nserve_stale 10m verify 50ms\n}", want: Keeping{Beyond: 10 * time.Minute}},
		{name: "keepttl", lines: "cache {\nkeepttl\n}", want: Keeping{Beyond: 5 * time.Second, KeepTTL: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			blocks, err := caddyfile.Parse("Corefile", strings.NewReader(".:53 {\n"+tc.lines+"\n}"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := newKeeping(blocks[0]); got != tc.want {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
		})
	}
}
