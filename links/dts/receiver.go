package dts

// A cell is a frame that came in and is not in line yet.
type cell struct {
	have       bool
	start, end bool
	drop       bool
	delivered  bool // as part of a C_PDU that did not have to wait for its turn
	data       []byte
}

// A receiver is the receive window of the normal ARQ service.
//
// S5066 C.6.2: RX LWE is the oldest frame missing, RX UWE the newest one received; all frame arithmetic is modulo 256.
type receiver struct {
	lwe, uwe uint8
	cells    [256]cell
	owed     bool   // an acknowledgement is due
	part     []byte // the C_PDU whose frames are in line up to lwe
	open     bool   // its START was there
	spoiled  bool   // but it is not to be delivered
	limit    int    // bytes of the longest C_PDU
	deliver  func(cpdu []byte)
}

func (r *receiver) reset() {
	*r = receiver{uwe: 255, limit: r.limit, deliver: r.deliver}
}

// resync sets RX LWE to what the sender says.
//
// S5066 C.6.3: what was received beyond is forgotten. The C_PDU in part goes on only if nothing was skipped.
func (r *receiver) resync(lwe uint8) {
	if lwe != r.lwe {
		r.part, r.open = nil, false
	}
	r.lwe, r.uwe, r.cells, r.owed = lwe, lwe-1, [256]cell{}, false
}

// place gives RX UWE and a frame number as distances from RX LWE.
func (r *receiver) place(fsn uint8) (uwe, at int) {
	uwe = int(r.uwe+1-r.lwe) - 1 // -1 to 127
	at = int(int8(fsn - r.lwe))  // -128 to 127
	return uwe, at
}

// fits makes sync tests 1 to 3 of S5066 C.6.3 on the header of a frame.
func (r *receiver) fits(f *Frame) bool {
	uwe, at := r.place(f.FSN)
	switch {
	case at < uwe-(maxWindow-1): // 3: FSN within [RX UWE-127, RX LWE+127]
		return false
	case f.UWE && at < uwe: // 1: TX UWE within [RX UWE, RX LWE+127]
		return false
	case f.LWE && at > 0: // 2: TX LWE within [RX UWE-127, RX LWE]
		return false
	}
	return true
}

// take receives a frame with a good segment.
func (r *receiver) take(f *Frame, segment []byte) {
	uwe, at := r.place(f.FSN)
	c := &r.cells[f.FSN]
	if at < 0 || c.have {
		return // a copy
	}
	*c = cell{have: true, start: f.Start, end: f.End, drop: f.Drop, data: append([]byte(nil), segment...)}
	if at > uwe {
		r.uwe = f.FSN
	}
	if !f.InOrder {
		r.early(f.FSN)
	}
	for r.cells[r.lwe].have {
		r.pass(&r.cells[r.lwe])
		r.cells[r.lwe] = cell{}
		r.lwe++
	}
}

// early delivers the C_PDU around frame fsn if all of it is there.
//
// S5066 C.4.1: without DELIVER IN ORDER a C_PDU does not wait for earlier ones.
func (r *receiver) early(fsn uint8) {
	first, last := fsn, fsn
	var cpdu []byte
	for ; !r.cells[first].start; first-- {
		if first == r.lwe {
			if !r.open || r.spoiled {
				return
			}
			cpdu = r.part
			break
		}
		if !r.cells[first-1].have {
			return
		}
	}
	for ; !r.cells[last].end; last++ {
		if !r.cells[last+1].have {
			return
		}
	}
	for i := first; i != last+1; i++ {
		if c := &r.cells[i]; c.drop || c.delivered {
			return
		}
		cpdu = append(cpdu, r.cells[i].data...)
	}
	if len(cpdu) > r.limit {
		return
	}
	for i := first; i != last+1; i++ {
		r.cells[i].delivered, r.cells[i].data = true, nil
	}
	if !r.cells[first].start {
		r.part, r.open = nil, false
	}
	r.deliver(cpdu)
}

// pass takes the frame at RX LWE into line.
func (r *receiver) pass(c *cell) {
	if c.delivered {
		return
	}
	if c.start {
		r.part, r.open, r.spoiled = nil, true, false
	}
	// S5066 C.3.3: a DROP frame spoils the whole C_PDU it belongs to.
	r.spoiled = r.spoiled || c.drop || len(r.part)+len(c.data) > r.limit
	if r.open && !r.spoiled {
		r.part = append(r.part, c.data...)
	}
	if !c.end {
		return
	}
	if r.open && !r.spoiled {
		r.deliver(r.part)
	}
	r.part, r.open, r.spoiled = nil, false, false
}

// acks tells what is there.
//
// S5066 C.3.4: the first bit is that of RX LWE+1, the last one used that of RX UWE.
func (r *receiver) acks() Acks {
	a := Acks{LWE: r.lwe}
	for uwe, i := int(r.uwe+1-r.lwe)-1, 1; i <= uwe; i++ {
		if fsn := r.lwe + uint8(i); r.cells[fsn].have {
			a.set(fsn)
		}
	}
	return a
}
