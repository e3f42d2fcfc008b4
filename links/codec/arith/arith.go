// Package arith is an arithmetic coder of binary choices: it makes bytes of them, and of bytes the choices again.
package arith

// A Choice is one binary decision as the coder needs it: the chance that it is 1, in 65536ths, and above it which it was.
type Choice uint32

// Choose is the choice that came out as bit where 1 had the chance p, in 65536ths, 0 < p < 65536.
func Choose(bit int, p uint32) Choice { return Choice(uint32(bit)<<16 | p) }

// split is the last value of the part of low..high that stands for 1.
func split(low, high uint64, p uint32) uint64 { return low + (high-low)>>16*uint64(p) }

// narrow is a range too small to be split well.
const narrow = 1 << 32

// straddles tells that the range is narrow and lies across a border of top bytes, where it can stay forever. Then the smaller side is
// given up: cut is the range without it.
func straddles(low, high uint64) bool { return high-low < narrow && (low^high)>>56 != 0 }

func cut(low, high uint64) (uint64, uint64) {
	border := high >> 56 << 56
	if high-border >= border-low {
		return border, high
	}
	return low, border - 1
}
