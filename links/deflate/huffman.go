package deflate

import (
	"math/bits"
	"slices"
)

const fastBits = 9 // codes up to this long are decoded by one look

// A decTable decodes one canonical Huffman code (RFC 1951 §3.2.2).
type decTable struct {
	fast  [1 << fastBits]uint16 // symbol<<4 | length; 0: longer, or no code
	count [maxBits + 1]uint16   // codes of each length
	syms  [288]uint16           // symbols by code
}

// init builds the table; it is false when lens describe no code. As in zlib, one single code of one bit may stand
// alone, and no code at all is fine until it is used.
func (t *decTable) init(lens []uint8) bool {
	clear(t.count[:])
	clear(t.fast[:])
	for _, l := range lens {
		t.count[l]++
	}
	t.count[0] = 0
	left, total := 1, 0
	var next [maxBits + 1]uint16 // next code of each length
	var offs [maxBits + 2]uint16 // place of the first symbol of each length
	code := uint16(0)
	for l := 1; l <= maxBits; l++ {
		left = left<<1 - int(t.count[l])
		if left < 0 {
			return false // over-subscribed
		}
		code = (code + t.count[l-1]) << 1
		next[l] = code
		offs[l+1] = offs[l] + t.count[l]
		total += int(t.count[l])
	}
	if left > 0 && total > 0 && !(total == 1 && t.count[1] == 1) {
		return false // incomplete
	}
	for s, l := range lens {
		if l == 0 {
			continue
		}
		t.syms[offs[l]] = uint16(s)
		offs[l]++
		c := next[l]
		next[l]++
		if l <= fastBits {
			for i := int(bits.Reverse16(c) >> (16 - l)); i < 1<<fastBits; i += 1 << l {
				t.fast[i] = uint16(s)<<4 | uint16(l)
			}
		}
	}
	return true
}

// decode finds the symbol at the low end of acc, which holds n bits. used 0 means that more bits are needed.
func (t *decTable) decode(acc uint64, n uint) (sym uint16, used uint, err error) {
	if e := t.fast[acc&(1<<fastBits-1)]; e != 0 {
		if used = uint(e & 15); used > n {
			return 0, 0, nil
		}
		return e >> 4, used, nil
	}
	code, first, index := 0, 0, 0
	for l := uint(1); l <= maxBits; l++ {
		if l > n {
			return 0, 0, nil
		}
		code |= int(acc & 1)
		acc >>= 1
		c := int(t.count[l])
		if code-c < first {
			return t.syms[index+code-first], l, nil
		}
		index += c
		first = (first + c) << 1
		code <<= 1
	}
	return 0, 0, ErrCorrupt
}

// An encTable is the code of one alphabet as the Writer uses it. Length 0: the symbol has no code.
type encTable struct {
	code [288]uint16 // bits in the order they are sent
	len  [288]uint8
}

// assign gives canonical codes to the lengths. RFC 1951 §3.2.2.
func (t *encTable) assign(lens []uint8) {
	clear(t.len[:])
	copy(t.len[:], lens)
	var count, next [maxBits + 1]uint16
	for _, l := range lens {
		count[l]++
	}
	count[0] = 0
	code := uint16(0)
	for l := 1; l <= maxBits; l++ {
		code = (code + count[l-1]) << 1
		next[l] = code
	}
	for s, l := range lens {
		if l > 0 {
			t.code[s] = bits.Reverse16(next[l]) >> (16 - l)
			next[l]++
		}
	}
}

// huffman computes optimal code lengths of at most limit bits for the frequencies into lens. A symbol that never
// occurs gets none; there are always two codes, as some decoders refuse fewer.
func huffman(freq []uint32, lens []uint8, limit uint8) {
	type leaf struct {
		f uint32
		s uint16
	}
	leaves := make([]leaf, 0, len(freq))
	for s, f := range freq {
		lens[s] = 0
		if f > 0 {
			leaves = append(leaves, leaf{f, uint16(s)})
		}
	}
	for s := 0; len(leaves) < 2; s++ {
		if freq[s] == 0 {
			leaves = append(leaves, leaf{1, uint16(s)})
		}
	}
	slices.SortFunc(leaves, func(a, b leaf) int {
		if a.f != b.f {
			return int(int64(a.f) - int64(b.f))
		}
		return int(a.s) - int(b.s)
	})
	n := len(leaves)
	for {
		// The two-queue method: leaves are sorted, and so are the inner nodes as they are made.
		weight := make([]uint32, 2*n-1)
		parent := make([]int, 2*n-1)
		for i, l := range leaves {
			weight[i] = l.f
		}
		a, b := 0, n
		least := func(made int) int {
			if a < n && (b >= made || weight[a] <= weight[b]) {
				a++
				return a - 1
			}
			b++
			return b - 1
		}
		for m := n; m < 2*n-1; m++ {
			x := least(m)
			y := least(m)
			weight[m] = weight[x] + weight[y]
			parent[x], parent[y] = m, m
		}
		depth := make([]uint8, 2*n-1)
		deepest := uint8(0)
		for i := 2*n - 3; i >= 0; i-- {
			depth[i] = depth[parent[i]] + 1
			if i < n {
				lens[leaves[i].s] = depth[i]
				deepest = max(deepest, depth[i])
			}
		}
		if deepest <= limit {
			return
		}
		for i := range leaves { // flatter frequencies give a flatter tree
			leaves[i].f = leaves[i].f/2 + 1
		}
	}
}
