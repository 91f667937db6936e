package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// text writes a report for a person to read, in lines with labels.
type text struct {
	paint
	out io.Writer
	s   *summary
}

const (
	maxLines   = 12 // of one RRset
	labelWidth = 14
	textWidth  = 78
)

func (t text) write() {
	s := t.s
	fmt.Fprintf(t.out, "%s, asked %s, as of %s\n\n", t.bold(s.Name+" "+dns.Type(s.Type).String()), s.server, stamp(s.At))
	for _, z := range s.Zones {
		t.zone(z)
	}
	for _, set := range s.RRsets {
		t.head(set.String(), set.Finding)
		t.records("record", set.RRs)
		t.signatures(set)
	}
	if s.Missing != "" || len(s.RRsets) == 0 {
		t.head(s.without(), s.Finding)
		t.line("answer", s.withoutRRsets())
	}
	t.verdict()
}

func (t text) head(what string, f validator.Finding) {
	status := f.Status.String()
	if f.Status == validator.Bogus {
		status += ": " + f.Reason.String()
	}
	fmt.Fprintf(t.out, "%s %s\n", t.bold(printable(what)), t.as(f.Status, status))
}

func (t text) line(label, words string) {
	fmt.Fprintf(t.out, "  %s %s\n", t.dim(fmt.Sprintf("%-*s", labelWidth, label)), printable(words))
}

func (t text) zone(z validator.ZoneReport) {
	t.head("zone "+z.Name, z.Finding)
	for _, ds := range z.Anchors {
		t.line("trust anchor", describeDS(ds))
	}
	for i, rr := range z.DS.RRs {
		if ds, ok := rr.(*dns.DS); ok && i < maxLines {
			t.line("DS", describeDS(ds))
		}
	}
	t.signatures(z.DS)
	for _, set := range z.Denial {
		t.line("no DS, says", set.String())
		t.signatures(set)
	}
	for i, key := range z.Keys {
		if i == maxLines {
			t.line("", fmt.Sprintf("and %d more", len(z.Keys)-i))
			break
		}
		t.line("DNSKEY", describeKey(key, z))
	}
	t.signatures(z.DNSKEY)
	if z.Status == validator.Insecure || z.Status == validator.Indeterminate {
		t.line("because", z.Reason.String()+": "+detail(z.Finding))
	}
	fmt.Fprintln(t.out)
}

func describeDS(ds *dns.DS) string {
	return fmt.Sprintf("%d, %s, digest %s", ds.KeyTag, algorithm(ds.Algorithm), digest(ds.DigestType))
}

func describeKey(key validator.KeyReport, z validator.ZoneReport) string {
	words := fmt.Sprintf("%d, %s", key.KeyTag(), algorithm(key.Algorithm))
	if matchesAny(key, z.Anchors) {
		words += ", is the trust anchor"
	} else if len(key.Matches) > 0 {
		words += ", matches the DS"
	}
	if key.Reason != validator.ReasonNone {
		words += ", " + key.Reason.Text()
	}
	return words
}

// signatures writes a line for each signature of an RRset.
func (t text) signatures(set validator.RRsetReport) {
	for i, sig := range set.Signatures {
		if i == maxLines {
			t.line("", fmt.Sprintf("and %d more", len(set.Signatures)-i))
			break
		}
		by := fmt.Sprintf("%s key %d, ", dns.CanonicalName(sig.RRSIG.SignerName), sig.RRSIG.KeyTag)
		switch sig.Status {
		case validator.Secure:
			t.line("signed by", by+"until "+stamp(sig.Expires))
		case validator.Bogus:
			t.line("signature by", by+sig.Reason.String())
		default:
			t.line("signature by", by+"not checked")
		}
	}
	if len(set.RRs) > 0 && len(set.Signatures) == 0 && set.Status == validator.Bogus && set.Reason == validator.SignatureMissing {
		t.line("", "no signature")
	}
}

func (t text) records(label string, rrs []dns.RR) {
	for i, rr := range rrs {
		if i == maxLines {
			t.line(label, fmt.Sprintf("and %d more", len(rrs)-i))
			return
		}
		t.line(label, oneLine(rr))
	}
}

// oneLine returns a record as a zone-file line with blanks instead of tabs.
func oneLine(rr dns.RR) string { return strings.ReplaceAll(rr.String(), "\t", " ") }

// verdict writes the status of the answer, and what to do about it.
func (t text) verdict() {
	s := t.s
	fmt.Fprintln(t.out)
	fmt.Fprintln(t.out, t.as(s.Status, verdictOf(s.Report)))
	if s.Reason == validator.ReasonNone {
		t.paragraph("Each link of the chain from the trust anchor down holds.")
		return
	}
	t.paragraph(sentence(s.Reason.Text()))
	if s.Detail != "" {
		t.paragraph(s.Detail)
	}
	if len(s.failed) > 0 {
		fmt.Fprintf(t.out, "\n%s\n", t.bold("the records in question"))
		t.plainRecords(s.failed)
	}
	fmt.Fprintf(t.out, "\n%s\n", t.bold("what to do"))
	t.paragraph(s.remedy())
	if s.negative != "" {
		t.paragraph("Until then the operator of a resolver can let its names pass, not validated, by this line in the dnssec block:")
		fmt.Fprintf(t.out, "\n    %s\n", s.negative)
	}
}

func (t text) plainRecords(rrs []dns.RR) {
	for i, rr := range rrs {
		if i == maxLines {
			fmt.Fprintf(t.out, "  and %d more\n", len(rrs)-i)
			return
		}
		fmt.Fprintf(t.out, "  %s\n", printable(oneLine(rr)))
	}
}

// detail returns the detail of a finding, or the text of its reason.
func detail(f validator.Finding) string {
	if f.Detail != "" {
		return f.Detail
	}
	return f.Reason.Text()
}

// sentence adds a capital letter and a full stop.
func sentence(words string) string {
	return strings.ToUpper(words[:1]) + words[1:] + "."
}

// paragraph writes words in lines of textWidth.
func (t text) paragraph(words string) {
	line := " "
	for _, word := range strings.Fields(printable(words)) {
		if len(line)+len(word) >= textWidth && line != " " {
			fmt.Fprintln(t.out, line)
			line = " "
		}
		line += " " + word
	}
	fmt.Fprintln(t.out, line)
}
