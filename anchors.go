package dnssecval

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"sync"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/validator"
)

// trust is the trust anchors of a block: the files that they come from, the keys that are
// followed by RFC 5011, and the validators that use them.
type trust struct {
	*block
	engines    []*validator.Validator // the first one asks for the keys of the anchors
	sources    anchor.Sources
	configured *anchor.Set       // what the sources have, without the keys that were learned by RFC 5011
	seen       [sha256.Size]byte // fingerprint of the sources when they were read
	rollovers  *rollovers        // nil without auto-trust-anchor
	unproven   sync.Map          // zones that could not be proven from their anchors when last tried, with the set for which that was logged
	logged     onceEach          // what is logged once: warnings, and news of zones and negative trust anchors
}

// set returns the trust anchors in use.
func (t *trust) set() *anchor.Set { return t.engines[0].Anchors() }

// exchanger returns the exchanger of the first validator.
func (t *trust) exchanger() *exchanger {
	if t.words.validate {
		return t.handler.exchanger
	}
	return t.server.exchanger
}

// load reads the sources as of now: root-anchors.xml says from when to when its keys are
// valid.
func (t *trust) load() (*anchor.Set, []string, error) {
	sources := t.sources
	sources.Rules.At = t.now()
	return sources.Load()
}

// reload reads the files that changed. If one of them is bad nothing changes, and it
// returns false.
func (t *trust) reload() bool {
	configured, warnings, err := t.load()
	if err == nil {
		err = t.use(configured)
	}
	if err != nil {
		t.metrics.countReload(t.servers, "bad")
		t.log.Errorf("the trust anchors stay as they are: %v", err)
		return false
	}
	for _, warning := range warnings {
		t.log.Warning(warning)
		t.logged.first(warning)
	}
	return true
}

// reloadInTime reads files that did not change, since keys in root-anchors.xml become valid
// and cease to be valid. An error is logged once.
func (t *trust) reloadInTime() {
	configured, warnings, err := t.load()
	if err == nil {
		err = t.use(configured)
	}
	if err != nil && t.logged.first(err.Error()) {
		t.log.Errorf("the trust anchors stay as they are: %v", err)
	}
	for _, warning := range warnings {
		if t.logged.first(warning) {
			t.log.Warning(warning)
		}
	}
}

// use sets the configured anchors, with the keys that were learned by RFC 5011, in the
// validators.
func (t *trust) use(configured *anchor.Set) error {
	set := configured.Clone()
	if err := t.rollovers.apply(set); err != nil {
		return err
	}
	t.configured = configured
	if reflect.DeepEqual(set, t.set()) {
		return nil
	}
	for _, engine := range t.engines {
		engine.SetAnchors(set)
	}
	t.explanations.failures.Purge()
	t.publish()
	t.log.Infof("trust anchors from now on: %s", set)
	return nil
}

// publish sets the metrics of the trust anchors.
func (t *trust) publish() {
	for _, server := range t.servers {
		t.metrics.setAnchors(server, t.onServer(server))
	}
}

// anchorState is a trust anchor with the labels of its metric.
type anchorState struct {
	zone  string
	tag   uint16
	state string
}

// states returns the anchors, and all keys of zones whose keys are followed.
func (t *trust) states() (states []anchorState) {
	followed := map[string]bool{}
	if t.rollovers != nil {
		for _, k := range *t.rollovers.states.Load() {
			followed[k.Zone] = true
			states = append(states, anchorState{k.Zone, k.KeyTag, k.State.String()})
		}
	}
	set := t.set()
	for _, zone := range set.Zones() {
		state := "valid"
		if _, failed := t.unproven.Load(zone); failed {
			state = "unproven"
		}
		for _, a := range set.Anchors(zone) {
			if !followed[zone] {
				states = append(states, anchorState{zone, a.DS.KeyTag, state})
			}
		}
	}
	return states
}

// negativeInForce counts the negative trust anchors that have not ended.
func (t *trust) negativeInForce() (count int) {
	set := t.set()
	for _, zone := range set.NegativeZones() {
		if n, _ := set.Negative(zone); n.InForce(t.now()) {
			count++
		}
	}
	return count
}

// loadTrust reads the trust anchors, and with auto-trust-anchor the keys of the state file.
func (b *block) loadTrust() (set *anchor.Set, warnings []string, err error) {
	sources := b.words.sources
	sources.Rules.AllowSHA1 = b.words.policy.AllowSHA1
	t := &trust{block: b, sources: sources, seen: sources.Fingerprint()} // taken before the files are read: one that changes meanwhile is read again
	b.trust = t
	if t.configured, warnings, err = t.load(); err != nil {
		return nil, nil, err
	}
	set = t.configured.Clone()
	if file := b.words.stateFile; file != "" {
		if sources.Contains(file) {
			return nil, nil, fmt.Errorf("auto-trust-anchor: %s is among the files of trust-anchor too, which would trust keys that wait or were revoked; keep it elsewhere", file)
		}
		if t.rollovers, err = newRollovers(file, set, b.words.policy); err != nil {
			return nil, nil, err
		}
		leftOut, err := t.rollovers.leftOut()
		if err != nil {
			return nil, nil, err
		}
		warnings = append(warnings, leftOut...)
		if err := t.rollovers.apply(set); err != nil {
			return nil, nil, err
		}
	}
	for _, warning := range warnings {
		t.logged.first(warning) // setup logs it
	}
	return set, warnings, nil
}
