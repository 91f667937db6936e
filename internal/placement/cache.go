package placement

import (
	"strconv"
	"time"

	"github.com/coredns/caddy/caddyfile"
)

// Keeping is for how long the cache plugin of a block answers with what it got, beyond the
// TTL.
type Keeping struct {
	Beyond  time.Duration // the minimum TTL, or how long stale answers are served
	KeepTTL bool          // answers from the cache have the TTL that they had at first
}

// The defaults of the cache plugin.
const (
	defaultMinTTL = 5 * time.Second
	defaultStale  = time.Hour
)

// newKeeping reads the cache stanzas of a server block, of which several with zones of
// their own may be there:
//
//	cache [TTL] [ZONES...] {
//	    success CAPACITY [TTL] [MINTTL]
//	    denial CAPACITY [TTL] [MINTTL]
//	    serve_stale [DURATION] [REFRESH...]
//	    keepttl
//	}
//
// What it can't read the cache plugin refuses.
func newKeeping(sb caddyfile.ServerBlock) (k Keeping) {
	d := caddyfile.NewDispenserTokens("Corefile", sb.Tokens["cache"])
	for d.Next() {
		k.Beyond = max(k.Beyond, defaultMinTTL)
		d.RemainingArgs()
		for d.NextBlock() {
			word, args := d.Val(), d.RemainingArgs()
			switch {
			case (word == "success" || word == "denial") && len(args) > 2:
				seconds, _ := strconv.Atoi(args[2])
				k.Beyond = max(k.Beyond, time.Duration(seconds)*time.Second)
			case word == "serve_stale" && len(args) == 0:
				k.Beyond = max(k.Beyond, defaultStale)
			case word == "serve_stale":
				stale, _ := time.ParseDuration(args[0])
				k.Beyond = max(k.Beyond, stale)
			case word == "keepttl":
				k.KeepTTL = true
			}
		}
	}
	return k
}
