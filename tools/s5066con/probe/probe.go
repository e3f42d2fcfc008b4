// Package probe is what S5066 consoles say to each other: small U_PDUs that ask for an answer, answer, and fill a test. It does no
// I/O and has no clock.
//
// All of it fits in one U_PDU, on any SAP; 13 is the consoles' own choice, from those that are free to use (S5066 F, table F-1).
// Numbers are big-endian, as in the primitives around them:
//
//	0-1  "LP"
//	2    version (high half-byte, 1) and kind (low half-byte)
//	3-4  run: a random number; answers carry it back
//	5-6  sequence, from 0
//	7..  by kind:
//
//	0 Ping      flags (bit 0: answer at my length), then anything
//	1 Pong      hold u16 (tenths of a second from hearing the Ping to sending this; 65535 is that and more), then anything
//	2 Discover  window u8 (seconds), then a name. Who hears it answers after a random part of the window. Sequence 0
//	3 Here      hold u16, then a name
//	4 Data      anything
//	5 End       sent u16: so many Data were sent, of sequences 0 to sent-1. Sequence: which repeat of the End this is
//	6 Report    received u16, duplicates u16, bytes u32 (received U_PDUs, without duplicates),
//	            span u32 (milliseconds from the first of them to the last), spanned u32 (bytes of those after the first)
//
// A reader passes over what is longer than it expects, over kinds that it does not know, and over higher versions. Names are UTF-8, 32
// bytes at most. No answer is longer than 32 bytes or than its question, whichever is more: nobody can have a stranger's transmitter
// say much by saying little.
package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kind is what a probe is for.
type Kind uint8

// The kinds.
const (
	Ping Kind = iota
	Pong
	Discover
	Here
	Data
	End
	Report
)

func (k Kind) String() string {
	names := [...]string{"ping", "pong", "discover", "here", "data", "end", "report"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Answer tells whether it answers a probe of ours.
func (k Kind) Answer() bool { return k == Pong || k == Here || k == Report }

const (
	version = 1
	// Header is the length of what every probe has.
	Header = 7
	// MaxName is the longest name, in bytes.
	MaxName = 32
	// MaxData is the number of Data in a run.
	MaxData = 4096
)

// A Probe is one of them. Which fields count depends on the Kind.
type Probe struct {
	Kind     Kind
	Run      uint16
	Sequence uint16
	Echo     bool          // Ping: answer at my length
	Hold     time.Duration // Pong, Here: to a tenth of a second
	Window   time.Duration // Discover: to a second, at most 255
	Name     string        // Discover, Here
	Sent     uint16        // End
	Tally    Tally         // Report
	Size     int           // of the whole U_PDU. Ping, Pong and Data are filled up to it.
}

// Append appends p to b.
func (p Probe) Append(b []byte) []byte {
	start := len(b)
	b = append(b, 'L', 'P', version<<4|byte(p.Kind)&15)
	b = binary.BigEndian.AppendUint16(b, p.Run)
	b = binary.BigEndian.AppendUint16(b, p.Sequence)
	switch p.Kind {
	case Ping:
		flags := byte(0)
		if p.Echo {
			flags = 1
		}
		b = append(b, flags)
	case Pong:
		b = binary.BigEndian.AppendUint16(b, tenths(p.Hold))
	case Discover:
		b = append(b, byte(min(max(p.Window, 0)/time.Second, 255)))
		b = append(b, Name(p.Name)...)
	case Here:
		b = binary.BigEndian.AppendUint16(b, tenths(p.Hold))
		b = append(b, Name(p.Name)...)
	case End:
		b = binary.BigEndian.AppendUint16(b, p.Sent)
	case Report:
		b = p.Tally.append(b)
	}
	if p.Kind == Ping || p.Kind == Pong || p.Kind == Data {
		b = fill(b, start, p)
	}
	return b
}

// fill makes a probe p.Size long. What it says is not zero and not the same in each probe: a node that compresses, or that mixes two
// U_PDUs up, shows.
func fill(b []byte, start int, p Probe) []byte {
	x := uint32(p.Run)<<16 | uint32(p.Sequence) | 1
	for len(b)-start < p.Size {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b = append(b, byte(x>>24))
	}
	return b
}

func tenths(d time.Duration) uint16 {
	return uint16(min(max(d, 0)/(100*time.Millisecond), 65535))
}

// ErrForeign is for a U_PDU that is not a probe.
var ErrForeign = errors.New("probe: not a probe")

// ErrVersion is for one of a later version or of a kind that it brought.
var ErrVersion = errors.New("probe: of a later version")

// ErrShort is for one that misses its end.
var ErrShort = errors.New("probe: cut short")

// Parse reads a U_PDU. Nothing of b is kept.
func Parse(b []byte) (Probe, error) {
	if len(b) < 3 || !bytes.HasPrefix(b, []byte("LP")) || b[2]>>4 == 0 {
		return Probe{}, ErrForeign
	}
	p := Probe{Kind: Kind(b[2] & 15), Size: len(b)}
	if b[2]>>4 != version || p.Kind > Report {
		return Probe{}, ErrVersion
	}
	if len(b) < Header+p.Kind.least() {
		return Probe{}, ErrShort
	}
	p.Run, p.Sequence = binary.BigEndian.Uint16(b[3:]), binary.BigEndian.Uint16(b[5:])
	b = b[Header:]
	switch p.Kind {
	case Ping:
		p.Echo = b[0]&1 != 0
	case Pong:
		p.Hold = hold(b)
	case Discover:
		p.Window, p.Name = time.Duration(b[0])*time.Second, Name(string(b[1:]))
	case Here:
		p.Hold, p.Name = hold(b), Name(string(b[2:]))
	case End:
		p.Sent = binary.BigEndian.Uint16(b)
	case Report:
		p.Tally = readTally(b)
	}
	return p, nil
}

// least is the length behind the header.
func (k Kind) least() int {
	return [...]int{Ping: 1, Pong: 2, Discover: 1, Here: 2, Data: 0, End: 2, Report: tallySize}[k]
}

func hold(b []byte) time.Duration {
	return time.Duration(binary.BigEndian.Uint16(b)) * 100 * time.Millisecond
}

// Name makes of any text a name that fits and that a terminal can show.
func Name(s string) string {
	s = Printable(s)
	for len(s) > MaxName {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return strings.TrimSpace(s)
}

// Printable replaces what a terminal would act upon, for text that came by radio.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
}
