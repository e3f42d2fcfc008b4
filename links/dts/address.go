package dts

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// An Address names a node by 28 bits, or a group of nodes by 28 bits and bit 28 set. On the air the group bit is not part of an
// address: it is the GROUP ADDRESS flag of non-ARQ D_PDUs. The zero Address names nobody.
type Address uint32

// Limits of addresses.
const (
	groupBit    Address = 1 << 28
	addressBits Address = groupBit - 1

	Broadcast Address = groupBit | addressBits // all nodes

	MaxAddressSize = 7 // bytes both addresses of a D_PDU take together at most; as many half-bytes each
)

// Group tells whether a names a group.
func (a Address) Group() bool { return a&groupBit != 0 }

// String gives w.x.y.z, where w is 0 to 15 for a node and 16 to 31 for a group.
func (a Address) String() string {
	return fmt.Sprintf("%d.%d.%d.%d", a>>24&0x1f, a>>16&0xff, a>>8&0xff, a&0xff)
}

// ParseAddress reads w.x.y.z.
func ParseAddress(s string) (Address, error) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return 0, fmt.Errorf("dts: address %q: want four numbers with dots between them", s)
	}
	var a Address
	for i, part := range parts {
		limit := uint64(255)
		if i == 0 {
			limit = 31
		}
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || n > limit {
			return 0, fmt.Errorf("dts: address %q: %q is no number from 0 to %d", s, part, limit)
		}
		a = a<<8 | Address(n)
	}
	return a, nil
}

// valid tells whether all bits of a fit.
func (a Address) valid() bool { return a>>29 == 0 }

// nibbles is how many half-bytes a needs without its leading zeros, at least one.
func (a Address) nibbles() int {
	return max(1, (bits.Len32(uint32(a&addressBits))+3)/4)
}

// appendAddresses writes both addresses as m nibbles each.
//
// S5066 C.3.2.6: destination first, leading zero nibbles dropped from both alike.
func appendAddresses(b []byte, to, from Address, m int) []byte {
	both := uint64(to&addressBits)<<(4*m) | uint64(from&addressBits)
	for i := m - 1; i >= 0; i-- {
		b = append(b, byte(both>>(8*i)))
	}
	return b
}

// readAddresses is the inverse; b has m bytes.
func readAddresses(b []byte) (to, from Address) {
	var both uint64
	for _, c := range b {
		both = both<<8 | uint64(c)
	}
	m := 4 * len(b)
	return Address(both >> m), Address(both & (1<<m - 1))
}
