package codec

import (
	"longwire/links/codec/mix"
	"longwire/links/codec/token"
)

// A clerk follows everything that is not human text: what the next byte of it is guessed from.
type clerk struct {
	recent uint64 // the last eight bytes
	salt   uint32 // tells what numbers of this stream stand for from what they do on others
	heads  uint32 // the first bytes of the stanzas before
	ask    mix.Ask
}

func (c *clerk) begin() { c.recent = 0 }

func (c *clerk) next(p *token.Place) *mix.Ask {
	a := &c.ask
	c1, c2, c3 := uint32(c.recent&0xFF), uint32(c.recent>>8&0xFF), uint32(c.recent>>16&0xFF)
	f := uint32(p.Field)<<8 | uint32(p.Op)
	cold := uint32(0)
	if p.Cold {
		cold = 1
	}
	f |= cold << 24
	kind := uint32(p.Kind)<<5 | uint32(p.Op)
	here := hash(f, p.Value)
	if p.Raw {
		here = hash(f, uint32(min(p.Pos, 15)))
	}
	who := hash(p.From, p.To+c.salt)
	before := hash(p.Before.From^uint32(p.Before.Head)<<24, p.Before.To+c.salt)
	known := uint32(0)
	if p.Named || p.Cold && p.Op == token.OpHead {
		known = c.salt
	}
	a.Lo, a.Hi, a.Again = p.Lo, p.Hi, p.Again
	third, fourth := hash(kind<<8|c1, known+3), hash(here, p.Path+known+4)
	switch {
	case p.Cold:
	case p.Op == token.OpHead:
		c.heads = c.heads<<8 | uint32(p.Before.Head)
		third, fourth = hash(here, p.Before.From+c.salt+3), hash(here, c.heads&0xFFFF+4)
	case p.From != 0:
		third = hash(here^p.Path*13, p.From+c.salt+3)
	case p.Op == token.OpJID:
		fourth = hash(here^uint32(p.Head)*77, p.Before.From+c.salt+4)
	}
	a.Contexts = [mix.Contexts]uint32{
		hash(f, known+1), hash(here, known+2), third, fourth,
	}
	a.Runs = [mix.Runs]uint32{
		hash(here, p.Last+known+5), hash(here^p.Path*31, who+6), hash(here^p.Path*17, p.From+c.salt+7), hash(here^before*31, 8), hash(c1|c2<<8|c3<<16, kind+known+9),
		hash(hash(here, p.Path), before+uint32(p.Head)),
	}
	a.Views = [mix.Views]uint32{cold<<7 | uint32(p.Op)*10 + uint32(min(p.Kind, 9)), c1, uint32(min(p.Pos, 15)) | cold<<4, uint32(p.Field & 63)}
	a.Refine = hash(f, c1)
	return a
}

func (c *clerk) step(_ *token.Place, b byte) { c.recent = c.recent<<8 | uint64(b) }
