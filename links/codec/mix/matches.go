package mix

// matches finds where in what was said before the present symbols have been, to expect what came next there.
type matches struct {
	buf    []byte
	places [1 << 12]uint16 // behind the latest symbols with this hash
	ptr    int             // the symbol there is expected next; 0: none is
	length int             // how many before it were right
}

const (
	shortest = 5       // symbols that make a match
	maxSaid  = 1 << 14 // symbols that are kept, twice at most
	maxMatch = 32
)

func (s *matches) reset() {
	s.buf = s.buf[:0]
	clear(s.places[:])
	s.ptr, s.length = 0, 0
}

// expected is the symbol that comes if all goes on as it did.
func (s *matches) expected() (c byte, ok bool) {
	if s.ptr == 0 {
		return 0, false
	}
	return s.buf[s.ptr], true
}

func (s *matches) step(c byte) {
	if len(s.buf) == 2*maxSaid-1 {
		n := copy(s.buf, s.buf[len(s.buf)-maxSaid:])
		s.buf = s.buf[:n]
		clear(s.places[:])
		s.ptr, s.length = 0, 0
	}
	s.buf = append(s.buf, c)
	n := len(s.buf)
	if n < shortest {
		return
	}
	var h uint32
	for _, c := range s.buf[n-shortest:] {
		h = (h + uint32(c) + 1) * 0x2F0B4C47
	}
	at := &s.places[h>>20]
	if s.ptr > 0 && s.buf[s.ptr] == c {
		s.ptr++
		s.length = min(s.length+1, maxMatch)
	} else {
		s.look(int(*at))
	}
	*at = uint16(n)
}

// look expects what is at p, if enough before it is the same.
func (s *matches) look(p int) {
	n, k := len(s.buf), 0
	for k < maxMatch && k < p && s.buf[p-1-k] == s.buf[n-1-k] {
		k++
	}
	if k < shortest {
		p, k = 0, 0
	}
	s.ptr, s.length = p, k
}
