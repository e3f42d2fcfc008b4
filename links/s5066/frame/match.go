package frame

// matches finds where in the history the present text has been before.
type matches struct {
	long, short [1 << 12]int32    // place behind the latest text with this hash
	same        [1 << 12]junction // the latest of each kind

	ok     bool
	ptr    int    // the byte there is expected next
	length int    // how many before it were right
	past   uint32 // which of the last ones were wrong, latest lowest
}

const (
	longText  = 10
	shortText = 5
	maxLength = 400
)

func (s *matches) reset() { *s = matches{} }

// follow makes ptr the expectation, and that a strong one.
func (s *matches) follow(ptr int) { s.ok, s.ptr, s.length, s.past = true, ptr, 32, 0 }

// take looks at the byte that came to the end of buf.
func (s *matches) take(buf []byte) {
	n := len(buf)
	if s.ok {
		if buf[s.ptr] == buf[n-1] {
			s.length = min(s.length+1, maxLength)
			s.past <<= 1
		} else {
			s.length = 0
			s.past = s.past<<1 | 1
		}
		s.ptr++
	}
	if n < longText {
		return
	}
	l, h := s.hashes(buf)
	if s.length < 16 {
		s.look(buf, int(s.long[l]))
		if s.length < shortText {
			s.look(buf, int(s.short[h]))
		}
	}
	s.long[l], s.short[h] = int32(n), int32(n)
}

type junction struct {
	key   uint32
	place int32
}

// meet looks for the latest junction of this kind.
func (s *matches) meet(key uint32, n int) {
	j := &s.same[key>>20]
	if j.key == key && j.place != 0 && (!s.ok || int(j.place) != s.ptr) {
		s.ok, s.ptr, s.length, s.past = true, int(j.place), maxLength, 0
	}
	*j = junction{key, int32(n)}
}

// look takes place p instead, if more before it is the same.
func (s *matches) look(buf []byte, p int) {
	if p == 0 || s.ok && p == s.ptr {
		return
	}
	n, k := len(buf), 0
	for k < 32 && k < p && buf[p-1-k] == buf[n-1-k] {
		k++
	}
	if k >= shortText-1 && k > s.length {
		s.ok, s.ptr, s.length, s.past = true, p, k, 0
	}
}

func (s *matches) hashes(buf []byte) (long, short uint32) {
	b := buf[len(buf)-longText:]
	var h uint32
	for _, c := range b[:longText-shortText] {
		h = (h + uint32(c)) * 0x2F0B4C47
	}
	var k uint32
	for _, c := range b[longText-shortText:] {
		k = (k + uint32(c)) * 0x2F0B4C47
		h = (h + uint32(c)) * 0x2F0B4C47
	}
	return h >> 20, k >> 20
}

// state sorts expectations by how good they have been.
func (s *matches) state(want byte) int {
	kind := 0
	switch {
	case want == '\'' || want == '>' || want == '<':
		kind = 1
	case want >= 'a' && want <= 'z':
		kind = 2
	case want >= '0' && want <= '9':
		kind = 3
	}
	return s.bucket()<<6 | int(s.past&15)<<2 | kind
}

// bucket of the length, 0 to 15.
func (s *matches) bucket() int {
	switch l := s.length; {
	case l < 8:
		return l
	case l < 16:
		return 8 + (l-8)/4
	case l < 32:
		return 10 + (l-16)/8
	case l < 400:
		return min(12+(l-32)/64, 14)
	}
	return 15
}
