package rcop_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"longwire/links/s5066/rcop"
)

var (
	epoch  = time.Date(2031, 5, 4, 0, 0, 0, 0, time.UTC)
	source = rcop.Source{Address: "1.2.3.4", SAP: 6}
)

// S5066 F, RCOP: the layout, by hand.
func TestLayout(t *testing.T) {
	h := rcop.Header{Connection: 3, ID: 0xA5, Segment: 0x0102, Application: 0x8001}
	for _, v := range []struct {
		e    rcop.Edition
		want string
	}{{rcop.Ed3, "30a50102800168"}, {rcop.Ed1, "30a5010268"}} {
		b := append(h.Append(nil, v.e), 'h')
		if got := fmt.Sprintf("%x", b); got != v.want {
			t.Errorf("%s, want %s", got, v.want)
		}
		got, data, err := rcop.Parse(b, v.e)
		want := h
		if v.e == rcop.Ed1 {
			want.Application = 0
		}
		if got != want || string(data) != "h" || err != nil {
			t.Errorf("%+v, %q, %v", got, data, err)
		}
		if _, _, err := rcop.Parse(b[:v.e.Size()], v.e); !errors.Is(err, rcop.ErrShort) {
			t.Errorf("nothing behind the header: %v", err)
		}
	}
	if h, _, err := rcop.Parse([]byte{0x3F, 1, 0, 0, 0, 0, 1}, rcop.Ed3); err != nil || h.Connection != 3 {
		t.Errorf("reserved bits: %+v, %v", h, err)
	}
}

func message(r *rand.Rand, n int) []byte {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString([]string{"<b>x</b>", "word ", "<br/>", "&lt;", "<![CDATA[</message>]]>", "ø"}[r.IntN(6)])
	}
	return fmt.Appendf(nil, "<message from='a@b.example' to='c@d.example' id='%d'><body>%s</body></message>", r.Uint32(), b.String())
}

// Stanzas of all sizes, cut to all sizes, in any order and with copies, of several sources at once, come back as they were, once.
func TestRandomSegments(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	a := rcop.NewAssembler(rcop.Limits{})
	now := epoch
	for i := range 10000 {
		n := r.IntN(300)
		if i%100 == 0 {
			n = r.IntN(30000)
		}
		type segment struct {
			s rcop.Source
			b []byte
		}
		var all []segment
		want := map[rcop.Source][]byte{}
		e := rcop.Edition(r.IntN(2))
		for k := range 1 + r.IntN(3) {
			s := source
			s.Connection = uint8(k)
			h := rcop.Header{Connection: uint8(k), ID: uint8(i), Application: 0x8001}
			if e == rcop.Ed1 {
				h.Application = 0
			}
			want[s] = message(r, n)
			us, err := rcop.Segments(h, want[s], e.Size()+1+n/8+r.IntN(2042), e)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range us {
				all = append(all, segment{s, u})
				if r.IntN(5) == 0 && len(us) > 1 {
					all = append(all, segment{s, u})
				}
			}
		}
		if r.IntN(2) == 0 {
			r.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
		}
		for _, g := range all {
			now = now.Add(time.Second)
			h, data, err := rcop.Parse(g.b, e)
			if err != nil {
				t.Fatal(err)
			}
			p, err := a.Add(now, g.s, h, data)
			if err != nil {
				t.Fatal(err)
			}
			if p == nil {
				continue
			}
			if !bytes.Equal(p.Text, want[g.s]) || p.Header.ID != uint8(i) || p.Stanza.From.String() != "a@b.example" {
				t.Fatalf("%s comes back as %s", want[g.s], p.Text)
			}
			delete(want, g.s)
		}
		if n, b := a.Pending(); len(want) > 0 || n != 0 || b != 0 {
			t.Fatalf("case %d: %d stanzas did not come, %d fragments with %d bytes are left", i, len(want), n, b)
		}
	}
}

func add(a *rcop.Assembler, at time.Duration, s rcop.Source, id uint8, segment uint16, data string) (*rcop.PDU, error) {
	return a.Add(epoch.Add(at), s, rcop.Header{ID: id, Segment: segment, Application: 0x8001}, []byte(data))
}

func TestBadStanzas(t *testing.T) {
	for _, text := range []string{
		"<message/>x", "<message/><message/>", "</stream:stream>", "no xml", "<message><body></message>", "<r xmlns='urn:xmpp:sm:3'/>",
		"<stream:stream xmlns='jabber:server'>", "<message><!-- no --></message>", "\x00", "<message a='1' a='2'/>", "<message/>\x00",
	} {
		a := rcop.NewAssembler(rcop.Limits{})
		if p, err := add(a, 0, source, 1, 0, text); p != nil || !errors.Is(err, rcop.ErrStanza) {
			t.Errorf("%q: %v, %v", text, p, err)
		}
		if n, b := a.Pending(); n != 0 || b != 0 {
			t.Errorf("%q: %d kept with %d bytes", text, n, b)
		}
	}
	a := rcop.NewAssembler(rcop.Limits{})
	if p, err := add(a, 0, source, 1, 0, " \n<message/>\r\n "); p == nil || err != nil {
		t.Errorf("blanks around it: %v", err)
	}
	// What is behind the end, but in the last segment.
	if p, err := add(a, 0, source, 2, 1, "ge/><message/>"); p != nil || err != nil {
		t.Errorf("%v, %v", p, err)
	}
	if p, err := add(a, 0, source, 2, 0, "<messa"); p != nil || !errors.Is(err, rcop.ErrStanza) {
		t.Errorf("%v, %v", p, err)
	}
}

// Fragments that never end cost no more than the limits say, and harm nobody else.
func TestNeverEnding(t *testing.T) {
	l := rcop.Limits{Stanza: 2000, Partials: 3, All: 6, Bytes: 20000, Age: time.Hour}
	other := rcop.Source{Address: "5.6.7.8", SAP: 6}
	a := rcop.NewAssembler(l)
	if p, err := add(a, 0, other, 9, 0, "<message><bo"); p != nil || err != nil {
		t.Fatal(p, err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 20000 {
		_, err := add(a, time.Duration(i)*time.Millisecond, source, uint8(r.Uint32()), uint16(r.IntN(40)), strings.Repeat("x", r.IntN(700)))
		if err != nil && !errors.Is(err, rcop.ErrDropped) && !errors.Is(err, rcop.ErrStanza) {
			t.Fatal(err)
		}
		if n, b := a.Pending(); n > l.Partials+1 || b > l.Bytes {
			t.Fatalf("%d kept with %d bytes", n, b)
		}
	}
	if p, err := add(a, time.Minute, other, 9, 1, "dy/></message>"); p == nil || err != nil {
		t.Errorf("another source: %v, %v", p, err)
	}
	// Many sources.
	for i := range 200 {
		add(a, time.Minute, rcop.Source{Address: fmt.Sprint(i)}, 1, 0, "<message>")
		if n, b := a.Pending(); n > l.All || b > l.Bytes {
			t.Fatalf("%d kept with %d bytes", n, b)
		}
	}
	if _, err := add(a, 2*time.Hour, other, 10, 0, "<message/>"); !errors.Is(err, rcop.ErrDropped) {
		t.Errorf("age: %v", err)
	}
	if n, b := a.Pending(); n != 0 || b != 0 {
		t.Errorf("%d kept with %d bytes", n, b)
	}
	// One stanza that is too long.
	_, err := add(a, 3*time.Hour, other, 11, 0, "<message>")
	for i := uint16(1); err == nil && i < 100; i++ {
		_, err = add(a, 3*time.Hour, other, 11, i, strings.Repeat("x", 90))
	}
	if !errors.Is(err, rcop.ErrDropped) && !errors.Is(err, rcop.ErrStanza) {
		t.Errorf("too long: %v", err)
	}
}

// An id that comes round again begins a new PDU: neither an old fragment nor a late copy gets into it.
func TestIDAgain(t *testing.T) {
	a := rcop.NewAssembler(rcop.Limits{})
	add(a, 0, source, 7, 0, "<message><body>lost")
	if _, err := add(a, time.Minute, source, 7, 0, "<message><body>new"); !errors.Is(err, rcop.ErrDropped) {
		t.Error(err)
	}
	if p, err := add(a, time.Minute, source, 7, 1, "</body></message>"); p == nil || err != nil || string(p.Text) != "<message><body>new</body></message>" {
		t.Fatal(p, err)
	}
	if p, err := add(a, 2*time.Minute, source, 7, 1, "</body></message>"); p != nil || err != nil {
		t.Error("late copy", p, err)
	}
	if n, _ := a.Pending(); n != 0 {
		t.Error("the late copy is kept")
	}
}

// A sender that was killed has forgotten how it cut a stanza, and sends it whole under the same id.
func TestLeftoverOfAnotherCut(t *testing.T) {
	a := rcop.NewAssembler(rcop.Limits{})
	add(a, 0, source, 7, 1, "lo</body></message>")
	p, err := add(a, time.Minute, source, 7, 0, "<message><body>hello</body></message>")
	if p == nil || err != nil || string(p.Text) != "<message><body>hello</body></message>" {
		t.Fatal(p, err)
	}
	if n, _ := a.Pending(); n != 0 {
		t.Error("the leftover is kept")
	}
}

func TestSegmentsLimits(t *testing.T) {
	h := rcop.Header{ID: 1}
	for _, v := range []struct{ size, mtu int }{{0, 2048}, {10, 6}, {10, 0}, {1<<16 + 1, 7}} {
		if _, err := rcop.Segments(h, make([]byte, v.size), v.mtu, rcop.Ed3); !errors.Is(err, rcop.ErrMTU) {
			t.Errorf("%d bytes at MTU %d: %v", v.size, v.mtu, err)
		}
	}
	us, err := rcop.Segments(h, make([]byte, 2042+2042+1), 2048, rcop.Ed3)
	if err != nil || len(us) != 3 || len(us[0]) != 2048 || len(us[2]) != 7 {
		t.Errorf("%d U_PDUs, %v", len(us), err)
	}
}

func FuzzAssembler(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 0x80, 1, '<', 'm', 'e', 's', 's', 'a', 'g', 'e', '/', '>'}, uint8(16))
	f.Add([]byte("\x00\x01\x00\x01\x80\x01</message>\x00\x01\x00\x00\x80\x01<message>"), uint8(16))
	f.Add([]byte("\x00\x01\x00\x00\x80\x01<iq to='a'>\x00\x01\x00\x00\x80\x01<iq to='b'>"), uint8(17))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		l := rcop.Limits{Stanza: 4000, Partials: 3, All: 5, Bytes: 10000}
		a := rcop.NewAssembler(l)
		for i := 0; len(b) > 0; i++ {
			u := b[:min(len(b), 7+int(step))]
			b = b[len(u):]
			h, data, err := rcop.Parse(u, rcop.Edition(step&1))
			if err != nil {
				continue
			}
			s := source
			s.Connection = h.Connection
			p, err := a.Add(epoch.Add(time.Duration(i)*time.Minute), s, h, data)
			if p != nil && (p.Stanza == nil || len(p.Text) == 0) || p != nil && errors.Is(err, rcop.ErrStanza) {
				t.Fatal(p, err)
			}
			if n, size := a.Pending(); n > l.All || size > l.Bytes || n == 0 && size != 0 {
				t.Fatalf("%d kept with %d bytes", n, size)
			}
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	b.ReportAllocs()
	a := rcop.NewAssembler(rcop.Limits{})
	us, _ := rcop.Segments(rcop.Header{Application: 0x8001}, message(rand.New(rand.NewPCG(1, 1)), 400), 2048, rcop.Ed3)
	for b.Loop() {
		h, data, _ := rcop.Parse(us[0], rcop.Ed3)
		if p, err := a.Add(epoch, source, h, data); p == nil || err != nil {
			b.Fatal(err)
		}
	}
}
