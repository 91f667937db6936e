package anchor

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// rootAnchorsXML has the form of IANA's file, with an old key and the two present ones.
const rootAnchorsXML = `<?xml version="1.0" encoding="UTF-8"?>
<TrustAnchor id="380DC50D-484E-40D0-A3AE-68F2B18F61C7" source="http://data.iana.org/root-anchors/root-anchors.xml">
<Zone>.</Zone>
<KeyDigest id="Kjqmt7v" validFrom="2010-07-15T00:00:00+00:00" validUntil="2019-01-11T00:00:00+00:00">
<KeyTag>19036</KeyTag>
<Algorithm>8</Algorithm>
<DigestType>2</DigestType>
<Digest>49AAC11D7B6F6446702E54A1607371607A1A41855200FD2CE1CDDE32F24E8FB5</Digest>
</KeyDigest>

<KeyDigest id="Klajeyz" validFrom="2017-02-02T00:00:00+00:00">
<KeyTag>20326</KeyTag>
<Algorithm>8</Algorithm>
<DigestType>2</DigestType>
<Digest>E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D</Digest>
<Flags>257</Flags>
</KeyDigest>
<KeyDigest id="Kmyv6jo" validFrom="2024-07-18T00:00:00+00:00">
<KeyTag>38696</KeyTag>
<Algorithm>8</Algorithm>
<DigestType>2</DigestType>
<Digest>683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16</Digest>
</KeyDigest>
</TrustAnchor>
`

// TestParseXML: the keys of the document that are valid at the time.
func TestParseXML(t *testing.T) {
	for _, test := range []struct {
		name string
		at   time.Time
		tags []uint16
	}{
		{name: "first key", at: time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC), tags: []uint16{19036}},
		{name: "two keys", at: time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC), tags: []uint16{19036, 20326}},
		{name: "last moment of the first key", at: time.Date(2019, 1, 10, 23, 59, 59, 0, time.UTC), tags: []uint16{19036, 20326}},
		{name: "end of the first key", at: time.Date(2019, 1, 11, 0, 0, 0, 0, time.UTC), tags: []uint16{20326}},
		{name: "third key", at: made, tags: []uint16{20326, 38696}},
	} {
		t.Run(test.name, func(t *testing.T) {
			anchors, _, err := Parse("root-anchors.xml", rootAnchorsXML, Rules{At: test.at})
			if got := tags(anchors); err != nil || !slices.Equal(got, test.tags) {
				t.Errorf("%v, %v, want %v", got, err, test.tags)
			}
		})
	}
	if anchors, _, err := Parse("file", "\ufeff\n "+rootAnchorsXML[strings.Index(rootAnchorsXML, "<Trust"):], Rules{}); err != nil || len(anchors) < 2 || anchors[0].Zone() != "." {
		t.Errorf("as of now, without a declaration: %v, %v", anchors, err)
	}
}

// TestParseXMLErrors: an error has the line.
func TestParseXMLErrors(t *testing.T) {
	checkErrors(t, []badText{
		{name: "XML without keys", text: "<?xml version=\"1.0\"?>\n<TrustAnchor/>", want: ": no KeyDigest in it is valid now"},
		{name: "XML of something else", text: "<html><body>404 not found</body></html>", want: ": no KeyDigest in it is valid now"},
		{name: "XML cut off", text: rootAnchorsXML[:len(rootAnchorsXML)-40], want: ":18: KeyDigest can't be read: XML syntax error"},
		{name: "XML with a bad zone", text: strings.Replace(rootAnchorsXML, "<Zone>.<", "<Zone>a..b<", 1), want: `:3: the zone is "a..b", which is none`},
		{name: "XML with a bad time", text: strings.Replace(rootAnchorsXML, "2017-02-02T", "2017-22-02T", 1), want: `:11: validFrom is "2017-22-02T00:00:00+00:00", not a time`},
		{name: "XML with a bad digest", text: strings.Replace(rootAnchorsXML, "E06D44B8", "XYZ", 1), want: ":11: the digest is not of 64 hexadecimal digits"},
		{name: "XML with a bad number", text: strings.Replace(rootAnchorsXML, "<KeyTag>20326", "<KeyTag>x", 1), want: ":11: KeyDigest can't be read"},
		{name: "XML with a key before the zone", text: strings.Replace(rootAnchorsXML, "<Zone>.</Zone>", "", 1), want: ":4: KeyDigest comes before Zone"},
	})
}
