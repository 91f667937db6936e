package main

import (
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCapture: the report about a capture is the same as the one about the server, word for word.
func TestCapture(t *testing.T) {
	s := brokenWorld(t)
	for i, b := range breakages {
		name, qtype := b.asked(i)
		file := filepath.Join(t.TempDir(), "capture")
		if got := run(t, s.judge("capture", name, qtype, "-o", file)...); got.code != b.code || !strings.Contains(got.out, b.token) {
			t.Errorf("%s %s: %+v", name, qtype, got)
		}
		got, asked := run(t, "check", "--from", file, "--json"), run(t, s.judge("check", name, qtype, "--json")...)
		if got.code != b.code || strings.Replace(got.out, " (captured)", "", 1) != asked.out {
			t.Errorf("%s %s: from the capture:\n%s\nfrom the server:\n%s", name, qtype, got.out, asked.out)
		}
	}
}

// TestCaptureNow: a capture has the present time if none is given, and all settings. They are
// used when it is judged, unless arguments override them.
func TestCaptureNow(t *testing.T) {
	s := goldenWorld(t)
	file := filepath.Join(t.TempDir(), "capture")
	run(t, "capture", "www.hashed.example", "@"+s.addr, "--tcp", "--allow-sha1", "--negative-trust-anchor", "other", "-o", file)
	c, err := readCaptureFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if since := time.Since(c.Time); since < 0 || since > time.Minute || !c.AllowSHA1 || !c.TCP || len(c.Negative) != 1 || len(c.Anchors) != 2 {
		t.Errorf("%+v", c.header)
	}
	for _, e := range c.exchanges {
		if e.Transport != "tcp" {
			t.Errorf("%+v", e)
		}
	}
	if got := run(t, "check", "--from", file); got.code != exitBogus || !strings.Contains(got.out, "dnskey_no_anchor_match") {
		t.Errorf("from the built-in trust anchors: %+v", got)
	}
	if got := run(t, "check", "--from", file, "--negative-trust-anchor", "."); got.code != exitInsecure {
		t.Errorf("with a negative trust anchor: %+v", got)
	}
	if got := run(t, "check", "--from", file, "--trust-anchor", s.anchors, "--at", then.Format(time.DateOnly)); strings.Contains(got.out, "dnskey_no_anchor_match") {
		t.Errorf("with another trust anchor: %+v", got)
	}
}

// TestCaptureErrors: the error about a file that is no capture, or a broken one, names the line.
func TestCaptureErrors(t *testing.T) {
	head := `{"dnssecval-capture":1,"name":"example.","type":"A","server":"127.0.0.1:53","time":"2026-12-01T12:00:00Z"`
	for _, test := range []struct{ name, text, says string }{
		{name: "empty", text: "", says: ":1: not a capture"},
		{name: "a picture", text: "\x89PNG", says: ":1: not a capture"},
		{name: "another JSON", text: "[]", says: ":1: not a capture"},
		{name: "later version", text: `{"dnssecval-capture":2}`, says: ":1: a capture of version 2"},
		{name: "no name", text: `{"dnssecval-capture":1}`, says: `:1: "" is not a domain name`},
		{name: "no type", text: strings.Replace(head, `"A"`, `"NO"`, 1) + "}", says: `:1: unknown type "NO"`},
		{name: "no server", text: strings.Replace(head, `127.0.0.1:53`, `\u001b[2J`, 1) + "}", says: `:1: @`},
		{name: "no time", text: strings.Replace(head, `time`, `x`, 1) + "}", says: ":1: the time of the capture is missing"},
		{name: "no DS", text: head + `,"trust_anchors":["example. A 192.0.2.1"]}`, says: `:1: trust anchor`},
		{name: "an anchor of a file", text: head + `,"trust_anchors":["$INCLUDE testdata/anchor"]}`, says: `:1: trust anchor`},
		{name: "no exchange", text: head + "}\n\nx", says: ":3: not an exchange"},
		{name: "no base64", text: head + "}\n" + `{"answer":"*"}`, says: ":2: not an exchange"},
		{name: "too many exchanges", text: head + "}" + strings.Repeat("\n{}", maxExchanges+1), says: ":1002: more than 1000 exchanges"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "capture")
			write(t, file, test.text)
			got := run(t, "check", "--from", file)
			if got.code != exitUsage || !strings.Contains(got.err, file+test.says) || got.out != "" || strings.Contains(got.err, "\x1b") {
				t.Errorf("%+v\nwant %s", got, test.says)
			}
		})
	}
}

// TestCaptureLacks: a question that the capture does not have fails.
func TestCaptureLacks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "capture")
	write(t, file, `{"dnssecval-capture":1,"name":"example.","type":"A","server":"127.0.0.1:53","time":"2026-12-01T12:00:00Z"}`)
	got := run(t, "check", "--from", file)
	if got.code != exitNotAsked || !strings.Contains(got.err, "the capture has no answer to example. A over udp") {
		t.Errorf("%+v", got)
	}
}

// captured returns the captures of some names.
func captured(t testing.TB) (captures []*capture) {
	t.Helper()
	s := goldenWorld(t)
	for _, question := range []string{"www.signed.example A", "nobody.signed.example A", "www.unsigned.example A", "www.expired.example A", "www.wrong-ds.example A", "signed.example DNSKEY"} {
		name, qtype, _ := strings.Cut(question, " ")
		file := filepath.Join(t.TempDir(), "capture")
		run(t, s.judge("capture", name, qtype, "-o", file)...)
		c, err := readCaptureFile(file)
		if err != nil {
			t.Fatal(err)
		}
		captures = append(captures, c)
	}
	return captures
}

// judgeAny judges a capture and writes the report in all forms.
func judgeAny(t *testing.T, c *capture) {
	t.Helper()
	in, err := c.inquiry(&arguments{})
	if err != nil {
		return
	}
	shown := command{out: io.Discard, err: io.Discard}
	report, err := shown.explain(context.Background(), in)
	if err != nil {
		return
	}
	for _, a := range []*arguments{{}, {output: output{json: true}}, {output: output{dot: true}}, {output: output{svg: "-"}}} {
		if err := shown.print(a, newSummary(report, in.server)); err != nil {
			t.Error(err)
		}
	}
	checkXML(t, newGraph(newSummary(report, in.server)).svg())
}

// FuzzCapture: no file makes the command panic or write a drawing that is not well-formed.
func FuzzCapture(f *testing.F) {
	for _, c := range captured(f) {
		var text strings.Builder
		if err := c.write(&text); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(text.String()))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, _, err := readCapture(text); err == nil {
			judgeAny(t, c)
		}
	})
}

// FuzzAnswer replaces one answer of a capture.
func FuzzAnswer(f *testing.F) {
	captures := captured(f)
	texts := make([][]byte, len(captures))
	for i, c := range captures {
		for j, e := range c.exchanges {
			f.Add(uint8(i), uint8(j), e.Answer)
		}
		text, err := json.Marshal(c.header)
		if err != nil {
			f.Fatal(err)
		}
		texts[i] = text
	}
	f.Fuzz(func(t *testing.T, which, exchanged uint8, answer []byte) {
		c := *captures[int(which)%len(captures)]
		c.exchanges = append([]exchange{}, c.exchanges...)
		c.exchanges[int(exchanged)%len(c.exchanges)].Answer = answer
		judgeAny(t, &c)
	})
}
