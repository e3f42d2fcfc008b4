package meter

import "time"

// A Line is what is known of how long bytes take. Zero fields are not known.
type Line struct {
	Measured float64 // bit/s of what was confirmed, turns and answers of the channel included
	Nominal  int     // bit/s that the operator gave
	Packet   int     // with Nominal: bytes that each packet costs beside what it carries,
	Payload  int     // and the most that one carries
	Fixed    time.Duration
	// Fixed is, with Nominal, what each transmission costs however little it carries: keying, preamble, interleaver, and the answer.
}

// Air is how long the channel is taken by bytes that are sent in one go; 0 when that is not known. What was measured has all
// costs in it; else they are added to what the operator gave.
func (l Line) Air(bytes int) time.Duration {
	switch {
	case bytes <= 0:
		return 0
	case l.Measured > 0:
		return time.Duration(float64(bytes*8) / l.Measured * float64(time.Second))
	case l.Nominal <= 0:
		return 0
	}
	if l.Payload > 0 {
		bytes += (bytes + l.Payload - 1) / l.Payload * l.Packet
	}
	return time.Duration(bytes*8)*time.Second/time.Duration(l.Nominal) + l.Fixed
}
