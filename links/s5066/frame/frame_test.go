package frame_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"longwire/links/codecs"
	"longwire/links/s5066/frame"
)

func parse(t testing.TB, b []byte) frame.Frame {
	t.Helper()
	f, err := frame.Parse(b)
	if err != nil {
		t.Fatalf("parsing %x: %v", b, err)
	}
	return f
}

func decode(t testing.TB, d *frame.Decoder, b []byte, k frame.Known) (frame.Header, [][]byte) {
	t.Helper()
	f := parse(t, b)
	h, texts, err := d.Decode(&f, k)
	if err != nil {
		t.Fatalf("decoding %x: %v", b, err)
	}
	return h, texts
}

func refuse(t testing.TB, d *frame.Decoder, b []byte, k frame.Known, want error) {
	t.Helper()
	f := parse(t, b)
	if _, _, err := d.Decode(&f, k); !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

func number(i int) []byte {
	return canonical(fmt.Appendf(nil, "<message id='%d'><body>n %d</body></message>", i, i*i))
}

// Headers of all kinds come back, with numbers anywhere in 32 bits.
func TestHeaders(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	rounds := 10000
	if testing.Short() {
		rounds = 2000
	}
	for range rounds {
		h := frame.Header{
			Names: r.IntN(2) == 0, Out: strings.Repeat("o", 1+r.IntN(frame.MaxName)), In: strings.Repeat("i", r.IntN(frame.MaxName+1)),
			HasMark: r.IntN(2) == 0, Ask: r.IntN(2) == 0, Again: r.IntN(2) == 0,
		}
		sent := r.Uint32()
		if h.HasMark {
			h.Mark = sent - r.Uint32N(100)
		}
		taken := r.Uint32()
		k := frame.Known{Out: h.Out, In: h.In, Taken: taken, Sent: sent}
		d := newDecoder()
		if r.IntN(2) == 0 {
			b, err := frame.Append(nil, h)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := decode(t, d, b, k); got != h {
				t.Fatalf("%+v comes back as %+v", h, got)
			}
			continue
		}
		e := newEncoder()
		e.Method = codecs.Method{}
		e.Start(taken + 1 - r.Uint32N(100))
		h.Seq, h.Data, h.Run, h.Uses = e.Next(), frame.Stanzas, true, e.Uses()
		h.Far = taken+1-h.Seq > frame.MaxNear
		got, _ := decode(t, d, encode(t, e, h, number(1)), k)
		if got.Far = h.Far; got != h {
			t.Fatalf("%+v comes back as %+v", h, got)
		}
	}
}

func TestNotAFrame(t *testing.T) {
	for _, b := range [][]byte{{}, {2}, {2, 1}, {0, 1, 2, 3}, {0x08, 1, 2, 3}, {0xF0, 1, 2, 3}, {0x21, 0, 1, 2}, {0x81, 0, 1, 2}, {0x09, 0, 2, 3}, {0x01, 1, 1, 2}, {0x01, 0x18, 1, 1, 2}, {0x01, 0x20, 1, 2},
		{0x06, 1, 2, 3}, {0x41, 0, 1, 0, 0, 0, 1, 2}, {0x41, 0, 1, 0, 65}, {0x41, 0, 1, 0, 200, 1, 1}, {0x41, 0, 1, 0x80, 0, 1, 'a', 0, 1, 2},
		{0x41, 0, 1, 0x82, 1, 2, 3, 4, 0x82, 1, 2, 3, 4, 0x82, 1, 2, 3, 4, 0x82, 1, 2, 3, 4, 0x82, 1, 2, 3, 4, 0x02, 1, 2, 3, 4, 1, 'a', 0, 1, 2},
		{0x49, 0, 1, 0, 1, 'a', 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3}} {
		if _, err := frame.Parse(b); !errors.Is(err, frame.ErrFormat) {
			t.Errorf("%x: %v", b, err)
		}
	}
	if _, err := frame.Parse([]byte{0x41, 0, 2, 0, 1, 'a', 0, 1, 2}); !errors.Is(err, frame.ErrVersion) {
		t.Errorf("a later version: %v", err)
	}
}

// Ends that do not mean the same do not understand each other.
func TestCheck(t *testing.T) {
	h := names
	h.HasMark, h.Mark = true, 9
	e := newEncoder()
	e.Start(300)
	b := encode(t, e, h, number(1), number(2))
	good := known(299, 20)
	for name, k := range map[string]frame.Known{
		"another name of theirs": {Out: "x", In: names.In, Taken: 299, Sent: 20},
		"another name of ours":   {Out: names.Out, In: "x", Taken: 299, Sent: 20},
		"128 stanzas behind":     {Out: names.Out, In: names.In, Taken: 171, Sent: 20},
		"128 marks ahead":        {Out: names.Out, In: names.In, Taken: 299, Sent: 148},
	} {
		t.Run(name, func(t *testing.T) { refuse(t, newDecoder(), b, k, frame.ErrCheck) })
	}
	flips := 0
	for i := range b {
		for bit := range 8 {
			bad := bytes.Clone(b)
			bad[i] ^= 1 << bit
			f, err := frame.Parse(bad)
			if err != nil {
				continue
			}
			// The end of the code may say the same in several ways.
			if _, s, err := newDecoder().Decode(&f, good); err == nil && (len(s) != 2 || !bytes.Equal(s[0], number(1)) || !bytes.Equal(s[1], number(2))) {
				flips++ // one in 65536, if at all
			}
		}
	}
	if flips > 0 {
		t.Errorf("%d single bit errors are not noticed", flips)
	}
	if h, s := decode(t, newDecoder(), b, good); h.Seq != 300 || h.Mark != 9 || len(s) != 2 {
		t.Errorf("%+v, %q", h, s)
	}
}

// A frame that fails leaves the history as it was, in the middle of a run and at the beginning of another.
func TestErrorChangesNothing(t *testing.T) {
	e, other := newEncoder(), newEncoder()
	d := newDecoder()
	e.Start(1)
	other.Start(3)
	for i := range 40 {
		n := uint32(i + 1)
		b := encode(t, e, names, number(i))
		bad := bytes.Clone(b)
		bad[2] ^= 0x55
		refuse(t, d, bad, known(n-1, 0), frame.ErrCheck)
		if i == 10 {
			begin := encode(t, other, names, number(2), number(3))
			begin[2] ^= 0x55
			refuse(t, d, begin, known(n-1, 0), frame.ErrCheck)
		}
		if _, s := decode(t, d, b, known(n-1, 0)); !bytes.Equal(s[0], number(i)) {
			t.Fatalf("got %q", s)
		}
	}
}

func TestGapAndForget(t *testing.T) {
	e := newEncoder()
	d := newDecoder()
	e.Start(1)
	refuse(t, d, skip(encode(t, e, names, number(1)), encode(t, e, names, number(2))), known(0, 0), frame.ErrHistory)
	e.Start(1)
	decode(t, d, encode(t, e, names, number(1)), known(0, 0))
	encode(t, e, names, number(2))
	refuse(t, d, encode(t, e, names, number(3)), known(1, 0), frame.ErrHistory)
	if !e.Back(2) {
		t.Fatal("cannot go back")
	}
	d.Forget()
	refuse(t, d, encode(t, e, names, number(2)), known(1, 0), frame.ErrHistory)
}

func skip(_, b []byte) []byte { return b }

// The sender goes back, frames are cut otherwise, and come twice: the history of both ends stays the same.
func TestBack(t *testing.T) {
	rounds := 500
	if testing.Short() {
		rounds = 150
	}
	for _, plain := range []bool{false, true} {
		r := rand.New(rand.NewPCG(7, 7))
		e := newEncoder()
		d := newDecoder()
		if plain {
			e.Method = codecs.Method{}
		}
		var sent [][]byte // by number
		text := func(n uint32) []byte {
			for uint32(len(sent)) <= n {
				sent = append(sent, stanza(r))
			}
			return sent[n]
		}
		taken, acked := uint32(0), uint32(0)
		e.Start(1)
		for range rounds {
			var batch [][]byte
			for i := range uint32(1 + r.IntN(8)) {
				batch = append(batch, text(e.Next()+i))
			}
			h := names
			h.Names = r.IntN(10) == 0
			from := e.Next()
			b, n, err := e.Encode(nil, h, batch, 200+r.IntN(1800))
			if err != nil {
				t.Fatal(err)
			}
			if len(b) > mtu {
				t.Fatalf("frame of %d bytes", len(b))
			}
			for range 1 + r.IntN(2) { // some come twice
				got, s := decode(t, d, b, known(taken, 0))
				if got.Seq != from || n > 0 && len(s) != 0 && len(s) != n {
					t.Fatalf("number %d with %d stanzas for %d with %d", got.Seq, len(s), from, n)
				}
				for i, x := range s {
					if !bytes.Equal(x, text(from+uint32(i))) {
						t.Fatalf("stanza %d is %q", from+uint32(i), x)
					}
					taken = max(taken, from+uint32(i))
				}
				if n == 0 {
					break // pieces are looked at below
				}
				if got.Data == frame.Last {
					break
				}
			}
			if r.IntN(4) == 0 {
				acked = taken
			}
			switch r.IntN(20) {
			case 0:
				acked = max(acked, min(taken, e.Next()-1))
				if e.Next()-acked > 100 {
					acked = e.Next() - 100
				}
				if !e.Back(acked + 1) {
					e.Start(acked + 1)
				}
			case 1:
				if e.Next() == taken+1 && r.IntN(4) == 0 {
					e.Start(taken + 1)
				}
			}
			if e.Next()-acked > 90 {
				acked = e.Next() - 1
			}
		}
		if int(taken) < rounds*3/5 {
			t.Errorf("only %d stanzas came", taken)
		}
	}
}

// A stanza that is too large goes out in pieces, and one that would not end is not kept.
func TestPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	junk := func(n int) []byte {
		b := []byte("<message><body>")
		for range n {
			b = append(b, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"[r.IntN(64)])
		}
		return append(b, "</body></message>"...)
	}
	for _, plain := range []bool{false, true} {
		e := newEncoder()
		d := newDecoder()
		if plain {
			e.Method = codecs.Method{}
		}
		e.Start(1)
		decode(t, d, encode(t, e, names, number(1)), known(0, 0))
		big := junk(60000)
		pieces := 0
		for {
			b, n, err := e.Encode(nil, names, [][]byte{big, number(3)}, mtu)
			if err != nil || len(b) > mtu {
				t.Fatalf("%d bytes, %v", len(b), err)
			}
			if pieces == 3 {
				decode(t, d, b, known(1, 0)) // this one comes twice
			}
			_, s := decode(t, d, b, known(1, 0))
			pieces++
			if n == 1 {
				if len(s) != 1 || !bytes.Equal(s[0], big) {
					t.Fatal("comes back otherwise")
				}
				break
			}
		}
		t.Logf("%d bytes in %d pieces", len(big), pieces)
		if _, s := decode(t, d, encode(t, e, names, number(3), number(4)), known(2, 0)); len(s) != 2 {
			t.Fatalf("after it: %q", s)
		}
		// The second piece is lost, then the sender goes back.
		b, _, _ := e.Encode(nil, names, [][]byte{big}, mtu)
		decode(t, d, b, known(4, 0))
		e.Encode(nil, names, [][]byte{big}, mtu)
		b, _, _ = e.Encode(nil, names, [][]byte{big}, mtu)
		refuse(t, d, b, known(4, 0), frame.ErrHistory)
		e.Back(5)
		if _, s := decode(t, d, encode(t, e, names, number(5)), known(4, 0)); len(s) != 1 {
			t.Fatal("no way on after a lost piece")
		}
	}
	if _, _, err := newEncoder().Encode(nil, names, [][]byte{number(1)}, mtu); !errors.Is(err, frame.ErrRoom) {
		t.Errorf("without Start: %v", err)
	}
	e := newEncoder()
	e.Start(1)
	if _, _, err := e.Encode(nil, names, [][]byte{junk(frame.MaxStanza)}, mtu); !errors.Is(err, frame.ErrTooLong) {
		t.Errorf("stanza over the limit: %v", err)
	}
	if _, _, err := e.Encode(nil, names, [][]byte{number(1)}, 3); !errors.Is(err, frame.ErrRoom) {
		t.Errorf("three bytes: %v", err)
	}
}

// Pieces that never end are not kept beyond a stanza's size.
func TestEndlessPieces(t *testing.T) {
	e := newEncoder()
	e.Method = codecs.Method{}
	e.Start(1)
	d := newDecoder()
	big := slices.Concat([]byte("<a>"), bytes.Repeat([]byte("x"), frame.MaxStanza-7), []byte("</a>"))
	b, _, err := e.Encode(nil, names, [][]byte{big}, mtu)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for part := range 100 {
		f := parse(t, frame.Piece(names, 1, uint64(part), true, b[6:]))
		_, _, err := d.Decode(&f, known(0, 0))
		if total += len(b) - 6; err != nil {
			if !errors.Is(err, frame.ErrTooLong) || total > 2*frame.MaxStanza {
				t.Fatalf("%v after %d bytes", err, total)
			}
			return
		}
	}
	t.Error("takes pieces without end")
}

// Few bytes that stand for very many are refused.
func TestBomb(t *testing.T) {
	e := newEncoder()
	e.Start(1)
	text := slices.Concat([]byte("<a>"), bytes.Repeat([]byte("x"), frame.MaxStanza-7), []byte("</a>"))
	b := encode(t, e, names, text)
	t.Logf("%d bytes in a frame of %d", len(text), len(b))
	d := newDecoder()
	if _, s := decode(t, d, b, known(0, 0)); !bytes.Equal(s[0], text) {
		t.Error("comes back otherwise")
	}
	_, n, err := e.Encode(nil, names, [][]byte{text, text, text}, mtu)
	if err != nil || n != 1 {
		t.Errorf("%d stanzas of %d bytes in a frame, %v; the limit is %d bytes", n, len(text), err, frame.MaxText)
	}
	long := slices.Concat([]byte("<a>"), bytes.Repeat([]byte("x"), frame.MaxStanza), []byte("</a>"))
	for _, body := range [][]byte{frame.Coded(methods()[0].New, long, 1), frame.Coded(methods()[0].New, canonical([]byte("<a/>")), 101)} {
		f := parse(t, append(slices.Concat([]byte{0x29, 0, 1, 0, 0}), body...))
		if _, _, err := newDecoder().Decode(&f, known(0, 0)); !errors.Is(err, frame.ErrCheck) {
			t.Errorf("%d bytes of bomb: %v", len(body), err)
		}
	}
}

// A stanza that is changed after Back may be told from the one that was sent.
func TestTextOfBefore(t *testing.T) {
	e := newEncoder()
	e.Start(5)
	encode(t, e, names, number(5), number(6))
	if !e.Back(6) {
		t.Fatal("cannot go back")
	}
	if s, ok := e.Text(5); !ok || !bytes.Equal(s, number(5)) {
		t.Errorf("%q, %v", s, ok)
	}
	if e.Back(4) || e.Back(8) {
		t.Error("goes back to what is not in the run")
	}
}
