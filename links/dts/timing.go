package dts

import "time"

// Timing is what a Station must know of the modem and radio. Rate must be positive; the rest may be zero.
type Timing struct {
	Rate       int           // bit/s of user data
	Preamble   time.Duration // from key-up to the first data bit
	Block      time.Duration // of the interleaver; 0 = none
	Tail       int           // bits the modem adds behind the data: end of message and flush
	Turnaround time.Duration // from the end of one node's signal to the beginning of another's answer
}

const halfSecond = time.Second / 2

// MaxTransmission is the longest time an EOT field can tell.
const MaxTransmission = MaxEOT * halfSecond

// ceilDiv rounds up.
func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }

// bitTime is how long n bits take.
func (t Timing) bitTime(n int) time.Duration {
	return time.Duration(int64(n) * int64(time.Second) / int64(t.Rate))
}

// blockBits is how many bits a block of the interleaver holds.
func (t Timing) blockBits() int {
	return max(1, int(int64(t.Rate)*int64(t.Block)/int64(time.Second)))
}

// Span is how long n bits of data take without the preamble, but with the filling of the last block.
func (t Timing) Span(n int) time.Duration {
	if t.Block <= 0 {
		return t.bitTime(n + t.Tail)
	}
	return time.Duration(ceilDiv(int64(n+t.Tail), int64(t.blockBits()))) * t.Block
}

// Air is how long the transmitter is keyed for n bits of data.
func (t Timing) Air(n int) time.Duration { return t.Preamble + t.Span(n) }

// Capacity is how many bits of data have a Span of at most d.
func (t Timing) Capacity(d time.Duration) int {
	if t.Block <= 0 {
		return max(0, int(int64(d)*int64(t.Rate)/int64(time.Second))-t.Tail)
	}
	return max(0, int(d/t.Block)*t.blockBits()-t.Tail)
}

// spare is how many more bits fit the last block of n bits of data.
func (t Timing) spare(n int) int {
	if t.Block <= 0 {
		return 0
	}
	b := t.blockBits()
	return (b - (n+t.Tail)%b) % b
}

// The longest short answer: an ExpNonARQ D_PDU with a C_PDU of one byte.
const answerBits = 232

// Answer is how long after the end of one's own transmission the peer's answer must have been heard: turnaround, preamble, the blocks
// of a short answer and one more for its decoding, and 5 s for what nobody thought of.
func (t Timing) Answer() time.Duration {
	d := t.Turnaround + t.Preamble + 5*time.Second
	if t.Block <= 0 {
		return d + t.bitTime(answerBits)
	}
	return d + time.Duration(1+ceilDiv(answerBits, int64(t.blockBits())))*t.Block
}

// halves is d in half seconds, rounded up and cut to a field of the given maximum.
func halves(d time.Duration, most int64) int64 {
	return min(max(0, ceilDiv(int64(d), int64(halfSecond))), most)
}
