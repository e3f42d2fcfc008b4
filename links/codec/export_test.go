package codec

import "longwire/links/codec/arith"

// Say plans tokens that need not be those of any text.
func (m *Model) Say(tokens []byte) []arith.Choice {
	m.ready()
	m.mode = planning
	m.begin(m.table.State())
	for _, c := range tokens {
		m.byte(c)
	}
	out := m.out
	m.out = nil
	return out
}
