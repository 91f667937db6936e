// Package worlds checks the validator against every response that an attacker could
// assemble in a small world. A [World] is a tree of zones of a few names. The attacker
// has every RRset that the zones signed, puts some of them into a response, and the
// validator judges it. What it calls secure or insecure is compared with what the
// world has ([tree.step]), by RFC 1034, 4592, 6672, 4035, 5155 and 9824.
//
// The package is for tests and for cmd/worlds. It shares no code with the validator:
// names, zones, the denial of existence and the truth are implemented here. RRsets are
// really signed, once each, so that no check is left out.
package worlds
