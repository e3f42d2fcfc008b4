package mix

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
