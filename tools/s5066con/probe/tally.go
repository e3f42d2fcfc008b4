package probe

import (
	"encoding/binary"
	"math"
	"time"
)

// A Tally says what arrived of a run's Data.
type Tally struct {
	Received   uint16
	Duplicates uint16
	Bytes      uint32        // without duplicates
	Span       time.Duration // from the first to the last, to a millisecond
	Spanned    uint32        // bytes that arrived in the span: all but the first U_PDU
}

const tallySize = 16

func (t Tally) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, t.Received)
	b = binary.BigEndian.AppendUint16(b, t.Duplicates)
	b = binary.BigEndian.AppendUint32(b, t.Bytes)
	b = binary.BigEndian.AppendUint32(b, uint32(min(max(t.Span, 0)/time.Millisecond, math.MaxUint32)))
	return binary.BigEndian.AppendUint32(b, t.Spanned)
}

func readTally(b []byte) Tally {
	return Tally{Received: binary.BigEndian.Uint16(b), Duplicates: binary.BigEndian.Uint16(b[2:]), Bytes: binary.BigEndian.Uint32(b[4:]),
		Span: time.Duration(binary.BigEndian.Uint32(b[8:])) * time.Millisecond, Spanned: binary.BigEndian.Uint32(b[12:])}
}

// Rate is the bit/s at which the Data arrived, or 0 when too few did.
//
// Choice: the first U_PDU only starts the watch. When it began to be sent is not known where it is received.
func (t Tally) Rate() float64 {
	if t.Span <= 0 {
		return 0
	}
	return float64(t.Spanned) * 8 / t.Span.Seconds()
}

// A Counter makes a Tally. Its size is bounded, whatever comes.
type Counter struct {
	seen  [MaxData / 64]uint64
	tally Tally
	first time.Time
}

// Add counts what arrived, and tells whether it is new. A sequence that no run has is not.
func (c *Counter) Add(sequence uint16, size int, now time.Time) bool {
	if sequence >= MaxData {
		return false
	}
	word, bit := &c.seen[sequence/64], uint64(1)<<(sequence%64)
	if *word&bit != 0 {
		if c.tally.Duplicates < math.MaxUint16 {
			c.tally.Duplicates++
		}
		return false
	}
	*word |= bit
	c.tally.Received++
	c.tally.Bytes += uint32(size)
	if c.first.IsZero() {
		c.first = now
		return true
	}
	c.tally.Span = now.Sub(c.first)
	c.tally.Spanned += uint32(size)
	return true
}

// Tally is what was counted.
func (c *Counter) Tally() Tally { return c.tally }
