package dnssecval

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/dnssecval/dnssecval/internal/statuspage"
	"github.com/dnssecval/dnssecval/validator"
)

// init registers the directive of a build that keeps CoreDNS's on-line signer.
func init() { Register("dnssecval") }

// Register registers the plugin with CoreDNS under a directive of the Corefile. It panics, as
// plugin.Register does, if the directive is taken.
func Register(directive string) {
	plugin.Register(directive, func(c *caddy.Controller) error {
		if err := setup(c, directive); err != nil {
			return plugin.Error(directive, err)
		}
		return nil
	})
}

// setup reads the block and puts the handlers in their places.
func setup(c *caddy.Controller, directive string) error {
	conf, err := parse(c, directive)
	if err != nil {
		return err
	}
	b, warnings, err := newBlock(directive, conf)
	if err != nil {
		return err
	}
	for _, warning := range warnings {
		b.log.Warning(warning)
	}
	return placement.Place(c, directive, b.handlers())
}

// config is the settings of one block, as its words give them.
type config struct {
	zones       plugin.Zones
	validate    bool
	serve       bool
	reportOnly  bool // the word insecure
	noSynthesis bool // aggressive-nsec off
	logFailures bool
	status      netip.AddrPort
	capacity    int
	policy      validator.Policy
	override    time.Time
	anchorConfig
	given map[string]bool // words that were read
}

// anchorConfig is the settings of the trust anchors.
type anchorConfig struct {
	sources   anchor.Sources
	stateFile string // of auto-trust-anchor
	signal    bool   // key tags are signalled (RFC 8145)
}

// parse reads the block and checks what its words mean together.
func parse(c *caddy.Controller, directive string) (*config, error) {
	conf := &config{policy: validator.DefaultPolicy, capacity: validator.DefaultCapacity, given: make(map[string]bool)}
	conf.sources.Negative = make(map[string]anchor.Negative)
	for i := 0; c.Next(); i++ {
		if i > 0 {
			return nil, c.Errf("%s can be used once in a server block", directive)
		}
		conf.zones = plugin.OriginsFromArgsOrServerBlock(c.RemainingArgs(), c.ServerBlockKeys)
		for c.NextBlock() {
			if err := conf.word(c, directive); err != nil {
				return nil, err
			}
		}
	}
	if !conf.validate && !conf.serve {
		return nil, c.Errf("%s does nothing without the word validate or serve", directive)
	}
	if conf.stateFile != "" && !conf.override.IsZero() {
		return nil, c.Errf("auto-trust-anchor does not go with override-date: the times that keys have to wait for would mean nothing")
	}
	return conf, nil
}

// word reads one line of the block.
func (conf *config) word(c *caddy.Controller, directive string) error {
	word, args := c.Val(), c.RemainingArgs()
	read, ok := words[word]
	if !ok {
		return c.Errf("unknown word %q; there are: aggressive-nsec, allow-sha1, auto-trust-anchor, builtin-negative-trust-anchors, cache_capacity, insecure, log-failures, negative-trust-anchor, negative-trust-anchor-file, override-date, serve, signature-skew, status, trust-anchor, trust-anchor-signal, validate", word)
	}
	if conf.given[word] && !repeatable[word] {
		return c.Errf("%s is there twice", word)
	}
	conf.given[word] = true
	if err := read(conf, args); err != nil {
		return c.Errf("%s: %v", word, err)
	}
	return nil
}

// repeatable has the words that a block may have several times.
var repeatable = map[string]bool{"trust-anchor": true, "negative-trust-anchor": true, "negative-trust-anchor-file": true}

// words has the function that reads the arguments of each word.
var words = map[string]func(*config, []string) error{
	"validate":                   flag(func(conf *config) *bool { return &conf.validate }),
	"insecure":                   flag(func(conf *config) *bool { return &conf.reportOnly }),
	"log-failures":               flag(func(conf *config) *bool { return &conf.logFailures }),
	"allow-sha1":                 flag(func(conf *config) *bool { return &conf.policy.AllowSHA1 }),
	"trust-anchor":               trustAnchor,
	"negative-trust-anchor":      negativeTrustAnchor,
	"negative-trust-anchor-file": negativeTrustAnchorFile,
	"signature-skew":             signatureSkew,
	"trust-anchor-signal":        flag(func(conf *config) *bool { return &conf.signal }),
	"aggressive-nsec":            aggressiveNSEC,
	"cache_capacity":             cacheCapacity,
	"override-date":              overrideDate,
	"serve":                      flag(func(conf *config) *bool { return &conf.serve }),
	"auto-trust-anchor":          autoTrustAnchor,
	"status":                     statusAddress,
	"key":                        signersWord,

	"builtin-negative-trust-anchors": builtinNegativeTrustAnchors,
}

// flag returns the function for a word without arguments, which sets a field.
func flag(field func(*config) *bool) func(*config, []string) error {
	return func(conf *config, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("takes no argument, %q is one too many", args[0])
		}
		*field(conf) = true
		return nil
	}
}

// autoTrustAnchor reads STATEFILE.
func autoTrustAnchor(conf *config, args []string) error {
	if len(args) != 1 {
		return errors.New("needs a file to keep its state in")
	}
	conf.stateFile = args[0]
	return nil
}

// statusAddress reads ADDR.
func statusAddress(conf *config, args []string) (err error) {
	conf.status, err = statuspage.ParseAddress(args)
	return err
}

// signersWord refuses key, an option of CoreDNS's on-line signer.
func signersWord(*config, []string) error {
	return errors.New("belongs to CoreDNS's on-line signer, which this plugin replaces under its name; a build with both has this one as dnssecval")
}

// trustAnchor reads FILE...
func trustAnchor(conf *config, args []string) error {
	if len(args) == 0 {
		return errors.New("needs a file with DS or DNSKEY records")
	}
	conf.sources.Files = append(conf.sources.Files, args...)
	return nil
}

// negativeTrustAnchor reads ZONE... [until TIME].
func negativeTrustAnchor(conf *config, args []string) error {
	zones, negative, err := anchor.ParseNegative(args)
	for _, zone := range zones {
		conf.sources.Negative[zone] = negative
	}
	return err
}

// negativeTrustAnchorFile reads FILE...
func negativeTrustAnchorFile(conf *config, args []string) error {
	if len(args) == 0 {
		return errors.New("needs a file with lines of ZONE [until TIME]")
	}
	conf.sources.NegativeFiles = append(conf.sources.NegativeFiles, args...)
	return nil
}

// signatureSkew reads MIN MAX, the bounds of the tolerance for differing clocks.
func signatureSkew(conf *config, args []string) error {
	if len(args) != 2 {
		return errors.New("needs two durations, such as 1h 24h")
	}
	least, err := time.ParseDuration(args[0])
	most, errMost := time.ParseDuration(args[1])
	if err != nil || errMost != nil || least < 0 || most < least {
		return fmt.Errorf("%q is not two durations, the lesser one first, such as 1h 24h", strings.Join(args, " "))
	}
	conf.policy.Skew = validator.Skew{Min: least, Max: most}
	return nil
}

// aggressiveNSEC reads on or off.
func aggressiveNSEC(conf *config, args []string) (err error) {
	conf.noSynthesis, err = isOff(args)
	return err
}

// builtinNegativeTrustAnchors reads on or off.
func builtinNegativeTrustAnchors(conf *config, args []string) (err error) {
	conf.sources.NoBuiltinNegative, err = isOff(args)
	return err
}

// isOff reads on or off, and reports whether it is off.
func isOff(args []string) (bool, error) {
	if len(args) != 1 || args[0] != "on" && args[0] != "off" {
		return false, errors.New("needs on or off")
	}
	return args[0] == "off", nil
}

// cacheCapacity reads N.
func cacheCapacity(conf *config, args []string) error {
	if len(args) != 1 {
		return errors.New("needs a number")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a number of at least 1", args[0])
	}
	conf.capacity = n
	return nil
}

// overrideDate reads YYYYMMDDHHMMSS.
func overrideDate(conf *config, args []string) error {
	if len(args) != 1 {
		return errors.New("needs a time as YYYYMMDDHHMMSS, in UTC")
	}
	date, err := time.Parse("20060102150405", args[0])
	if err != nil {
		return fmt.Errorf("%q is not a time as YYYYMMDDHHMMSS", args[0])
	}
	conf.override = date
	return nil
}
