package lines

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxNumber is the highest number of a line.
const MaxNumber = 1<<52 - 1

// A Number is what a line carries on the wire.
type Number struct {
	Origin Origin
	N      uint64
	Hole   bool // whatever is missing before it is gone for good
}

// Append writes the origin and the number in base 36, and "!" behind it after a hole.
//
// Choice: the origin stands in every line, though a peer could be told of it once: it is the same in line after line, which costs a compressor
// next to nothing, and no line depends on another one that may be lost.
func (n Number) Append(b []byte) []byte {
	b = append48(b, uint64(n.Origin))
	b = strconv.AppendUint(b, n.N, 36)
	if n.Hole {
		b = append(b, '!')
	}
	return b
}

func (n Number) String() string { return string(n.Append(nil)) }

// ParseNumber reads what Append wrote.
func ParseNumber(s string) (n Number, err error) {
	if n.Origin, err = ParseOrigin(s[:min(originLen, len(s))]); err != nil {
		return n, err
	}
	s, n.Hole = strings.CutSuffix(s[originLen:], "!")
	n.N, err = parse36(s)
	return n, err
}

// parse36 reads a number that is written in one way only.
func parse36(s string) (uint64, error) {
	if s == "" || s[0] == '0' || len(s) > 11 || strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
		return 0, fmt.Errorf("lines: %.20q is not a number", s)
	}
	n, err := strconv.ParseUint(s, 36, 64)
	if err != nil || n > MaxNumber {
		return 0, fmt.Errorf("lines: number %.20q is too high", s)
	}
	return n, nil
}
