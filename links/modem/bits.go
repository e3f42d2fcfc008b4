package modem

// A packer makes whole bytes of bits, lowest first. What is left over waits for the next.
type packer struct {
	part byte
	bits int // of part, 0 to 7
}

// fill puts n arbitrary bits in front.
func (p *packer) fill(n int, v byte) { p.bits, p.part = n, v&(1<<n-1) }

// add takes n bits and gives the whole bytes. last fills up what is left over, with zeros.
func (p *packer) add(b []byte, n int, last bool) []byte {
	total := p.bits + n
	out := make([]byte, 0, (total+7)/8)
	carry, have := uint32(p.part), p.bits
	for i := 0; n > 0; i++ {
		take := min(8, n)
		carry |= uint32(b[i]&byte(1<<take-1)) << have
		have += take
		n -= take
		if have >= 8 {
			out = append(out, byte(carry))
			carry >>= 8
			have -= 8
		}
	}
	if last && have > 0 {
		out = append(out, byte(carry))
		carry, have = 0, 0
	}
	p.part, p.bits = byte(carry), have
	return out
}

// cut copies n bits of b from the bit numbered first.
func cut(b []byte, first, n int) []byte {
	out := make([]byte, (n+7)/8)
	i, shift := first/8, first%8
	for k := range out {
		v := b[i+k] >> shift
		if shift > 0 && i+k+1 < len(b) {
			v |= b[i+k+1] << (8 - shift)
		}
		out[k] = v
	}
	if n%8 != 0 {
		out[len(out)-1] &= 1<<(n%8) - 1
	}
	return out
}
