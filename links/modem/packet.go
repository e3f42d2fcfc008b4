package modem

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"longwire/links/dts"
)

// Between processes a channel speaks packets: 4 bytes of size, highest first, a byte of kind, and a body that depends on it. Numbers are
// highest byte first, times are nanoseconds of radio time since the channel's epoch, texts have a byte of size.
const (
	etherVersion = 2
	etherMagic   = "LWEther"
	maxPacket    = 1<<20 + 1024 // bytes: the bits of a signal, and what is around them
)

type packetKind uint8

const (
	helloPacket   packetKind = iota + 1 // version, name; the first from a station
	welcomePacket                       // version, epoch, scale, now; the answer
	refusePacket                        // text; the other answer
	sendPacket                          // id, at, waveform, bits
	breakPacket                         // id: ends a signal early
	sentPacket                          // id, text: the signal is over; text tells what went wrong
	eventPacket                         // event, at, start, waveform, bits
	keyedPacket                         // id, at: the signal begins
	amendPacket                         // id, from, bits: what the signal is to be from that byte on, if that has not begun
	amendedPacket                       // id, text: whether it is; text tells why it is not
)

// A packet is any of them. The comments above tell which fields are used.
type packet struct {
	kind      packetKind
	version   uint8
	id, from  uint32
	text      string
	epoch     int64 // Unix nanoseconds
	scale     float64
	at, start time.Duration
	event     EventKind
	wave      Waveform
	bits      []byte
}

var errPacket = errors.New("modem: malformed packet")

// append writes p with its size in front.
func (p *packet) append(b []byte) []byte {
	head := len(b)
	b = append(b, 0, 0, 0, 0, byte(p.kind))
	e := binary.BigEndian
	switch p.kind {
	case helloPacket:
		b = append(append(b, etherMagic...), p.version)
		b = appendText(b, p.text)
	case welcomePacket:
		b = append(b, p.version)
		b = e.AppendUint64(b, uint64(p.epoch))
		b = e.AppendUint64(b, math.Float64bits(p.scale))
		b = e.AppendUint64(b, uint64(p.at))
	case refusePacket:
		b = appendText(b, p.text)
	case sendPacket:
		b = e.AppendUint64(e.AppendUint32(b, p.id), uint64(p.at))
		b = append(appendWaveform(b, p.wave), p.bits...)
	case breakPacket:
		b = e.AppendUint32(b, p.id)
	case sentPacket, amendedPacket:
		b = appendText(e.AppendUint32(b, p.id), p.text)
	case keyedPacket:
		b = e.AppendUint64(e.AppendUint32(b, p.id), uint64(p.at))
	case amendPacket:
		b = append(e.AppendUint32(e.AppendUint32(b, p.id), p.from), p.bits...)
	case eventPacket:
		b = append(b, byte(p.event))
		b = e.AppendUint64(e.AppendUint64(b, uint64(p.at)), uint64(p.start))
		b = append(appendWaveform(b, p.wave), p.bits...)
	}
	e.PutUint32(b[head:], uint32(len(b)-head-4))
	return b
}

func appendText(b []byte, s string) []byte {
	s = s[:min(len(s), 255)]
	return append(append(b, byte(len(s))), s...)
}

func appendWaveform(b []byte, w Waveform) []byte {
	e := binary.BigEndian
	b = appendText(b, w.Name)
	b = append(e.AppendUint32(b, uint32(w.Rate)), byte(w.Interleaver))
	b = e.AppendUint64(e.AppendUint64(b, uint64(w.Preamble)), uint64(w.Block))
	return e.AppendUint64(e.AppendUint32(b, uint32(w.Tail)), uint64(w.Delay))
}

// A cutter takes fields off a body. After the first that is not there all are zero and bad is set.
type cutter struct {
	b   []byte
	bad bool
}

func (c *cutter) take(n int) []byte {
	if c.bad = c.bad || len(c.b) < n; c.bad {
		return make([]byte, n)
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cutter) u8() uint8           { return c.take(1)[0] }
func (c *cutter) u32() uint32         { return binary.BigEndian.Uint32(c.take(4)) }
func (c *cutter) u64() uint64         { return binary.BigEndian.Uint64(c.take(8)) }
func (c *cutter) time() time.Duration { return time.Duration(c.u64()) }
func (c *cutter) text() string        { return string(c.take(int(c.u8()))) }
func (c *cutter) fail(wrong bool)     { c.bad = c.bad || wrong }
func (c *cutter) rest() (b []byte)    { b, c.b = c.b, nil; return b }
func (c *cutter) magic(want string)   { c.fail(string(c.take(len(want))) != want) }
func (c *cutter) waveform() (w Waveform) {
	w.Name = c.text()
	w.Rate, w.Interleaver = int(c.u32()), dts.Interleaver(c.u8())
	w.Preamble, w.Block = c.time(), c.time()
	w.Tail, w.Delay = int(c.u32()), c.time()
	c.fail(w != Waveform{} && w.check() != nil)
	return w
}

// parsePacket reads what comes after the size. The packet's bits are a part of b.
func parsePacket(b []byte) (p packet, err error) {
	c := &cutter{b: b}
	p.kind = packetKind(c.u8())
	switch p.kind {
	case helloPacket:
		c.magic(etherMagic)
		p.version = c.u8()
		if !c.bad && p.version != etherVersion {
			return p, nil // whatever follows, it is refused
		}
		p.text = c.text()
	case welcomePacket:
		p.version = c.u8()
		p.epoch, p.scale, p.at = int64(c.u64()), math.Float64frombits(c.u64()), c.time()
		c.fail(!(p.scale >= 0 && p.scale <= 1e6) || p.at < 0)
	case refusePacket:
		p.text = c.text()
	case sendPacket:
		p.id, p.at = c.u32(), c.time()
		p.wave, p.bits = c.waveform(), c.rest()
		c.fail(p.wave.Rate == 0)
	case breakPacket:
		p.id = c.u32()
	case sentPacket, amendedPacket:
		p.id, p.text = c.u32(), c.text()
	case keyedPacket:
		p.id, p.at = c.u32(), c.time()
	case amendPacket:
		p.id, p.from, p.bits = c.u32(), c.u32(), c.rest()
	case eventPacket:
		p.event = EventKind(c.u8())
		p.at, p.start, p.wave = c.time(), c.time(), c.waveform()
		p.bits = c.rest()
		c.fail(p.event < CarrierOn || p.event > CarrierOff)
	default:
		return p, fmt.Errorf("%w: kind %d", errPacket, p.kind)
	}
	if c.bad || len(c.b) > 0 {
		return packet{}, fmt.Errorf("%w: kind %d of %d bytes", errPacket, p.kind, len(b))
	}
	return p, nil
}

// readPacket reads one packet; its bits are its own.
func readPacket(r io.Reader) (packet, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return packet{}, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 1 || n > maxPacket {
		return packet{}, fmt.Errorf("%w: of %d bytes", errPacket, n)
	}
	// What a stranger only announces takes no memory.
	b := make([]byte, 0, min(n, 64<<10))
	for len(b) < int(n) {
		more := min(int(n)-len(b), 64<<10)
		b = append(b, make([]byte, more)...)
		if _, err := io.ReadFull(r, b[len(b)-more:]); err != nil {
			return packet{}, err
		}
	}
	return parsePacket(b)
}
