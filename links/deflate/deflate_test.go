package deflate_test

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"strings"
	"testing"

	"longwire/links/deflate"
)

var errDry = errors.New("nothing more for now")

// drip gives out what it was fed, step bytes at a time, and errDry in between.
type drip struct {
	data []byte
	step int
}

func (d *drip) Read(p []byte) (int, error) {
	if len(d.data) == 0 {
		return 0, errDry
	}
	n := copy(p[:min(len(p), d.step)], d.data)
	d.data = d.data[n:]
	return n, nil
}

// available reads until the reader has nothing more for now.
func available(t testing.TB, r io.Reader) []byte {
	t.Helper()
	var got []byte
	buf := make([]byte, 700)
	for {
		n, err := r.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			if !errors.Is(err, errDry) && err != io.EOF {
				t.Fatalf("after %d bytes: %v", len(got), err)
			}
			return got
		}
	}
}

type flush struct{ in, out []byte }

// vectors reads testdata/czlib.txt, made by testdata/make.py with C zlib 1.2.13.
func vectors(t testing.TB) map[string][]flush {
	t.Helper()
	f, err := os.Open("testdata/czlib.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unhex := func(s string) []byte {
		if s == "-" {
			return nil
		}
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	m := make(map[string][]flush)
	name := ""
	for sc := bufio.NewScanner(f); sc.Scan(); {
		kind, rest, _ := strings.Cut(sc.Text(), " ")
		if kind == "stream" {
			name = rest
			continue
		}
		in, out, _ := strings.Cut(rest, " ")
		m[name] = append(m[name], flush{unhex(in), unhex(out)})
	}
	return m
}

func TestReaderGivesOutAllOfEachFlushOfCZlib(t *testing.T) {
	for name, flushes := range vectors(t) {
		for _, step := range []int{1, 3, 1 << 20} {
			t.Run(fmt.Sprintf("%s by %d", name, step), func(t *testing.T) {
				d := &drip{step: step}
				r := deflate.NewReader(d)
				for i, f := range flushes {
					d.data = f.in
					if got := available(t, r); !bytes.Equal(got, f.out) {
						t.Fatalf("flush %d gave %d bytes %q, want %d", i, len(got), got, len(f.out))
					}
				}
				if _, err := r.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("after the checksum: %v, want EOF", err)
				}
			})
		}
	}
}

// texts is traffic of every sort: chat, long repeats, noise, other scripts, lines.
func texts() [][]byte {
	r := rand.New(rand.NewSource(3))
	noise := make([]byte, 6000)
	r.Read(noise)
	var out [][]byte
	for i := range 60 {
		out = append(out, []byte(message(r, bodies[i%len(bodies)])))
	}
	return append(out, bytes.Repeat([]byte(" "), 70_000), noise, []byte("мост закрыт, ждите"), []byte("tre\nlinjer\nå løse"), noise[:1],
		bytes.Repeat([]byte(message(r, "again and again")), 900), []byte("<r/>"), []byte("the end"))
}

// flushed collects what a Writer wrote, one element for each Write.
type flushed [][]byte

func (f *flushed) Write(p []byte) (int, error) {
	*f = append(*f, bytes.Clone(p))
	return len(p), nil
}

func TestReaderGivesOutAllOfEachFlushOfOurWriter(t *testing.T) {
	for _, mode := range []deflate.Mode{deflate.Sync, deflate.Dense} {
		var f flushed
		w := deflate.NewWriter(&f, mode)
		d := &drip{step: 1}
		r := deflate.NewReader(d)
		for i, text := range texts() {
			w.Write(text)
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			if len(f) != i+1 {
				t.Fatalf("mode %d: flush %d was %d writes", mode, i, len(f)-i)
			}
			d.data = f[i]
			got := available(t, r)
			if trim(got, mode) != trim(text, mode) {
				t.Fatalf("mode %d, flush %d: %d bytes came out of %d", mode, i, len(got), len(text))
			}
		}
		if w.Flush(); len(f) != len(texts()) {
			t.Errorf("mode %d: a flush of nothing wrote", mode)
		}
	}
}

// trim takes the spaces between stanzas away that Dense puts there.
func trim(b []byte, mode deflate.Mode) string {
	if mode == deflate.Dense {
		b = bytes.Trim(b, " ")
	}
	return string(b)
}

func TestSyncModeIsReadByGosInflater(t *testing.T) {
	var buf bytes.Buffer
	w := deflate.NewWriter(&buf, deflate.Sync)
	var r io.Reader
	for i, text := range texts() {
		w.Write(text)
		w.Flush()
		if i == 0 {
			if h := buf.Bytes()[:2]; !bytes.Equal(h, []byte{0x78, 0x9C}) {
				t.Fatalf("stream begins with % x", h)
			}
			var err error
			if r, err = zlib.NewReader(&buf); err != nil {
				t.Fatal(err)
			}
		}
		got := make([]byte, len(text))
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("flush %d: %v", i, err)
		}
	}
}

func TestWriterBeginsAnewAfterReset(t *testing.T) {
	stream := func(w *deflate.Writer, buf *bytes.Buffer) string {
		for _, text := range texts()[:20] {
			w.Write(text)
			w.Flush()
		}
		return buf.String()
	}
	var a, b bytes.Buffer
	w := deflate.NewWriter(&a, deflate.Dense)
	first := stream(w, &a)
	w.Reset(&b, deflate.Dense)
	if stream(w, &b) != first {
		t.Error("a reset writer wrote something else")
	}
}

func TestReaderRefuses(t *testing.T) {
	bomb := func() []byte {
		var b bytes.Buffer
		w, _ := zlib.NewWriterLevel(&b, 9)
		for range 40 {
			w.Write(make([]byte, 64<<10))
		}
		w.Close()
		return b.Bytes()
	}()
	var good bytes.Buffer
	w := zlib.NewWriter(&good)
	w.Write([]byte("hello hello hello"))
	w.Close()
	badSum := bytes.Clone(good.Bytes())
	badSum[len(badSum)-1]++
	for _, tt := range []struct {
		name string
		in   []byte
		want error
	}{
		{"plain XML", []byte("<message to='bob@field.net'/>"), deflate.ErrNotZlib},
		{"one byte of plain XML", []byte("<"), deflate.ErrNotZlib},
		{"TLS", []byte{0x16, 0x03, 0x01}, deflate.ErrNotZlib},
		{"header check", []byte{0x78, 0x9D}, deflate.ErrNotZlib},
		{"window of 64 KiB", []byte{0x88, 0x1C}, deflate.ErrNotZlib},
		{"preset dictionary", []byte{0x78, 0xBB}, deflate.ErrDict},
		{"block type 3", []byte{0x78, 0x9C, 0x07}, deflate.ErrCorrupt},
		{"stored length", []byte{0x78, 0x9C, 0x01, 5, 0, 5, 0}, deflate.ErrCorrupt},
		{"reference before the start", []byte{0x78, 0x9C, 0x03, 0x02, 0x00}, deflate.ErrCorrupt},
		{"checksum", badSum, deflate.ErrSum},
		{"bomb", bomb, deflate.ErrBomb},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &drip{data: tt.in, step: 7}
			n, err := io.Copy(io.Discard, deflate.NewReader(d))
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v after %d bytes, want %v", err, n, tt.want)
			}
			if n > 2<<20 {
				t.Errorf("gave out %d bytes first", n)
			}
		})
	}
}

func TestReaderGoesOnAfterATimeout(t *testing.T) {
	var buf bytes.Buffer
	w := deflate.NewWriter(&buf, deflate.Sync)
	w.Write([]byte("one two three"))
	w.Flush()
	d := &drip{data: buf.Bytes()[:9], step: 100}
	r := deflate.NewReader(d)
	got := available(t, r)
	d.data = buf.Bytes()[9:]
	if got = append(got, available(t, r)...); string(got) != "one two three" {
		t.Errorf("got %q", got)
	}
}

func TestReaderPassesTheEndOfItsSourceOn(t *testing.T) {
	var buf bytes.Buffer
	w := deflate.NewWriter(&buf, deflate.Sync)
	w.Write([]byte("</stream:stream>"))
	w.Flush()
	got, err := io.ReadAll(deflate.NewReader(&buf))
	if err != nil || string(got) != "</stream:stream>" {
		t.Errorf("%q, %v", got, err)
	}
}
