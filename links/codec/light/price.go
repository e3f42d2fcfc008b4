package light

import "math/bits"

// bit is the price of one bit that nothing is known of.
const bit = 64

// price is what a choice costs, where 1 has the chance p in 65536ths.
func price(b, p uint32) uint32 {
	if b == 0 {
		p = 65536 - p
	}
	return prices[p>>6]
}

// prices holds -log2(i/1024) in 64ths.
var prices = func() (t [1025]uint32) {
	for i := range t {
		t[i] = 10*bit - log2(uint32(max(i, 1)))
	}
	return t
}()

// log2 of n in 64ths, in whole numbers.
func log2(n uint32) uint32 {
	k := uint32(bits.Len32(n)) - 1
	x := uint64(n) << (31 - k) // 1 to 2, with 31 bits behind the point
	for range 6 {
		x = x * x >> 31
		k = k<<1 | uint32(x>>32)
		x >>= x >> 32
	}
	return k
}
