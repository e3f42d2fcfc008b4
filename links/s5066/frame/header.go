package frame

import (
	"encoding/binary"
	"hash/crc32"
)

// version of the format. It stands in the names, with which every numbering begins.
const version = 0

// Flags of byte 0. The two lowest bits are Data.
const (
	flagData  = 0x03
	flagMark  = 0x04
	flagAsk   = 0x08
	flagAgain = 0x10
	flagRun   = 0x20
	flagNames = 0x40
	flagRaw   = 0x80 // the body is not coded
)

func (h *Header) flags() byte {
	b := byte(h.Data)
	for _, f := range []struct {
		on  bool
		bit byte
	}{{h.HasMark, flagMark}, {h.Ask, flagAsk}, {h.Again, flagAgain}, {h.Run, flagRun}, {h.Names, flagNames}} {
		if f.on {
			b |= f.bit
		}
	}
	return b
}

// A Frame is one that was read, but not understood yet: without names its numbers are only low bytes.
type Frame struct {
	h     Header
	raw   bool
	part  uint64
	check uint16
	body  []byte
}

// Peek tells what the header says for itself: the flags, and with Names the names and numbers. Without Names, Out and In are empty
// and numbers are low bytes. It is not checked.
func (f *Frame) Peek() Header { return f.h }

// Parse reads the header of a frame. The Frame refers to b.
func Parse(b []byte) (Frame, error) {
	if len(b) == 0 {
		return Frame{}, ErrFormat
	}
	flags, b := b[0], b[1:]
	f := Frame{raw: flags&flagRaw != 0, h: Header{
		Names: flags&flagNames != 0, Data: Data(flags & flagData), Run: flags&flagRun != 0,
		HasMark: flags&flagMark != 0, Ask: flags&flagAsk != 0, Again: flags&flagAgain != 0,
	}}
	if f.h.Data == None && (f.h.Run || f.raw) {
		return Frame{}, ErrFormat
	}
	r := reader{b: b}
	if f.h.Names {
		if v := r.byte(); v != version && !r.bad {
			return Frame{}, ErrVersion
		}
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

// appendHeader writes all but check and body.
func (h *Header) appendHeader(b []byte, raw bool, part uint64) []byte {
	flags := h.flags()
	if raw {
		flags |= flagRaw
	}
	b = append(b, flags)
	if h.Names {
		b = append(b, version, byte(len(h.Out)))
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
	if h.Data >= Part {
		b = binary.AppendUvarint(b, part)
	}
	return b
}

// sum makes the check. What is told of by no byte of the header is in it too, so that ends which do not mean the same do not
// understand each other by accident.
func (h *Header) sum(raw bool, part uint64, texts ...[]byte) uint16 {
	b := make([]byte, 0, 160)
	full := *h
	full.Names = true
	if !h.Names && !h.HasMark {
		full.In = "" // what says nothing of the receiver's stream is for whoever the receiver is by now: two frames go before its first word
	}
	b = full.appendHeader(b, raw, part)
	b = append(b, h.flags())
	c := crc32.Checksum(b, castagnoli)
	for _, t := range texts {
		// The length keeps stanzas apart that could be cut in two ways.
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(t)))
		c = crc32.Update(crc32.Update(c, castagnoli, n[:]), castagnoli, t)
	}
	return uint16(c>>16) ^ uint16(c)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Append writes a frame without stanzas.
func Append(b []byte, h Header) ([]byte, error) {
	h.Data, h.Run = None, false
	if len(h.Out) == 0 || len(h.Out) > MaxName || len(h.In) > MaxName {
		return b, ErrTooLong
	}
	b = h.appendHeader(b, false, 0)
	return binary.BigEndian.AppendUint16(b, h.sum(false, 0)), nil
}

// nearest is the number with this low byte that is nearest to want.
func nearest(low byte, want uint32) uint32 {
	return want + uint32(int32(int8(low-byte(want))))
}

// notAbove is the highest number with this low byte that is not above top.
func notAbove(low byte, top uint32) uint32 { return top - uint32(byte(top)-low) }

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
