package frame_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"longwire/links/codecs"
	"longwire/links/s5066/frame"
)

// What is around the stanzas of a settled link: the empty body of an ordinary frame is what one stanza takes, less what it takes in full.
func TestSettledHeaderIsThreeBytes(t *testing.T) {
	for name, h := range map[string]frame.Header{
		"ordinary": {},
		"express":  {Express: true},
	} {
		short, full := newEncoder(), newEncoder()
		short.Start(1)
		full.Start(1)
		h.Out, h.In = names.Out, names.In
		far := h
		far.Far = true
		sum := 0
		for i := range 200 {
			a, b := encode(t, short, h, number(i)), encode(t, full, far, number(i))
			if i > 0 {
				sum += len(b) - len(a)
			}
		}
		// In full it is 5 bytes: form and flags, number, check.
		if got := 5 - float64(sum)/199; got > 3.1 {
			t.Errorf("%s: %.2f bytes", name, got)
		}
	}
}

func TestMarkAloneIsThreeBytes(t *testing.T) {
	for _, express := range []bool{false, true} {
		h := names
		h.HasMark, h.Mark, h.Express = true, 4711, express
		b, err := frame.Append(nil, h)
		if err != nil || len(b) != 3 {
			t.Errorf("%x, %v", b, err)
		}
		if got, _ := decode(t, newDecoder(), b, known(0, 4800)); got.Mark != 4711 || frame.Express(b) != express {
			t.Errorf("%x comes back as %+v", b, got)
		}
	}
}

// Whatever a frame is, RCOP has another first byte, and the lane is seen at once.
func TestFormsAreToldApart(t *testing.T) {
	for i := range 1 << 6 {
		e := newEncoder()
		e.Start(uint32(i) * 77)
		h := names
		h.Express, h.HasMark, h.Names, h.Ask, h.Again, h.Behind = i&1 > 0, i&2 > 0, i&4 > 0, i&8 > 0, i&16 > 0, i&33 == 32
		h.After = byte(i)
		b := encode(t, e, h, number(i))
		f := parse(t, b)
		p := f.Peek()
		if b[0]&0x0F == 0 || frame.Express(b) != h.Express || p.Express != h.Express || p.Behind != h.Behind || p.Behind && p.After != h.After || p.Ask != h.Ask || p.Again != h.Again {
			t.Errorf("%+v reads %+v in %x", h, p, b)
		}
		decode(t, newDecoder(), b, known(uint32(i)*77-1, 0))
	}
}

// The bytes of some frames, which another release must read.
func TestFormsArePinned(t *testing.T) {
	of := func(h frame.Header) string {
		h.Out, h.In = names.Out, names.In
		var e frame.Encoder
		e.Start(300)
		b, _, err := e.Encode(nil, h, [][]byte{[]byte("<message/>")}, mtu)
		if h.HasMark && h.Ask || err != nil {
			b, err = frame.Append(nil, h)
		}
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(b)
	}
	mix := codecs.Codec{Kind: codecs.Mix, ID: [4]byte{1, 2, 3, 4}}
	for want, h := range map[string]frame.Header{
		"a9002c46a70a3c6d6573736167652f3e":                     {},
		"410301800201020304066b336639717a066237776d326309c53c": {HasMark: true, Mark: 9, Ask: true, Names: true, Reads: [4]codecs.Codec{mix}},
	} {
		if got := of(h); got != want {
			t.Errorf("%+v is %s, want %s", h, got, want)
		}
	}
}

// A node with the format before the first release introduces itself so; what it says is not taken for damage, which would be complained of for ever.
func TestVersionZeroIsSeen(t *testing.T) {
	for _, s := range []string{"6100" + "0b6162636465662e58797a30" + "00" + "01" + "1234", "e500" + "0b6162636465662e58797a30" + "06616263646566" + "0105" + "12345678",
		"4400" + "06616263646566" + "00" + "05" + "1234"} {
		b, _ := hex.DecodeString(s)
		if _, err := frame.Parse(b); !errors.Is(err, frame.ErrVersion) {
			t.Errorf("%x: %v", b, err)
		}
	}
}
