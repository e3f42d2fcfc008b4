// Package deflate is the compression of a link: one RFC 1950 zlib stream per direction that lasts as long as the contact.
//
// The Writer looks harder for few bytes than an encoder for files would: it parses each flush optimally and keeps, in
// Dense, one Huffman code open across flushes. The Reader hands out everything it has decoded whenever its input runs dry,
// whatever kind of flush, or none, the other side used.
package deflate

import "errors"

// What a Reader finds wrong with its peer.
var (
	ErrNotZlib = errors.New("deflate: peer sends uncompressed")                  // no zlib header at the start
	ErrDict    = errors.New("deflate: peer asks for a preset dictionary")        // RFC 1950 §2.2, FDICT
	ErrCorrupt = errors.New("deflate: compressed data is damaged")               // no valid RFC 1951 stream
	ErrSum     = errors.New("deflate: checksum at the end of stream is wrong")   // RFC 1950 §2.2, ADLER32
	ErrBomb    = errors.New("deflate: data inflates more than 200:1 over 1 MiB") // a zlib bomb
)

const (
	winSize  = 1 << 15 // RFC 1951 §2: back references reach at most 32 KiB
	minMatch = 3
	maxMatch = 258

	numLit  = 286 // literals, end of block, lengths; RFC 1951 §3.2.5
	numDist = 30
	eob     = 256 // end of block

	maxBits = 15 // longest code of literals and distances; RFC 1951 §3.2.7
)

// clOrder is the order in which a dynamic block gives the lengths of its code length code. RFC 1951 §3.2.7.
var clOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// Lengths: symbol 257+i stands for lenBase[i] plus lenExtra[i] bits. RFC 1951 §3.2.5.
var (
	lenBase = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115,
		131, 163, 195, 227, 258}
	lenExtra = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
)

// Distances, in the same way.
var (
	distBase = [numDist]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025,
		1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distExtra = [numDist]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12,
		12, 13, 13}
)

// lenCode maps a match length less 3 to its symbol less 257.
var lenCode = func() (t [maxMatch - minMatch + 1]uint8) {
	for i := range lenBase {
		for n := int(lenBase[i]); n < int(lenBase[i])+1<<lenExtra[i] && n <= maxMatch; n++ {
			t[n-minMatch] = uint8(i)
		}
	}
	t[maxMatch-minMatch] = 28 // 258 has a symbol of its own
	return t
}()

// distCode gives the distance symbol of d, 1 to 32768.
func distCode(d int) int {
	lo, hi := 0, numDist-1
	for lo < hi {
		mid := (lo + hi + 1) / 2
		if int(distBase[mid]) <= d {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}

// fixedLit and fixedDist are the code lengths of a fixed block. RFC 1951 §3.2.6.
var (
	fixedLit = func() (l [288]uint8) {
		for i := range l {
			switch {
			case i < 144:
				l[i] = 8
			case i < 256:
				l[i] = 9
			case i < 280:
				l[i] = 7
			default:
				l[i] = 8
			}
		}
		return l
	}()
	fixedDist = func() (l [32]uint8) {
		for i := range l {
			l[i] = 5
		}
		return l
	}()
)
