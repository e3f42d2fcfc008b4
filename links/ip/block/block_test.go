package block_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"longwire/links"
	"longwire/links/codec/arith"
	"longwire/links/codecs"
	"longwire/links/ip/block"
)

// spelling is a model that knows nothing: eight even bits a byte, and 0 at the end. It remembers what it has seen, so that ends can be compared.
type spelling struct{ seen []string }

func (m *spelling) Reset()            { m.seen = nil }
func (m *spelling) Learn(text []byte) { m.seen = append(m.seen, string(text)) }

func (m *spelling) Plan(text []byte, out []arith.Choice) []arith.Choice {
	m.Learn(text)
	for _, c := range append(bytes.Clone(text), 0) {
		for i := 7; i >= 0; i-- {
			out = append(out, arith.Choose(int(c>>i)&1, 1<<15))
		}
	}
	return out
}

func (m *spelling) Decode(d *arith.Decoder, max int) (text []byte, ok bool) {
	for len(text) <= max && !d.Over() {
		c := byte(0)
		for range 8 {
			c = c<<1 | byte(d.Decode(1<<15))
		}
		if c == 0 {
			m.Learn(text)
			return text, true
		}
		text = append(text, c)
	}
	return nil, false
}

// as takes texts as they are, but none with an x.
func as(text []byte) ([]byte, error) {
	if bytes.ContainsRune(text, 'x') {
		return nil, errors.New("x")
	}
	return bytes.Clone(text), nil
}

func show(b []byte, p links.Piece) []byte {
	return fmt.Appendf(b, "<%d %q h=%d,%v s=%d,%v %v %v %q>", p.Kind, p.ID, p.H, p.HasH, p.Seq, p.HasSeq, p.Resumes, p.Max, p.Cause)
}

func stanza(s string) links.Piece { return links.Piece{Kind: links.Stanza, Data: []byte(s)} }

func ack(h uint32) links.Piece { return links.Piece{Kind: links.Ack, H: h, HasH: true} }

// print is what must come out.
func print(batches ...[]links.Piece) string {
	var b []byte
	for _, batch := range batches {
		for _, p := range batch {
			if p.Kind == links.Stanza {
				b = append(b, p.Data...)
			} else {
				b = show(b, p)
			}
		}
	}
	return string(b)
}

var batches = [][]links.Piece{
	{{Kind: links.Resume, ID: "k3f9qz", H: 17, HasH: true, Seq: 42, HasSeq: true}, stanza("<message id='a'/>"), stanza("<message id='b'/>")},
	{{Kind: links.Resumed, ID: "abcdef", H: 4294967295, HasH: true}, ack(3), {Kind: links.Request}},
	{stanza("<box/>")},
	{ack(4)},
	{ack(5)},
	{ack(13), stanza("<presence/>")},
	{{Kind: links.Enable, ID: "k3f2qz", Resumes: true}, {Kind: links.Enabled, ID: "", Max: 86400e9, Seq: 9, HasSeq: true}},
	{{Kind: links.Failed, Cause: "item-not-found", H: 5, HasH: true}, {Kind: links.Failed, Cause: ""}},
	{{Kind: links.Bye}},
}

func read(t testing.TB, in []byte, max int) (string, *spelling, error) {
	t.Helper()
	m := new(spelling)
	r := block.NewReader(bufio.NewReader(bytes.NewReader(in)), m, max, show)
	out, err := io.ReadAll(iotest.OneByteReader(r))
	return string(out), m, err
}

func TestBatchesComeBack(t *testing.T) {
	m := new(spelling)
	w := block.NewWriter(m, as)
	var wire []byte
	for _, b := range batches {
		wire = w.Append(wire, b)
	}
	wire = w.Last(wire, []byte("<stream:error/>"))
	got, far, err := read(t, wire, 1000)
	if want := print(batches...) + "<stream:error/>"; got != want || err != nil {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
	}
	if fmt.Sprint(far.seen) != fmt.Sprint(m.seen) {
		t.Errorf("the ends have learned %q and %q", m.seen, far.seen)
	}
}

// The bytes are the format: a change of these is a change of its version.
func TestPinnedBlocks(t *testing.T) {
	w := block.NewWriter(new(spelling), as)
	var got []string
	for _, b := range batches {
		got = append(got, hex.EncodeToString(w.Append(nil, b)))
	}
	got = append(got, hex.EncodeToString(w.Last(nil, []byte("<stream:error/>"))))
	if s := strings.Join(got, "\n"); s != strings.TrimSpace(pinned) {
		t.Errorf("got\n%s", s)
	}
	p := block.Preface{Codec: codecs.Codec{Kind: codecs.Mix, ID: [4]byte{1, 2, 3, 4}}, Also: [][2]byte{{5, 6}, {7, 8}}}
	if b := hex.EncodeToString(p.Append(nil)); b != "cb120102030405060708" {
		t.Errorf("preface %s", b)
	}
}

func TestPrefaceComesBack(t *testing.T) {
	p := block.Preface{Codec: codecs.Codec{Kind: codecs.Light, ID: [4]byte{1, 2, 3, 4}}, Also: [][2]byte{{5, 6}}}
	got, err := block.ReadPreface(bufio.NewReader(bytes.NewReader(p.Append(nil))))
	if err != nil || fmt.Sprint(got) != fmt.Sprint(p) {
		t.Errorf("%+v, %v", got, err)
	}
	mine := codecs.Codec{Kind: codecs.Mix, ID: [4]byte{5, 6, 9, 9}}
	if !p.Reads(p.Codec) || !p.Reads(mine) || p.Reads(codecs.Codec{Kind: codecs.Mix, ID: [4]byte{9, 9, 9, 9}}) {
		t.Error("Reads is wrong")
	}
	for _, tt := range []struct {
		in   string
		want error
	}{{"", io.ErrUnexpectedEOF}, {"cb", io.ErrUnexpectedEOF}, {"cb1201", io.ErrUnexpectedEOF}, {"cb3201020304", block.ErrVersion}, {"3c12", block.ErrGarbled}} {
		b, _ := hex.DecodeString(tt.in)
		if _, err := block.ReadPreface(bufio.NewReader(bytes.NewReader(b))); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.in, err)
		}
	}
}

func TestWordsAreSmall(t *testing.T) {
	w := block.NewWriter(new(spelling), as)
	w.Append(nil, batches[0])
	w.Append(nil, []links.Piece{ack(40)})
	total := 0
	for h := uint32(41); h < 61; h++ {
		total += len(w.Append(nil, []links.Piece{ack(h)}))
	}
	if total > 40 {
		t.Errorf("twenty acks take %d bytes, with the lengths of their blocks", total)
	}
}

func TestManyAndLargeGoInSeveralBlocks(t *testing.T) {
	var batch []links.Piece
	for i := range uint32(200) {
		batch = append(batch, ack(i))
	}
	for i := range 30 {
		batch = append(batch, stanza(fmt.Sprintf("<message id='%d'>%s</message>", i, strings.Repeat("y ", 1500))))
	}
	w := block.NewWriter(new(spelling), as)
	got, _, err := read(t, w.Append(nil, batch), 4000)
	if got != print(batch) || err != nil {
		t.Errorf("%v, %d bytes, want %d", err, len(got), len(print(batch)))
	}
}

// sure is a model that says any number of equal letters for next to nothing.
type sure struct{ spelling }

func (m *sure) Plan(text []byte, out []arith.Choice) []arith.Choice {
	for range len(text) - 1 {
		out = append(out, arith.Choose(1, 65535))
	}
	return append(out, arith.Choose(0, 65535))
}

func (m *sure) Decode(d *arith.Decoder, max int) ([]byte, bool) {
	text := []byte("a")
	for len(text) <= max && !d.Over() {
		if d.Decode(65535) == 0 {
			return text, true
		}
		text = append(text, 'a')
	}
	return nil, false
}

func TestWriterPadsWhatWouldBeABomb(t *testing.T) {
	w := block.NewWriter(new(sure), as)
	batch := []links.Piece{stanza(strings.Repeat("a", 30<<10))}
	var wire []byte
	for range 100 {
		wire = w.Append(wire, batch)
	}
	r := block.NewReader(bufio.NewReader(bytes.NewReader(wire)), new(sure), 64<<10, show)
	n, err := io.Copy(io.Discard, r)
	if err != nil || n != 3000<<10 || n > 1<<20+200*int64(len(wire)) || len(wire) > 20000 {
		t.Errorf("%d bytes of %d, %v", n, len(wire), err)
	}
}

func TestBombsAreRefused(t *testing.T) {
	w := block.NewWriter(new(sure), as)
	bomb := w.Append(nil, []links.Piece{stanza(strings.Repeat("a", 30<<10))})
	for _, tt := range []struct {
		name string
		in   []byte
		max  int
		want error
	}{
		{"a stanza too large", bomb, 10 << 10, block.ErrGarbled},
		{"a block too large", []byte{0xFF, 0xFF, 0xFF, 0x7F}, 20 << 10, block.ErrBomb},
		{"a length without end", bytes.Repeat([]byte{0xFF}, 30), 20 << 10, block.ErrGarbled},
		{"cut in a length", []byte{0xFF}, 20 << 10, io.ErrUnexpectedEOF},
		{"cut in a block", bomb[:3], 20 << 10, io.ErrUnexpectedEOF},
	} {
		r := block.NewReader(bufio.NewReader(bytes.NewReader(tt.in)), new(sure), tt.max, show)
		if _, err := io.Copy(io.Discard, r); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestDamageIsFoundOut(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	w := block.NewWriter(new(spelling), as)
	var wire []byte
	for range 20 {
		wire = w.Append(wire, []links.Piece{stanza("<message><body>we have fuel for two more days</body></message>"), ack(1)})
	}
	for range 200 {
		bad := bytes.Clone(wire)
		bad[rnd.IntN(len(bad))] ^= 1 << rnd.IntN(8)
		read(t, bad, 1000) // a model that knows nothing cannot tell; it must only end
	}
}

// FuzzReader feeds a Reader anything.
func FuzzReader(f *testing.F) {
	w := block.NewWriter(new(spelling), as)
	for _, b := range batches {
		f.Add(w.Append(nil, b))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		m := new(spelling)
		r := block.NewReader(bufio.NewReader(bytes.NewReader(in)), m, 2000, show)
		n, err := io.Copy(io.Discard, r)
		if err == nil && len(in) > 0 && n == 0 && len(m.seen) > 0 {
			t.Fatal("stanzas that gave no text")
		}
		if n > 1<<20+200*int64(len(in)) {
			t.Fatalf("%d bytes of %d", n, len(in))
		}
	})
}

// FuzzWriter checks that what is written comes back.
func FuzzWriter(f *testing.F) {
	f.Add([]byte("\x01\x05\x00\x07\x01\x02x"), "<message/>", "abcdef", uint32(7))
	f.Fuzz(func(t *testing.T, script []byte, text, id string, h uint32) {
		if strings.ContainsRune(text, 0) || text == "" {
			return
		}
		w := block.NewWriter(new(spelling), as)
		var wire []byte
		var all, batch []links.Piece
		for i, c := range script {
			k := links.Kind(c%9 + 1)
			p := links.Piece{Kind: k}
			switch k {
			case links.Stanza:
				p.Data = []byte(text[:1+i%len(text)])
			case links.Failed:
				p.Cause, p.HasH = id, c&16 != 0
			case links.Ack, links.Resume, links.Resumed:
				p.HasH = true
			}
			if p.HasH {
				p.H = h + uint32(c)
			}
			if k >= links.Enable && k <= links.Resumed {
				p.ID, p.HasSeq = id, c&32 != 0
				if p.HasSeq {
					p.Seq = h ^ uint32(c)
				}
			}
			batch = append(batch, p)
			if all = append(all, p); c&128 != 0 {
				wire, batch = w.Append(wire, batch), nil
			}
		}
		if wire = w.Append(wire, batch); len(id) > 4096 {
			return
		}
		if got, _, err := read(t, wire, 1<<20); got != print(all) || err != nil {
			t.Fatalf("%v: %q, want %q", err, got, print(all))
		}
	})
}

const pinned = `
30ba919f35a8308390e61539ac58794253e3b7796a906e8367976ba4c2347aad7e59daa7d7661a3ab096d50ffd5a35d39f
0caddc3f098570ead86649264d
0902fc70e7642173b205
0162
0166
0e265f38c86796804a96120c8ed91c
0bd655e1fd74921cf1f91c30
17a63770644c8337d9baa1361508965d0f93eecc9b3d8ee0
020ae7
120f8117478c8d6e7cadff1a5136cd116c704c
`
