package modem

import (
	"fmt"
	"strings"
	"time"

	"longwire/links/dts"
)

// A Waveform is how bits become a signal.
type Waveform struct {
	Name        string
	Rate        int // bit/s of user data
	Interleaver dts.Interleaver
	Preamble    time.Duration
	Block       time.Duration // of the interleaver
	Tail        int           // bits the modem adds behind the data: end of message and flush
	Delay       time.Duration // of the decoder, behind a block's end
}

// eom is the length of the end of message pattern. Choice: no flush bits; their number is not known for sure, and a real
// decoder's 144 cost one block at most.
const eom = 32

// symbols is how long n symbols take on a 3 kHz channel.
func symbols(n int) time.Duration { return time.Duration(n) * time.Second / 2400 }

// family is a standard's waveforms.
type family struct {
	name     string
	rates    []int
	preamble map[dts.Interleaver]time.Duration
	block    map[dts.Interleaver]time.Duration
}

func families() []family {
	return []family{
		// MIL-STD-188-110A serial tone.
		{"110A", []int{75, 150, 300, 600, 1200, 2400},
			map[dts.Interleaver]time.Duration{dts.ShortInterleaver: 600 * time.Millisecond, dts.LongInterleaver: 4800 * time.Millisecond},
			map[dts.Interleaver]time.Duration{dts.ShortInterleaver: 600 * time.Millisecond, dts.LongInterleaver: 4800 * time.Millisecond}},
		// STANAG 4539 high rates: blocks of 9 and 36 frames of 287 symbols.
		{"4539", []int{3200, 4800, 6400, 8000, 9600},
			map[dts.Interleaver]time.Duration{dts.ShortInterleaver: symbols(287), dts.LongInterleaver: symbols(287)},
			map[dts.Interleaver]time.Duration{dts.ShortInterleaver: symbols(9 * 287), dts.LongInterleaver: symbols(36 * 287)}},
	}
}

// Find gives the waveform of a rate and an interleaver.
func Find(rate int, il dts.Interleaver) (Waveform, error) {
	word := map[dts.Interleaver]string{dts.ShortInterleaver: "short", dts.LongInterleaver: "long"}[il]
	if word == "" {
		return Waveform{}, fmt.Errorf("modem: no waveform with interleaver %d; there are short (%d) and long (%d)", il,
			dts.ShortInterleaver, dts.LongInterleaver)
	}
	var there []int
	for _, f := range families() {
		for _, r := range f.rates {
			if there = append(there, r); r == rate {
				block := f.block[il]
				return Waveform{Name: fmt.Sprintf("%s %d %s", f.name, r, word), Rate: r, Interleaver: il, Preamble: f.preamble[il],
					Block: block, Tail: eom, Delay: block/10 + 50*time.Millisecond}, nil
			}
		}
	}
	return Waveform{}, fmt.Errorf("modem: no waveform of %d bit/s; there are %s", rate, strings.Trim(strings.ReplaceAll(fmt.Sprint(there), " ", ", "), "[]"))
}

// Timing is what a dts.Station must know of w.
func (w Waveform) Timing(turnaround time.Duration) dts.Timing {
	return dts.Timing{Rate: w.Rate, Preamble: w.Preamble, Block: w.Block, Tail: w.Tail, Turnaround: turnaround}
}

// Air is how long a signal of n bits is.
func (w Waveform) Air(n int) time.Duration { return w.Timing(0).Air(n) }

// blockBits is how many bits a block holds.
func (w Waveform) blockBits() int { return int(int64(w.Rate) * int64(w.Block) / int64(time.Second)) }

// Limits of a waveform anybody may ask for.
const (
	maxRate  = 200_000
	minBlock = 10 * time.Millisecond
	maxDelay = time.Minute
)

// check tells why w cannot be sent.
func (w Waveform) check() error {
	for _, d := range []time.Duration{w.Preamble, w.Block, w.Delay} {
		if d < 0 || d > maxDelay {
			return fmt.Errorf("modem: waveform %q: a time of %v is not within 0 to %v", w.Name, d, maxDelay)
		}
	}
	if w.Rate < 1 || w.Rate > maxRate || w.Tail < 0 || w.Tail > maxRate || w.Block < minBlock || w.blockBits() < 1 || len(w.Name) > maxName {
		return fmt.Errorf("modem: waveform %q of %d bit/s and blocks of %v is none", w.Name, w.Rate, w.Block)
	}
	return nil
}

const maxName = 64 // bytes of a waveform's or a station's name
