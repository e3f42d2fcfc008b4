package dts

import "encoding/binary"

// A Scanner finds D_PDUs in the bits a modem hands out. Their bytes need not begin where the modem's do, noise may surround them, and
// nothing but a good header check makes it believe in one.
//
// The zero Scanner is ready. It is used by one goroutine. It keeps less than MaxPDU bytes between calls of Write, however long the noise.
type Scanner struct {
	buf   []byte
	bit   int   // where the search goes on, in bits from buf's beginning
	gone  int64 // bytes of this reception that left buf
	ended bool
	frame [MaxPDU]byte // the D_PDU found last, its bytes brought into line
}

// Found is something with a good header check.
type Found struct {
	PDU   PDU
	Fault error  // *Error of kind ErrFault: only type, EOW, EOT and addresses of PDU can be used
	Bit   int64  // where its synchronisation begins, in bits since the reception began
	Raw   []byte // its bytes; PDU points into them, and both last until the next call of Next
}

// Write takes what was received. It never fails.
func (s *Scanner) Write(b []byte) (int, error) {
	if s.ended {
		s.buf, s.bit, s.gone, s.ended = s.buf[:0], 0, 0, false
	}
	if done := s.bit / 8; done > 0 {
		s.buf = s.buf[:copy(s.buf, s.buf[done:])]
		s.gone += int64(done)
		s.bit %= 8
	}
	s.buf = append(s.buf, b...)
	return len(b), nil
}

// End tells that the reception is over: what is incomplete will stay so. Call Next until it has no more; the next Write begins a new
// reception.
func (s *Scanner) End() { s.ended = true }

// Next gives what was found next; ok is false when more bytes are needed first.
func (s *Scanner) Next() (f Found, ok bool) {
	for s.sync() {
		bits := len(s.buf)*8 - s.bit
		n := s.align(min(bits/8, syncSize+31+MaxAddressSize))
		f = Found{Bit: s.gone*8 + int64(s.bit)}
		header, err := f.PDU.decodeHeader(s.frame[:n])
		switch kind, _ := err.(*Error); {
		case kind == nil:
		case kind.Kind == ErrFault:
			f.Fault, f.Raw = err, s.frame[:header]
			s.bit += 8 * header
			return f, true
		case kind.Kind == ErrShort && !s.ended:
			return Found{}, false
		default:
			s.bit++ // Choice: one bit on, so that a false start hides no D_PDU
			continue
		}
		if !f.PDU.Type.hasSegment() {
			f.Raw = s.frame[:header]
			s.bit += 8 * header
			return f, true
		}
		size := f.PDU.segmentSize(s.frame[:header])
		whole := header + size + segCRCSize
		if bits/8 < whole && !s.ended {
			return Found{}, false
		}
		s.segment(&f, header, size, s.align(min(bits/8, whole)))
		return f, true
	}
	return Found{}, false
}

// segment completes f, of whose bytes n are there.
func (s *Scanner) segment(f *Found, header, size, n int) {
	f.Raw = s.frame[:n]
	f.PDU.Segment = s.frame[header:min(n, header+size)]
	whole := header + size + segCRCSize
	f.PDU.Damaged = n < whole || SegmentCRC(f.PDU.Segment) != binary.LittleEndian.Uint32(s.frame[header+size:])
	if f.PDU.Damaged {
		// Bits may have been lost or won inside: the next D_PDU may begin anywhere after the header.
		s.bit += 8 * header
		return
	}
	s.bit += 8 * whole
}

// sync moves on to the next synchronisation sequence, at whatever bit it begins. When there is none it leaves the last 15 bits for later.
func (s *Scanner) sync() bool {
	for i, shift := s.bit/8, s.bit%8; i+1 < len(s.buf); i, shift = i+1, 0 {
		// On a line the lowest bit goes first, so a later bit of the stream is a higher bit of the window.
		window, last := uint32(s.buf[i])|uint32(s.buf[i+1])<<8, 1
		if i+2 < len(s.buf) {
			window, last = window|uint32(s.buf[i+2])<<16, 8
		}
		for ; shift < last; shift++ {
			if uint16(window>>shift) == sync1<<8|sync0 {
				s.bit = 8*i + shift
				return true
			}
		}
	}
	s.bit = max(s.bit, 8*len(s.buf)-15)
	return false
}

// align brings the next n bytes from the present bit into frame, and returns n.
func (s *Scanner) align(n int) int {
	i, shift := s.bit/8, s.bit%8
	if shift == 0 {
		return copy(s.frame[:n], s.buf[i:])
	}
	for k := range n {
		s.frame[k] = s.buf[i+k]>>shift | s.buf[i+k+1]<<(8-shift)
	}
	return n
}
