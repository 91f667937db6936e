package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/miekg/dns"
)

// Forwarder is the configuration of a validating forwarder: the directory that
// it can write to, the directory into which Private has put the programs
// unbound and named, the upstream, and the root trust anchors as DS RRs in
// zone-file form.
//
// The servers are configured to be comparable: they tolerate no clock skew, and
// they answer each question without aggressive use of cached denials.
type Forwarder struct {
	Dir, Programs, Upstream string
	Anchors                 []string
}

// Unbound starts Unbound.
func (f Forwarder) Unbound() (*Server, error) {
	addrs, err := FreeAddrs(1)
	if err != nil {
		return nil, err
	}
	var anchors strings.Builder
	for _, anchor := range f.Anchors {
		fmt.Fprintf(&anchors, " trust-anchor: %q\n", strings.ReplaceAll(anchor, "\t", " "))
	}
	config, err := f.write("unbound.conf", fmt.Sprintf(`server:
 interface: %s
 port: %s
 directory: %q
 username: ""
 chroot: ""
 pidfile: ""
 use-syslog: no
 val-log-level: 2
 val-sig-skew-min: 0
 val-sig-skew-max: 0
 num-threads: 1
 do-ip6: no
 do-not-query-localhost: no
 module-config: "validator iterator"
%s local-zone: "test." nodefault
 aggressive-nsec: no
 harden-below-nxdomain: no
 neg-cache-size: 0
 harden-short-bufsize: no
remote-control:
 control-enable: no
forward-zone:
 name: "."
 forward-addr: %s
`, Host, port(addrs[0]), f.Dir, anchors.String(), strings.Replace(f.Upstream, ":", "@", 1)))
	if err != nil {
		return nil, err
	}
	return Start(f.Dir, "unbound", addrs[0], filepath.Join(f.Programs, "unbound"), "-d", "-c", config)
}

// Named starts BIND's named.
func (f Forwarder) Named() (*Server, error) {
	addrs, err := FreeAddrs(1)
	if err != nil {
		return nil, err
	}
	var anchors strings.Builder
	for _, anchor := range f.Anchors {
		rr, err := dns.NewRR(anchor)
		if err != nil {
			return nil, err
		}
		ds, ok := rr.(*dns.DS)
		if !ok {
			return nil, fmt.Errorf("%s is not a DS", anchor)
		}
		fmt.Fprintf(&anchors, "trust-anchors { . static-ds %d %d %d %q; };\n", ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest)
	}
	config, err := f.write("named.conf", fmt.Sprintf(`options {
 directory %q; pid-file none; session-keyfile none; lock-file none; managed-keys-directory ".";
 listen-on port %s { %s; }; listen-on-v6 { none; };
 recursion yes; allow-query { any; }; forward only; forwarders { %s port %s; };
 dnssec-validation yes; empty-zones-enable no; synth-from-dnssec no; qname-minimization off;
 servfail-ttl 0; max-cache-size 64m;
};
%scontrols { };
`, f.Dir, port(addrs[0]), Host, Host, port(f.Upstream), anchors.String()))
	if err != nil {
		return nil, err
	}
	return Start(f.Dir, "named", addrs[0], filepath.Join(f.Programs, "named"), "-g", "-4", "-n", "1", "-c", config)
}

// CoreDNS starts program with one server block that forwards and validates
// without a cache.
func (f Forwarder) CoreDNS(program string) (*Server, error) {
	addrs, err := FreeAddrs(1)
	if err != nil {
		return nil, err
	}
	anchors, err := f.write("anchors", strings.Join(f.Anchors, "\n")+"\n")
	if err != nil {
		return nil, err
	}
	config, err := f.write("Corefile", fmt.Sprintf(`.:%s {
 bind %s
 errors
 dnssec {
  validate
  log-failures
  trust-anchor %s
  signature-skew 0s 0s
  aggressive-nsec off
  builtin-negative-trust-anchors off
 }
 forward . %s
}
`, port(addrs[0]), Host, anchors, f.Upstream))
	if err != nil {
		return nil, err
	}
	return Start(f.Dir, "coredns", addrs[0], program, "-conf", config)
}

func (f Forwarder) write(name, text string) (string, error) {
	path := filepath.Join(f.Dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}
