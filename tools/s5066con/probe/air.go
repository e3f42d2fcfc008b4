package probe

import (
	"math"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
)

// A Radio is what is known of the way, to say beforehand how much air a test will take.
type Radio struct {
	Rate       int           // bit/s of the waveform
	Long       bool          // the long interleaver
	Turnaround time.Duration // from receiving to sending; 2 s
	Goodput    float64       // bit/s of U_PDUs as measured; it goes before the others
}

const (
	// S5066 C.3.2.8: EOT counts half seconds in one byte.
	longest = 127500 * time.Millisecond
	// The size of a segment that most nodes are set to, and what a D_PDU adds to one with full addresses.
	segment      = 200
	arqHeader    = 22
	nonARQHeader = 28
	// What CAS and SIS add to a U_PDU, and all of a D_PDU that only says something of the link.
	above   = 4
	control = 29
)

// waveform is that of the rate, or one like its neighbours.
func (r Radio) waveform() modem.Waveform {
	il := dts.ShortInterleaver
	if r.Long {
		il = dts.LongInterleaver
	}
	w, err := modem.Find(r.Rate, il)
	if err != nil {
		like := 300
		if r.Rate > 2400 {
			like = 3200
		}
		w, _ = modem.Find(like, il)
		w.Rate = max(r.Rate, 50)
	}
	return w
}

// Signal is the length of one transmission of so many bytes.
func (r Radio) Signal(n int) time.Duration { return r.waveform().Air(8 * n) }

func (r Radio) turnaround() time.Duration {
	if r.Turnaround > 0 {
		return r.Turnaround
	}
	return 2 * time.Second
}

// An Estimate is what something will take.
type Estimate struct {
	Air           time.Duration // both stations' transmitters together
	Time          time.Duration // until the end, turnarounds included
	Transmissions int
}

func (e *Estimate) add(signal, turnaround time.Duration) {
	e.Air += signal
	e.Time += signal + turnaround
	e.Transmissions++
}

// ARQ is for so many U_PDUs of a size in as few transmissions as can be, with the link made and broken.
func (r Radio) ARQ(count, size int) (e Estimate) {
	if r.Goodput > 0 {
		d := seconds(float64(8*count*size) / r.Goodput)
		return Estimate{Air: d, Time: d, Transmissions: 2 * int(1+d/longest)}
	}
	e = r.link()
	for left := count * framed(size); left > 0; {
		n := min(left, r.most())
		left -= n
		r.acked(&e, n)
	}
	return e
}

// Exchanges is for so many questions and their answers, each in a transmission of its own, with the link made and broken.
func (r Radio) Exchanges(count, question, answer int) (e Estimate) {
	e = r.link()
	for range min(count, 1<<16) {
		r.acked(&e, framed(question))
		r.acked(&e, framed(answer))
	}
	return e
}

// link is request and accepted, break and confirm.
func (r Radio) link() (e Estimate) {
	for range 4 {
		e.add(r.Signal(control), r.turnaround())
	}
	return e
}

func (r Radio) acked(e *Estimate, n int) {
	e.add(r.Signal(n), r.turnaround())
	e.add(r.Signal(control), r.turnaround())
}

// framed is the length of a U_PDU with all that goes around it.
func framed(size int) int { return size + above + arqHeader*((size+above+segment-1)/segment) }

// most is the number of bytes of the longest transmission.
func (r Radio) most() int {
	w := r.waveform()
	blocks := (longest - w.Preamble) / w.Block
	return max(int(float64(blocks)*w.Block.Seconds()*float64(w.Rate)-float64(w.Tail))/8, 64)
}

// NonARQ is for so many U_PDUs of a size, each sent 1 + repeats times, one after the other.
func (r Radio) NonARQ(count, size, repeats int) (e Estimate) {
	if r.Goodput > 0 {
		d := seconds(float64(8*count*size*(1+repeats)) / r.Goodput)
		return Estimate{Air: d, Time: d, Transmissions: count}
	}
	n := (1 + repeats) * (size + above + nonARQHeader*((size+above+segment-1)/segment))
	for range count {
		e.add(r.Signal(n), 0)
	}
	return e
}

// And is one after the other.
func (e Estimate) And(f Estimate) Estimate {
	return Estimate{e.Air + f.Air, e.Time + f.Time, e.Transmissions + f.Transmissions}
}

func seconds(s float64) time.Duration {
	return time.Duration(min(s, math.MaxInt64/float64(2*time.Second)) * float64(time.Second))
}
