package frame

import (
	"encoding/binary"

	"longwire/links/codecs"
)

// version of the format. It stands in the names, with which every numbering begins. Version 0 was never released.
const version = 1

// Forms: the three lowest bits of byte 0.
const (
	formMask        = 0x07
	formFull        = 1
	formData        = 2
	formDataMark    = 3
	formExpress     = 4
	formExpressMark = 5
	formMark        = 6
	formMarkExpress = 7
)

// Flags of the full form: byte 0 above the form, and byte 1.
const (
	dataShift   = 3
	flagData    = 0x18
	flagRun     = 0x20
	flagNames   = 0x40
	flagRaw     = 0x80 // the body is not coded
	flagMark    = 0x01 << 8
	flagAsk     = 0x02 << 8
	flagAgain   = 0x04 << 8
	flagExpress = 0x08 << 8
	flagBehind  = 0x10 << 8
	allFlags    = formFull | flagData | flagRun | flagNames | flagRaw | flagMark | flagAsk | flagAgain | flagExpress | flagBehind
)

func (h *Header) flags(raw bool) uint16 {
	b := formFull | uint16(h.Data)<<dataShift
	for _, f := range []struct {
		on  bool
		bit uint16
	}{{h.HasMark, flagMark}, {h.Ask, flagAsk}, {h.Again, flagAgain}, {h.Run, flagRun}, {h.Names, flagNames}, {h.Express, flagExpress}, {h.Behind, flagBehind}, {raw, flagRaw}} {
		if f.on {
			b |= f.bit
		}
	}
	return b
}

// A Frame is one that was read, but not understood yet: without names its numbers are only low bits.
type Frame struct {
	h     Header
	bits  int // of the numbers that are there
	raw   bool
	part  uint64
	check uint16
	body  []byte // the settled form has prelude bits of it before the stanzas
}

// Peek tells what the header says for itself: the flags, and with Names the names and numbers. Without Names, Out and In are empty
// and numbers are low bits. It is not checked.
func (f *Frame) Peek() Header { return f.h }

// Seq is the number of the first stanza, for who has taken up to taken.
func (f *Frame) Seq(taken uint32) uint32 {
	if f.h.Names {
		return f.h.Seq
	}
	return nearest(f.h.Seq, f.bits, taken+1)
}

// Express tells whether a U_PDU is of the express lane.
func Express(updu []byte) bool {
	if len(updu) < 2 {
		return false
	}
	switch updu[0] & formMask {
	case formExpress, formExpressMark, formMarkExpress:
		return true
	case formFull:
		return updu[1]&(flagExpress>>8) != 0
	}
	return false
}

// Parse reads the header of a frame. The Frame refers to b.
func Parse(b []byte) (Frame, error) {
	switch {
	case len(b) < 3 || b[0]&formMask == 0:
		return Frame{}, ErrFormat
	case old(b):
		return Frame{}, ErrVersion
	case b[0]&formMask != formFull:
		return parseSettled(b)
	}
	flags := uint16(b[0]) | uint16(b[1])<<8
	if flags&^allFlags != 0 {
		return Frame{}, ErrFormat
	}
	f := Frame{bits: 8, raw: flags&flagRaw != 0, h: Header{
		Names: flags&flagNames != 0, Data: Data(flags & flagData >> dataShift), Run: flags&flagRun != 0,
		HasMark: flags&flagMark != 0, Ask: flags&flagAsk != 0, Again: flags&flagAgain != 0, Express: flags&flagExpress != 0, Behind: flags&flagBehind != 0,
	}}
	if f.h.Data == None && (f.h.Run || f.raw) || f.h.Express && f.h.Behind {
		return Frame{}, ErrFormat
	}
	r := reader{b: b[2:]}
	if f.h.Names {
		if v := r.byte(); v != version && !r.bad {
			return Frame{}, ErrVersion
		}
		r.codecs(&f.h)
		f.h.Out, f.h.In = r.name(), r.name()
		if f.h.Out == "" {
			return Frame{}, ErrFormat
		}
	}
	if f.h.Data != None {
		f.h.Seq = r.number(f.h.Names)
	}
	if f.h.HasMark {
		f.h.Mark = r.number(f.h.Names)
	}
	if f.h.Behind {
		f.h.After = r.byte()
	}
	if f.h.Data >= Part {
		f.part = r.uvarint()
	}
	f.check = uint16(r.byte())<<8 | uint16(r.byte())
	f.body = r.b
	if r.bad || f.h.Data == None && len(f.body) > 0 {
		return Frame{}, ErrFormat
	}
	return f, nil
}

// old tells whether b is a frame of version 0 that introduces its sender, which is how every stream of that version began: flags, version, and two names
// behind their lengths.
func old(b []byte) bool {
	if b[0]&0x40 == 0 || b[1] != 0 {
		return false
	}
	r := reader{b: b[2:]}
	out, _ := r.name(), r.name()
	if r.bad || len(out) < 6 {
		return false
	}
	for _, c := range []byte(out) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '.' {
			return false
		}
	}
	return true
}

// appendFull writes all of the full form but check and body.
func (h *Header) appendFull(b []byte, raw bool, part uint64) []byte {
	b = binary.LittleEndian.AppendUint16(b, h.flags(raw))
	if h.Names {
		b = append(b, version)
		b = h.appendCodecs(b)
		b = append(b, byte(len(h.Out)))
		b = append(b, h.Out...)
		b = append(b, byte(len(h.In)))
		b = append(b, h.In...)
	}
	number := func(n uint32) {
		if h.Names {
			b = binary.AppendUvarint(b, uint64(n))
		} else {
			b = append(b, byte(n))
		}
	}
	if h.Data != None {
		number(h.Seq)
	}
	if h.HasMark {
		number(h.Mark)
	}
	if h.Behind {
		b = append(b, h.After)
	}
	if h.Data >= Part {
		b = binary.AppendUvarint(b, part)
	}
	return b
}

// moreCodecs is the bit of a kind that has another behind it.
const moreCodecs = 0x80

// appendCodecs writes Uses, and what of Reads there is.
func (h *Header) appendCodecs(b []byte) []byte {
	all := []codecs.Codec{h.Uses}
	for _, c := range h.Reads {
		if c.Kind != codecs.Raw {
			all = append(all, c)
		}
	}
	for i, c := range all {
		kind := byte(c.Kind)
		if i < len(all)-1 {
			kind |= moreCodecs
		}
		b = append(b, kind)
		if c.Kind != codecs.Raw {
			b = append(b, c.ID[:]...)
		}
	}
	return b
}

func (r *reader) codecs(h *Header) {
	for i, more := 0, true; more; i++ {
		kind := r.byte()
		more = kind&moreCodecs != 0
		c := codecs.Codec{Kind: codecs.Kind(kind &^ moreCodecs)}
		if c.Kind != codecs.Raw {
			for k := range c.ID {
				c.ID[k] = r.byte()
			}
		}
		switch {
		case r.bad || i > len(h.Reads) || i > 0 && c.Kind == codecs.Raw:
			r.bad, r.b = true, nil
			return
		case i == 0:
			h.Uses = c
		default:
			h.Reads[i-1] = c
		}
	}
}

// Append writes a frame without stanzas.
func Append(b []byte, h Header) ([]byte, error) {
	h.Data, h.Run, h.Uses = None, false, codecs.Codec{}
	if len(h.Out) == 0 || len(h.Out) > MaxName || len(h.In) > MaxName {
		return b, ErrTooLong
	}
	if h.settled(false) {
		return h.appendSettled(b, h.Mark, h.sum(false, 0)), nil
	}
	b = h.appendFull(b, false, 0)
	return binary.BigEndian.AppendUint16(b, h.sum(false, 0)), nil
}

// nearest is the number with these low bits that is nearest to want.
func nearest(low uint32, bits int, want uint32) uint32 {
	return want + uint32(int32((low-want)<<(32-bits))>>(32-bits))
}

// notAbove is the highest number with these low bits that is not above top.
func notAbove(low uint32, bits int, top uint32) uint32 { return top - (top-low)&(1<<bits-1) }

type reader struct {
	b   []byte
	bad bool
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > 1<<32-1 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) number(full bool) uint32 {
	if full {
		return uint32(r.uvarint())
	}
	return uint32(r.byte())
}

func (r *reader) name() string {
	n := int(r.byte())
	if n > len(r.b) || n > MaxName {
		r.bad, r.b = true, nil
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

// Body is what is behind the header. In the settled form it begins with what is rare of the header.
func (f *Frame) Body() []byte { return f.body }
