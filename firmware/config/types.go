package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes.
type Size int64

// units, largest first; String uses the binary ones only.
var units = []struct {
	name string
	n    int64
}{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1},
}

// String prints the largest binary unit that divides the size, or plain bytes.
func (s Size) String() string {
	for _, u := range units[:3] {
		if s != 0 && int64(s)%u.n == 0 {
			return strconv.FormatInt(int64(s)/u.n, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// ParseSize reads "64KiB", "64 KiB", "10MB" or "65536".
func ParseSize(text string) (Size, error) {
	number, factor := strings.TrimSpace(text), int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, factor = strings.TrimSpace(rest), u.n
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/factor {
		return 0, fmt.Errorf("%q is not a size", text)
	}
	return Size(n * factor), nil
}

// durationString prints whole hours, minutes or seconds without the zeros of time.Duration.String.
func durationString(d time.Duration) string {
	for _, u := range []struct {
		name string
		n    time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}} {
		if d >= 2*u.n && d%u.n == 0 || d == u.n {
			return strconv.FormatInt(int64(d/u.n), 10) + u.name
		}
	}
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return d.String()
}
