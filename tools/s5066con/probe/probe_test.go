package probe_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"longwire/tools/s5066con/probe"
)

var vectors = []struct {
	name  string
	probe probe.Probe
	hex   string
}{
	{"ping", probe.Probe{Kind: probe.Ping, Run: 0x1234, Sequence: 5, Size: 8}, "4c50101234000500"},
	{"ping to be echoed", probe.Probe{Kind: probe.Ping, Run: 0x1234, Sequence: 5, Echo: true, Size: 8}, "4c50101234000501"},
	{"pong", probe.Probe{Kind: probe.Pong, Run: 0x1234, Sequence: 5, Hold: 1500 * time.Millisecond, Size: 9}, "4c501112340005000f"},
	{"pong held for ever", probe.Probe{Kind: probe.Pong, Hold: 65535 * 100 * time.Millisecond, Size: 9}, "4c501100000000ffff"},
	{"discover", probe.Probe{Kind: probe.Discover, Run: 1, Window: 10 * time.Second, Name: "hq", Size: 10}, "4c5012000100000a6871"},
	{"here", probe.Probe{Kind: probe.Here, Run: 1, Hold: 300 * time.Millisecond, Name: "field", Size: 14}, "4c50130001000000036669656c64"},
	{"data", probe.Probe{Kind: probe.Data, Run: 1, Sequence: 2, Size: 7}, "4c501400010002"},
	{"end", probe.Probe{Kind: probe.End, Run: 1, Sequence: 1, Sent: 10, Size: 9}, "4c501500010001000a"},
	{"report", probe.Probe{Kind: probe.Report, Run: 1, Size: 23,
		Tally: probe.Tally{Received: 9, Duplicates: 1, Bytes: 1800, Span: 2500 * time.Millisecond, Spanned: 1600}},
		"4c50160001000000090001" + "00000708" + "000009c4" + "00000640"},
}

func TestProbesAreTheseBytes(t *testing.T) {
	for _, v := range vectors {
		if got := hex.EncodeToString(v.probe.Append(nil)); got != v.hex {
			t.Errorf("%s: %s, not %s", v.name, got, v.hex)
		}
		b, _ := hex.DecodeString(v.hex)
		if got, err := probe.Parse(b); err != nil || got != v.probe {
			t.Errorf("%s: read as %+v, %v", v.name, got, err)
		}
	}
}

func TestWhatIsCutShortOrForeignIsNoProbe(t *testing.T) {
	for _, v := range vectors {
		b, _ := hex.DecodeString(v.hex)
		least := map[probe.Kind]int{probe.Discover: 8, probe.Here: 9}[v.probe.Kind] // names may be empty
		if least == 0 {
			least = len(b)
		}
		for n := range least {
			if _, err := probe.Parse(b[:n]); err == nil {
				t.Errorf("%s of %d bytes is read", v.name, n)
			}
		}
	}
	for text, want := range map[string]error{"": probe.ErrForeign, "hello\r\n": probe.ErrForeign, "LP\x00\x00": probe.ErrForeign,
		"LP\x20\x00\x00\x00\x00": probe.ErrVersion, "LP\x17\x00\x00\x00\x00": probe.ErrVersion, "LP\x10": probe.ErrShort} {
		if _, err := probe.Parse([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%q: %v, not %v", text, err, want)
		}
	}
}

func TestALongerProbeOfThisVersionIsRead(t *testing.T) {
	b, _ := hex.DecodeString("4c501500010001000a" + "ffffffff")
	if p, err := probe.Parse(b); err != nil || p.Sent != 10 || p.Size != 13 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestFillingIsAsLongAsAskedAndDiffers(t *testing.T) {
	one := probe.Probe{Kind: probe.Data, Run: 7, Sequence: 1, Size: 300}.Append(nil)
	two := probe.Probe{Kind: probe.Data, Run: 7, Sequence: 2, Size: 300}.Append(nil)
	if len(one) != 300 || len(two) != 300 || bytes.Equal(one[probe.Header:], two[probe.Header:]) {
		t.Errorf("%d and %d bytes, the same: %v", len(one), len(two), bytes.Equal(one[probe.Header:], two[probe.Header:]))
	}
}

func TestNamesFitAndDoNoHarm(t *testing.T) {
	for in, want := range map[string]string{"hq": "hq", " hq ": "hq", "a\x1b[2Jb": "a·[2Jb", "\xff\xfe": "··", strings.Repeat("ä", 40): strings.Repeat("ä", 16)} {
		if got := probe.Name(in); got != want {
			t.Errorf("%q becomes %q, not %q", in, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		b, _ := hex.DecodeString(v.hex)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := probe.Parse(b)
		if err != nil {
			return
		}
		if p.Size != len(b) {
			t.Fatalf("size %d of %d", p.Size, len(b))
		}
		q, err := probe.Parse(p.Append(nil))
		q.Size = p.Size // a longer one is written as short as it can be
		if err != nil || q != p {
			t.Fatalf("%+v becomes %+v, %v", p, q, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	u := probe.Probe{Kind: probe.Data, Run: 7, Size: 2048}.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := probe.Parse(u); err != nil {
			b.Fatal(err)
		}
	}
}
