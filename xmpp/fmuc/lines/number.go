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
	Origin Origin // 0: the sender's current one
	N      uint64
	Hole   bool // whatever is missing before it is gone for good
}

// Append writes "4q", "ORIGIN.4q", and "!" behind it after a hole.
func (n Number) Append(b []byte) []byte {
	if n.Origin != 0 {
		b = append48(b, uint64(n.Origin))
		b = append(b, '.')
	}
	b = strconv.AppendUint(b, n.N, 36)
	if n.Hole {
		b = append(b, '!')
	}
	return b
}

func (n Number) String() string { return string(n.Append(nil)) }

// ParseNumber reads what Append wrote.
func ParseNumber(s string) (n Number, err error) {
	if name, rest, ok := strings.Cut(s, "."); ok {
		if n.Origin, err = ParseOrigin(name); err != nil {
			return n, err
		}
		s = rest
	}
	s, n.Hole = strings.CutSuffix(s, "!")
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
