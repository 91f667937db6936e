package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/dnssecval/dnssecval"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// text writes a report for a person, in lines of a label and what it is about.
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

func (t text) head(what string, f dnssec.Finding) {
	status := f.Status.String()
	if f.Status == dnssec.Bogus {
		status += ": " + f.Reason.String()
	}
	fmt.Fprintf(t.out, "%s %s\n", t.bold(printable(what)), t.as(f.Status, status))
}

func (t text) line(label, words string) {
	fmt.Fprintf(t.out, "  %s %s\n", t.dim(fmt.Sprintf("%-*s", labelWidth, label)), printable(words))
}

func (t text) zone(z dnssecval.ZoneReport) {
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
	keys := keysOf(z)
	for i, key := range keys {
		if i == maxLines {
			t.line("", fmt.Sprintf("and %d more", len(keys)-i))
			break
		}
		t.line("DNSKEY", describeKey(key, z))
	}
	t.signatures(z.DNSKEY)
	if z.Status == dnssec.Insecure || z.Status == dnssec.Indeterminate {
		t.line("because", z.Reason.String()+": "+said(z.Finding))
	}
	fmt.Fprintln(t.out)
}

func describeDS(ds *dns.DS) string {
	return fmt.Sprintf("%d, %s, digest %s", ds.KeyTag, dnssec.AlgorithmName(ds.Algorithm), digest(ds.DigestType))
}

func describeKey(key *dns.DNSKEY, z dnssecval.ZoneReport) string {
	words := fmt.Sprintf("%d, %s", key.KeyTag(), dnssec.AlgorithmName(key.Algorithm))
	if vouchedFor(key, z.Anchors) {
		words += ", is the trust anchor"
	} else if vouchedFor(key, dsOf(z)) {
		words += ", matches the DS"
	}
	if f := dnssec.CheckKey(key); f != nil {
		words += ", " + f.Reason.Text()
	}
	return words
}

// signatures writes a line for each signature of an RRset.
func (t text) signatures(set dnssecval.RRsetReport) {
	for i, sig := range set.Signatures {
		if i == maxLines {
			t.line("", fmt.Sprintf("and %d more", len(set.Signatures)-i))
			break
		}
		by := fmt.Sprintf("%s key %d, ", dns.CanonicalName(sig.RRSIG.SignerName), sig.RRSIG.KeyTag)
		switch sig.Status {
		case dnssec.Secure:
			t.line("signed by", by+"until "+stamp(sig.Expires))
		case dnssec.Bogus:
			t.line("signature by", by+sig.Reason.String())
		default:
			t.line("signature by", by+"not checked")
		}
	}
	if len(set.RRs) > 0 && len(set.Signatures) == 0 && set.Status == dnssec.Bogus && set.Reason == dnssec.SignatureMissing {
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

// oneLine is a record as zone files have it, with blanks for tabs.
func oneLine(rr dns.RR) string { return strings.ReplaceAll(rr.String(), "\t", " ") }

// verdict says what comes of it all, and what to do.
func (t text) verdict() {
	s := t.s
	fmt.Fprintln(t.out)
	fmt.Fprintln(t.out, t.as(s.Status, verdictOf(s.Report)))
	if s.Reason == dnssec.ReasonNone {
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

// said is the detail of a finding, or what its reason means.
func said(f dnssec.Finding) string {
	if f.Detail != "" {
		return f.Detail
	}
	return f.Reason.Text()
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(words string) string {
	return strings.ToUpper(words[:1]) + words[1:] + "."
}

// paragraph writes words in lines of a width that can be read.
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
