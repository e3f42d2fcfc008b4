// Package lines keeps count of the lines of a federated room: who numbered them, which ones a node has, and which ones another node
// lacks. It is pure: no clock, no store, no stanzas.
//
// Every node that authors lines in a room numbers them 1, 2, 3 … under a name of its own, its origin. What a node knows is, for each
// origin, the highest number without a gap before it: a Vector. Two nodes that compare their vectors know to the line what each must
// send the other. The first line of an origin names the end of the one that its node had before, so that this is no way around a gap.
package lines

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"
)

// An Origin names who gave a line its number: one process of one node, in one room. It is made anew at the first line that a process
// numbers in a room, so that a node whose flash was set back to an old copy gives no number twice. 0 is none.
//
// The upper 20 of its 48 bits tell when it was born, so that origins sort by age, and the rest is random.
type Origin uint64

const (
	originBits = 48
	randomBits = 28
	originLen  = originBits / 6
	// epoch and slot: 2^20 slots of 1024 s last until 2059; afterwards all are born in the last one.
	epoch = 1_735_689_600 // 2025-01-01
	slot  = 1024
)

// birth is the slot in which an origin is born at a time by the clock.
func birth(now time.Time) Origin {
	n := (now.Unix() - epoch) / slot
	return Origin(min(max(n, 0), 1<<(originBits-randomBits)-1))
}

// NewOrigin makes a name that is not in the vector. It is not older than any there, whatever the clock says: a kit that starts with its
// clock in the past is not taken for one that fell silent long ago.
func (v *Vector) NewOrigin(now time.Time) Origin {
	born := max(birth(now), v.newest>>randomBits)
	for tries := 0; ; tries++ {
		var b [4]byte
		rand.Read(b[:])
		o := born<<randomBits | Origin(binary.BigEndian.Uint32(b[:])>>(32-randomBits))
		if o != 0 && v.Known(o) == 0 && (o > v.horizon || tries > maxTries) {
			return o
		}
	}
}

// maxTries ends the search for a name behind the horizon, if somebody has raised that to the end of time.
const maxTries = 1000

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// append48 writes 48 bits as eight letters of base64url (RFC 4648 §5).
func append48(b []byte, n uint64) []byte {
	for shift := originBits - 6; shift >= 0; shift -= 6 {
		b = append(b, letters[n>>shift&63])
	}
	return b
}

func parse48(s string) (n uint64, err error) {
	if len(s) != originLen {
		return 0, fmt.Errorf("lines: %.20q is not %d letters", s, originLen)
	}
	for i := range len(s) {
		d := letter(s[i])
		if d < 0 {
			return 0, fmt.Errorf("lines: %.20q holds no such letter", s)
		}
		n = n<<6 | uint64(d)
	}
	return n, nil
}

func letter(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case '0' <= c && c <= '9':
		return int(c-'0') + 52
	case c == '-':
		return 62
	case c == '_':
		return 63
	}
	return -1
}

// String is the origin as it stands on the wire and in the archive: eight letters.
func (o Origin) String() string { return string(append48(nil, uint64(o))) }

// ParseOrigin reads eight letters.
func ParseOrigin(s string) (Origin, error) {
	n, err := parse48(s)
	if err == nil && n == 0 {
		err = fmt.Errorf("lines: %q names no origin", s)
	}
	return Origin(n), err
}
