// Package dnssec registers the plugin as the directive dnssec, in the place of the
// on-line signer that CoreDNS has under this name.
package dnssec

import "github.com/dnssecval/dnssecval"

func init() { dnssecval.Register("dnssec") }
