package light

// reach is how far back the history of a stream can be quoted, in bytes of tokens.
const reach = 1 << 15

const (
	shortest = 3 // bytes of a quotation
	longest  = 258
	hashBits = 12
	maxChain = 12 // places looked at for one match; the parse is free, so this is a matter of time alone
)

// A window is text that can be quoted, and finds in itself what begins like another.
type window struct {
	buf  []byte
	head [1 << hashBits]int32 // newest place of each hash, plus 1
	prev []int32              // the next older place, plus 1
}

func hash(b []byte) uint32 {
	return (uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16) * 0x9E3779B1 >> (32 - hashBits)
}

func (w *window) reset() {
	w.buf, w.prev = w.buf[:0], w.prev[:0]
	clear(w.head[:])
}

// add puts text behind the rest, and forgets what is out of reach.
func (w *window) add(text []byte) {
	if len(text) > reach {
		text = text[len(text)-reach:]
	}
	if len(w.buf)+len(text) > 2*reach {
		w.slide(len(w.buf) - reach)
	}
	w.buf = append(w.buf, text...)
	for i := len(w.prev); i+shortest <= len(w.buf); i++ {
		k := hash(w.buf[i:])
		w.prev = append(w.prev, w.head[k])
		w.head[k] = int32(i) + 1
	}
}

func (w *window) slide(n int) {
	w.buf = w.buf[:copy(w.buf, w.buf[n:])]
	w.prev = w.prev[:copy(w.prev, w.prev[n:])]
	for _, l := range [][]int32{w.head[:], w.prev} {
		for i := range l {
			l[i] = max(0, l[i]-int32(n))
		}
	}
}

// A quote is length bytes, at bytes from the end of the window.
type quote struct{ length, at int }

// find lists quotations of the beginning of text, the nearest first, each longer than the one before.
func (w *window) find(text []byte, out []quote) []quote {
	if len(text) < shortest {
		return out
	}
	best, limit := shortest-1, min(longest, len(text))
	at := int(w.head[hash(text)]) - 1
	for chain := maxChain; at >= 0 && len(w.buf)-at <= reach && chain > 0; chain-- {
		if at+best < len(w.buf) && w.buf[at+best] == text[best] {
			if n := common(w.buf[at:], text[:limit]); n > best {
				best = n
				out = append(out, quote{n, len(w.buf) - at})
				if n == limit {
					break
				}
			}
		}
		at = int(w.prev[at]) - 1
	}
	return out
}

// common is how many bytes two texts begin with alike.
func common(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
