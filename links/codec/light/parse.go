package light

import "slices"

// A step is a byte (length 0), or a quotation.
type step struct {
	length int
	kind   kind
	at     int // of fresh quotations: how far before the end of the stream; of the dictionary: where in it
}

type kind uint8

const (
	again kind = iota // goes on from where the last one of the stanza stood, as many bytes later as there were since
	fresh             // of the stream
	book              // of the dictionary
)

// A spot is a place in a stanza: how to get there for the least.
type spot struct {
	cost uint32
	step step
	lag  int // of the last quotation of the stream: its place in the window less the place in the stanza
	has  bool
}

// parse finds steps to say tok that cost little. Any other parse would be read the same.
func (m *Model) parse() []step {
	tok := m.tok
	n := len(tok)
	m.spots = slices.Grow(m.spots[:0], n+1)[:n+1]
	for i := range m.spots {
		m.spots[i] = spot{cost: 1 << 31}
	}
	m.spots[0].cost = 0
	skip := 0
	for i := range n {
		s := m.spots[i]
		c := m.fields[i].text
		m.relax(i+1, s.cost+price(0, chanceQuote[c])+m.lit.in(m.fields[i].context).price(tok[i]), step{}, s.lag, s.has)
		if i < skip {
			continue
		}
		base := s.cost + price(1, chanceQuote[c])
		if s.has {
			if at := i + s.lag; at < len(m.past.buf) {
				q := min(common(m.past.buf[at:], tok[i:]), longest)
				for k := shortest; k <= q; k++ {
					m.relax(i+k, base+price(1, chanceAgain[c])+lengthTariff[c].price(k-shortest+1), step{k, again, 0}, s.lag, true)
				}
			}
			base += price(0, chanceAgain[c])
		}
		far := 0
		if len(m.past.buf) > 0 {
			m.quotes = m.past.find(tok[i:], m.quotes[:0])
			far = m.relaxAll(i, base+price(0, chanceBook[c]), fresh)
			base += price(1, chanceBook[c])
		}
		m.quotes = m.known.book.find(tok[i:], m.quotes[:0])
		far = max(far, m.relaxAll(i, base, book))
		if far >= enough {
			skip = i + far
		}
	}
	return m.trace(n)
}

// enough is the length of a quotation within which no other is looked for.
const enough = 32

// relaxAll tries m.quotes at place i, and returns the length of the longest.
func (m *Model) relaxAll(i int, base uint32, k kind) (far int) {
	c := m.fields[i].text
	for _, q := range m.quotes {
		s := step{kind: k, at: q.at}
		cost, lag, has := base, len(m.past.buf)-q.at-i, true
		if k == book {
			s.at = len(m.known.book.buf) - q.at
			cost += placeTariff.price(s.at + 1)
			lag, has = m.spots[i].lag, m.spots[i].has
		} else {
			cost += ageTariff.price(q.at)
		}
		for n := shortest; n <= q.length; n++ {
			s.length = n
			m.relax(i+n, cost+lengthTariff[c].price(n-shortest+1), s, lag, has)
		}
		far = max(far, q.length)
	}
	return far
}

func (m *Model) relax(to int, cost uint32, s step, lag int, has bool) {
	if cost < m.spots[to].cost {
		m.spots[to] = spot{cost, s, lag, has}
	}
}

// trace lists the steps to place n in order.
func (m *Model) trace(n int) []step {
	m.steps = m.steps[:0]
	for n > 0 {
		s := m.spots[n].step
		m.steps = append(m.steps, s)
		n -= max(1, s.length)
	}
	slices.Reverse(m.steps)
	return m.steps
}
