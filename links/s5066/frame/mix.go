package frame

const (
	contexts = 7
	inputs   = contexts + 2 // the match, and a constant
	sets     = 3            // of weights, each for another view of the situation
)

// A counter is a chance that learns: 22 bits of it, and how often it was taught.
type counter uint32

func (c *counter) set(p uint32) { *c = counter(p << 16) }

func (c counter) chance() uint32 { return min(max(uint32(c)>>16, 1), 65535) }

var reciprocals = func() (t [1024]int64) {
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
			x.weights[i][k] = 20000
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

const rate = 20 // of learning

// guess says, or finds out, a byte by its eight bits. With ok, want is what the match expects.
func (m *model) guess(c, want byte, ok bool) byte {
	m.contexts()
	var used [contexts]*counter
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
			r := &m.trust[k][s]
			m.in[k], used[k] = 0, r
			if s > 0 {
				m.in[k] = stretch(r.chance())
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
		for k, l := range m.line {
			used[k].update(bit, 1000)
			l[cell] = nexts[l[cell]][bit]
		}
		if hit != nil {
			hit.update(1-(bit^expected), 250)
		}
		node = node<<1 | uint32(bit)
	}
	return byte(node)
}

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
	if m.pos.state == inValue && m.pos.attr == idAttr {
		// Most of an id is random: what is before tells nothing, and would only take the place of what does.
		c2, c3, c4 = 0, 0, 0
	}
	h := [contexts]uint32{
		f,
		f + c1<<3,
		f*31 + c1<<8 + c2,
		c1 | c2<<8 | c3<<16,
		c1 | c2<<8 | c3<<16 | c4<<24,
		m.word*hashMul + c1 + f*77,
		f*hashMul + uint32(min(m.pos.col, 63)),
	}
	for k := range h {
		x := (h[k] + uint32(k+1)*0x5851F42D) * 0x9E3779B1
		x ^= x >> 15
		m.ctx[k] = x * 0x85EBCA6B
	}
}
