package light

import "longwire/links/codec/token"

// A place follows the tokens of a stanza and says in what context each byte is.
type place struct {
	token.Place
	last [2]byte // of text
}

func (p *place) begin() {
	p.Place.Begin(token.State{})
	p.last = [2]byte{}
}

func (p *place) step(c byte) (end bool) {
	if p.Text {
		p.last = [2]byte{p.last[1], c}
	} else {
		p.last = [2]byte{}
	}
	return p.Step(c)
}

// field is what is known of the next byte: of text, what stands before it; of anything else, what it is and what of the element was said.
func (p *place) field() field {
	if p.Text {
		h := uint32(folded(p.last[0]))<<8 | uint32(folded(p.last[1]))
		return field{context{uint16(p.last[1]), narrow + mixed(h)}, 1}
	}
	h := p.Path ^ p.Value<<1 ^ uint32(p.Field)<<16 ^ uint32(p.Op)
	return field{context{256 + p.Field&255, narrow + mixed(h)}, 0}
}

// mixed makes a context of wide of a hash.
func mixed(h uint32) uint16 { return uint16(h * 0x9E3779B1 >> 23) }

// folded takes case from letters, and makes all digits one.
func folded(c byte) byte {
	switch {
	case c >= 'A' && c <= 'Z':
		return c + 'a' - 'A'
	case c >= '0' && c <= '9':
		return '0'
	}
	return c
}
