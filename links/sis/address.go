package sis

import (
	"fmt"
	"strconv"
	"strings"
)

// An Address names a node or a group of nodes. It is the four bytes on the wire: length in half-bytes (3 bits), group flag,
// and 28 bits, right-aligned. The zero Address has no length and names nobody.
//
// Addresses of different length can name the same node; what Client and Server hand out is Canonical and can be compared.
type Address uint32

// Broadcast is the group of all stations, 31.255.255.255.
const Broadcast Address = 0xFFFFFFFF

const (
	groupBit   = 1 << 28
	numberMask = groupBit - 1
	fullSize   = 7 << 29
)

// MakeAddress returns w.x.y.z; w counts to 15 for a node and from 16 to 31 for a group, and other bits of it are ignored.
func MakeAddress(w, x, y, z uint8) Address {
	return fullSize | Address(w&31)<<24 | Address(x)<<16 | Address(y)<<8 | Address(z)
}

// ParseAddress reads w.x.y.z, with w from 0 to 31.
func ParseAddress(s string) (Address, error) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return 0, fmt.Errorf("sis: address %q: not of the form w.x.y.z", s)
	}
	var n [4]uint8
	for i, part := range parts {
		v, err := strconv.ParseUint(part, 10, 8)
		if err != nil || i == 0 && v > 31 || len(part) > 1 && part[0] == '0' || part[0] == '+' {
			return 0, fmt.Errorf("sis: address %q: %q is no number from 0 to %d", s, part, map[bool]int{true: 31, false: 255}[i == 0])
		}
		n[i] = uint8(v)
	}
	return MakeAddress(n[0], n[1], n[2], n[3]), nil
}

// String is w.x.y.z. S5066 A, address encoding: the group flag shows as bit 4 of w.
func (a Address) String() string {
	return fmt.Sprintf("%d.%d.%d.%d", a>>24&31, a>>16&255, a>>8&255, a&255)
}

// Size is the length in half-bytes, 1 to 7.
func (a Address) Size() int { return int(a >> 29) }

// Group tells whether it names a group.
func (a Address) Group() bool { return a&groupBit != 0 }

// Number is the address without length and group flag.
func (a Address) Number() uint32 { return uint32(a & numberMask) }

// Canonical is the same address in seven half-bytes. An address without length stays without.
//
// Choice: bits above the stated length count. The standard's text has the address right-aligned and its figure calls the first
// half-bytes valid; the low 28 bits are right in the first reading and harmless in the second.
func (a Address) Canonical() Address {
	if a.Size() == 0 {
		return a
	}
	return a | fullSize
}

// fault says what is wrong with an address, or "".
func (a Address) fault() string {
	switch size := a.Size(); {
	case size == 0:
		return "address has no length"
	case a.Number()>>(4*size) != 0:
		return fmt.Sprintf("address %v has bits above its %d half-bytes", a, size)
	}
	return ""
}
