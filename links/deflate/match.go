package deflate

// history is the text the Writer may refer back to, with chains of places that begin with the same three bytes.
type history struct {
	buf    []byte               // what was sent, as far as it is in reach, then what is pending; at most bufSize
	done   int                  // buf[:done] was sent
	hashed int                  // buf[:hashed] is in the chains; it needs two bytes behind it
	head   [1 << hashBits]int32 // newest place of each hash, plus 1; 0: none
	prev   [bufSize]uint16      // how far before i the next older place is; 0: none
}

const (
	bufSize  = 2 * winSize
	hashBits = 13
	maxChain = 256 // places looked at for one match
	maxFound = 16  // matches kept for one place
	nice     = 96  // a match this long is taken as it is
)

func hash3(b []byte) uint32 {
	return (uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16) * 0x9E3779B1 >> (32 - hashBits)
}

func (h *history) reset() {
	h.buf, h.done, h.hashed = h.buf[:0], 0, 0
	clear(h.head[:])
}

// slide drops history that is out of reach when less than half a window is free.
func (h *history) slide() {
	cut := h.done - winSize
	if cut <= 0 || len(h.buf) < bufSize-winSize/2 {
		return
	}
	copy(h.prev[:], h.prev[cut:h.done])
	h.buf = h.buf[:copy(h.buf, h.buf[cut:])]
	h.done -= cut
	h.hashed -= cut
	for i := range h.head {
		h.head[i] = max(0, h.head[i]-int32(cut))
	}
}

// enter puts the places before end into the chains.
func (h *history) enter(end int) {
	for ; h.hashed < end && h.hashed+minMatch <= len(h.buf); h.hashed++ {
		k := hash3(h.buf[h.hashed:])
		h.prev[h.hashed] = 0
		if p := int(h.head[k]) - 1; p >= 0 && h.hashed-p <= winSize {
			h.prev[h.hashed] = uint16(h.hashed - p)
		}
		h.head[k] = int32(h.hashed) + 1
	}
}

// found is a match: length bytes at distance dist+1.
type found struct{ length, dist uint16 }

// place tells where the matches of one position are.
type place struct{ from, to int32 }

// matches finds the matches worth a thought for each place of buf[done:end], and moves done to end. Nearest first, so that each has more
// length and more distance than the one before it.
func (h *history) matches(end int, places []place, out []found) ([]place, []found) {
	skip := 0 // places inside a long match are not searched
	for i := h.done; i < end; i++ {
		from := int32(len(out))
		h.enter(i)
		if skip > 0 {
			skip--
		} else if i+minMatch <= end {
			out = h.search(i, end, int(h.head[hash3(h.buf[i:])])-1, out)
			if n := len(out); n > int(from) && out[n-1].length >= nice {
				skip = int(out[n-1].length) - 1
			}
		}
		places = append(places, place{from, int32(len(out))})
	}
	h.done = end
	return places, out
}

func (h *history) search(i, end, at int, out []found) []found {
	from := len(out)
	best, limit := minMatch-1, min(maxMatch, end-i)
	for chain := maxChain; at >= 0 && i-at <= winSize && chain > 0; chain-- {
		if h.buf[at+best] == h.buf[i+best] {
			n := 0
			for n < limit && h.buf[at+n] == h.buf[i+n] {
				n++
			}
			if n > best {
				best = n
				if len(out)-from == maxFound {
					out = out[:len(out)-1]
				}
				out = append(out, found{uint16(n), uint16(i - at - 1)})
				if best >= limit {
					break
				}
			}
		}
		if h.prev[at] == 0 {
			break
		}
		at -= int(h.prev[at])
	}
	return out
}
