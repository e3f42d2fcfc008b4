package serial_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"longwire/links/serial"
)

// A line is read from one buffer and written to another.
type line struct {
	io.Reader
	io.Writer
}

func (line) Close() error { return nil }

func encode(t testing.TB, o serial.Options, frames ...[]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	c := serial.New(line{nil, &out}, o)
	for _, f := range frames {
		if err := c.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func decode(t testing.TB, o serial.Options, b []byte) (frames [][]byte, s serial.Stats) {
	t.Helper()
	c := serial.New(line{bytes.NewReader(b), nil}, o)
	for {
		f, err := c.ReadFrame()
		if err == io.EOF {
			return frames, c.Stats()
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, bytes.Clone(f))
	}
}

func TestBytesOnTheLine(t *testing.T) {
	for _, c := range []struct {
		name, frame, line string
		m                 uint32
	}{
		// 123456789 has the check CBF43926 in every catalogue; the others were made with zlib.
		{"check", "313233343536373839", "7E 313233343536373839 2639F4CB 7E", 0},
		{"empty", "", "7E 00000000 7E", 0},
		{"stuffed", "7E7D20", "7E7D5E7D5D203BBBD1007E", 0},
		{"mapped", "11", "7E7D317FCFB2B87E", serial.SoftwareFlow},
	} {
		frame, _ := hex.DecodeString(c.frame)
		got := encode(t, serial.Options{Map: c.m}, frame)
		want, _ := hex.DecodeString(strings.ReplaceAll(c.line, " ", ""))
		if !bytes.Equal(got, want) {
			t.Errorf("%s: % X, want % X", c.name, got, want)
		}
		if back, _ := decode(t, serial.Options{Map: c.m}, got); len(back) != 1 || !bytes.Equal(back[0], frame) {
			t.Errorf("%s: % X came back as % X", c.name, frame, back)
		}
	}
}

func TestFramesAreFoundAfterAnything(t *testing.T) {
	r := rand.New(rand.NewPCG(1662, 1))
	for i := range 10000 {
		o := serial.Options{MTU: 300, Map: r.Uint32()}
		one, two := random(r, 300), random(r, 300)
		b := random(r, 50) // noise
		first := encode(t, o, one)
		switch i % 4 {
		case 1: // cut
			first = first[:1+r.IntN(len(first)-1)]
		case 2: // a bit flipped
			first[r.IntN(len(first))] ^= 1 << r.IntN(8)
		case 3: // given up
			first = append(first[:1+r.IntN(len(first)-1)], 0x7D, 0x7E)
		}
		b = append(append(b, first...), encode(t, o, two)...)
		got, _ := decode(t, o, b)
		if len(got) == 0 || !bytes.Equal(got[len(got)-1], two) {
			t.Fatalf("%d: % X became % X", i, b, got)
		}
		if i%4 == 0 && (len(got) != 2 || !bytes.Equal(got[0], one)) {
			t.Fatalf("%d: % X became % X", i, b, got)
		}
		for _, f := range got[:len(got)-1] {
			if !bytes.Equal(f, one) {
				t.Fatalf("%d: a damaged frame % X was delivered", i, f)
			}
		}
	}
}

func random(r *rand.Rand, most int) []byte {
	b := make([]byte, r.IntN(most+1))
	for i := range b {
		b[i] = []byte{0x7E, 0x7D, 0x11, byte(r.Uint32())}[r.IntN(4)]
	}
	return b
}

func TestMappedBytesThatAppearOnTheLineAreDropped(t *testing.T) {
	o := serial.Options{Map: serial.SoftwareFlow}
	var b []byte
	for _, v := range encode(t, o, []byte("text\x11\x13\x31")) {
		b = append(b, 0x11, v, 0x13)
	}
	if got, s := decode(t, o, b); len(got) != 1 || string(got[0]) != "text\x11\x13\x31" || s.Damaged != 0 {
		t.Errorf("%q %+v", got, s)
	}
}

func TestFramesHaveALimit(t *testing.T) {
	small := serial.Options{MTU: 10}
	if err := serial.New(line{nil, io.Discard}, small).WriteFrame(make([]byte, 11)); !errors.Is(err, serial.ErrTooLong) {
		t.Error(err)
	}
	b := append(encode(t, serial.Options{}, make([]byte, 4000), make([]byte, 11)), encode(t, small, make([]byte, 10))...)
	if got, s := decode(t, small, b); len(got) != 1 || len(got[0]) != 10 || s != (serial.Stats{Frames: 1, TooLong: 2}) {
		t.Errorf("%d frames, %+v", len(got), s)
	}
}

func TestDamageIsCounted(t *testing.T) {
	b := encode(t, serial.Options{}, []byte("good"))
	b = append(b, 0x7E, 1, 2, 0x7E, 0x7E, 1, 0x7D, 0x7E, 0x7D, 0x7E, 1, 2, 3, 4, 5, 0x7E)
	if got, s := decode(t, serial.Options{}, b); len(got) != 1 || s != (serial.Stats{Frames: 1, Damaged: 4}) {
		t.Errorf("%q %+v", got, s)
	}
}

func TestManyWritersAndClose(t *testing.T) {
	near, far := net.Pipe()
	a, b := serial.New(near, serial.Options{}), serial.New(far, serial.Options{})
	if a.MTU() != serial.DefaultMTU {
		t.Error(a.MTU())
	}
	done := make(chan error)
	for i := range 8 {
		go func() {
			for range 100 {
				if err := a.WriteFrame(bytes.Repeat([]byte{byte(i)}, 100)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 800 {
		f, err := b.ReadFrame()
		if err != nil || len(f) != 100 || !bytes.Equal(f, bytes.Repeat(f[:1], 100)) {
			t.Fatalf("% X, %v", f, err)
		}
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	go func() {
		_, err := a.ReadFrame()
		done <- err
	}()
	a.Close()
	if err := <-done; err == nil {
		t.Error("read from a closed line")
	}
	if err := a.WriteFrame(nil); err == nil {
		t.Error("wrote to a closed line")
	}
}

// FuzzFrames reads anything; what is delivered can be sent and arrives again.
func FuzzFrames(f *testing.F) {
	f.Add(encode(f, serial.Options{}, []byte("a frame"), nil, []byte("\x7E\x7D\x11")), uint32(0))
	f.Add(encode(f, serial.Options{Map: serial.SoftwareFlow}, []byte("\x11\x13")), uint32(serial.SoftwareFlow))
	f.Add([]byte{0x7E, 0x7D, 0x7E, 0x7D, 0x5E, 0x7E}, uint32(0xFFFFFFFF))
	f.Fuzz(func(t *testing.T, b []byte, m uint32) {
		o := serial.Options{MTU: 500, Map: m}
		b = append(b, 0x7E)
		got, _ := decode(t, o, b)
		again, s := decode(t, o, append(b, encode(t, o, append(got, b[:min(len(b), 500)])...)...))
		if len(again) != 2*len(got)+1 || !bytes.Equal(again[len(again)-1], b[:min(len(b), 500)]) {
			t.Fatalf("% X: %d frames became %d, %+v", b, len(got), len(again), s)
		}
	})
}
