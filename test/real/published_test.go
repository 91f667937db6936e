package real

import "testing"

// TestPublished checks that the log plugin has the results by way of metadata,
// for the first answer and for cached ones.
func TestPublished(t *testing.T) {
	t.Parallel()
	p := start(t, newWorld(t), `.:PORT {
		bind 127.0.0.1
		metadata
		log . "access {name} {type} {rcode} status={/dnssec/status} reason={/dnssec/reason} zone={/dnssec/zone}."
		cache 30
		hosts {
			192.0.2.77 local.test
			fallthrough
		}
		forward . UPSTREAM
		dnssec {
			validate
			trust-anchor ANCHORS
			negative-trust-anchor nsec3.test
		}
	}`)
	for _, test := range []struct{ question, flags, first, hit string }{
		{"www.secure.test. A", "do", "NOERROR status=secure reason=none zone=secure.test..", "NOERROR status=secure reason=none zone=secure.test.."},
		{"v4.secure.test. A", "", "NOERROR status=secure reason=none zone=secure.test..", "NOERROR status=none reason=none zone=none."},
		{"www.unsigned.test. A", "do", "NOERROR status=insecure reason=delegation_insecure zone=unsigned.test..", "NOERROR status=none reason=none zone=none."},
		{"www.nsec3.test. A", "", "NOERROR status=insecure reason=negative_trust_anchor zone=nsec3.test..", "NOERROR status=insecure reason=negative_trust_anchor zone=nsec3.test.."},
		{"www.expired.test. A", "", "SERVFAIL status=bogus reason=signature_expired zone=expired.test..", "SERVFAIL status=bogus reason=signature_expired zone=expired.test.."},
		{"local.test. A", "do", "NOERROR status=none reason=none zone=none.", "NOERROR status=none reason=none zone=none."},
	} {
		p.ask(t, test.question, test.flags)
		p.logs(t, "access "+test.question+" "+test.first)
		p.ask(t, test.question, test.flags)
		lines := p.out.lines("access " + test.question + " ")
		if p.logs(t, "access "+test.question+" "+test.hit); len(lines) == 2 && test.first == test.hit && lines[0] != lines[1] {
			t.Errorf("the log has %q", lines)
		}
	}
}
