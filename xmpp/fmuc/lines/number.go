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
	// After is of an origin's first line: the origin of the same node before, and the last number there. N 0: it has none, or nobody need wait.
	After Pair
}

// Append writes the origin and the number in base 36; behind it "!" after a hole, or "+" and what the origin follows.
//
// Choice: the origin stands in every line, though a peer could be told of it once: it is the same in line after line, which costs a compressor
// next to nothing, and no line depends on another one that may be lost.
func (n Number) Append(b []byte) []byte {
	b = append48(b, uint64(n.Origin))
	b = strconv.AppendUint(b, n.N, 36)
	if n.Hole {
		b = append(b, '!')
	} else if n.After.N != 0 {
		b = n.After.Append(append(b, '+'))
	}
	return b
}

// Append writes the origin and the number in base 36.
func (p Pair) Append(b []byte) []byte {
	return strconv.AppendUint(append48(b, uint64(p.Origin)), p.N, 36)
}

func (p Pair) String() string { return string(p.Append(nil)) }

// ParsePair reads what Append wrote.
func ParsePair(s string) (p Pair, err error) {
	cut := min(originLen, len(s))
	if p.Origin, err = ParseOrigin(s[:cut]); err != nil {
		return p, err
	}
	p.N, err = parse36(s[cut:])
	return p, err
}

func (n Number) String() string { return string(n.Append(nil)) }

// ParseNumber reads what Append wrote.
func ParseNumber(s string) (n Number, err error) {
	s, after, follows := strings.Cut(s, "+")
	s, n.Hole = strings.CutSuffix(s, "!")
	p, err := ParsePair(s)
	if n.Origin, n.N = p.Origin, p.N; err != nil || !follows {
		return n, err
	}
	if n.After, err = ParsePair(after); err == nil && (n.N != 1 || n.Hole || n.After.Origin == n.Origin) {
		err = fmt.Errorf("lines: %.40q follows no other origin", s)
	}
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
