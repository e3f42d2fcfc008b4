package frame

// Express is the first byte of a U_PDU that holds a frame of the express lane: a stream of its own, with names, numbers and history of its own, whose stanzas
// wait for none of the other. The frame follows it as it is.
//
// A frame without stanzas cannot have flagRun or flagRaw, so whoever does not know of the lane finds no frame here, and drops it. Nor is it RCOP, which has
// 0 in the lower half of the byte.
const Express = flagRaw | flagRun | flagMark

// Cut tells whether a U_PDU is of the express lane, and gives the frame in it.
func Cut(updu []byte) (rest []byte, express bool) {
	if len(updu) > 0 && updu[0] == Express {
		return updu[1:], true
	}
	return updu, false
}

// After is the first byte of a U_PDU with a frame of the ordinary lane that is not to be taken before a stanza of the express lane: the low byte of its
// number follows, then the frame. It is told apart as Express is.
const After = Express | flagAsk

// Behind tells whether a U_PDU is to be taken after a stanza of the express lane, and which, and gives the frame in it.
func Behind(updu []byte) (rest []byte, low byte, ok bool) {
	if len(updu) > 1 && updu[0] == After {
		return updu[2:], updu[1], true
	}
	return updu, 0, false
}
