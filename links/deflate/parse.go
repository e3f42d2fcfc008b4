package deflate

// A token is one symbol of the output: a literal (dist 0, length is the byte), or a match of length at distance dist.
type token struct{ length, dist uint16 }

// never is a cost no parse can have: the symbol has no code.
const never = 1 << 28

// costs are what each symbol takes in bits, extra bits included.
type costs struct {
	lit  [256]uint32
	len  [maxMatch + 1]uint32
	dist [numDist]uint32
}

func (c *costs) set(lit, dist []uint8) {
	bits := func(lens []uint8, s int) uint32 {
		if s < len(lens) && lens[s] > 0 {
			return uint32(lens[s])
		}
		return never
	}
	for i := range c.lit {
		c.lit[i] = bits(lit, i)
	}
	for n := minMatch; n <= maxMatch; n++ {
		k := lenCode[n-minMatch]
		c.len[n] = bits(lit, 257+int(k)) + uint32(lenExtra[k])
	}
	for i := range c.dist {
		c.dist[i] = bits(dist, i) + uint32(distExtra[i])
	}
}

// A parser finds the cheapest way to say a text, by dynamic programming over its places.
type parser struct {
	text   []byte
	places []place
	found  []found
	dcode  []uint8 // distance symbol of each found

	cost []uint32 // cheapest way to get to a place, in bits
	step []token  // and its last token
	out  []token
}

// load sets the text that follows the history, and finds its matches.
func (p *parser) load(h *history, end int) {
	p.text = h.buf[h.done:end]
	p.places, p.found = h.matches(end, p.places[:0], p.found[:0])
	p.dcode = p.dcode[:0]
	for _, f := range p.found {
		p.dcode = append(p.dcode, uint8(distCode(int(f.dist)+1)))
	}
}

// parse returns the cheapest tokens under c, and their cost. The tokens stand until the next call.
func (p *parser) parse(c *costs) ([]token, uint32) {
	n := len(p.text)
	p.cost = append(p.cost[:0], 0)
	for range n {
		p.cost = append(p.cost, ^uint32(0))
	}
	if cap(p.step) <= n {
		p.step = make([]token, n+1, 2*n+64)
	}
	p.step = p.step[:n+1]
	for i, ch := range p.text {
		here := p.cost[i]
		if t := min(here+c.lit[ch], never); t < p.cost[i+1] {
			p.cost[i+1], p.step[i+1] = t, token{length: uint16(ch)}
		}
		p.relax(i, here, c)
	}
	// Back from the end, then turned round.
	p.out = p.out[:0]
	for i := n; i > 0; {
		t := p.step[i]
		p.out = append(p.out, t)
		if t.dist == 0 {
			i--
		} else {
			i -= int(t.length)
		}
	}
	for a, b := 0, len(p.out)-1; a < b; a, b = a+1, b-1 {
		p.out[a], p.out[b] = p.out[b], p.out[a]
	}
	return p.out, p.cost[n]
}

// relax tries the matches at place i. One with a cheaper distance than all before it is tried at every length, another only where the
// nearer ones end.
func (p *parser) relax(i int, here uint32, c *costs) {
	pl := p.places[i]
	shorter, cheapest := minMatch-1, uint32(never)
	for k := pl.from; k < pl.to; k++ {
		f := p.found[k]
		d := c.dist[p.dcode[k]]
		from := shorter + 1
		if d < cheapest {
			cheapest, from = d, minMatch
		}
		for n := from; n <= int(f.length); n++ {
			if t := min(here+d+c.len[n], never); t < p.cost[i+n] {
				p.cost[i+n], p.step[i+n] = t, token{uint16(n), f.dist + 1}
			}
		}
		shorter = int(f.length)
	}
}
