package slots

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// CopySize is the size of one copy: one sector, which a disk writes whole or not at all, or else leaves with a wrong checksum.
const CopySize = 512

// The variables of a copy.
const (
	varGen   = "BOOT_GEN"
	varOrder = "BOOT_ORDER"
	varLeftA = "BOOT_A_LEFT"
	varLeftB = "BOOT_B_LEFT"
)

// errChecksum says that a sector holds no copy: never written, or written in half.
var errChecksum = errors.New("slots: wrong checksum")

// encode makes a copy, with the variables in the order of their names, as U-Boot sorts them too.
func encode(s State, gen int) []byte {
	b := make([]byte, CopySize)
	order := strings.TrimSpace(string(s.Order[0] + " " + s.Order[1]))
	text := fmt.Sprintf("%s=%d\x00%s=%d\x00%s=%d\x00%s=%s\x00",
		varLeftA, s.Left[A], varLeftB, s.Left[B], varGen, gen, varOrder, order)
	copy(b[4:], text)
	binary.LittleEndian.PutUint32(b, crc32.ChecksumIEEE(b[4:]))
	return b
}

// decode reads a copy. It is strict: a copy with a right checksum and strange contents was not written by a kit.
func decode(b []byte) (State, int, error) {
	if len(b) != CopySize {
		return State{}, 0, fmt.Errorf("slots: a copy has %d bytes, not %d", CopySize, len(b))
	}
	if binary.LittleEndian.Uint32(b) != crc32.ChecksumIEEE(b[4:]) {
		return State{}, 0, errChecksum
	}
	vars, err := variables(b[4:])
	if err != nil {
		return State{}, 0, err
	}
	s := State{Left: map[Slot]int{}}
	switch vars[varOrder] {
	case "A B":
		s.Order = [2]Slot{A, B}
	case "B A":
		s.Order = [2]Slot{B, A}
	case "A":
		s.Order = [2]Slot{A}
	case "B":
		s.Order = [2]Slot{B}
	default:
		return State{}, 0, fmt.Errorf("slots: %s=%q: want \"A B\", \"B A\", \"A\" or \"B\"", varOrder, vars[varOrder])
	}
	if s.Left[A], err = digit(vars, varLeftA, Attempts); err != nil {
		return State{}, 0, err
	}
	if s.Left[B], err = digit(vars, varLeftB, Attempts); err != nil {
		return State{}, 0, err
	}
	gen, err := digit(vars, varGen, 2)
	return s, gen, err
}

// variables splits the texts of a copy, up to the empty one that ends them.
func variables(b []byte) (map[string]string, error) {
	vars := map[string]string{}
	for {
		text, rest, found := bytes.Cut(b, []byte{0})
		if !found {
			return nil, errors.New("slots: a variable without an end")
		}
		if len(text) == 0 {
			return vars, nil
		}
		name, value, found := strings.Cut(string(text), "=")
		if _, twice := vars[name]; !found || twice {
			return nil, fmt.Errorf("slots: a bad variable: %.40q", text)
		}
		vars[name], b = value, rest
	}
}

func digit(vars map[string]string, name string, most int) (int, error) {
	v := vars[name]
	if len(v) != 1 || v[0] < '0' || int(v[0]-'0') > most {
		return 0, fmt.Errorf("slots: %s=%q: want 0 to %d", name, v, most)
	}
	return int(v[0] - '0'), nil
}
