package main

import (
	"math"
	"time"

	"longwire/links/modem"
)

// Sizes of the model: a frame's header, checks and address field of seven bytes, an acknowledgement of its own, and what S_PDU and C_PDU
// add to a U_PDU.
const (
	frameOverhead = 22
	ackSize       = 16
	unitOverhead  = 4
	mtu           = 2048
	maxAir        = 127500 * time.Millisecond // what EOT can announce
	window        = 128
)

// floorBits is what a character of plain text holds at the least, as compressors with a large model find it.
const floorBits = 2.6

// floor is the least time for a text: preamble, one block of the interleaver, and the entropy of the text. No radio does better with this
// waveform; neither key-up nor turnaround nor any header is in it.
func floor(w modem.Waveform, characters int) time.Duration {
	return w.Preamble + w.Block + time.Duration(floorBits*float64(characters)/float64(w.Rate)*float64(time.Second))
}

// modelUse is the line use that arithmetic gives for total bytes in U_PDUs of 2048: transmissions as long as EOT and window allow, each
// followed by a turnaround and an acknowledgement, and a turnaround between; on a channel without errors, by machines that take no time.
// It ends with the last acknowledgement.
func modelUse(w modem.Waveform, segment, total int, turnaround time.Duration) float64 {
	var frames []int // bytes
	for left := total; left > 0; left -= mtu {
		for c := min(left, mtu) + unitOverhead; c > 0; c -= segment {
			frames = append(frames, frameOverhead+min(c, segment))
		}
	}
	ack := w.Air(8*ackSize) + w.Delay
	var took time.Duration
	for len(frames) > 0 {
		n, bytes := 0, 0
		for n < min(window, len(frames)) && payload(w, bytes+frames[n]) <= maxAir {
			bytes += frames[n]
			n++
		}
		took += w.Air(8*bytes) + turnaround + ack
		if frames = frames[n:]; len(frames) > 0 {
			took += turnaround
		}
	}
	return 8 * float64(total) / float64(w.Rate) / took.Seconds()
}

// payload is how long so many bytes take at the rate of w alone.
func payload(w modem.Waveform, bytes int) time.Duration {
	return time.Duration(math.Ceil(float64(8*bytes) / float64(w.Rate) * float64(time.Second)))
}
