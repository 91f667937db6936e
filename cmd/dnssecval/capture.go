package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/miekg/dns"
)

// A capture has everything that is needed to judge a question again. Its file is text with
// one JSON value a line: the header, then an exchange in each line.
type capture struct {
	header
	exchanges []exchange
}

// header is the first line of the file.
type header struct {
	Capture   int       `json:"dnssecval-capture"` // the version of the format
	Program   string    `json:"program"`
	Name      string    `json:"name"`
	Type      string    `json:"type"`
	Server    string    `json:"server"`
	Time      time.Time `json:"time"`
	Anchors   []string  `json:"trust_anchors"`
	Negative  []string  `json:"negative_trust_anchors,omitempty"`
	AllowSHA1 bool      `json:"allow_sha1,omitempty"`
	TCP       bool      `json:"tcp,omitempty"` // everything was asked over TCP
}

// exchange is a question with its answer, a message in wire format, or an error.
type exchange struct {
	asked
	Rcode   string `json:"rcode,omitempty"`   // for the reader of the file
	Records int    `json:"records,omitempty"` // likewise
	Answer  []byte `json:"answer,omitempty"`  // base64
	Error   string `json:"error,omitempty"`
}

// asked is a question, and how it was asked.
type asked struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Transport string `json:"transport"`
	CD        bool   `json:"cd,omitempty"`
	EDNS      bool   `json:"edns,omitempty"`
}

func (a asked) String() string { return a.Name + " " + a.Type + " over " + a.Transport }

const (
	captureVersion = 1
	maxCapture     = 16 << 20 // octets of a file
	maxExchanges   = 1000
)

func (c *capture) writeFile(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(c.write(file), file.Close())
}

func (c *capture) write(w io.Writer) error {
	c.Capture, c.Program = captureVersion, "dnssecval "+version()
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	if err := lines.Encode(c.header); err != nil {
		return err
	}
	for _, e := range c.exchanges {
		if err := lines.Encode(e); err != nil {
			return err
		}
	}
	return nil
}

// readCaptureFile reads a file, or standard input for "-".
func readCaptureFile(path string) (*capture, error) {
	f := os.Stdin
	if path != "-" {
		var err error
		if f, err = os.Open(path); err != nil {
			return nil, err
		}
		defer f.Close()
	}
	text, err := io.ReadAll(io.LimitReader(f, maxCapture+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxCapture {
		return nil, fmt.Errorf("%s has more than %d octets", path, maxCapture)
	}
	c, line, err := readCapture(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", path, line, err)
	}
	return c, nil
}

// readCapture reads what write writes. An error is returned with its line.
func readCapture(text []byte) (c *capture, line int, err error) {
	c = &capture{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxCapture+1)
	for lines.Scan() {
		line++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if c.Capture == 0 {
			err = c.header.read(lines.Bytes())
		} else {
			err = c.add(lines.Bytes())
		}
		if err != nil {
			return nil, line, err
		}
	}
	if c.Capture == 0 {
		return nil, line, errors.New("not a capture: it is empty")
	}
	return c, line, lines.Err()
}

func (h *header) read(line []byte) error {
	if err := json.Unmarshal(line, h); err != nil || h.Capture == 0 {
		return errors.New("not a capture: the first line has to be its header, as dnssecval capture writes it")
	}
	if h.Capture != captureVersion {
		return fmt.Errorf("a capture of version %d; this program knows version %d", h.Capture, captureVersion)
	}
	name, err := parseName(h.Name)
	if err != nil {
		return err
	}
	h.Name = name
	if _, ok := parseType(h.Type); !ok {
		return fmt.Errorf("unknown type %q", h.Type)
	}
	if _, err := parseServer(h.Server); err != nil {
		return err
	}
	if h.Time.IsZero() {
		return errors.New("the time of the capture is missing")
	}
	return nil
}

func (c *capture) add(line []byte) error {
	var e exchange
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("not an exchange: %w", err)
	}
	if len(c.exchanges) == maxExchanges {
		return fmt.Errorf("more than %d exchanges", maxExchanges)
	}
	c.exchanges = append(c.exchanges, e)
	return nil
}

// anchors reads the trust anchors of the header, which have to be DS records. Unlike
// dns.NewRR it does not follow $INCLUDE.
func (h *header) anchors(place string, rules anchor.Rules) (anchors []anchor.Anchor, warnings []string, err error) {
	if len(h.Anchors) == 0 {
		return nil, nil, nil
	}
	var lines []string
	for _, line := range h.Anchors {
		rr, _ := dns.NewZoneParser(strings.NewReader(line), ".", "").Next()
		ds, ok := rr.(*dns.DS)
		if !ok {
			return nil, nil, fmt.Errorf("%s: trust anchor %q is not a DS record", place, line)
		}
		lines = append(lines, ds.String())
	}
	return anchor.Parse(place+": trust_anchors", strings.Join(lines, "\n"), rules)
}
