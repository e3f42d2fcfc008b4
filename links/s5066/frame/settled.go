package frame

import "longwire/links/codec/arith"

// The settled form is what most frames have: 24 bits before the body,
//
//	byte 0  form (3 bits), low 5 bits of the number
//	byte 1  2 more bits of it, then the upper 6 bits of the check
//	byte 2  the lower 8 bits
//
// and at the beginning of the coded body what is rare, each at its price: the flags Run (5 bits if so, else 0.05) and Lone (1 bit, with Run), Ask and Behind (6, else 0.02), After
// (8 bits), and the mark (7 bits) if the form says that there is one. These choices depend on no history, so they can be read before it is there.

const (
	nearBits  = 7
	nearMask  = 1<<nearBits - 1
	checkMask = 1<<14 - 1

	runP    = 1 << 11 // chances, in 65536ths
	rareP   = 1 << 10
	evenP   = 1 << 15
	leastly = 3 // bytes of the form
)

// settled tells whether h can go in this form.
func (h *Header) settled(raw bool) bool {
	switch {
	case h.Names || h.Again || raw:
		return false
	case h.Data == None:
		return h.HasMark && !h.Ask && !h.Behind
	}
	return h.Data == Stanzas && !h.Far
}

func (h *Header) form() byte {
	switch {
	case h.Data == None && h.Express:
		return formMarkExpress
	case h.Data == None:
		return formMark
	case h.Express && h.HasMark:
		return formExpressMark
	case h.Express:
		return formExpress
	case h.HasMark:
		return formDataMark
	}
	return formData
}

func (h *Header) appendSettled(b []byte, n uint32, check uint16) []byte {
	n &= nearMask
	check &= checkMask
	return append(b, h.form()|byte(n&0x1F)<<3, byte(n>>5)<<6|byte(check>>8), byte(check))
}

// prelude codes what the body of a settled frame begins with.
func (h *Header) prelude(c *arith.Encoder) {
	c.Encode(choose(h.Run, runP))
	if h.Run {
		c.Encode(choose(h.Lone, evenP))
	}
	c.Encode(choose(h.Ask, rareP))
	if !h.Express {
		c.Encode(choose(h.Behind, rareP))
	}
	if h.Behind {
		number(c, uint32(h.After), 8)
	}
	if h.HasMark {
		number(c, h.Mark, nearBits)
	}
}

func number(c *arith.Encoder, n uint32, bits int) {
	for i := bits - 1; i >= 0; i-- {
		c.Encode(choose(n>>i&1 == 1, evenP))
	}
}

// readPrelude is the way back.
func (h *Header) readPrelude(d *arith.Decoder) {
	h.Run = d.Decode(runP) == 1
	h.Lone = h.Run && d.Decode(evenP) == 1
	h.Ask = d.Decode(rareP) == 1
	h.Behind = !h.Express && d.Decode(rareP) == 1
	if h.Behind {
		h.After = byte(readNumber(d, 8))
	}
	if h.HasMark {
		h.Mark = readNumber(d, nearBits)
	}
}

func readNumber(d *arith.Decoder, bits int) (n uint32) {
	for range bits {
		n = n<<1 | uint32(d.Decode(evenP))
	}
	return n
}

// parseSettled reads a frame of this form.
func parseSettled(b []byte) (Frame, error) {
	f := Frame{bits: nearBits, check: uint16(b[1]&0x3F)<<8 | uint16(b[2]), body: b[leastly:]}
	n := uint32(b[0]>>3) | uint32(b[1]>>6)<<5
	switch h := &f.h; b[0] & formMask {
	case formMark, formMarkExpress:
		h.HasMark, h.Mark, h.Express = true, n, b[0]&formMask == formMarkExpress
		if len(f.body) > 0 {
			return Frame{}, ErrFormat
		}
	default:
		h.Data, h.Seq = Stanzas, n
		h.Express = b[0]&formMask >= formExpress
		h.HasMark = b[0]&1 == 1
		var d arith.Decoder
		d.Begin(f.body)
		h.readPrelude(&d)
	}
	return f, nil
}
