package frame

const (
	contexts = 10
	inputs   = contexts + 2 // the match, and a constant
	sets     = 3
)

// A counter is a chance that learns: 22 bits of it, and how often it was taught.
type counter uint32

func (c *counter) set(p uint32) { *c = counter(p << 16) }

func (c counter) chance() uint32 { return min(max(uint32(c)>>16, 1), 65535) }

var reciprocals = func() (t [256]int64) {
	for i := range t {
		t[i] = 65536 * 2 / int64(2*i+3)
	}
	return t
}()

// update teaches it. The more it was taught the slower it learns, down to one in limit.
func (c *counter) update(bit int, limit uint32) {
	n := uint32(*c) & 1023
	p := int64(*c >> 10)
	p += (int64(bit*(1<<22-1)) - p) * reciprocals[n] >> 16
	if n < limit {
		n++
	}
	*c = counter(uint32(p)<<10 | n)
}

// A mixer weighs the inputs. There are several for different situations.
type mixer struct {
	weights [256][inputs]int32
	used    *[inputs]int32
	dot     int32
}

func (x *mixer) reset() {
	for i := range x.weights {
		for k := range x.weights[i] {
			x.weights[i][k] = 18000
		}
	}
}

func (x *mixer) mix(set uint32, in *[inputs]int32) int32 {
	x.used = &x.weights[set&255]
	sum := int64(0)
	for k, v := range in {
		sum += int64(v) * int64(x.used[k])
	}
	x.dot = int32(min(max(sum>>16, -far), far))
	return x.dot
}

func (x *mixer) update(bit int, in *[inputs]int32) {
	err := (int64(bit)<<16 - int64(squash(x.dot))) * rate
	for k, v := range in {
		x.used[k] += int32((int64(v)*err + 1<<19) >> 20)
	}
}

const rate = 10

// guess says, or finds out, a byte by its eight bits. With ok, want is what the match expects.
func (m *model) guess(c, want byte, ok bool) byte {
	m.contexts()
	node := uint32(1) // the bits so far, behind a one
	length := m.seen.bucket()
	for i := 7; i >= 0; i-- {
		if i == 7 || i == 3 {
			for k := range m.line {
				m.line[k] = m.cells.find(m.ctx[k] + node*0x3D4D51CB)
			}
		}
		cell := node
		if i < 4 {
			cell = node&(1<<(3-i)-1) | 1<<(3-i)
		}
		known := uint32(0)
		for k, l := range m.line {
			s := l[cell]
			m.in[k] = stretchTable12(s>>4) * confidence[s&15] >> 8
			if s&15 > 0 {
				known++
			}
		}
		m.in[contexts] = 0
		var hit *counter
		expected := 0
		if ok && (uint32(want)|256)>>(i+1) == node {
			hit = &m.hits[length*8+i]
			expected = int(want>>i) & 1
			x := stretch(hit.chance())
			if expected == 0 {
				x = -x
			}
			m.in[contexts] = x
		} else {
			length = 0
		}
		m.in[contexts+1] = logit
		x := m.mix[0].mix(uint32(length)<<4|known, &m.in)
		x += m.mix[1].mix(m.pos.field>>24, &m.in)
		x += m.mix[2].mix(node, &m.in)
		bit := m.code(int(c>>i)&1, min(max(squash(x/sets), 1), 65535))
		for k := range m.mix {
			m.mix[k].update(bit, &m.in)
		}
		for _, l := range m.line {
			teach(&l[cell], bit)
		}
		if hit != nil {
			hit.update(1-(bit^expected), 250)
		}
		node = node<<1 | uint32(bit)
	}
	return byte(node)
}

func stretchTable12(p uint16) int32 { return int32(stretchTable[p]) }

// contexts computes what the byte is guessed from.
func (m *model) contexts() {
	n := len(m.buf)
	at := func(k int) uint32 {
		if k > n {
			return 0
		}
		return uint32(m.buf[n-k])
	}
	f := m.pos.field
	c1, c2, c3, c4 := at(1), at(2), at(3), at(4)
	h := [contexts]uint32{
		f,
		f + c1<<3,
		c1 | c2<<8,
		c1 | c2<<8 | c3<<16,
		c1 | c2<<8 | c3<<16 | c4<<24,
		(c1|c2<<8|c3<<16|c4<<24)*hashMul + at(5)<<8 + at(6),
		m.word*hashMul + c1,
		m.word*hashMul + m.last,
		f*hashMul + uint32(min(m.pos.col, 63)),
		f*31 + c1<<8 + c2,
	}
	for k := range h {
		x := (h[k] + uint32(k+1)*0x5851F42D) * 0x9E3779B1
		x ^= x >> 15
		m.ctx[k] = x * 0x85EBCA6B
	}
}

// cells keeps the counters of contexts, each line those of half a byte in one context: the first is a check of the hash, the others
// have 12 bits of chance and 4 of how often they were taught.
type cells struct{ lines [1 << cellBits]line }

type line [16]uint16

const cellBits = 13

func (t *cells) reset() { *t = cells{} }

func (t *cells) find(h uint32) *line {
	h = (h ^ h>>13) * 0xC2B2AE35
	i := h >> (32 - cellBits)
	check := uint16(h) | 1
	a, b := &t.lines[i], &t.lines[i^1]
	if a[0] == check {
		return a
	}
	if b[0] == check {
		return b
	}
	if b[1]&15 < a[1]&15 {
		a, b = b, a
	}
	// The one that is kept grows older.
	if b[1]&15 > 0 {
		b[1]--
	}
	for k := range a {
		a[k] = 2048 << 4
	}
	a[0] = check
	return a
}

// confidence of a counter by how often it was taught, in 256ths.
var confidence = [16]int32{0, 160, 200, 230, 256, 270, 280, 290, 300, 300, 300, 300, 300, 300, 300, 300}

var rates = [16]int32{43690, 26214, 18724, 14563, 11915, 10082, 8738, 7710, 6898, 6241, 5698, 5242, 4854, 4519, 4227, 3971}

func teach(s *uint16, bit int) {
	n := *s & 15
	p := int32(*s >> 4)
	p += (int32(bit)*4095 - p) * rates[n] >> 16
	if n < 15 {
		n++
	}
	*s = uint16(p)<<4 | n
}
